package config

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/yamlfile"
)

var update = flag.Bool("update", false, "write docs/functions.schema.json and docs/functions-yaml.md anew")

func TestTheDocumentsAreUpToDate(t *testing.T) {
	schema, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][]byte{
		"../../../docs/functions.schema.json": schema,
		"../../../docs/functions-yaml.md":     []byte(guide(t)),
	} {
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s differs from the table (%v): go test ./mockplatform/serve/config -update", path, err)
		}
	}
}

// guide is docs/functions-yaml.md.
func guide(t *testing.T) string {
	example, err := os.ReadFile("testdata/functions.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `# functions.yaml

Generated from the table by `+"`go test ./mockplatform/serve/config -update`"+`; do not edit.

The local server serves the functions of this file. The least that is needed:

`+"```yaml\nfunctions:\n  hello:\n    image: my-function:1\n```"+`

Editors that know the YAML language server check it while you type, with this first line (a path or an address of
[functions.schema.json](functions.schema.json)):

`+"```yaml\n# yaml-language-server: $schema=docs/functions.schema.json\n```"+`

All that is wrong with a file is reported at once, each with line, column, key, value and what is allowed:

`+"```\nfunctions.yaml:3:5: functions.hello.imgae: there is no such key; did you mean image?\nfunctions.yaml:4:13: functions.hello.memory: outside the platform's limits: memory of 100 MB; take 64, or a multiple of 128 from 128 to 3072\n```"+`

* A file has at most %d KB, one document, UTF-8.
* Paths count from the folder of the file. Variables such as `+"`$HOME`"+` are not expanded.
* Numbers are written in plain digits without a unit; truth values as `+"`true` and `false`"+`, not `+"`yes` or `on`"+`.
* Texts that YAML takes for something else need quotes: `+"`\"true\"`, `\"0125\"`, `\"*\"`"+`. Values of `+"`environment`, `args` and `readings`"+` are taken
  as they are written.
* Anchors, aliases and merge keys (`+"`<<`"+`) can be used; keys at the top that begin with `+"`x-`"+` are a place for them. What a
  mapping says itself wins over what it merges.

## Example

`+"```yaml\n%s```\n", MaxBytes>>10, example)
	sections(&b, root().rows(), "")
	return b.String()
}

// sections writes a table of keys, and then those of the mappings in it.
func sections(b *strings.Builder, rows []row, path string) {
	title := path
	if path == "" {
		title = "top level"
	}
	fmt.Fprintf(b, "\n## %s\n\n| key | type | unit | default | limits | clause | meaning |\n|---|---|---|---|---|---|---|\n", title)
	cell := func(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
	for _, k := range rows {
		fallback := k.fallback
		if k.required {
			fallback = "**required**"
		}
		limits := k.limits
		if k.only != "" {
			limits += fmt.Sprintf("; `type: %s` only", k.only)
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s | %s | %s |\n", k.name, k.kind, k.unit, cell(fallback), cell(limits), k.clause, cell(k.about))
	}
	for _, k := range rows {
		if len(k.rows) > 0 {
			inner := yamlfile.Join(path, k.name)
			switch inner {
			case "functions":
				inner += ".NAME"
			case "functions.NAME.triggers":
				inner += "[]"
			}
			sections(b, k.rows, inner)
		}
	}
}

func TestEveryKeyIsDocumented(t *testing.T) {
	kebab := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	var walk func(rows []row, path string)
	walk = func(rows []row, path string) {
		seen := map[string]bool{}
		for _, k := range rows {
			name := yamlfile.Join(path, k.name)
			if seen[k.name] || !kebab.MatchString(k.name) || k.kind == "" || k.limits == "" || k.clause == "" || k.about == "" {
				t.Errorf("%s is not complete, or there twice: %+v", name, k)
			}
			if !k.required && k.fallback == "" && path != "functions.triggers" {
				t.Errorf("%s has no default and is not required", name)
			}
			if k.example() == "" {
				t.Errorf("%s has no example for errors", name)
			}
			seen[k.name] = true
			walk(k.rows, name)
		}
	}
	walk(root().rows(), "")
}

// The schema is held against what Parse does at the edges of every number and for every word.
func TestTheSchemaAllowsWhatParseTakes(t *testing.T) {
	const room = "functions: {hello: {image: a, type: %s, version: 1, timeout: 900, %s}}"
	try := func(t *testing.T, kind Type, path string, value any, want bool) {
		text := fmt.Sprint(value)
		parts := strings.Split(path, ".")
		for n, part := range slices.Backward(parts) {
			text = part + ": " + text
			if n > 0 {
				text = "{" + text + "}"
			}
		}
		text = fmt.Sprintf(room, kind, text)
		if path == "timeout" || path == "version" || path == "type" {
			text = fmt.Sprintf("functions: {hello: {image: a, %s: %v}}", path, value)
		}
		_, err := Parse("f.yaml", []byte(text), Options{})
		if (err == nil) != want {
			t.Errorf("%s gives %v", text, err)
		}
	}
	tried := 0
	var walk func(rows []row, path string, kind Type)
	walk = func(rows []row, path string, kind Type) {
		for _, k := range rows {
			kind := orElse(k.only, kind)
			name := yamlfile.Join(path, k.name)
			if k.name == "idle-timeout" {
				k.schema["maximum"] = 900 // the timeout
			}
			if low, ok := k.schema["minimum"].(int); ok {
				tried++
				try(t, kind, name, low, true)
				try(t, kind, name, low-1, false)
			}
			if high, ok := k.schema["maximum"].(int); ok {
				try(t, kind, name, high, true)
				try(t, kind, name, high+1, false)
			}
			if k.name != "triggers" && name != "cors" {
				walk(k.rows, name, kind)
			}
		}
	}
	walk(functionKeys().rows(), "", HTTP)
	for _, word := range []string{"http", "event"} {
		try(t, HTTP, "type", word, true)
	}
	for _, mb := range []int{64, 128, 3072, 3073} {
		try(t, HTTP, "memory", mb, true)
	}
	try(t, HTTP, "memory", 129, false)
	if tried < 8 {
		t.Errorf("only %d numbers were tried", tried)
	}
}

func TestTheSchemaAndTheContractTakeTheSameNames(t *testing.T) {
	pattern := regexp.MustCompile(functionName)
	for _, name := range []string{"a", "ab", "1b", "a_", "a-", "a-b", "a b", "", strings.Repeat("a", 60), strings.Repeat("a", 61), "aé"} {
		if pattern.MatchString(name) != (contract.ValidateFunctionName(name) == nil) {
			t.Errorf("%q is taken by one of them only", name)
		}
	}
}

func TestTheSchemaNamesEveryReading(t *testing.T) {
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Properties struct {
			Platform struct {
				Properties struct {
					Readings struct{ Properties map[string]any }
				}
			}
		}
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	for _, reading := range contract.ReadingTable() {
		if schema.Properties.Platform.Properties.Readings.Properties[reading.Name] == nil {
			t.Errorf("%s is not in the schema", reading.Name)
		}
	}
}
