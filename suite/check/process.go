package check

import (
	"fmt"
	"maps"
	"slices"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
)

func processChecks() []Check {
	return []Check{
		{"environment.process", StageInside, environmentProcess},
		{"headers.process", StageInside, headersProcess},
		{"request.process", StageInside, requestProcess},
	}
}

// reports are what a probe told, each with the way in which it was asked.
func (i *Inside) reports() map[string]*Report {
	all := map[string]*Report{}
	if i.Event != nil {
		all["event"] = i.Event
	}
	if i.HTTP != nil {
		all["HTTP request"] = i.HTTP
	}
	return all
}

func environmentProcess(o Observations) Finding {
	if o.Inside == nil {
		return notApplicable(notProbe)
	}
	var wrong []string
	for kind, saw := range o.Inside.reports() {
		for _, one := range differences(o.Inside.Environment, saw.Environment) {
			wrong = append(wrong, kind+": "+one)
		}
	}
	return judged(diagnose.ProcessEnvironment, wrong, map[string]any{"variables": slices.Sorted(maps.Keys(o.Inside.Environment))})
}

// differences tells which variables are missing or different.
func differences(want, saw map[string]string) []string {
	var wrong []string
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if got, ok := saw[key]; !ok {
			wrong = append(wrong, key+" is not set")
		} else if got != want[key] {
			wrong = append(wrong, fmt.Sprintf("%s is %q, not %q", key, got, want[key]))
		}
	}
	return wrong
}

func headersProcess(o Observations) Finding {
	if o.Inside == nil {
		return notApplicable(notProbe)
	}
	var wrong []string
	for kind, saw := range o.Inside.reports() {
		for _, name := range slices.Sorted(maps.Keys(o.Inside.Headers)) {
			want := o.Inside.Headers[name]
			switch got := saw.Headers[name]; {
			case len(got) != 1:
				wrong = append(wrong, fmt.Sprintf("%s: %s has %d values", kind, name, len(got)))
			case want != "" && got[0] != want:
				wrong = append(wrong, fmt.Sprintf("%s: %s is not what was sent", kind, name))
			}
		}
	}
	return judged(diagnose.ProcessHeaders, wrong, map[string]any{"headers": slices.Sorted(maps.Keys(o.Inside.Headers))})
}

func requestProcess(o Observations) Finding {
	if o.Inside == nil {
		return notApplicable(notProbe)
	}
	var wrong []string
	if saw := o.Inside.Event; saw != nil {
		wrong = append(wrong, sawRequest("event", ProbeRequest{Method: "POST", Target: "/event-invoke", BodySHA256: o.Inside.EventSHA256}, *saw)...)
	}
	if saw := o.Inside.HTTP; saw != nil {
		wrong = append(wrong, sawRequest("HTTP request", o.Inside.Request, *saw)...)
	}
	return judged(diagnose.ProcessRequest, wrong, nil)
}

// sawRequest tells what of a request did not arrive as it was sent.
func sawRequest(kind string, want ProbeRequest, saw Report) []string {
	var wrong []string
	if saw.Method != want.Method {
		wrong = append(wrong, fmt.Sprintf("%s: the method is %q, not %q", kind, saw.Method, want.Method))
	}
	if saw.Target != want.Target {
		wrong = append(wrong, fmt.Sprintf("%s: path and query are %q, not %q", kind, saw.Target, want.Target))
	}
	if saw.BodySHA256 != want.BodySHA256 {
		wrong = append(wrong, fmt.Sprintf("%s: the body of %d bytes is not the one that was sent", kind, saw.BodyBytes))
	}
	for _, name := range slices.Sorted(maps.Keys(want.Header)) {
		if !slices.Equal(saw.Headers[name], want.Header[name]) {
			wrong = append(wrong, fmt.Sprintf("%s: header %s is %q, not %q", kind, name, saw.Headers[name], want.Header[name]))
		}
	}
	return wrong
}
