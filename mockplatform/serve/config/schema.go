package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/yamlfile"
)

// functionName is what contract.ValidateFunctionName takes, as the schema says it.
const functionName = "^[a-zA-Z][a-zA-Z0-9_-]{0,58}[a-zA-Z0-9]$"

// Schema is the JSON schema of the file (draft 7, which editors know best): docs/functions.schema.json. It holds less
// than Parse does: rules between keys and across functions are Parse's alone, save for the plain ones.
func Schema() ([]byte, error) {
	schema := object(root().rows(), "")
	schema["$schema"] = "http://json-schema.org/draft-07/schema#"
	schema["title"] = "functions.yaml of scfcert's local server"
	schema["patternProperties"] = map[string]any{"^x-": map[string]any{"description": "Ignored: a place for anchors."}}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(schema); err != nil {
		return nil, fmt.Errorf("write the schema: %w", err)
	}
	return out.Bytes(), nil
}

// object is the schema of a mapping with these keys.
func object(rows []row, path string) map[string]any {
	properties, required := map[string]any{}, []string{}
	for _, k := range rows {
		properties[k.name] = k.property(yamlfile.Join(path, k.name))
		if k.required {
			required = append(required, k.name)
		}
	}
	schema := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		schema["required"] = required
	}
	return schema
}

func (k row) property(path string) map[string]any {
	var schema map[string]any
	switch inner := object(k.rows, path); {
	case path == "functions":
		inner["allOf"] = functionRules(k.rows)
		schema = map[string]any{
			"type": "object", "minProperties": 1, "maxProperties": maxFunctions,
			"propertyNames": map[string]any{"pattern": functionName}, "additionalProperties": inner,
		}
	case path == "functions.triggers":
		inner["minProperties"], inner["maxProperties"] = 1, 1
		schema = map[string]any{"type": "array", "items": inner}
	case len(k.rows) > 0:
		schema = inner
	default:
		schema = with(k.schema, k.preset())
	}
	schema["description"] = k.description()
	return schema
}

// preset is the default where it is a value and not a sentence.
func (k row) preset() map[string]any {
	if n, err := strconv.Atoi(k.fallback); err == nil && k.kind == "number" {
		return map[string]any{"default": n}
	}
	if on, err := strconv.ParseBool(k.fallback); err == nil {
		return map[string]any{"default": on}
	}
	if k.schema["enum"] != nil {
		return map[string]any{"default": k.fallback}
	}
	return nil
}

// description is the row in words.
func (k row) description() string {
	parts := []string{capital(k.about) + "."}
	if k.unit != "" {
		parts = append(parts, "Unit: "+k.unit+".")
	}
	parts = append(parts, "Allowed: "+k.limits+".")
	if k.fallback != "" {
		parts = append(parts, "Default: "+k.fallback+".")
	}
	return strings.Join(append(parts, "Contract: "+k.clause+"."), " ")
}

func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// functionRules are the plain ones of the rules between keys.
func functionRules(rows []row) []any {
	only := func(t Type) map[string]any {
		without := map[string]any{}
		for _, k := range rows {
			if k.only != "" && k.only != t {
				without[k.name] = false
			}
		}
		return map[string]any{"properties": without}
	}
	isA := func(name string, value any) map[string]any {
		return map[string]any{"required": []string{name}, "properties": map[string]any{name: map[string]any{"const": value}}}
	}
	return []any{
		map[string]any{"if": isA("type", Event), "then": only(Event), "else": only(HTTP)},
		map[string]any{"if": isA("image-type", Enterprise), "then": map[string]any{"required": []string{"registry-id"}}, "else": map[string]any{"properties": map[string]any{"registry-id": false}}},
	}
}

// readingsSchema has a property for each switch.
func readingsSchema() map[string]any {
	properties := map[string]any{}
	for _, known := range contract.ReadingTable() {
		properties[known.Name] = map[string]any{
			"type":        []string{"string", "number", "boolean"},
			"description": fmt.Sprintf("%s: %s. Allowed: %s. Default: %s.", known.Question, known.About, known.Values, known.Default),
		}
	}
	return map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
}
