package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/suite/requirement"
)

const crashed = `start command ["python3" "app.py"] ended after 210ms with exit code 1; missing in the image: ModuleNotFoundError: No module named 'flask'; end of stderr:
Traceback (most recent call last):
  File "/app/app.py", line 3, in <module>
    from flask import Flask
ModuleNotFoundError: No module named 'flask'`

// dressed is a fixture with all that a report of a real image has.
func dressed(name string) Report {
	r := fixtures()[name]
	r.Tool.Commit, r.Contract = "131ce2d", Contract{"scf-webserver-image", "2026.11", "583/41076, 2023-07-10 and the pages listed in docs"}
	r.Image.Source, r.Image.CompressedBytes, r.Image.Estimated = "engine", 54443684, true
	r.Image.Digest = "sha256:c4e24efa85e8979c9132c68c2f29638a0559b7f52e1894bae35a305bd7d0e4a5"
	r.Image.UncompressedBytes, r.Image.Command, r.Image.Args = 128086528, []string{"python3"}, []string{"app.py"}
	r.Function = Function{"auto", 512, 3, 30, []string{"DATABASE_URL", "LOG_LEVEL"}}
	if name == "inconclusive" {
		return r
	}
	r.Margins = []Margin{{"image size", 128086528, 1 << 30, "bytes"}}
	if name == "failing" {
		r.Readings = map[string]string{"root-filesystem": "writable", "init-timeout": "60s"}
		for n := range r.Requirements {
			if q := &r.Requirements[n]; q.ID == "start.listen" {
				q.Found = &diagnose.Text{EN: crashed, ZH: crashed}
				q.Evidence = map[string]any{"message": "container exited", "status": 436, "listeners": []string{}, "exit": map[string]any{"Code": 1}}
			}
		}
		return r
	}
	r.Margins = append(r.Margins, Margin{"start-up", 25.252, 30, "s"}, Margin{"event response time", 0.0041, 3, "s"},
		Margin{"http response time", 3.2, 3, "s"}, Margin{"memory", 20385792, 512 << 20, "bytes"}, Margin{"/tmp", 0, 512 << 20, "bytes"})
	r.Timings = map[string]int64{"coldStartMs": 361, "createMs": 15, "eventInvokeMs": 4, "httpInvokeMs": 31, "pullMs": 18, "readyMs": 252, "runtimeMs": 76}
	for n := range r.Requirements {
		switch q := &r.Requirements[n]; q.ID {
		case "image.size":
			q.Evidence = map[string]any{"uncompressedBytes": 128086528, "limitBytes": 1 << 30}
		case "image.region":
			note := "there are no regions on this machine"
			q.Outcome, q.Found = NotApplicable, &diagnose.Text{EN: note, ZH: note}
		case "start.listen":
			q.Observed, q.Evidence = requirement.BlackBox, map[string]any{"readyMs": 252, "peakBytes": 20209664}
		}
	}
	return r
}

