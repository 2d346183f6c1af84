package matrix

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const example = `
images:
  - my-function:1.0
  - name: other
    image: oci:layouts/other
    command: python3 app.py
    env: {MODE: image, COUNT: 007}
    event: cos
variants:
  - {name: event-256, type: event, memory: 256, event: [timer, ckafka], env: [MODE=variant]}
  - {name: http, type: http, function-timeout: 20}
defaults: {function-timeout: 10, init-timeout: 40, env: {REGION: here}}
`

func parse(t *testing.T, text string) Plan {
	t.Helper()
	plan, err := Parse("matrix.yaml", []byte(text), "/base")
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func TestEveryImageIsCertifiedInEveryVariant(t *testing.T) {
	plan := parse(t, example)
	if want := []string{"my-function-1.0", "other"}; !slices.Equal(plan.Images, want) {
		t.Errorf("images %q, want %q", plan.Images, want)
	}
	var names []string
	for _, r := range plan.Runs {
		names = append(names, r.Name())
	}
	if want := []string{"my-function-1.0/event-256", "my-function-1.0/http", "other/event-256", "other/http"}; !slices.Equal(names, want) {
		t.Fatalf("runs %q, want %q", names, want)
	}
	first, third, fourth := plan.Runs[0].Options, plan.Runs[2].Options, plan.Runs[3].Options
	if first.Image != "my-function:1.0" || first.Type != "event" || first.MemoryMB != 256 || first.Timeout != 10*time.Second || first.InitTimeout != 40*time.Second || first.Command != nil {
		t.Errorf("the first run is %+v", first)
	}
	if third.Image != "oci:/base/layouts/other" || third.Command == nil || *third.Command != "python3 app.py" {
		t.Errorf("the third run is %+v", third)
	}
	if want := map[string]string{"MODE": "variant", "COUNT": "007", "REGION": "here"}; !maps.Equal(third.Environment, want) {
		t.Errorf("variables %v, want %v", third.Environment, want)
	}
	if len(third.Events) != 2 || third.Events[0].Name != "timer" || len(fourth.Events) != 1 || fourth.Events[0].Name != "cos" {
		t.Errorf("events are %v and %v", third.Events, fourth.Events)
	}
	if fourth.Timeout != 20*time.Second || fourth.Environment["MODE"] != "image" || fourth.ReportDir != "" {
		t.Errorf("the fourth run is %+v", fourth)
	}
}

func TestWithoutVariantsThereIsOneRunForEachImage(t *testing.T) {
	plan := parse(t, "images: [built-in, 'registry:example.com/team/python:1.4', 'oci:dir/b@sha256:00']\ndefaults: {type: http}")
	var names []string
	for _, r := range plan.Runs {
		names = append(names, r.Name())
	}
	if want := []string{"built-in", "python-1.4", "b"}; !slices.Equal(names, want) || plan.Runs[1].Options.Type != "http" {
		t.Errorf("runs %q, want %q", names, want)
	}
}

func TestAnErrorSaysWhereAndWhatAndWhatToDo(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"empty":                {"", []string{"1:1", "images: [my-function:1.0]"}},
		"no images":            {"variants: [{name: a}]", []string{"images: this key is missing"}},
		"no image in the list": {"images: []", []string{"1:9", "the list is empty"}},
		"unknown key":          {"images: [a]\nimage: b", []string{"2:1", "did you mean images?"}},
		"unknown setting":      {"images: [{image: a, memry: 128}]", []string{"images[0].memry", "did you mean memory?"}},
		"what is the tool's":   {"images: [{image: a, report-dir: x}]", []string{"report-dir", "there is no such key"}},
		"memory":               {"images: [a]\nvariants:\n  - name: odd\n    memory: 100", []string{"3:5", "a/odd", "-memory: ", "100"}},
		"a unit":               {"images: [{image: a, memory: 128MB}]", []string{"1:29", `"128MB"`, "give a whole number"}},
		"type":                 {"images: [{image: a, type: cron}]", []string{`-type "cron"`, "take auto, event or http"}},
		"no name of a variant": {"images: [a]\nvariants: [{type: http}]", []string{"variants[0].name", "missing"}},
		"no reference":         {"images: [{name: a}]", []string{"images[0].image", "missing"}},
		"a name with a slash":  {"images: [{name: ../x, image: a}]", []string{`"../x"`, "cannot be the name of a folder"}},
		"an overview's name":   {"images: [x/Matrix.HTML, {name: matrix.md, image: a}, {name: matrix.json, image: a}]", []string{"1:10", "1:32", "1:61", `"Matrix.HTML"`, "a file of the overview", "name: NAME"}},
		"a report's name":      {"images: [a]\nvariants: [{name: report.json}]", []string{`"report.json"`, "of a report"}},
		"two with one name":    {"images: [x/A:1, y/a:1]", []string{"1:17", `"a-1"`, "first in line 1"}},
		"two variants":         {"images: [a]\nvariants: [{name: v}, {name: V}]", []string{`"V"`, "first in line 2"}},
		"standard input":       {"images: [{image: a, event: '-'}]", []string{"standard input"}},
		"no such trigger":      {"images: [{image: a, event: nonsense}]", []string{`-event "nonsense"`}},
		"a setting is a list":  {"images: [{image: a, memory: [128, 256]}]", []string{"images[0].memory", "this is a list"}},
		"no such waivers":      {"images: [{image: a, waivers: none.yaml}]", []string{"-waivers", "none.yaml"}},
		"reference":            {"images: ['A B']", []string{"1:10", "-image"}},
		"too many":             {"images: [" + strings.Repeat("a,", 40) + "]", nil},
	} {
		t.Run(name, func(t *testing.T) {
			plan, err := Parse("matrix.yaml", []byte(c.text), t.TempDir())
			if !errors.Is(err, ErrFile) || len(plan.Runs) > 0 {
				t.Fatalf("%d runs, error %v", len(plan.Runs), err)
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not tell %q", err, part)
				}
			}
		})
	}
}

