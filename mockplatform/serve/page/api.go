package page

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/scfcert/scfcert/mockplatform/contract"
)

// maxEvent is the most that is read of an event. What is over the platform's own limit and below this is refused by the
// platform, with its documented status.
const maxEvent = 2 * contract.MaxEventBytes

func (s *site) routeAPI(at func(pattern string, handler http.HandlerFunc)) {
	at("GET /health", api(s.health))
	at("GET /api/functions", api(s.apiFunctions))
	at("GET /api/functions/{name}/instances", api(s.apiInstances))
	at("GET /api/invocations", api(s.apiInvocations))
	at("GET /api/logs", api(s.apiLogs))
	at("POST /api/functions/{name}/invoke", api(s.apiInvoke))
	at("POST /api/functions/{name}/timers/{trigger}", api(s.apiFire))
	for pattern, method := range map[string]string{
		" /api/functions": http.MethodGet, " /api/functions/{name}/instances": http.MethodGet, " /api/invocations": http.MethodGet,
		" /api/logs": http.MethodGet, " /api/functions/{name}/invoke": http.MethodPost, " /api/functions/{name}/timers/{trigger}": http.MethodPost,
	} {
		at(pattern, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Allow", method)
			answer(w, http.StatusMethodNotAllowed, apiError{"This endpoint takes " + method + "."})
		})
	}
	at(" /api/", api(func(*http.Request) (int, any, error) {
		return 0, nil, &clientError{http.StatusNotFound, Text{EN: "There is no such endpoint; docs/local-server-api.md lists them."}}
	}))
}

// apiError is the body of every answer that is no success.
type apiError struct {
	Error string `json:"error"`
}

func api(endpoint func(r *http.Request) (status int, body any, err error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		status, body, err := endpoint(r)
		if err != nil {
			refused := asClientError(err)
			status, body = refused.status, apiError{refused.Text.EN}
		}
		answer(w, status, body)
	}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(body) // the client may have gone
}

// onlyQuery refuses parameters that the endpoint does not know: a misspelt filter would select everything.
func onlyQuery(r *http.Request, known ...string) error {
	for name := range r.URL.Query() {
		if !slices.Contains(known, name) {
			takes := "none"
			if len(known) > 0 {
				takes = strings.Join(known, ", ")
			}
			return &clientError{http.StatusBadRequest, Text{EN: fmt.Sprintf("unknown parameter %q; this endpoint takes %s", name, takes)}}
		}
	}
	return nil
}

// known checks the name of a function in a query; none stands for all.
func (s *site) known(name string) error {
	if name == "" {
		return nil
	}
	_, err := s.functionNamed(name)
	return err
}

type healthJSON struct {
	Status string `json:"status"` // ok, or degraded where a function is not Active or does not start
	// Functions counts them by state.
	Functions map[string]int `json:"functions"`
}

func (s *site) health(r *http.Request) (int, any, error) {
	health := healthJSON{Status: "ok", Functions: map[string]int{}}
	for _, f := range s.source.Functions() {
		health.Functions[f.State]++
		if f.State != Active || f.Problem.EN != "" {
			health.Status = "degraded"
		}
	}
	return http.StatusOK, health, onlyQuery(r)
}

type functionJSON struct {
	Name        string        `json:"name"`
	Type        string        `json:"type"`
	Image       string        `json:"image"`
	State       string        `json:"state"`
	Problem     string        `json:"problem,omitempty"`
	Fix         string        `json:"fix,omitempty"`
	URL         string        `json:"url,omitempty"`
	MemoryMB    int           `json:"memoryMB"`
	TimeoutMS   float64       `json:"timeoutMs"`
	Concurrency int           `json:"concurrency"`
	Provisioned int           `json:"provisioned"`
	Instances   int           `json:"instances"`
	Triggers    []triggerJSON `json:"triggers"`
}

type triggerJSON struct {
	Name     string     `json:"name"`
	Kind     string     `json:"kind"`
	Schedule string     `json:"schedule,omitempty"`
	Next     *time.Time `json:"next,omitempty"`
	Enabled  bool       `json:"enabled"`
}

