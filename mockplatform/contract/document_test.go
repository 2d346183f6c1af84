package contract

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/readings.md anew")

func TestTheDocumentOfReadingsIsUpToDate(t *testing.T) {
	var b strings.Builder
	b.WriteString(`# Readings

Generated from the table by ` + "`go test ./mockplatform/contract -update`" + `; do not edit.

Where the documents leave a question open, scfcert takes a decision and offers the alternative. Set one with
` + "`-reading NAME=VALUE`" + ` (may be repeated), or in Go by ` + "`contract.Readings.Set`" + `. A report lists those that differ from
the decision.

| name | decision | values | question | meaning |
|---|---|---|---|---|
`)
	for _, row := range ReadingTable() {
		_, _ = fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s | %s |\n", row.Name, row.Default, row.Values, row.Question, row.About)
	}
	const path = "../../docs/readings.md"
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != b.String() {
		t.Error("docs/readings.md differs from the table: go test ./mockplatform/contract -update")
	}
}
