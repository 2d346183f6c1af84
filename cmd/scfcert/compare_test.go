package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/scfcert/scfcert/suite/report"
)

func TestCompareTellsARegressionByItsExitCode(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, change func(*report.Report)) string {
		t.Helper()
		r := loaded(t, "../../suite/report/testdata/passing.json")
		change(&r)
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(path, 0o750); err != nil {
			t.Fatal(err)
		}
		if err := report.Save(path, r); err != nil {
			t.Fatal(err)
		}
		return path
	}
	old := write("old", func(*report.Report) {})
	same := write("same", func(r *report.Report) { r.StartedAt = r.StartedAt.AddDate(0, 0, 1) })
	larger := write("larger", func(r *report.Report) { r.Image.UncompressedBytes *= 2 })
	open := write("open", func(r *report.Report) { *r = loaded(t, "../../suite/report/testdata/inconclusive.json") })
	other := write("other", func(r *report.Report) { r.Contract.Version = "2999.01" })
	empty := filepath.Join(dir, "empty")
	if err := os.Mkdir(empty, 0o750); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want int
	}{
		{[]string{old, same}, 0}, {[]string{filepath.Join(old, "report.json"), same, "--format=json"}, 0},
		{[]string{old, larger, "--format=markdown", "--lang=zh"}, 1}, {[]string{larger, old}, 0}, {[]string{old, larger, "--min-change=2"}, 0},
		{[]string{old, open}, 2}, {[]string{old, same, "--min-change=0"}, 64}, {[]string{old, same, "--alpha=0"}, 64}, {[]string{old, same, "--min-samples=0"}, 64},
		{[]string{old, other}, 2}, {[]string{old, empty}, 2}, {[]string{old, filepath.Join(dir, "none")}, 2},
		{[]string{old}, 64}, {[]string{old, same, "--format=xml"}, 64}, {[]string{old, same, "--alpha=7"}, 64},
	} {
		if got := run(append([]string{"compare"}, c.args...)); got != c.want {
			t.Errorf("compare %v: exit code %d, want %d", c.args, got, c.want)
		}
	}
}