func (s *site) apiFunctions(r *http.Request) (int, any, error) {
	out := []functionJSON{}
	for _, f := range s.source.Functions() {
		one := functionJSON{
			Name: f.Name, Type: f.Type, Image: f.Image, State: f.State, Problem: f.Problem.EN, Fix: f.Fix.EN, URL: f.URL,
			MemoryMB: f.MemoryMB, TimeoutMS: milliseconds(f.Timeout), Concurrency: f.Concurrency, Provisioned: f.Provisioned,
			Instances: len(f.Instances), Triggers: []triggerJSON{},
		}
		for _, t := range f.Triggers {
			one.Triggers = append(one.Triggers, triggerJSON{t.Name, t.Kind, t.Schedule, moment(t.Next), t.Enabled})
		}
		out = append(out, one)
	}
	return http.StatusOK, map[string]any{"functions": out}, onlyQuery(r)
}

type instanceJSON struct {
	ID              string        `json:"id"`
	State           InstanceState `json:"state"`
	StartedAt       *time.Time    `json:"startedAt,omitempty"`
	Requests        int           `json:"requests"`
	MemoryPeakBytes int64         `json:"memoryPeakBytes"`
}

func (s *site) apiInstances(r *http.Request) (int, any, error) {
	f, err := s.functionNamed(r.PathValue("name"))
	if err != nil {
		return 0, nil, err
	}
	out := []instanceJSON{}
	for _, i := range f.Instances {
		out = append(out, instanceJSON{i.ID, i.State, moment(i.Started), i.Requests, i.PeakBytes})
	}
	return http.StatusOK, map[string]any{"instances": out}, onlyQuery(r)
}

type invocationJSON struct {
	RequestID       string     `json:"requestId"`
	Function        string     `json:"function"`
	Attempt         int        `json:"attempt"`
	StartedAt       *time.Time `json:"startedAt,omitempty"`
	Kind            string     `json:"kind"`
	Method          string     `json:"method,omitempty"`
	Path            string     `json:"path,omitempty"`
	Running         bool       `json:"running"`
	Failed          bool       `json:"failed"`
	Status          int        `json:"status"`
	StatusName      string     `json:"statusName"`
	ErrorMessage    string     `json:"errorMessage,omitempty"`
	Problem         string     `json:"problem,omitempty"`
	Fix             string     `json:"fix,omitempty"`
	HTTPStatus      int        `json:"httpStatus,omitempty"`
	DurationMS      float64    `json:"durationMs"`
	BilledMS        float64    `json:"billedMs"`
	ColdStartMS     float64    `json:"coldStartMs"`
	MemoryPeakBytes int64      `json:"memoryPeakBytes"`
	// Result is the body in the answer to invoke, and in nothing else: JSON as it is, other text as a string, other
	// bytes in base64. ResultEncoding tells which.
	Result         json.RawMessage `json:"result,omitempty"`
	ResultEncoding string          `json:"resultEncoding,omitempty"`
}

func invocationOf(i *Invocation) invocationJSON {
	return invocationJSON{
		RequestID: i.RequestID, Function: i.Function, Attempt: i.Attempt, StartedAt: moment(i.Started), Kind: i.Kind, Method: i.Method, Path: i.Path,
		Running: i.Running(), Failed: i.Failed, Status: i.Status, StatusName: i.StatusName, ErrorMessage: i.ErrorMessage,
		Problem: i.Problem.EN, Fix: i.Fix.EN, HTTPStatus: i.HTTPStatus, DurationMS: milliseconds(i.Duration),
		BilledMS: milliseconds(i.Billed), ColdStartMS: milliseconds(i.ColdStart), MemoryPeakBytes: i.PeakBytes,
	}
}

func (i *invocationJSON) with(result []byte) error {
	var value any
	switch {
	case len(result) == 0:
		return nil
	case json.Valid(result) && utf8.Valid(result):
		i.Result, i.ResultEncoding = result, "json"
		return nil
	case utf8.Valid(result):
		value, i.ResultEncoding = string(result), "text"
	default:
		value, i.ResultEncoding = base64.StdEncoding.EncodeToString(result), "base64"
	}
	encoded, err := json.Marshal(value)
	i.Result = encoded
	return err
}