func htmlOf(t *testing.T, r Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteHTML(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func markdownOf(t *testing.T, r Report, chinese bool) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteMarkdown(&b, r, MarkdownOptions{Chinese: chinese}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAReportIsAPageAndASummaryByTheByte(t *testing.T) {
	for _, name := range []string{"passing", "failing", "inconclusive", "waived"} {
		r := dressed(name)
		for ending, got := range map[string]string{"html": htmlOf(t, r), "md": markdownOf(t, r, false), "zh.md": markdownOf(t, r, true)} {
			if strings.ContainsAny(got, "\x1b\x07") {
				t.Errorf("%s.%s holds a control character", name, ending)
			}
			golden(t, name+"."+ending, got)
		}
	}
}

// parsed is a page as a browser understands it.
func parsed(t *testing.T, text string) *html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// all are the elements with a name; "*" is any.
func all(root *html.Node, name string) []*html.Node {
	var found []*html.Node
	for node := range root.Descendants() {
		if node.Type == html.ElementNode && (name == "*" || node.Data == name) {
			found = append(found, node)
		}
	}
	return found
}

func attribute(node *html.Node, key string) string {
	for _, a := range node.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// innerText is all text below a node, with single spaces and none before a comma or colon.
func innerText(root *html.Node) string {
	var b strings.Builder
	for node := range root.Descendants() {
		if node.Type == html.TextNode {
			b.WriteString(node.Data + " ")
		}
	}
	return strings.NewReplacer(" ,", ",", " :", ":", "： ", "：", " ，", "，").Replace(strings.Join(strings.Fields(b.String()), " "))
}

func byID(t *testing.T, root *html.Node, id string) *html.Node {
	t.Helper()
	for _, node := range all(root, "*") {
		if attribute(node, "id") == id {
			return node
		}
	}
	t.Fatalf("there is no %s", id)
	return nil
}

func TestThePageLoadsNothingAndRunsNothingElse(t *testing.T) {
	root := parsed(t, htmlOf(t, dressed("failing")))
	policy := ""
	for _, meta := range all(root, "meta") {
		if attribute(meta, "http-equiv") == "Content-Security-Policy" {
			policy = attribute(meta, "content")
		}
	}
	if !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
	for name, directive := range map[string]string{"style": "style-src", "script": "script-src"} {
		found := all(root, name)
		if len(found) != 1 {
			t.Fatalf("%d elements %s", len(found), name)
		}
		sum := sha256.Sum256([]byte(found[0].FirstChild.Data))
		if want := directive + " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "';"; !strings.Contains(policy, want) {
			t.Errorf("%q is missing in %q", want, policy)
		}
	}
	safe(t, root)
}

// safe sees that a page refers to itself and to these links only, and holds no code but its own.
func safe(t *testing.T, root *html.Node, links ...string) {
	t.Helper()
	for _, node := range all(root, "*") {
		switch node.Data {
		case "script", "style":
			if node.Parent.Data != "head" && node.Parent.Data != "body" {
				t.Errorf("%s in %s", node.Data, node.Parent.Data)
			}
		case "iframe", "object", "embed", "img", "form", "base", "video", "audio", "input", "button":
			t.Errorf("there is a %s", node.Data)
		}
		for _, a := range node.Attr {
			switch {
			case strings.HasPrefix(a.Key, "on"), a.Key == "style", a.Key == "src":
				t.Errorf("%s has %s=%q", node.Data, a.Key, a.Val)
			case a.Key == "href" && node.Data == "a" && !strings.HasPrefix(a.Val, "#") && !slices.Contains(links, a.Val), a.Key == "href" && node.Data == "link" && !strings.HasPrefix(a.Val, "data:image/svg+xml,"):
				t.Errorf("%s leads to %q", node.Data, a.Val)
			}
		}
	}
	if scripts := all(root, "script"); len(scripts) != 1 {
		t.Errorf("%d scripts", len(scripts))
	}
}

func TestThePageIsBuiltForThoseWhoDoNotSeeIt(t *testing.T) {
	for _, name := range []string{"passing", "failing", "inconclusive", "waived"} {
		root := parsed(t, htmlOf(t, dressed(name)))
		ids := map[string]bool{}
		for _, node := range all(root, "*") {
			if id := attribute(node, "id"); id != "" && ids[id] {
				t.Errorf("%s: %s is there twice", name, id)
			} else if id != "" {
				ids[id] = true
			}
		}
		for _, node := range all(root, "*") {
			for _, key := range []string{"href", "aria-labelledby"} {
				if to := strings.TrimPrefix(attribute(node, key), "#"); to != "" && node.Data != "link" && !ids[to] {
					t.Errorf("%s: %s=%q leads nowhere", name, key, to)
				}
			}
			if node.Data == "th" && attribute(node, "scope") == "" {
				t.Errorf("%s: a header %q of nothing", name, innerText(node))
			}
			if node.Data == "svg" && attribute(node, "aria-hidden") != "true" {
				t.Errorf("%s: a picture is read aloud", name)
			}
		}
		for _, language := range []string{"en", "zh"} {
			part := byID(t, root, language)
			for _, landmark := range []string{"header", "main", "footer", "h1"} {
				if n := len(all(part, landmark)); n != 1 {
					t.Errorf("%s, %s: %d %s", name, language, n, landmark)
				}
			}
			level := 0
			for _, node := range all(part, "*") {
				if len(node.Data) == 2 && node.Data[0] == 'h' && node.Data[1] >= '1' && node.Data[1] <= '6' {
					if next := int(node.Data[1] - '0'); next > level+1 {
						t.Errorf("%s, %s: %s after h%d", name, language, node.Data, level)
					} else {
						level = next
					}
				}
			}
		}
	}
}

func TestThePageSaysTheVerdictFirstAndTheFaultBeforeIt(t *testing.T) {
	for name, want := range map[string][]string{
		"passing":      {"Verdict: ✓ Conformant", "Root causes", "Budgets", "Cold start", "Requirements", "Engine"},
		"failing":      {"Verdict: ✗ Non-conformant", "Root causes", "Budgets", "Requirements", "Log excerpts", "Engine"},
		"inconclusive": {"? Could not be assessed", "Verdict: ? Inconclusive", "Root causes", "Requirements", "Engine"},
		"waived":       {"Verdict: ≈ Conformant, with waivers", "Root causes", "Waivers", "Budgets", "Cold start", "Requirements", "Log excerpts", "Engine"},
	} {
		var got []string
		r := dressed(name)
		if name == "waived" {
			for n := range r.Requirements {
				if q := &r.Requirements[n]; q.ID == "start.listen" {
					q.Found = &diagnose.Text{EN: crashed, ZH: crashed}
				}
			}
		}
		for _, node := range all(byID(t, parsed(t, htmlOf(t, r)), "en"), "h2") {
			got = append(got, innerText(node))
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: headings %q, want %q", name, got, want)
		}
	}
}

func TestThePageSaysInNumbersWhatItDraws(t *testing.T) {
	root := parsed(t, htmlOf(t, dressed("passing")))
	for id, parts := range map[string][]string{
		"en": {
			"122 MiB of 1 GiB (12 %)", "25.3 s of 30 s (84 %) ! little is left", "4.1 ms of 3 s (0.1 %)", "3.2 s of 3 s (107 %) ✗ over the limit", "0 B of 512 MiB (0 %)",
			"In all, until it is ready: 361 ms", "Pull the image 18 ms, from 0 ms", "Until it listens 252 ms, from 109 ms", "First HTTP request 31 ms, from 361 ms",
			"uncompressedBytes 128086528 (122 MiB)", "readyMs 252 ms",
		},
		"zh": {"122 MiB / 1 GiB (12 %)", "余量很小", "超出限制", "拉取镜像 18 ms", "结论：✓ 符合", "镜像满足所有强制要求。"},
	} {
		text := innerText(byID(t, root, id))
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("%s: %q is missing", id, part)
			}
		}
	}
}

func TestAWarningIsAdviceAndComesAfterFailures(t *testing.T) {
	r := with(map[string]Requirement{
		"image.memory-guidance": {Outcome: Warn, Reason: diagnose.ImageMemory}, "start.listen": {Outcome: Fail, Reason: diagnose.ListenLoopback},
	})
	r.Conclude(both)
	articles := all(byID(t, parsed(t, htmlOf(t, r)), "en"), "article")
	if len(articles) != 2 || !strings.HasPrefix(innerText(articles[0]), "✗ fail") || !strings.HasPrefix(innerText(articles[1]), "! warning") {
		t.Errorf("%d articles", len(articles))
	}
	text := markdownOf(t, r, false)
	if fail, warn := strings.Index(text, "#### ✗ fail"), strings.Index(text, "#### ! warning"); fail < 0 || warn < fail {
		t.Errorf("%s", text)
	}
}

// evil are texts that an image might choose.
var evil = []string{
	`</code></pre><script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, "javascript:alert(1)", "\x1b]8;;http://evil.test\x1b\\link\x1b[31m", "exe\u202etxt\u2066\u200f\u2028",
	"```\n# heading\n@everyone closes #1\n/close\n", "a | b \\| c | d", "[link](http://evil.test) ![x](http://evil.test/x) <http://evil.test> www.evil.test", "--> <!-- <details>", "\xff\xfe\x00",
	"soft\u00adhyphen\u180e\ufff9\U0001d173\U00013430\ue000\ufe0f\U000e0101",
	strings.Repeat("`", 200) + "<b>", "{{.Title}}", "'; } body { display: none }", "line\n\n---\n\n| a | b |\n|---|---|\n| @mention | x |",
}

// hostile is a report all of whose texts are evil.
func hostile(text string) Report {
	both := &diagnose.Text{EN: text, ZH: text}
	r := Report{
		SchemaVersion: text, Tool: Tool{text, text, text}, Contract: Contract{text, text, text}, Readings: map[string]string{text: text},
		Image:    Image{Reference: text, Source: text, Digest: text, DigestKind: text, MediaType: text, Architecture: text, Command: []string{text}, Args: []string{text}, CompressedBytes: -1, UncompressedBytes: math.MaxInt64},
		Function: Function{Type: text, Environment: []string{text}}, Engine: Engine{text, text, Enforcement{text, text, text, text}},
		Verdict: Verdict(text), Verdicts: Verdicts{Verdict(text), Verdict(text)}, Fault: text, FaultReason: diagnose.PlatformFault, LeftBehind: text,
		Margins: []Margin{{text, math.NaN(), math.Inf(1), text}, {text, 1, 0, "s"}, {text, math.MaxFloat64, 1e-300, "bytes"}, {"memory", -5, 10, "s"}},
		Timings: map[string]int64{text: math.MaxInt64, "pullMs": math.MinInt64, "readyMs": math.MaxInt64, "eventInvokeMs": math.MaxInt64},
		Waivers: []Waiver{{text, diagnose.Code(text), text, text, text, nil}},
	}
	r.RootCauses = []RootCause{
		{Requirement: text, Reason: diagnose.Code(text), Summary: *both, Fix: *both, Blocks: []string{text, "image.size"}},
		{Requirement: "gone", Blocks: nil},
	}
	r.Requirements = []Requirement{{
		ID: text, Title: *both, Level: requirement.Level(text), Subject: requirement.Subject(text), Observed: requirement.Observed(text), Types: []string{text}, Outcome: Outcome(text),
		Reason: diagnose.Code(text), Found: &diagnose.Text{EN: "first\n" + text, ZH: text}, Required: both, Fix: both, AlsoPossible: []diagnose.Code{diagnose.Code(text), diagnose.ListenLoopback}, Because: text, Clause: text,
		Evidence: map[string]any{text: text, "n": math.NaN(), "f": func() {}, "nil": nil, "list": []any{text}, "map": map[string]any{text: text}},
	}, {ID: "image.size", Outcome: Fail, Found: both}, {}}
	return r
}

func TestNothingAnImageChoosesBecomesMarkup(t *testing.T) {
	for _, text := range append(evil, strings.Repeat("x", 1<<20), strings.Repeat("世\n", 1<<18), strings.Repeat("\x1b", 1<<20)) {
		r := hostile(text)
		page := htmlOf(t, r)
		harmless(t, page)
		root := parsed(t, page)
		safe(t, root)
		if articles, mains := len(all(root, "article")), len(all(root, "main")); articles != 4 || mains != 2 {
			t.Errorf("%.40q: %d articles in %d mains", text, articles, mains)
		}
		if len(page) > 1<<20 {
			t.Errorf("%.40q: a page of %d bytes", text, len(page))
		}
		if len(text) >= 1<<20 && !strings.Contains(page, "[cut here; in all 1 MiB]") {
			t.Errorf("%.10q: nobody says that it was cut", text)
		}
	}
}

// harmless sees that a text holds nothing that a terminal or a reader would be fooled by.
func harmless(t *testing.T, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Error("it is no text")
	}
	for _, r := range text {
		if unicode.IsControl(r) && r != '\n' && r != '\t' || r != '\u200b' && unicode.Is(unicode.Cf, r) || r == '\u2028' {
			t.Errorf("it holds %q", r)
			return
		}
	}
}

