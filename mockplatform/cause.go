package mockplatform

import (
	"net/http"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/diagnose"
)

// Failed tells that an invocation did not do what its caller wanted: the platform's status is no success, an event was
// not answered with 2xx, or an HTTP request was answered with 5xx.
func (r *Result) Failed() bool {
	switch {
	case r.Status.Code != contract.StatusSuccess.Code:
		return true
	case r.Event:
		return r.HTTPStatus < http.StatusOK || r.HTTPStatus >= http.StatusMultipleChoices
	default:
		return r.HTTPStatus >= http.StatusInternalServerError
	}
}

// Cause names why an invocation failed, from its evidence alone. There is none for one that did not fail, and for one
// that the platform refused before the function had a part in it. A connection that was switched to another protocol has
// had its answer: its ErrorMessage says how it ended, unless the process ended with it.
func (r *Result) Cause() (diagnose.Cause, bool) {
	if !r.Failed() {
		return diagnose.Cause{}, false
	}
	switch r.Evidence.Phase {
	case diagnose.PhasePull, diagnose.PhaseCreate, diagnose.PhaseStart, diagnose.PhaseInit:
		return diagnose.Start(r.Evidence), true
	case diagnose.PhaseInvoke:
		if r.HTTPStatus == http.StatusSwitchingProtocols && r.Evidence.Exit == nil && !r.Evidence.TimedOut {
			return diagnose.Cause{}, false
		}
		return diagnose.Invocation(r.Evidence, r.Event), true
	default:
		return diagnose.Cause{}, false
	}
}
