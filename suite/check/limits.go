package check

import (
	"fmt"
	"strings"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/diagnose"
)

func limitChecks() []Check {
	return []Check{
		{"limits.tmp-writable", StageInside, tmpWritable},
		{"limits.tmp-usage", StageHundred, tmpUsage},
		{"limits.tmp-full", StageTmp, tmpFull},
		{"limits.writes", StageWrites, writes},
		{"limits.memory", StageHundred, memoryMargin},
		{"limits.descriptors", StageHundred, descriptors},
		{"limits.recovers", StageRecovery, recovers},
	}
}

func tmpWritable(o Observations) Finding {
	if o.Inside == nil {
		return notApplicable(notProbe)
	}
	var wrong []string
	for kind, saw := range o.Inside.reports() {
		if !saw.TmpWritable {
			wrong = append(wrong, kind+": the code could not write a file in /tmp")
		}
	}
	return judged(diagnose.ProcessTmp, wrong, nil)
}

// notVisible says why something could not be seen.
const notVisible = "it can be seen only as root beside a local engine"

// growth is what a hundred requests may add without being a leak: half a step for each.
const (
	growthTmp   = 1 << 20
	growthFiles = 50
	nearLimit   = 900 // of 1024
)

func tmpUsage(o Observations) Finding {
	h := o.Hundred
	if h.Before == nil || h.After == nil {
		return notApplicable(notVisible)
	}
	grown := h.After.TmpBytes - h.Before.TmpBytes
	evidence := map[string]any{"beforeBytes": h.Before.TmpBytes, "afterBytes": h.After.TmpBytes, "limitBytes": contract.TmpBytes}
	if grown < growthTmp || h.Sent == 0 {
		return pass(evidence)
	}
	each := grown / int64(h.Sent)
	return fail(diagnose.Because(diagnose.TmpTooMuch, fmt.Sprintf("%d requests left %s in /tmp, %s each: 512 MB are full after some %d requests",
		h.Sent, size(grown), size(each), contract.TmpBytes/max(each, 1))), evidence)
}

func tmpFull(o Observations) Finding {
	if o.Tmp.NotVisible {
		return notApplicable(notVisible)
	}
	evidence := map[string]any{"whileFull": o.Tmp.While.HTTPStatus, "afterwards": o.Tmp.Afterward.HTTPStatus}
	if served(o.Tmp.Afterward) {
		return pass(evidence)
	}
	return fail(diagnose.Because(diagnose.TmpNoRecovery, fmt.Sprintf("while /tmp was full: %s; when it was empty again: %s", became(o.Tmp.While), unserved(o.Tmp.Afterward))), evidence)
}

// became tells what became of a request in a few words.
func became(r mockplatform.Result) string {
	if answered(r) {
		return fmt.Sprintf("answered with %d", r.HTTPStatus)
	}
	return fmt.Sprintf("%d %s", r.Status.Code, r.Status.Name)
}

func writes(o Observations) Finding {
	paths := diagnose.WrittenPaths(o.Writes.Changes)
	if len(paths) == 0 {
		return pass(nil)
	}
	const shown = 10
	return fail(diagnose.Because(diagnose.RunWrites, diagnose.Clean("on a writable root it writes "+strings.Join(paths[:min(len(paths), shown)], ", "))), map[string]any{"paths": len(paths)})
}

// memoryShare of the configured memory may be used without a word.
const memoryShare = 0.8

func memoryMargin(o Observations) Finding {
	limit := int64(o.MemoryMB) << 20
	evidence := map[string]any{"peakBytes": o.Hundred.PeakBytes, "limitBytes": limit, "method": o.Hundred.MemoryMethod}
	if float64(o.Hundred.PeakBytes) < memoryShare*float64(limit) {
		return pass(evidence)
	}
	return fail(diagnose.Because(diagnose.RunMemoryMargin, fmt.Sprintf("the peak is %s of %d MB", size(o.Hundred.PeakBytes), o.MemoryMB)), evidence)
}

func descriptors(o Observations) Finding {
	h := o.Hundred
	if h.Before == nil || h.After == nil {
		return notApplicable(notVisible)
	}
	evidence := map[string]any{"openFiles": []int{h.Before.OpenFiles, h.After.OpenFiles}, "processes": []int{h.Before.Count, h.After.Count}, "threads": []int{h.Before.Threads, h.After.Threads}}
	leak := func(before, after int) bool { return after-before >= growthFiles || after >= nearLimit }
	threads := func(u *mockplatform.InstanceUsage) int { return u.Threads - u.Zombies } // which life.zombies judges
	switch {
	case leak(h.Before.OpenFiles, h.After.OpenFiles):
		return fail(diagnose.Because(diagnose.RunDescriptors, fmt.Sprintf("%d open files before %d requests, %d afterwards, of at most %d", h.Before.OpenFiles, h.Sent, h.After.OpenFiles, contract.MaxOpenFiles)), evidence)
	case leak(threads(h.Before), threads(h.After)):
		return fail(diagnose.Because(diagnose.RunThreads, fmt.Sprintf("%d threads in %d processes before %d requests, %d in %d afterwards, of at most %d", h.Before.Threads, h.Before.Count, h.Sent, h.After.Threads, h.After.Count, contract.MaxProcesses)), evidence)
	default:
		return pass(evidence)
	}
}

func recovers(o Observations) Finding {
	evidence := map[string]any{"ended": o.Recovery.Ended.Status.Code, "next": o.Recovery.Next.HTTPStatus}
	if served(o.Recovery.Next) {
		return pass(evidence)
	}
	return fail(diagnose.Because(diagnose.RunNoRecovery, "after an instance was ended: "+unserved(o.Recovery.Next)), evidence)
}