// outside is what of a Markdown text is not code. It fails the test where code does not end as it began.
func outside(t *testing.T, text string) string {
	t.Helper()
	var b strings.Builder
	fenced := false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
			continue
		}
		if fenced {
			continue
		}
		parts := strings.Split(strings.ReplaceAll(line, "\\`", ""), "`")
		if len(parts)%2 == 0 {
			t.Errorf("code does not end in %.200q", line)
		}
		for n := 0; n < len(parts); n += 2 {
			b.WriteString(parts[n] + "¤")
		}
	}
	if fenced {
		t.Error("a block of code does not end")
	}
	return b.String()
}

func TestNothingAnImageChoosesBecomesMarkdown(t *testing.T) {
	for _, text := range append(evil, strings.Repeat("x", 1<<20), strings.Repeat("世|", 1<<18), strings.Repeat("`", 1<<20)) {
		for _, chinese := range []bool{false, true} {
			got := markdownOf(t, hostile(text), chinese)
			harmless(t, got)
			if len(got) >= 60_000 {
				t.Errorf("%.40q: %d bytes", text, len(got))
			}
			if len(text) >= 1<<20 && !strings.Contains(got, in(chinese).Cut+" 1 MiB") {
				t.Errorf("%.10q: nobody says that it was cut", text)
			}
			prose := outside(t, got)
			for _, bad := range []string{"<script", "<img", "<b>", "<details", "<!--", "](", "![", "://", "www.", "@everyone", "@mention", "#1", "\n---\n", "\n/close", "\n# heading"} {
				if at := strings.Index(prose, bad); at >= 0 && !escaped(prose, at) {
					t.Errorf("%.40q: %q in %.300q", text, bad, prose[max(at-100, 0):])
				}
			}
			heading := 0 // pipes in the first row of a table
			for line := range strings.Lines(got) {
				pipes := strings.Count(line, "|") - strings.Count(line, `\|`)
				switch {
				case !strings.HasPrefix(line, "|"):
					heading = 0
				case heading == 0:
					heading = pipes
				case pipes != heading:
					t.Errorf("%.40q: another number of cells in %.300q", text, line)
				}
			}
		}
	}
}

