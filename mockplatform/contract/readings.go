package contract

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Readings are the switches of runtime.md section 16: where the documents leave a question open, the first value is
// the decision and the others are offered. Zero values are not the defaults; begin with DefaultReadings.
type Readings struct {
	ImagePort          string        // Q2: strict, lenient
	RootFilesystem     string        // Q3: read-only, writable
	ProcessUser        string        // Q4: image, or a numeric uid
	InitTimeout        time.Duration // Q5: 3 to 300 s
	ReadinessProbe     string        // Q6: connect, none
	OversizeStatus     int           // Q9: 410, 407 (HTTP functions)
	GatewayErrorStatus string        // Q10: code, 200
	ResponseRequestID  bool          // Q11
	ClientHeaders      string        // Q14: strip, pass-unknown
	NonSuccessAnswer   string        // Q16: lenient, strict
	WebResponseLine    bool          // Q17
	FreezeBetween      bool          // Q19
	BillingStep        time.Duration // Q22: 1 ms, 100 ms
	BillInit           bool          // Q22
	ExecutionRole      bool          // R5
	UpstreamKeepAlive  bool          // R15
}

// DefaultReadings are the decisions of runtime.md 16.1 and 16.2.
func DefaultReadings() Readings {
	return Readings{
		ImagePort: "strict", RootFilesystem: "read-only", ProcessUser: "image", InitTimeout: DefaultInitTimeout,
		ReadinessProbe: "connect", OversizeStatus: StatusWebResponseTooLarge.Code, GatewayErrorStatus: "code",
		ClientHeaders: "strip", NonSuccessAnswer: "lenient", BillingStep: time.Millisecond, ExecutionRole: true,
		UpstreamKeepAlive: true,
	}
}

// ErrReading means an unknown switch or an unknown value of one; the text lists the known ones.
var ErrReading = errors.New("unknown reading")

// reading connects a documented name with its field.
type reading struct {
	name     string
	question string // of runtime.md 16
	values   string
	about    string
	get      func(Readings) string
	set      func(*Readings, string) error
}

// readings is the table of all switches in the order of runtime.md 16.
func readings() []reading {
	return []reading{
		choice("image-port", "Q2", "strict: only port 9000; lenient: the image port as given",
			func(r *Readings) *string { return &r.ImagePort }, "strict", "lenient"),
		choice("root-filesystem", "Q3", "read-only: only /tmp can be written, 512 MB; writable: the whole writable layer, /tmp in it, of 512 MB, which is measured and not enforced",
			func(r *Readings) *string { return &r.RootFilesystem }, "read-only", "writable"),
		user("process-user", "Q4", "image: the USER of the image; a number: that uid"),
		duration("init-timeout", "Q5", "limit of the start; where it is not the default it covers the pull too (R7)", "3s to 300s",
			func(r *Readings) *time.Duration { return &r.InitTimeout }, ValidateInitTimeout),
		choice("readiness-probe", "Q6", "connect: a listener is tried with one bare connection before it counts; none: the socket tables decide alone",
			func(r *Readings) *string { return &r.ReadinessProbe }, "connect", "none"),
		oversize("oversize-status", "Q9", "status of an HTTP response over 6 MB"),
		choice("gateway-error-status", "Q10", "HTTP status through API Gateway when an event function failed: code: the SCF status code; 200: 200 with the error as body",
			func(r *Readings) *string { return &r.GatewayErrorStatus }, "code", "200"),
		boolean("response-request-id", "Q11", "responses of HTTP functions carry X-Scf-Request-Id", func(r *Readings) *bool { return &r.ResponseRequestID }),
		choice("client-headers", "Q14", "client-sent X-Scf-* that are not documented: strip, or pass-unknown",
			func(r *Readings) *string { return &r.ClientHeaders }, "strip", "pass-unknown"),
		choice("non-success-answer", "Q16", "an answer to an event other than 2xx: lenient: its body is the return value; strict: the invocation has failed",
			func(r *Readings) *string { return &r.NonSuccessAnswer }, "lenient", "strict"),
		boolean("web-response-line", "Q17", "the log of HTTP functions has a Response line", func(r *Readings) *bool { return &r.WebResponseLine }),
		boolean("freeze-between", "Q19", "instances stand still between requests", func(r *Readings) *bool { return &r.FreezeBetween }),
		duration("billing-step", "Q22", "durations are billed in steps of this", "1ms or 100ms", func(r *Readings) *time.Duration { return &r.BillingStep }, billingStep),
		boolean("bill-init", "Q22", "the cold start is billed", func(r *Readings) *bool { return &r.BillInit }),
		boolean("execution-role", "R5", "functions have an execution role: requests carry the three credential headers", func(r *Readings) *bool { return &r.ExecutionRole }),
		boolean("upstream-keep-alive", "R15", "connections to the function are kept alive; false: Connection: close with each request", func(r *Readings) *bool { return &r.UpstreamKeepAlive }),
	}
}