func (s *site) apiInvocations(r *http.Request) (int, any, error) {
	function := r.URL.Query().Get("function")
	limit, err := limitOf(r, shownInvocations)
	if err := errors.Join(onlyQuery(r, "function", "limit"), s.known(function), err); err != nil {
		return 0, nil, err
	}
	out := []invocationJSON{}
	for _, i := range s.source.Invocations(function, limit) {
		out = append(out, invocationOf(&i))
	}
	return http.StatusOK, map[string]any{"invocations": out}, nil
}

type lineJSON struct {
	RequestID     string    `json:"requestId"`
	At            time.Time `json:"at"`
	Source        string    `json:"source"`
	Text          string    `json:"text"`
	Init          bool      `json:"init"`
	AfterResponse bool      `json:"afterResponse"`
}

func (s *site) apiLogs(r *http.Request) (int, any, error) {
	query := r.URL.Query()
	id, function, contains := query.Get("requestId"), query.Get("function"), query.Get("contains")
	limit, err := limitOf(r, shownLogLines)
	if err := errors.Join(onlyQuery(r, "requestId", "function", "contains", "limit"), s.known(function), err); err != nil {
		return 0, nil, err
	}
	var lines []Line
	if id == "" {
		lines = s.source.Log(function, contains, limit)
	} else {
		if function != "" {
			return 0, nil, &clientError{http.StatusBadRequest, Text{EN: "A request belongs to one function: give requestId or function, not both."}}
		}
		for _, line := range s.source.Lines(id) {
			if strings.Contains(line.Text, contains) {
				lines = append(lines, line)
			}
		}
		lines = lines[max(len(lines)-limit, 0):]
	}
	out := make([]lineJSON, 0, len(lines))
	for _, l := range lines {
		out = append(out, lineJSON(l))
	}
	return http.StatusOK, map[string]any{"lines": out}, nil
}

const asyncHeader = "X-Scfcert-Async"

// wantsAsync reads the header and the parameter that ask for an asynchronous invocation.
func wantsAsync(r *http.Request) (bool, error) {
	asynchronous := false
	for name, value := range map[string]string{"header " + asyncHeader: r.Header.Get(asyncHeader), "parameter async": r.URL.Query().Get("async")} {
		if value == "" {
			continue
		}
		asked, err := strconv.ParseBool(value)
		if err != nil {
			return false, &clientError{http.StatusBadRequest, Text{EN: fmt.Sprintf("%s is %q; take true or false", name, value)}}
		}
		asynchronous = asynchronous || asked
	}
	return asynchronous, nil
}

func (s *site) apiInvoke(r *http.Request) (int, any, error) {
	asynchronous, err := wantsAsync(r)
	if err := errors.Join(onlyQuery(r, "async"), err); err != nil {
		return 0, nil, err
	}
	event, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxEvent))
	if err != nil {
		return 0, nil, fmt.Errorf("%w: read the event: %w", ErrRefused, err)
	}
	done, err := s.source.Invoke(r.Context(), r.PathValue("name"), event, asynchronous)
	if err != nil {
		return 0, nil, err
	}
	body := invocationOf(&done)
	if err := body.with(done.Result); err != nil {
		return 0, nil, err
	}
	if asynchronous {
		return http.StatusAccepted, body, nil
	}
	return http.StatusOK, body, nil
}

func (s *site) apiFire(r *http.Request) (int, any, error) {
	name, trigger := r.PathValue("name"), r.PathValue("trigger")
	if err := onlyQuery(r); err != nil {
		return 0, nil, err
	}
	if err := s.source.Fire(r.Context(), name, trigger); err != nil {
		return 0, nil, err
	}
	return http.StatusAccepted, map[string]string{"function": name, "trigger": trigger}, nil
}

// moment is a time as JSON has it: none instead of the year 1.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
