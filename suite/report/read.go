package report

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/suite/requirement"
)

// ErrReport means that a text is no report that this version can read.
var ErrReport = errors.New("invalid report")

// MaxBytes bounds the size of a report.json that is read.
const MaxBytes = 16 << 20

// mostItems bounds a list of objects: far more than there are requirements, so few that each can be held against each.
const mostItems = 1000

// Load reads a report.json. The error is ErrReport, and names the file.
func Load(path string) (Report, error) {
	r, _, err := LoadText(path)
	return r, err
}

// LoadText is Load with the text that was read.
func LoadText(path string) (Report, []byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return Report{}, nil, fmt.Errorf("%w: %w; name a report.json that scfcert run wrote", ErrReport, err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	data, err := io.ReadAll(io.LimitReader(file, MaxBytes+1))
	if err != nil {
		return Report{}, nil, fmt.Errorf("%w: %w; name a file", ErrReport, err)
	}
	r, err := Read(data)
	if err != nil {
		return Report{}, nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, data, nil
}

// Read reads a report.json that may come from others: from another version, or from who wishes no good. Fields and
// requirements that this version does not know are no errors, the fields are left out. The error is ErrReport and says
// line, column and byte, counted from 1, and what is wrong.
func Read(data []byte) (Report, error) {
	r, err := read(data)
	if err != nil {
		return Report{}, fmt.Errorf("%w: %w", ErrReport, err)
	}
	return r, nil
}

func read(data []byte) (Report, error) {
	if len(data) > MaxBytes {
		return Report{}, fmt.Errorf("it has more than %d MB, which no report.json has", MaxBytes>>20)
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return Report{}, errors.New("it is empty; name a report.json that scfcert run wrote")
	}
	if err := checkVersion(data); err != nil {
		return Report{}, err
	}
	reading := &reading{data: data, decoder: json.NewDecoder(bytes.NewReader(data)), places: map[string]int64{}}
	reading.decoder.UseNumber()
	if err := reading.value(reflect.TypeFor[Report]()); err != nil {
		return Report{}, err
	}
	var r Report
	if err := json.Unmarshal(data, &r); err != nil {
		return Report{}, err
	}
	return r, nil
}

var versionNumber = regexp.MustCompile(`^[0-9]+(\.[0-9]+)*$`)

// checkVersion tells whether the text is JSON, and a report of a schema that this version can read.
func checkVersion(data []byte) error {
	var head struct {
		SchemaVersion any `json:"schemaVersion"`
	}
	err := json.Unmarshal(data, &head)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("%s: this is no JSON: %w", place(data, max(syntax.Offset-1, 0)), err)
	}
	if err != nil {
		return fmt.Errorf("%s: the report has to be an object, {\"schemaVersion\": %q, ...}", place(data, 0), SchemaVersion)
	}
	version, ok := head.SchemaVersion.(string)
	switch major, _, _ := strings.Cut(version, "."); {
	case head.SchemaVersion == nil:
		return errors.New("schemaVersion is missing, so this is no report.json of scfcert")
	case !ok || !versionNumber.MatchString(version):
		return fmt.Errorf("schemaVersion is %s; it has to be a number in quotes, such as %q", shown(fmt.Sprint(head.SchemaVersion)), SchemaVersion)
	case major != SchemaVersion:
		return fmt.Errorf("schemaVersion is %s, and this scfcert reads version %s only; read the report with the scfcert that wrote it", shown(version), SchemaVersion)
	}
	return nil
}

// place tells line, column and byte of an offset.
func place(data []byte, offset int64) string {
	before := data[:min(int(offset), len(data))]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	return fmt.Sprintf("line %d, column %d (byte %d)", line, column, len(before)+1)
}

// shown is a value as errors show it: quoted and not too long.
func shown(text string) string {
	const most = 60
	if utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most]) + "…"
	}
	return fmt.Sprintf("%q", text)
}

// reading walks through a report's values beside the Go types that they are for. It knows where each of them stands,
// which json.Unmarshal does not, and is stricter: a name stands once, and is written as it is documented. The text is
// JSON, which was tried before.
type reading struct {
	data    []byte
	decoder *json.Decoder
	path    []string         // names, and indexes such as [3]
	places  map[string]int64 // of ids that stand once, by the field and the id
}

// value reads one value for a type; nil takes anything.
func (r *reading) value(t reflect.Type) error {
	if t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t != nil && t.Kind() == reflect.Interface {
		t = nil
	}
	at := r.next()
	token, err := r.decoder.Token()
	if err != nil {
		return err //nolint:wrapcheck // the text was tried before
	}
	switch token {
	case json.Delim('{'):
		return r.object(t, at)
	case json.Delim('['):
		return r.array(t, at)
	case nil: // as if it were not there
		return nil
	default:
		return r.scalar(t, token, at)
	}
}

