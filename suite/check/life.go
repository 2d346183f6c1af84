package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/diagnose"
)

func logChecks() []Check {
	return []Check{
		{"logs.unbuffered", StageHundred, logsUnbuffered},
		{"logs.credentials", StageHundred, logsCredentials},
	}
}

func lifeChecks() []Check {
	return []Check{
		{"life.sigterm", StageLife, lifeSignal},
		{"life.freeze", StageLife, lifeFreeze},
		{"life.zombies", StageHundred, lifeZombies},
	}
}

// rarely is below this share of the requests: output of the same request again and again comes with each of them, or
// with none.
const rarely = 10

func logsUnbuffered(o Observations) Finding {
	h := o.Hundred
	evidence := map[string]any{"requests": h.Sent, "printedStdout": h.Printed[mockplatform.FromStdout], "printedStderr": h.Printed[mockplatform.FromStderr]}
	silent := true
	for _, source := range []mockplatform.Source{mockplatform.FromStdout, mockplatform.FromStderr} {
		printed, late := h.Printed[source], h.LateBytes[source]
		unbuffered := h.Unbuffered && source == mockplatform.FromStdout
		if (late > 0 || unbuffered) && printed*rarely < h.Sent {
			found := fmt.Sprintf("%s: during %d of %d requests something came out, and %d bytes afterwards", source, printed, h.Sent, late)
			if unbuffered {
				found = fmt.Sprintf("%s: during %d of %d requests something came out; with PYTHONUNBUFFERED=1 it comes with each", source, printed, h.Sent)
			}
			return fail(diagnose.Because(diagnose.LogsBuffered, found), evidence)
		}
		silent = silent && printed == 0
	}
	if silent {
		return notApplicable("the image prints nothing while it serves")
	}
	return pass(evidence)
}

func logsCredentials(o Observations) Finding {
	if len(o.Hundred.Leaked) == 0 {
		return pass(nil)
	}
	return fail(diagnose.Because(diagnose.LogsCredentials, strings.Join(slices.Compact(o.Hundred.Leaked), "; ")), nil)
}

func lifeSignal(o Observations) Finding {
	if o.Life.Stopped.Killed == 0 {
		return pass(nil)
	}
	return fail(diagnose.Because(diagnose.LifeIgnoresSignal, fmt.Sprintf("still there %s after SIGTERM, and killed then", o.Life.Grace)), nil)
}

func lifeFreeze(o Observations) Finding {
	for n, r := range o.Life.Thawed {
		if !served(r) {
			return fail(diagnose.Because(diagnose.LifeFreeze, fmt.Sprintf("request %d to an instance that stood still before: %s", n+1, unserved(r))), answer(r))
		}
	}
	return pass(map[string]any{"requests": len(o.Life.Thawed)})
}

func lifeZombies(o Observations) Finding {
	h := o.Hundred
	switch {
	case h.After == nil:
		return notApplicable(notVisible)
	case h.After.Zombies > 0:
		return fail(diagnose.Because(diagnose.LifeZombies, fmt.Sprintf("%d zombies after %d requests", h.After.Zombies, h.Sent)), map[string]any{"zombies": h.After.Zombies})
	default:
		return pass(nil)
	}
}
