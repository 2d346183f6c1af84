package report

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// least is a report with one requirement; each change is put in the place of what it names.
const least = `{
  "schemaVersion": "1",
  "verdict": "conformant",
  "requirements": [
    {"id": "image.tag", "level": "SHOULD", "outcome": "pass", "subject": "image"}
  ],
  "verdicts": {"event": "conformant", "http": "not-selected"}
}`

func TestAReportThatCannotBeReadSaysWhereAndWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ old, changed, want string }{
		{least, "", "it is empty; name a report.json that scfcert run wrote"},
		{least, " \n", "it is empty; name a report.json that scfcert run wrote"},
		{least, "[]", `line 1, column 1 (byte 1): the report has to be an object, {"schemaVersion": "1", ...}`},
		{least, "null", "schemaVersion is missing, so this is no report.json of scfcert"},
		{least, `{"verdict": "conformant"}`, "schemaVersion is missing, so this is no report.json of scfcert"},
		{least, "<html>", "line 1, column 1 (byte 1): this is no JSON: invalid character '<' looking for beginning of value"},
		{least, strings.Repeat("[", 20_000), "line 1, column 10001 (byte 10001): this is no JSON: invalid character '[' exceeded max depth"},
		{`"requirements": [`, `"requirements": [,`, "line 4, column 20 (byte 73): this is no JSON: invalid character ',' looking for beginning of value"},
		{"\n}", "\n", "line 7, column 62 (byte 222): this is no JSON: unexpected end of JSON input"},
		{"\n}", "\n}x", "line 8, column 2 (byte 224): this is no JSON: invalid character 'x' after top-level value"},
		{`"1"`, `"2"`, `schemaVersion is "2", and this scfcert reads version 1 only; read the report with the scfcert that wrote it`},
		{`"1"`, `"2.7"`, `schemaVersion is "2.7", and this scfcert reads version 1 only; read the report with the scfcert that wrote it`},
		{`"1"`, `1`, `schemaVersion is "1"; it has to be a number in quotes, such as "1"`},
		{`"1"`, `"one"`, `schemaVersion is "one"; it has to be a number in quotes, such as "1"`},
		{`"conformant"`, `"perfect"`, `line 3, column 14 (byte 40): verdict: "perfect" is not known; known are conformant, conformant-with-waivers, non-conformant, inconclusive`},
		{`"conformant"`, `"not-selected"`, `line 3, column 14 (byte 40): verdict: "not-selected" is not known; known are conformant, conformant-with-waivers, non-conformant, inconclusive`},
		{`"conformant"`, `null`, `line 1, column 1 (byte 1): verdict: this is missing`},
		{`"conformant"`, `"conformant", "verdict": "conformant"`, `line 3, column 28 (byte 54): verdict: this stands twice`},
		{`"conformant"`, `"conformant", "Verdict": "conformant"`, `line 3, column 28 (byte 54): Verdict: the name is written verdict`},
		{`"not-selected"`, `"good"`, `line 7, column 47 (byte 207): verdicts.http: "good" is not known; known are conformant, conformant-with-waivers, non-conformant, inconclusive, not-selected`},
		{`"conformant"`, `"conformant", "durationMs": 1.5`, `line 3, column 42 (byte 68): durationMs: "1.5" does not fit; it has to be a whole number`},
		{`"conformant"`, `"conformant", "durationMs": 9223372036854775808`, `line 3, column 42 (byte 68): durationMs: "9223372036854775808" does not fit; it has to be a whole number`},
		{`"conformant"`, `"conformant", "startedAt": "today"`, `line 3, column 41 (byte 67): startedAt: "today" is no time; it has to be as 2026-01-02T03:04:05Z`},
		{`"conformant"`, `"conformant", "startedAt": {}`, `line 3, column 41 (byte 67): startedAt: this is an object; it has to be a text`},
		{`"conformant"`, `"conformant", "image": "x:1"`, `line 3, column 37 (byte 63): image: this is a text; it has to be an object`},
		{`"conformant"`, `"conformant", "image": {"command": "sh"}`, `line 3, column 49 (byte 75): image.command: this is a text; it has to be a list`},
		{`"conformant"`, `"conformant", "probe": 1`, `line 3, column 37 (byte 63): probe: this is a number; it has to be true or false`},
		{`"conformant"`, `"conformant", "fault": true`, `line 3, column 37 (byte 63): fault: this is a truth value; it has to be a text`},
		{`"conformant"`, `"conformant", "margins": [{}, {"used": "1"}]`, `line 3, column 53 (byte 79): margins[1].used: this is a text; it has to be a number`},
		{`"image.tag"`, `"Image tag"`, `line 5, column 12 (byte 85): requirements[0].id: "Image tag" is no id; it has to be as start.listen, in small letters, digits, - and dots`},
		{`"image.tag"`, `""`, `line 5, column 12 (byte 85): requirements[0].id: "" is no id; it has to be as start.listen, in small letters, digits, - and dots`},
		{`"id": "image.tag", `, ``, `line 5, column 5 (byte 78): requirements[0].id: this is missing`},
		{`"outcome": "pass"`, `"outcome": "pas"`, `line 5, column 55 (byte 128): requirements[0].outcome: "pas" is not known; known are pass, fail, warn, not-assessed, not-applicable, waived`},
		{`"SHOULD"`, `"COULD"`, `line 5, column 34 (byte 107): requirements[0].level: "COULD" is not known; known are MUST, SHOULD, INFO`},
		{`"SHOULD"`, `"SHOULD", "reason": "a\u001bb"`, `line 5, column 54 (byte 127): requirements[0].reason: "a\x1bb" is no id; it has to be as start.listen, in small letters, digits, - and dots`},
		{"}\n  ]", "},\n    {\"id\": \"image.tag\", \"level\": \"INFO\", \"outcome\": \"pass\", \"subject\": \"image\"}\n  ]", `line 6, column 12 (byte 168): requirements[1].id: image.tag stands twice, first in line 5`},
		{`{"id": "image.tag"`, `null, {"id": "image.tag"`, `line 5, column 5 (byte 78): requirements[0]: this is null; it has to be an object`},
		{`"SHOULD"`, `"SHOULD", "types": ["event", null]`, `line 5, column 63 (byte 136): requirements[0].types[1]: this is null; it has to be a text`},
		{`"conformant"`, `"conformant", "rootCauses": [{}]`, `line 3, column 43 (byte 69): rootCauses[0].requirement: this is missing`},
		{`"conformant"`, `"conformant", "rootCauses": [{"requirement": "a.b"}, {"requirement": "a.b"}]`, `line 3, column 83 (byte 109): rootCauses[1].requirement: a.b stands twice, first in line 3`},
		{`"conformant"`, `"conformant", "waivers": [{"requirement": ""}]`, `line 3, column 56 (byte 82): waivers[0].requirement: "" is no id; it has to be as start.listen, in small letters, digits, - and dots`},
		{`"conformant"`, `"conformant", "waivers": [{"requirement": "a.b"}, {"requirement": "a.b"}]`, `line 3, column 80 (byte 106): waivers[1].requirement: a.b stands twice, first in line 3`},
		{`"conformant"`, `"conformant", "margins": [{}` + strings.Repeat(", {}", mostItems) + `]`, `line 3, column 4040 (byte 4066): margins: there are more than 1000 items, which no report.json has`},
		{`, "http": "not-selected"`, ``, `line 7, column 15 (byte 175): verdicts.http: this is missing`},
		{`"requirements": [`, `"requirement": [`, `line 1, column 1 (byte 1): requirements: this is missing`},
		{`"conformant"`, `"conformant", "x": "` + strings.Repeat("x", MaxBytes) + `"`, "it has more than 16 MB, which no report.json has"},
	} {
		text := strings.Replace(least, c.old, c.changed, 1)
		_, err := Read([]byte(text))
		if err == nil || err.Error() != "invalid report: "+c.want || !errors.Is(err, ErrReport) {
			t.Errorf("%s\ngives %v\nwant  invalid report: %s", shown(c.changed), err, c.want)
		}
	}
}

