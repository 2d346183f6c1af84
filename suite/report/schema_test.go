package report

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/suite/requirement"
)

const schemaPath = "../../docs/report.schema.json"

func TestTheSchemaIsUpToDate(t *testing.T) {
	want, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(schemaPath, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(schemaPath); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s differs from the types and the table (%v): go test ./suite/report -update", schemaPath, err)
	}
}

func TestEveryFieldIsDescribedAndNoOther(t *testing.T) {
	about := fields()
	seen := map[string]bool{}
	var walk func(typ reflect.Type, path string)
	walk = func(typ reflect.Type, path string) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
			typ = typ.Elem()
		}
		switch typ {
		case reflect.TypeFor[time.Time]():
			return
		case reflect.TypeFor[diagnose.Text]():
			path = "text"
		}
		if typ.Kind() != reflect.Struct {
			return
		}
		for member := range typ.Fields() {
			inner := strings.TrimPrefix(path+"."+jsonName(member), ".")
			if text := about[inner].about; !strings.HasSuffix(text, ".") {
				t.Errorf("%s is not described: %q", inner, text)
			}
			if member.Tag.Get("json") == "" {
				t.Errorf("%s has no name", inner)
			}
			seen[inner] = true
			walk(member.Type, inner)
		}
	}
	walk(reflect.TypeFor[Report](), "")
	for path := range about {
		if !seen[path] {
			t.Errorf("%s is described and is no field", path)
		}
	}
	for _, path := range idPaths() {
		if !seen[path] {
			t.Errorf("%s holds ids and is no field", path)
		}
	}
}

func compiled(t testing.TB) *jsonschema.Schema {
	t.Helper()
	text, err := os.Open(schemaPath)
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	document, err := jsonschema.UnmarshalJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("report.schema.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func validate(t testing.TB, schema *jsonschema.Schema, data []byte) error {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(value)
}

func TestReportsAreAsTheSchemaSaysAndCanBeRead(t *testing.T) {
	schema := compiled(t)
	paths, err := filepath.Glob("testdata/*.json")
	if err != nil || len(paths) != 4 {
		t.Fatalf("the reports are %v, %v", paths, err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(t, schema, data); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		r, err := Load(path)
		if err != nil {
			t.Errorf("%s cannot be read: %v", path, err)
			continue
		}
		var again bytes.Buffer
		if err := WriteJSON(&again, r); err != nil || !bytes.Equal(again.Bytes(), data) {
			t.Errorf("%s is not the same once it was read and written: %v", path, err)
		}
	}
}

func TestAnEmptyReportIsAsTheSchemaSaysButForItsWords(t *testing.T) {
	r := Report{SchemaVersion: SchemaVersion, Verdict: Inconclusive, Verdicts: Verdicts{Inconclusive, NotSelected}, Function: Function{Type: "event"}}
	var text bytes.Buffer
	if err := WriteJSON(&text, r); err != nil {
		t.Fatal(err)
	}
	if err := validate(t, compiled(t), text.Bytes()); err != nil {
		t.Errorf("nil lists are written as null: %v", err)
	}
}

// What one of them refuses the other refuses too, where it concerns words and ids.
func TestTheSchemaAndReadRefuseTheSame(t *testing.T) {
	schema := compiled(t)
	good, err := os.ReadFile("testdata/waived.json")
	if err != nil {
		t.Fatal(err)
	}
	for old, changed := range map[string]string{
		`"schemaVersion": "1"`:           `"schemaVersion": "2"`,
		`"verdict": "conf`:               `"verdict": "very-conf`,
		`"event": "conf`:                 `"event": "CONF`,
		`"outcome": "waived"`:            `"outcome": "forgiven"`,
		`"level": "MUST"`:                `"level": "must"`,
		`"subject": "image"`:             `"subject": "picture"`,
		`"id": "start.listen"`:           `"id": "start listen"`,
		`"because": "start.listen"`:      `"because": "Start.listen"`,
		`"requirement": "start.listen"`:  `"requirement": "start"`,
		`"durationMs": 5`:                `"durationMs": "5"`,
		`"uncompressedBytes": 6291456`:   `"uncompressedBytes": 1.5`,
		`"2026-01-02T03:04:05Z"`:         `"yesterday"`,
		`"outcome": "not-assessed",`:     ``,
		`"reason": "listen.loopback-onl`: `"reason": "listen.lööpback-onl`,
		`"readings": {}`:                 `"readings": []`,
		`"probe": false`:                 `"probe": "no"`,
		`"title": {`:                     `"title": "x", "was": {`,
		`"rootCauses": [`:                `"rootCauses": [3, `,
	} {
		data := []byte(strings.Replace(string(good), old, changed, 1))
		if bytes.Equal(data, good) {
			t.Errorf("%s is not in the report", old)
			continue
		}
		if err := validate(t, schema, data); err == nil {
			t.Errorf("the schema takes %s", changed)
		}
		if _, err := Read(data); err == nil {
			t.Errorf("Read takes %s", changed)
		}
	}
}

func TestIdsOfTheCatalogueAreWellFormed(t *testing.T) {
	for _, q := range requirement.All() {
		if !idPattern.MatchString(q.ID) {
			t.Errorf("%s is not", q.ID)
		}
	}
	for _, reason := range diagnose.Reasons() {
		if !idPattern.MatchString(string(reason.Code)) {
			t.Errorf("%s is not", reason.Code)
		}
	}
}