func TestTheGuideShowsWhatCanBeRead(t *testing.T) {
	guide, err := os.ReadFile("../../docs/matrix.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(guide), "```yaml\n")
	shown, _, _ := strings.Cut(rest, "```\n")
	base := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(base, "events"), 0o700), os.WriteFile(filepath.Join(base, "events", "order.json"), []byte("{}"), 0o600)); err != nil {
		t.Fatal(err)
	}
	plan, err := Parse("matrix.yaml", []byte(shown), base)
	if err != nil || len(plan.Runs) != 4 {
		t.Errorf("%d runs, error %v", len(plan.Runs), err)
	}
	known := append(settingNames(), nameKey, imageKey)
	for _, name := range known {
		if !strings.Contains(string(guide), "`"+name+"`") {
			t.Errorf("docs/matrix.md does not tell of %s", name)
		}
	}
	for _, limit := range []string{fmt.Sprintf("at most %d KB", MaxBytes>>10), fmt.Sprintf("%d runs", MaxRuns)} {
		if !strings.Contains(string(guide), limit) {
			t.Errorf("docs/matrix.md does not say %q", limit)
		}
	}
}

func TestAPlanHasABound(t *testing.T) {
	var text strings.Builder
	text.WriteString("images:\n")
	for n := range 40 {
		fmt.Fprintf(&text, "  - a:%d\n", n)
	}
	text.WriteString("variants:\n")
	for n := range 26 {
		fmt.Fprintf(&text, "  - name: v%d\n", n)
	}
	if _, err := Parse("matrix.yaml", []byte(text.String()), ""); !errors.Is(err, ErrFile) || !strings.Contains(err.Error(), "1040 runs") {
		t.Errorf("error %v", err)
	}
}

func TestAValueOfAVariableIsInNoError(t *testing.T) {
	for _, env := range []string{"{1BAD: s3cr3t}", "{'': s3cr3t}", "['=s3cr3t']", "['TOKEN:s3cr3t']", "'TOKEN s3cr3t'", "{'A=B': s3cr3t}"} {
		_, err := Parse("matrix.yaml", []byte("images: [{image: a, env: "+env+", memory: 1}]"), "")
		if err == nil || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: error %v", env, err)
		}
	}
}