// ReadingRow is one switch as users read of it.
type ReadingRow struct{ Name, Question, Values, Default, About string }

// ReadingTable lists all switches in the order of runtime.md 16.
func ReadingTable() []ReadingRow {
	var rows []ReadingRow
	for _, known := range readings() {
		rows = append(rows, ReadingRow{known.name, known.question, known.values, known.get(DefaultReadings()), known.about})
	}
	return rows
}

// Set changes one switch by its documented name.
func (r *Readings) Set(name, value string) error {
	var names []string
	for _, known := range readings() {
		if known.name == name {
			if err := known.set(r, value); err != nil {
				return fmt.Errorf("%w: %s=%q: %w", ErrReading, name, value, err)
			}
			return nil
		}
		names = append(names, known.name)
	}
	return fmt.Errorf("%w: no switch %q; known are %s", ErrReading, name, strings.Join(names, ", "))
}

// Differences are the switches that are not at their default, by name.
func (r *Readings) Differences() map[string]string {
	differ := map[string]string{}
	defaults := DefaultReadings()
	for _, known := range readings() {
		if value := known.get(*r); value != known.get(defaults) {
			differ[known.name] = value
		}
	}
	return differ
}

func choice(name, question, about string, field func(*Readings) *string, values ...string) reading {
	return reading{
		name: name, question: question, about: about, values: strings.Join(values, ", "),
		get: func(r Readings) string { return *field(&r) },
		set: func(r *Readings, value string) error {
			if !slices.Contains(values, value) {
				return fmt.Errorf("take one of %s", strings.Join(values, ", "))
			}
			*field(r) = value
			return nil
		},
	}
}

func boolean(name, question, about string, field func(*Readings) *bool) reading {
	return reading{
		name: name, question: question, about: about, values: "true, false",
		get: func(r Readings) string { return strconv.FormatBool(*field(&r)) },
		set: func(r *Readings, value string) error {
			parsed, err := strconv.ParseBool(value)
			if err != nil {
				return errors.New("take true or false")
			}
			*field(r) = parsed
			return nil
		},
	}
}

func duration(name, question, about, values string, field func(*Readings) *time.Duration, validate func(time.Duration) error) reading {
	return reading{
		name: name, question: question, about: about, values: values,
		get: func(r Readings) string { return field(&r).String() },
		set: func(r *Readings, value string) error {
			parsed, err := time.ParseDuration(value)
			if err != nil {
				return errors.New("write a duration with its unit, such as 30s")
			}
			if err := validate(parsed); err != nil {
				return err
			}
			*field(r) = parsed
			return nil
		},
	}
}

func billingStep(step time.Duration) error {
	if step != time.Millisecond && step != 100*time.Millisecond {
		return errors.New("take 1ms or 100ms")
	}
	return nil
}

func user(name, question, about string) reading {
	return reading{
		name: name, question: question, about: about, values: "image, or a number",
		get: func(r Readings) string { return r.ProcessUser },
		set: func(r *Readings, value string) error {
			if _, err := strconv.ParseUint(value, 10, 32); err != nil && value != "image" {
				return errors.New("take image, or a numeric uid such as 10000")
			}
			r.ProcessUser = value
			return nil
		},
	}
}

func oversize(name, question, about string) reading {
	return reading{
		name: name, question: question, about: about, values: "410, 407",
		get: func(r Readings) string { return strconv.Itoa(r.OversizeStatus) },
		set: func(r *Readings, value string) error {
			if value != "410" && value != "407" {
				return errors.New("take 410 or 407")
			}
			r.OversizeStatus, _ = strconv.Atoi(value)
			return nil
		},
	}
}
