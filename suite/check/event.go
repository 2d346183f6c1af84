package check

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/diagnose"
)

func eventChecks() []Check {
	return []Check{
		{"event.answers", StageEvent, eventAnswers},
		{"event.timeout", StageEvent, func(o Observations) Finding { return judgeTimeout(o.Event, "event.answers") }},
		{"event.triggers", StageEvents, eventTriggers},
		{"event.json-values", StageEvents, func(o Observations) Finding { return judgeAll(o.Events.Values, diagnose.EventObjectsOnly) }},
		{"event.large", StageEvents, eventLarge},
		{"event.response", StageEvents, eventResponse},
		{"event.hundred", StageHundred, eventHundred},
		{"event.connections", StageEvents, eventConnections},
		{"event.integration-response", StageEvents, eventIntegration},
	}
}

func eventAnswers(o Observations) Finding {
	return judgeAnswer(o.Event, Succeeded(o.Event), "event.timeout")
}

// answered tells that a whole answer came, whatever its status.
func answered(r mockplatform.Result) bool {
	return r.Status.Code == contract.StatusSuccess.Code && r.HTTPStatus != 0
}

func judgeAnswer(r mockplatform.Result, good bool, timeout string) Finding {
	switch {
	case good:
		return pass(answer(r))
	case r.Evidence.TimedOut && r.Evidence.WritableRoot == nil:
		return open(timeout)
	}
	cause := diagnose.Invocation(r.Evidence, isEvent(r))
	if cause.Requirement == idResponseLimits {
		return open(idResponseLimits)
	}
	return fail(cause, answer(r))
}

func judgeTimeout(r mockplatform.Result, answers string) Finding {
	switch {
	case r.Evidence.TimedOut && r.Evidence.WritableRoot == nil:
		return fail(diagnose.Invocation(r.Evidence, isEvent(r)), answer(r))
	case answered(r):
		return pass(answer(r))
	default:
		return open(answers)
	}
}

func answer(r mockplatform.Result) map[string]any {
	return map[string]any{"status": r.Status.Code, "message": r.ErrorMessage, "httpStatus": r.HTTPStatus, "durationMs": r.Duration.Milliseconds(), "bytes": len(r.Body)}
}

// judgeAll wants every one of some requests answered with 2xx.
func judgeAll(all []Sent, code diagnose.Code) Finding {
	var names []string
	for _, sent := range all {
		if !sent.Good() {
			return fail(diagnose.Because(code, sent.Name+": "+unserved(sent.Result)), answer(sent.Result))
		}
		names = append(names, sent.Name)
	}
	return pass(map[string]any{"answered": names})
}

func eventTriggers(o Observations) Finding {
	return judgeAll(o.Events.Triggers, diagnose.EventTrigger)
}

func eventLarge(o Observations) Finding {
	taken := 0
	for _, sent := range o.Events.Large {
		if !sent.Good() && !sent.Result.Evidence.TooLarge { // an echo of it is over the limit of answers
			found := fmt.Sprintf("an event of %s: %s", size(int64(sent.Bytes)), unserved(sent.Result))
			if taken > 0 {
				found = fmt.Sprintf("an event of %s is taken; ", size(int64(taken))) + found
			}
			return fail(diagnose.Because(diagnose.EventBodyLimit, found), map[string]any{"takenBytes": taken, "refusedBytes": sent.Bytes, "httpStatus": sent.Result.HTTPStatus})
		}
		taken = sent.Bytes
	}
	return pass(map[string]any{"takenBytes": taken})
}

// notProbe says why an image that is no probe cannot show something.
const notProbe = "only a probe can show it (docs/probe-protocol.md), and this image does not answer as one"

func eventResponse(o Observations) Finding {
	sent := o.Events.Response
	switch {
	case sent == nil:
		return notApplicable(notProbe)
	case !sent.Good():
		return fail(diagnose.Because(diagnose.EventResponse, fmt.Sprintf("asked for %s: %s", size(int64(sent.Bytes)), unserved(sent.Result))), answer(sent.Result))
	case len(sent.Result.Body) != sent.Bytes:
		return fail(diagnose.Because(diagnose.EventResponse, fmt.Sprintf("asked for %d bytes, %d came", sent.Bytes, len(sent.Result.Body))), answer(sent.Result))
	default:
		return pass(answer(sent.Result))
	}
}

func eventHundred(o Observations) Finding {
	h := o.Hundred
	evidence := map[string]any{"sent": h.Sent, "restarted": h.Restarted}
	switch {
	case h.Failed != nil:
		return fail(diagnose.Because(diagnose.EventNotRepeatable, fmt.Sprintf("the first was answered well; number %d: %s", h.FailedAt, unserved(h.Failed.Result))), evidence)
	case h.Restarted:
		return fail(diagnose.Because(diagnose.EventNotRepeatable, "the instance ended between two events"), evidence)
	default:
		return pass(evidence)
	}
}

func eventConnections(o Observations) Finding {
	for _, c := range []struct {
		sent []Sent
		code diagnose.Code
	}{{o.Events.Kept, diagnose.EventKeepAlive}, {o.Events.Closed, diagnose.EventConnectionClose}} {
		if f := judgeAll(c.sent, c.code); f.Outcome == Fail {
			return f
		}
	}
	return pass(map[string]any{"kept": len(o.Events.Kept), "closed": len(o.Events.Closed)})
}

func eventIntegration(o Observations) Finding {
	if o.Events.Gateway < 0 || o.Events.Gateway >= len(o.Events.Triggers) {
		return notApplicable("no trigger that wants it was selected (-event=apigw)")
	}
	r := o.Events.Triggers[o.Events.Gateway].Result
	if wrong := integration(r.Body); wrong != "" {
		head := r.Body[:min(len(r.Body), 200)] //nolint:mnd // enough to recognise it
		return fail(diagnose.Because(diagnose.EventIntegration, fmt.Sprintf("%s; the answer begins with %s", wrong, diagnose.Clean(string(head)))), answer(r))
	}
	return pass(answer(r))
}

// integration tells what keeps an answer from being an integration response; empty if nothing does.
func integration(body []byte) string {
	var response map[string]json.RawMessage
	if err := json.Unmarshal(body, &response); err != nil {
		return "it is no JSON object"
	}
	var (
		status  int
		text    string
		encoded bool
		headers map[string]any
	)
	for _, member := range []struct {
		name string
		into any
		kind string
	}{{"statusCode", &status, "a number"}, {"body", &text, "a string"}, {"headers", &headers, "an object"}, {"isBase64Encoded", &encoded, "true or false"}} {
		raw, ok := response[member.name]
		if !ok {
			return "it has no " + member.name
		}
		if err := json.Unmarshal(raw, member.into); err != nil {
			return member.name + " is not " + member.kind
		}
	}
	if status < http.StatusContinue || status > 599 { //nolint:mnd // the last of HTTP
		return fmt.Sprintf("statusCode %d is no HTTP status", status)
	}
	return ""
}