func TestAFileOfVeryManyIsRefusedSoon(t *testing.T) {
	var many strings.Builder
	for n := range 40_000 {
		fmt.Fprintf(&many, "v%d,", n)
	}
	variables := strings.ReplaceAll(many.String()[:200_000], ",", "=,") + "]}"
	var images strings.Builder
	for n := range 1000 {
		fmt.Fprintf(&images, "i%d,", n)
	}
	for name, c := range map[string]struct{ text, want string }{
		"images":    {"images: [" + many.String()[:240_000] + "]", "take at most 1000 runs"},
		"variants":  {"images: [a]\nvariants: [" + strings.Repeat("{name: v},", 20_000) + "]", "the list has 20000 items"},
		"variables": {"images: [" + images.String() + "]\ndefaults: {env: [" + variables, "take at most 1000"},
		"a mapping": {"images: [" + images.String() + "]\ndefaults: {env: {" + strings.ReplaceAll(many.String()[:150_000], ",", ": 1,") + "}}", "take at most 1000"},
		"events":    {"images: [" + images.String() + "]\ndefaults: {event: [" + strings.Repeat("cos,", 40_000) + "]}", "take at most 1000"},
	} {
		began := time.Now()
		_, err := Parse("matrix.yaml", []byte(c.text), "")
		if !errors.Is(err, ErrFile) || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 1000 {
			t.Errorf("%s: error %.300v", name, err)
		}
		if took := time.Since(began); took > 5*time.Second { // on a busy machine
			t.Errorf("%s: it took %s", name, took)
		}
	}
}

func TestAFileOfManyRunsIsReadAndHeldOnce(t *testing.T) {
	base := t.TempDir()
	waivers := "waivers: [{requirement: limits.memory, reason: run.little-memory-left, justification: soon, owner: me, expires: " + time.Now().AddDate(0, 0, 9).Format(time.DateOnly) + "}]"
	if err := errors.Join(os.WriteFile(filepath.Join(base, "order.json"), []byte("{}"), 0o600), os.WriteFile(filepath.Join(base, "waivers.yaml"), []byte(waivers), 0o600)); err != nil {
		t.Fatal(err)
	}
	plan, err := Parse("matrix.yaml", []byte(`
images: [a, {image: b, memory: 256}]
variants: [{name: v, event: order.json}, {name: w, event: [cos, order.json]}]
defaults: {waivers: waivers.yaml}`), base)
	if err != nil {
		t.Fatal(err)
	}
	first := plan.Runs[0].Options
	for _, r := range plan.Runs {
		events := r.Options.Events
		if &events[len(events)-1].Body[0] != &first.Events[0].Body[0] || &r.Options.Waivers[0] != &first.Waivers[0] {
			t.Errorf("%s: a file is there twice", r.Name())
		}
	}
}

func TestANameOfAVariableHasNoEqualsSign(t *testing.T) {
	_, err := Parse("matrix.yaml", []byte("images: [{image: a, env: {'A=B': c}}]"), "")
	if !errors.Is(err, ErrFile) || !strings.Contains(err.Error(), "1:") || !strings.Contains(err.Error(), `"A=B"`) {
		t.Errorf("error %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{example, "images: [a]", "images: &a [*a]", "images: [{image: a, env: {A: b}}]\nvariants: [{<<: {name: x}}]", "images: [{name: ../.., image: oci:..}]"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		plan, err := Parse("fuzz.yaml", []byte(text), "/nowhere")
		if err != nil {
			if !errors.Is(err, ErrFile) || len(plan.Runs) > 0 {
				t.Fatalf("%d runs, error %v", len(plan.Runs), err)
			}
			return
		}
		seen := map[string]bool{}
		for _, r := range plan.Runs {
			name := strings.ToLower(r.Name())
			if seen[name] || !filepath.IsLocal(name) {
				t.Fatalf("%q is no folder of one run", name)
			}
			seen[name] = true
			fingerprint("", &r, nil) // panics where a member is no data
		}
		if len(plan.Runs) != len(plan.Images)*len(plan.Variants) || len(plan.Runs) > MaxRuns {
			t.Fatalf("%d runs of %d images in %d variants", len(plan.Runs), len(plan.Images), len(plan.Variants))
		}
	})
}