// next is where the next value or name begins.
func (r *reading) next() int64 {
	at := r.decoder.InputOffset()
	for at < int64(len(r.data)) && strings.ContainsRune(" \t\r\n:,", rune(r.data[at])) {
		at++
	}
	return at
}

func (r *reading) object(t reflect.Type, at int64) error {
	if t != nil && t.Kind() != reflect.Map && (t.Kind() != reflect.Struct || t == reflect.TypeFor[time.Time]()) {
		return r.wrongKind("an object", t, at)
	}
	seen, given := map[string]bool{}, map[string]bool{} // null is as if it were not there
	for r.decoder.More() {
		nameAt := r.next()
		token, err := r.decoder.Token()
		if err != nil {
			return err //nolint:wrapcheck // the text was tried before
		}
		name, _ := token.(string)
		if err := r.within(name, func() error {
			if seen[name] {
				return r.problem(nameAt, errors.New("this stands twice"))
			}
			seen[name], given[name] = true, r.data[r.next()] != 'n'
			inner, err := member(t, name)
			if err != nil {
				return r.problem(nameAt, err)
			}
			return r.value(inner)
		}); err != nil {
			return err
		}
	}
	for _, name := range needed(t) {
		if !given[name] {
			return r.within(name, func() error { return r.problem(at, errors.New("this is missing")) })
		}
	}
	_, err := r.decoder.Token()
	return err //nolint:wrapcheck // the text was tried before
}

// member is the type of a member of an object; nil if it is not known. Names are not taken in another case: who reads the
// report elsewhere would not see them.
func member(t reflect.Type, name string) (reflect.Type, error) {
	switch {
	case t == nil:
		return nil, nil //nolint:nilnil // anything goes
	case t.Kind() == reflect.Map:
		return t.Elem(), nil
	}
	for field := range t.Fields() {
		switch known := jsonName(field); {
		case known == name:
			return field.Type, nil
		case strings.EqualFold(known, name):
			return nil, fmt.Errorf("the name is written %s", known)
		}
	}
	return nil, nil //nolint:nilnil // a field of a newer version
}

func jsonName(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	return name
}

// needed are the members without which a report tells nothing.
func needed(t reflect.Type) []string {
	switch t {
	case reflect.TypeFor[Report]():
		return []string{"verdict", "verdicts", "requirements"}
	case reflect.TypeFor[Verdicts]():
		return []string{"event", "http"}
	case reflect.TypeFor[Requirement]():
		return []string{"id", "level", "subject", "outcome"}
	case reflect.TypeFor[RootCause](), reflect.TypeFor[Waiver]():
		return []string{"requirement"}
	default:
		return nil
	}
}

func (r *reading) array(t reflect.Type, at int64) error {
	var inner reflect.Type
	if t != nil {
		if t.Kind() != reflect.Slice {
			return r.wrongKind("a list", t, at)
		}
		inner = t.Elem()
	}
	for n := 0; r.decoder.More(); n++ {
		if n == mostItems && inner != nil && inner.Kind() == reflect.Struct {
			return r.problem(r.next(), fmt.Errorf("there are more than %d items, which no report.json has", mostItems))
		}
		if err := r.within("["+strconv.Itoa(n)+"]", func() error { return r.item(inner) }); err != nil {
			return err
		}
	}
	_, err := r.decoder.Token()
	return err //nolint:wrapcheck // the text was tried before
}

// item reads one item of a list: null, which is as if it were not there, is none.
func (r *reading) item(t reflect.Type) error {
	if at := r.next(); t != nil && r.data[at] == 'n' {
		return r.wrongKind("null", t, at)
	}
	return r.value(t)
}

// within reads something one step deeper.
func (r *reading) within(step string, do func() error) error {
	r.path = append(r.path, step)
	err := do()
	r.path = r.path[:len(r.path)-1]
	return err
}

func (r *reading) scalar(t reflect.Type, token json.Token, at int64) error {
	if t == nil {
		return nil
	}
	switch value := token.(type) {
	case string:
		return r.text(t, value, at)
	case json.Number:
		return r.number(t, value.String(), at)
	default:
		if t.Kind() != reflect.Bool {
			return r.wrongKind("a truth value", t, at)
		}
		return nil
	}
}

