package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
)

// Schema is the JSON schema of report.json (draft 2020-12): docs/report.schema.json. It is made of the Go types and the
// table of fields. Fields that it does not name are allowed: newer versions add some.
func Schema() ([]byte, error) {
	schema := schemaOf(reflect.TypeFor[Report](), "", fields())
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	schema["title"] = "report.json of scfcert"
	schema["description"] = "The record of one certification. Within schemaVersion " + SchemaVersion + " fields are added, and never renamed or taken out: readers ignore those that they do not know."
	schema["$defs"] = map[string]any{"text": schemaOf(reflect.TypeFor[diagnose.Text](), "text", fields())}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(schema); err != nil {
		return nil, fmt.Errorf("write the schema: %w", err)
	}
	return out.Bytes(), nil
}

// schemaOf is the schema of a type. The path is that of the field that holds it.
func schemaOf(t reflect.Type, path string, about map[string]field) map[string]any {
	switch t.Kind() {
	case reflect.Pointer:
		return property(t.Elem(), path, about)
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer", "minimum": 0}
	case reflect.Float64:
		return map[string]any{"type": "number", "minimum": 0}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": property(t.Elem(), path, about)}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": property(t.Elem(), path, about)}
	case reflect.Struct:
		if t != reflect.TypeFor[time.Time]() {
			return objectOf(t, path, about)
		}
		return map[string]any{"type": "string", "format": "date-time"}
	case reflect.String:
		return textOf(t, path)
	default: // anything
		return map[string]any{}
	}
}

// property is the schema of a type where it is used; texts in two languages are written once.
func property(t reflect.Type, path string, about map[string]field) map[string]any {
	if t == reflect.TypeFor[diagnose.Text]() {
		return map[string]any{"$ref": "#/$defs/text"}
	}
	return schemaOf(t, path, about)
}

func objectOf(t reflect.Type, path string, about map[string]field) map[string]any {
	properties, required := map[string]any{}, []string{}
	for member := range t.Fields() {
		name := jsonName(member)
		inner := strings.TrimPrefix(path+"."+name, ".")
		schema := property(member.Type, inner, about)
		maps.Copy(schema, about[inner].schema)
		schema["description"] = about[inner].about
		properties[name] = schema
		if !strings.HasSuffix(member.Tag.Get("json"), ",omitempty") {
			required = append(required, name)
		}
	}
	return map[string]any{"type": "object", "properties": properties, "required": required}
}

// textOf is the schema of a text: what Read takes.
func textOf(t reflect.Type, path string) map[string]any {
	schema := map[string]any{"type": "string"}
	if known := words(t, path); known != nil {
		schema["enum"] = known
	}
	if t == reflect.TypeFor[diagnose.Code]() || slices.Contains(idPaths(), path) {
		schema["pattern"] = idExpression
	}
	return schema
}