func TestWhatANewerVersionAddsIsNoError(t *testing.T) {
	text := strings.NewReplacer(`"1"`, `"1.4"`, `"conformant",`, `"conformant", "news": {"Verdict": [1e999, {"a": 1, "A": 2}]}, "engine": null,`, "image.tag", "gpu.driver-version").Replace(least)
	r, err := Read([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Requirements) != 1 || r.Requirements[0].ID != "gpu.driver-version" || r.Requirements[0].Outcome != Pass {
		t.Errorf("read %+v", r)
	}
}

// What somebody else has written makes no text that is many times as long as the report.
func TestATextIsNotMuchLongerThanItsReport(t *testing.T) {
	const most = 1000
	var more strings.Builder
	for n := range most - 1 {
		fmt.Fprintf(&more, `, {"id": "a.b%d", "level": "MUST", "outcome": "pass", "subject": "image"}`, n)
	}
	long := strings.Repeat("x", 50_000)
	for _, changed := range []string{
		`"image.` + long + `", "title": {"en": "t"}`,
		`"image.tag", "title": {"en": "` + long + `", "zh": "` + long + `"}`,
	} {
		text := strings.NewReplacer(`"image.tag"`, changed, "\n  ],", more.String()+"\n  ],").Replace(least)
		r, err := Read([]byte(text))
		if err != nil || len(r.Requirements) != most {
			t.Fatalf("%d requirements: %v", len(r.Requirements), err)
		}
		var out bytes.Buffer
		if err := WriteText(&out, r, TextOptions{}); err != nil || out.Len() > 10*len(text) {
			t.Errorf("a report of %d bytes makes a text of %d: %v", len(text), out.Len(), err)
		}
	}
}

// Time is not asserted in absolute terms: what takes a second here would take minutes if it grew with the square.
func TestAReportFullOfLinesIsReadInReasonableTime(t *testing.T) {
	deadline := time.AfterFunc(time.Minute, func() { panic("Read takes more than a minute") })
	defer deadline.Stop()
	for name, item := range map[string]string{
		"requirements": `{"id": "a.b%d", "level": "MUST", "outcome": "pass", "subject": "image"}`, "rootCauses": `{"requirement": "a.b%d"}`,
	} {
		var list strings.Builder
		list.WriteString(strings.Repeat("\n", MaxBytes/2))
		for n := 0; list.Len() < MaxBytes-1<<10; n++ {
			fmt.Fprintf(&list, item+", ", n)
		}
		text := `{"schemaVersion": "1", "` + name + `": [` + list.String() + `{}]}`
		if _, err := Read([]byte(text)); err == nil || !strings.Contains(err.Error(), name+": there are more than 1000 items") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAReportThatIsNotThereOrTooLargeIsRefusedByItsName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.json")
	if _, err := Load(path); !errors.Is(err, ErrReport) || !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("no file: %v", err)
	}
	if _, err := Load(filepath.Dir(path)); !errors.Is(err, ErrReport) || !strings.Contains(err.Error(), filepath.Dir(path)) {
		t.Errorf("a folder: %v", err)
	}
	for size, want := range map[int]bool{MaxBytes: true, MaxBytes + 1: false} {
		if err := os.WriteFile(path, []byte(least+strings.Repeat(" ", size-len(least))), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path); (err == nil) != want || err != nil && !strings.HasPrefix(err.Error(), path+": invalid report: ") {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	paths, err := filepath.Glob("testdata/*.json")
	if err != nil || len(paths) == 0 {
		f.Fatalf("there are no reports: %v", err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(least))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Read(data)
		if err != nil {
			if !errors.Is(err, ErrReport) || !reflect.DeepEqual(r, Report{}) {
				t.Errorf("an error that is not ErrReport, or comes with a report: %v", err)
			}
			return
		}
		if r.Verdict.ExitCode() == ExitInconclusive && r.Verdict != Inconclusive {
			t.Errorf("the verdict is %q", r.Verdict)
		}
		first, second := new(bytes.Buffer), new(bytes.Buffer)
		if err := WriteJSON(first, r); err != nil {
			t.Fatal(err)
		}
		again, err := Read(first.Bytes())
		if err != nil {
			t.Fatalf("what was read and written cannot be read: %v", err)
		}
		if err := errors.Join(WriteJSON(second, again), WriteText(new(bytes.Buffer), r, TextOptions{}), WriteJUnit(new(bytes.Buffer), r)); err != nil {
			t.Fatal(err)
		}
		if first.String() != second.String() {
			t.Errorf("written twice it differs:\n%s\n%s", first, second)
		}
	})
}