func (r *reading) number(t reflect.Type, value string, at int64) error {
	var err error
	switch {
	case t.Kind() == reflect.Float64:
		_, err = strconv.ParseFloat(value, t.Bits())
	case t.Kind() == reflect.Int || t.Kind() == reflect.Int64:
		_, err = strconv.ParseInt(value, 10, t.Bits())
	default:
		return r.wrongKind("a number", t, at)
	}
	if err != nil {
		return r.problem(at, fmt.Errorf("%s does not fit; it has to be %s", shown(value), wanted(t)))
	}
	return nil
}

func (r *reading) text(t reflect.Type, value string, at int64) error {
	if t == reflect.TypeFor[time.Time]() {
		if encoding.TextUnmarshaler(new(time.Time)).UnmarshalText([]byte(value)) != nil {
			return r.problem(at, fmt.Errorf("%s is no time; it has to be as 2026-01-02T03:04:05Z", shown(value)))
		}
		return nil
	}
	if t.Kind() != reflect.String {
		return r.wrongKind("a text", t, at)
	}
	path := r.names()
	if known := words(t, path); known != nil && !slices.Contains(known, value) {
		return r.problem(at, fmt.Errorf("%s is not known; known are %s", shown(value), strings.Join(known, ", ")))
	}
	isCode, once := t == reflect.TypeFor[diagnose.Code](), slices.Contains(oncePaths(), path)
	if (isCode || slices.Contains(idPaths(), path)) && !idPattern.MatchString(value) && (value != "" || once) {
		return r.problem(at, fmt.Errorf("%s is no id; it has to be as start.listen, in small letters, digits, - and dots", shown(value)))
	}
	if once {
		if first, twice := r.places[path+" "+value]; twice {
			return r.problem(at, fmt.Errorf("%s stands twice, first in line %d", clipped(value), 1+bytes.Count(r.data[:first], []byte("\n"))))
		}
		r.places[path+" "+value] = at
	}
	return nil
}

// idPattern is what ids of requirements and reason codes look like.
var idPattern = regexp.MustCompile(idExpression)

const idExpression = `^[a-z0-9]+(-[a-z0-9]+)*([.][a-z0-9]+(-[a-z0-9]+)*)+$`

// idPaths are the fields that hold ids of requirements.
func idPaths() []string {
	return []string{"requirements.id", "requirements.because", "rootCauses.requirement", "rootCauses.blocks", "waivers.requirement", "waivers.covers"}
}

// oncePaths are those of them that tell the items of a list apart.
func oncePaths() []string {
	return []string{"requirements.id", "rootCauses.requirement", "waivers.requirement"}
}

// words are the values that a field can have; nil if any.
func words(t reflect.Type, path string) []string {
	switch {
	case path == "verdict":
		return texts(Conformant, WithWaivers, NonConformant, Inconclusive)
	case t == reflect.TypeFor[Verdict]():
		return texts(Conformant, WithWaivers, NonConformant, Inconclusive, NotSelected)
	case t == reflect.TypeFor[Outcome]():
		return texts(Pass, Fail, Warn, NotAssessed, NotApplicable, Waived)
	case t == reflect.TypeFor[requirement.Level]():
		return texts(requirement.Must, requirement.Should, requirement.Info)
	case t == reflect.TypeFor[requirement.Subject]():
		return texts(requirement.Image, requirement.Platform)
	default:
		return nil
	}
}

func texts[S ~string](values ...S) []string {
	all := make([]string, len(values))
	for n, value := range values {
		all[n] = string(value)
	}
	return all
}

// names is the path without indexes, such as requirements.id.
func (r *reading) names() string {
	return strings.Join(slices.DeleteFunc(slices.Clone(r.path), func(step string) bool { return strings.HasPrefix(step, "[") }), ".")
}

// problem is something wrong at a place.
func (r *reading) problem(at int64, err error) error {
	path := strings.ReplaceAll(strings.Join(r.path, "."), ".[", "[")
	if path == "" {
		return fmt.Errorf("%s: %w", place(r.data, at), err)
	}
	return fmt.Errorf("%s: %s: %w", place(r.data, at), clipped(path), err)
}

// clipped is a path that may hold anything, as errors show it.
func clipped(path string) string { return strings.Trim(shown(path), `"`) }

func (r *reading) wrongKind(is string, t reflect.Type, at int64) error {
	return r.problem(at, fmt.Errorf("this is %s; it has to be %s", is, wanted(t)))
}

// wanted names what a type holds.
func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Slice:
		return "a list"
	case reflect.Struct, reflect.Map:
		if t != reflect.TypeFor[time.Time]() {
			return "an object"
		}
	default:
	}
	return "a text"
}
