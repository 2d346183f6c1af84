package check

import (
	"fmt"
	"slices"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/diagnose"
)

// The requirements on a start, of which one failure breaks exactly one.
const (
	idTmp          = "image.tmp"
	idPull         = "image.pull"
	idReadOnlyRoot = "start.read-only-root"
	idMemory       = "start.memory"
	idAlive        = "start.alive"
	idListen       = "start.listen"
	idTime         = "start.time"
)

func startChecks() []Check {
	started := func(id string) func(Observations) Finding {
		return func(o Observations) Finding { return judgeStart(id, o) }
	}
	return []Check{
		{idReadOnlyRoot, StageStart, started(idReadOnlyRoot)},
		{idMemory, StageStart, started(idMemory)},
		{idAlive, StageStart, started(idAlive)},
		{idListen, StageStart, started(idListen)},
		{idTime, StageStart, started(idTime)},
		{"start.bare-connection", StageStart, bareConnection},
		{"start.headroom", StageStart, headroom},
		{"start.again", StageAgain, func(o Observations) Finding { return judgeVariation(o.Again, diagnose.StartNotAgain) }},
		{"start.other-uid", StageUser, func(o Observations) Finding { return judgeVariation(o.User, diagnose.StartNeedsItsUser) }},
		{"start.no-role", StageRole, func(o Observations) Finding { return judgeVariation(o.Role, diagnose.StartNeedsCredentials) }},
	}
}

// judgeStart judges one of the requirements on a start. A failed start has one cause; those that are known to hold in
// spite of it are listed by it, the others are left open.
func judgeStart(id string, o Observations) Finding {
	if o.StartFailed == nil {
		return pass(map[string]any{"readyMs": o.ColdStart.Ready.Milliseconds(), "peakBytes": o.ColdStart.PeakBytes})
	}
	e := o.StartFailed.Evidence
	cause := diagnose.Start(e)
	evidence := map[string]any{"status": o.StartFailed.Status.Code, "message": o.StartFailed.Message, "listeners": listeners(e), "exit": e.Exit}
	if cause.Requirement == id {
		return fail(cause, evidence)
	}
	holds := map[string][]string{
		idTmp:           {idPull},
		idReadOnlyRoot:  {idPull},
		idMemory:        {idPull},
		idAlive:         {idPull},
		"start.command": {idPull},
		idListen:        {idPull, idAlive, idMemory},
		idTime:          {idPull, idReadOnlyRoot, idAlive, idMemory, idListen},
	}
	if len(e.Listeners) > 0 { // it came as far as to listen, if not where it must
		holds[idListen] = append(holds[idListen], idReadOnlyRoot)
	}
	if slices.Contains(holds[cause.Requirement], id) {
		return pass(nil)
	}
	return open(cause.Requirement)
}

func listeners(e diagnose.Evidence) []string {
	found := []string{}
	for _, l := range e.Listeners {
		found = append(found, l.Address.String())
	}
	return found
}

func imagePull(o Observations) Finding {
	f := judgeStart(idPull, o)
	if f.Outcome == Pass {
		f.Evidence = map[string]any{"blobsTransferred": o.Transfers.Blobs, "bytesTransferred": o.Transfers.Bytes, "requests": o.Transfers.Requests}
	}
	return f
}

func bareConnection(o Observations) Finding {
	b := o.Bare
	if b == nil {
		return open(idTime)
	}
	if b.Alive {
		return pass(nil)
	}
	found := "the process ended after connections that were opened and closed without a request"
	if b.Exit != nil {
		found += fmt.Sprintf(", with exit code %d", b.Exit.Code)
	}
	found += "; it lives on when none is made"
	if b.Tail != "" {
		found += "; end of stderr:\n" + diagnose.Tail(b.Tail)
	}
	return fail(diagnose.Because(diagnose.StartBareConnection, found), map[string]any{"exit": b.Exit})
}

func headroom(o Observations) Finding {
	evidence := map[string]any{"readyMs": o.ColdStart.Ready.Milliseconds(), "limitMs": o.InitTimeout.Milliseconds()}
	if o.ColdStart.Ready <= o.InitTimeout/2 { //nolint:mnd // half of it
		return pass(evidence)
	}
	return fail(diagnose.Because(diagnose.StartLittleHeadroom, fmt.Sprintf("ready after %s of %s", o.ColdStart.Ready.Round(10_000_000), o.InitTimeout)), evidence)
}

// judgeVariation judges a function with one thing changed, which did well without the change.
func judgeVariation(v Variation, code diagnose.Code) Finding {
	if v.StartFailed != nil {
		return fail(diagnose.Because(code, diagnose.Start(v.StartFailed.Evidence).Found.EN), map[string]any{"status": v.StartFailed.Status.Code})
	}
	evidence := map[string]any{"readyMs": v.ColdStart.Ready.Milliseconds(), "httpStatus": v.Result.HTTPStatus}
	if served(v.Result) {
		return pass(evidence)
	}
	return fail(diagnose.Because(code, unserved(v.Result)), evidence)
}

// served tells that a request was answered as a function of its type has to: an event with 2xx, anything else below 500.
func served(r mockplatform.Result) bool {
	if isEvent(r) {
		return Succeeded(r)
	}
	return answered(r) && r.HTTPStatus < 500
}

// isEvent tells whether a result is that of an event.
func isEvent(r mockplatform.Result) bool { return r.Event }

// unserved tells what became of a request that was not served, in a sentence.
func unserved(r mockplatform.Result) string {
	if r.Evidence.Phase != diagnose.PhaseInvoke && r.Evidence.Phase != "" {
		return diagnose.Start(r.Evidence).Found.EN
	}
	return diagnose.Invocation(r.Evidence, isEvent(r)).Found.EN
}
