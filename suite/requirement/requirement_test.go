package requirement

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
)

func TestTheCatalogueIsSound(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range All() {
		if seen[r.ID] {
			t.Errorf("%s is listed twice", r.ID)
		}
		for _, p := range r.Preconditions {
			if !seen[p] {
				t.Errorf("precondition %s of %s does not stand before it", p, r.ID)
			}
		}
		seen[r.ID] = true
		if r.Title.EN == "" || r.Title.ZH == "" || r.Clause == "" || r.How.EN == "" || r.How.ZH == "" || len(r.Types) == 0 || (r.Level == Info) != (r.Observed == NotObservable) {
			t.Errorf("%s is not complete: %+v", r.ID, r)
		}
	}
	for _, reason := range diagnose.Reasons() {
		if reason.Requirement != "" && !seen[reason.Requirement] {
			t.Errorf("reason %s belongs to an unknown requirement %q", reason.Code, reason.Requirement)
		}
	}
}

func TestEveryRequirementHasAReason(t *testing.T) {
	reasons := map[string]bool{}
	for _, reason := range diagnose.Reasons() {
		reasons[reason.Requirement] = true
	}
	for _, r := range All() {
		if !reasons[r.ID] && r.Level != Info {
			t.Errorf("%s can fail for no reason", r.ID)
		}
	}
}

var update = flag.Bool("update", false, "write the generated documents anew")

func TestTheDocumentsAreUpToDate(t *testing.T) {
	read := func(path string) string {
		t.Helper()
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	const begin, end = "<!-- generated: why -->\n", "<!-- end -->"
	inserted := func(path, table string) string {
		t.Helper()
		before, rest, ok := strings.Cut(read(path), begin)
		_, after, closed := strings.Cut(rest, end)
		if !ok || !closed {
			t.Fatalf("%s has no place for the table", path)
		}
		return before + begin + table + end + after
	}
	for path, want := range map[string]string{
		"../../docs/requirements.md": Markdown(),
		"../../README.md":            inserted("../../README.md", WhyTable(false)),
		"../../README.zh-CN.md":      inserted("../../README.zh-CN.md", WhyTable(true)),
	} {
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if read(path) != want {
			t.Errorf("%s differs from the catalogue: go test ./suite/requirement -update", path)
		}
	}
}

func TestAnExplanationHasItsReasons(t *testing.T) {
	e, ok := Explain("start.listen")
	if !ok || len(e.Reasons) != 4 || e.Reasons[0].Code != diagnose.ListenLoopback {
		t.Errorf("explanation is %+v", e)
	}
	if _, ok := Explain("start.nothing"); ok {
		t.Error("an unknown requirement is explained")
	}
}

func TestAPinnedRunHasNothingOfLater(t *testing.T) {
	first := Versions()[0]
	pinned := asOf(first, append(All(), Requirement{ID: "later.added", Since: "2999.01"}))
	if len(pinned) != len(All()) || len(Of(first)) != len(All()) {
		t.Errorf("%s has %d requirements with one added later; want %d", first, len(pinned), len(All()))
	}
	if Of("2020.01") != nil || Of("") != nil {
		t.Error("an unknown version has requirements")
	}
	if newest := asOf("2999.01", append(All(), Requirement{ID: "later.added", Since: "2999.01"})); len(newest) != len(All())+1 {
		t.Errorf("the later version has %d requirements", len(newest))
	}
}
