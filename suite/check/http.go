package check

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/diagnose"
)

const idResponseLimits = "http.response-limits"

func httpChecks() []Check {
	return []Check{
		{"http.answers", StageHTTP, httpAnswers},
		{"http.timeout", StageHTTP, func(o Observations) Finding { return judgeTimeout(o.HTTP, "http.answers") }},
		{"http.unknown-path", StageRequests, func(o Observations) Finding {
			return judgeEvery([]Sent{o.Requests.Unknown}, diagnose.HTTPUnknownPath)
		}},
		{"http.methods", StageRequests, func(o Observations) Finding { return judgeEvery(o.Requests.Methods, diagnose.HTTPMethod) }},
		{"http.request-body", StageRequests, httpRequestBody},
		{idResponseLimits, StageHTTP, httpResponseLimits},
		{"http.framing", StageRequests, httpFraming},
		{"http.concurrency", StageConcurrency, httpConcurrency},
		{"http.streaming", StageStreaming, httpStreaming},
		{"http.websocket", StageWebSocket, httpWebSocket},
	}
}

func httpAnswers(o Observations) Finding {
	r := o.HTTP
	if o.Auto && answered(r) && r.HTTPStatus >= http.StatusBadRequest && r.HTTPStatus < http.StatusInternalServerError {
		cause := diagnose.Invocation(r.Evidence, false)
		return fail(diagnose.BecauseText(diagnose.HTTPNoRoute, cause.Found), answer(r))
	}
	return judgeAnswer(r, served(r), "http.timeout")
}

// judgeEvery wants every one of some requests answered, with whatever status.
func judgeEvery(all []Sent, code diagnose.Code) Finding {
	statuses := map[string]any{}
	for _, sent := range all {
		if !answered(sent.Result) && !tooLarge(sent.Result) {
			return fail(diagnose.Because(code, sent.Name+": "+unserved(sent.Result)), answer(sent.Result))
		}
		statuses[sent.Name] = sent.Result.HTTPStatus
	}
	return pass(statuses)
}

// tooLarge tells that an answer was over a limit, which is a finding of its own.
func tooLarge(r mockplatform.Result) bool { return r.Evidence.TooLarge || r.Evidence.HeaderTooLarge }

func httpRequestBody(o Observations) Finding {
	small, large := o.Requests.Small, o.Requests.Large
	evidence := map[string]any{"bytes": large.Bytes, "httpStatus": large.Result.HTTPStatus, "httpStatusOfSmall": small.Result.HTTPStatus}
	status := large.Result.HTTPStatus
	switch {
	case tooLarge(large.Result):
	case !answered(large.Result), status == http.StatusRequestEntityTooLarge,
		status >= http.StatusInternalServerError && answered(small.Result) && small.Result.HTTPStatus < http.StatusInternalServerError:
		return fail(diagnose.Because(diagnose.HTTPBodyLimit, fmt.Sprintf("a body of %s: %s; one of %d bytes is answered with %d", size(int64(large.Bytes)), unserved(large.Result), small.Bytes, small.Result.HTTPStatus)), evidence)
	}
	return pass(evidence)
}

func httpResponseLimits(o Observations) Finding {
	seen := append([]Sent{{Name: "GET", Result: o.HTTP}}, o.Requests.All()...)
	for _, sent := range seen {
		code := diagnose.HTTPHeaderTooLarge
		if sent.Result.Evidence.TooLarge {
			code = diagnose.HTTPTooLarge
		}
		if tooLarge(sent.Result) {
			return fail(diagnose.Because(code, sent.Name+": "+unserved(sent.Result)), answer(sent.Result))
		}
	}
	if !answered(o.HTTP) {
		return open("http.answers")
	}
	return pass(map[string]any{"answers": len(seen)})
}

func httpFraming(o Observations) Finding {
	var wrong []string
	for _, sent := range append([]Sent{{Name: "GET", Result: o.HTTP}}, o.Requests.All()...) {
		for _, one := range sent.Result.Framing {
			wrong = append(wrong, sent.Name+": "+one)
		}
	}
	return judged(diagnose.HTTPFraming, wrong, nil)
}

func httpConcurrency(o Observations) Finding {
	c := o.Concurrency
	if c.Declared <= 1 {
		return notApplicable("not declared (-concurrency)")
	}
	evidence := map[string]any{"declared": c.Declared, "instances": c.Instances}
	failed := 0
	var first *mockplatform.Result
	for n := range c.Results {
		if !served(c.Results[n]) {
			failed++
			if first == nil {
				first = &c.Results[n]
			}
		}
	}
	if first != nil {
		return fail(diagnose.Because(diagnose.HTTPNotConcurrent, fmt.Sprintf("%d of %d requests at a time failed; the first: %s", failed, len(c.Results), unserved(*first))), evidence)
	}
	return pass(evidence)
}

// Parts of a stream that come so close together came at once; a stream that is shorter than that cannot show it.
const atOnce = 20 * time.Millisecond

func httpStreaming(o Observations) Finding {
	s := o.Streaming
	if s.Path == "" {
		return notApplicable("not declared (-stream)")
	}
	evidence := map[string]any{"parts": len(s.Parts), "durationMs": s.Result.Duration.Milliseconds()}
	if !served(s.Result) {
		return fail(diagnose.Because(diagnose.HTTPBuffered, "GET "+s.Path+": "+unserved(s.Result)), evidence)
	}
	if len(s.Parts) > 0 && slices.Max(s.Parts)-slices.Min(s.Parts) >= atOnce {
		return pass(evidence)
	}
	if s.Result.Duration < 5*atOnce { //nolint:mnd // some parts
		return notApplicable(fmt.Sprintf("the answer of GET %s took only %s: name a path whose answer takes a tenth of a second at least", s.Path, s.Result.Duration.Round(time.Millisecond)))
	}
	return fail(diagnose.Because(diagnose.HTTPBuffered, fmt.Sprintf("GET %s took %s, and everything came within %s at its end", s.Path, s.Result.Duration.Round(time.Millisecond), atOnce)), evidence)
}

func httpWebSocket(o Observations) Finding {
	w := o.WebSocket
	switch {
	case w.Path == "":
		return notApplicable("not declared (-websocket)")
	case w.Failed != "":
		return fail(diagnose.Because(diagnose.HTTPWebSocket, "GET "+w.Path+": "+diagnose.Clean(strings.TrimSpace(w.Failed))), nil)
	default:
		return pass(map[string]any{"path": w.Path})
	}
}