// escaped tells whether the first character of a finding has a backslash before it.
func escaped(text string, at int) bool { return at > 0 && text[at-1] == '\\' }

func TestASummaryOfVeryMuchIsCutAndSaysSo(t *testing.T) {
	r := with(nil)
	for n := range 3000 {
		r.Requirements = append(r.Requirements, Requirement{ID: fmt.Sprintf("image.more-%d", n), Outcome: Fail, Reason: diagnose.ListenLoopback, Found: &diagnose.Text{EN: strings.Repeat("long ", 1000)}})
	}
	r.Conclude(both)
	got := markdownOf(t, r, false)
	if len(got) >= 60_000 || len(got) < 50_000 || !strings.Contains(got, "left out here for its length. The whole report is in report.json.") || !strings.Contains(got, "✗ fail 3000 · ✓ pass") {
		t.Errorf("%d bytes that end in %s", len(got), got[max(0, len(got)-300):])
	}
	outside(t, got)
}

func TestAnEmptyReportIsWrittenToo(t *testing.T) {
	safe(t, parsed(t, htmlOf(t, Report{})))
	outside(t, markdownOf(t, Report{}, false))
}

func TestBothLanguagesHaveAllWords(t *testing.T) {
	for _, o := range outcomes() {
		if inEnglish.outcomes[o] == "" || inChinese.outcomes[o] == "" {
			t.Errorf("no word for %s", o)
		}
	}
	english, chinese := reflect.ValueOf(inEnglish), reflect.ValueOf(inChinese)
	for n := range english.NumField() {
		field := english.Type().Field(n).Name
		switch en, zh := english.Field(n), chinese.Field(n); {
		case en.Kind() == reflect.String && (en.String() == "" || zh.String() == ""):
			t.Errorf("a language has no word for %s", field)
		case en.Kind() != reflect.Map:
		case en.Len() != zh.Len():
			t.Errorf("the languages have %d and %d words of %s", en.Len(), zh.Len(), field)
		default:
			for _, key := range en.MapKeys() {
				if other := zh.MapIndex(key); en.MapIndex(key).String() == "" || !other.IsValid() || other.String() == "" {
					t.Errorf("a language has no word for %v of %s", key, field)
				}
			}
		}
	}
	for _, strength := range []string{"hard", "soft", "none"} {
		if inEnglish.strengths[strength] == "" {
			t.Errorf("no word for %s", strength)
		}
	}
	for _, c := range chapters(with(nil).Requirements) {
		if c.Key == "other" || inEnglish.chapters[c.Key] == "" || inChinese.chapters[c.Key] == "" {
			t.Errorf("%s of %s is in no chapter", c.Requirements[0].ID, c.Key)
		}
	}
}

func TestNothingAnImageChoosesControlsATerminal(t *testing.T) {
	for _, text := range evil {
		for _, chinese := range []bool{false, true} {
			var out bytes.Buffer
			if err := WriteText(&out, hostile(text), TextOptions{Chinese: chinese}); err != nil {
				t.Fatal(err)
			}
			if at := strings.IndexFunc(out.String(), func(r rune) bool { return r != '\n' && unicode.IsControl(r) || r == 0x202e }); at >= 0 {
				t.Errorf("%q becomes %q", text, out.String()[max(0, at-40):min(out.Len(), at+40)])
			}
		}
	}
}

func TestWhatIsWaivedStandsBehindWhatIsBroken(t *testing.T) {
	r := with(and(changed("image.size", Fail, diagnose.ImageTooLarge), changed("start.listen", Fail, diagnose.ListenLoopback)))
	r.Conclude(both)
	waive(&r, "image.size")
	if all := causes(&r); len(all) != 2 || all[0].RootCause.Requirement != "start.listen" || !all[1].Waived {
		t.Errorf("causes are %+v", all)
	}
}
