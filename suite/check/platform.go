package check

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/diagnose"
)

func platformChecks() []Check {
	return []Check{
		{"platform.credential", StagePlatform, platformCredential},
		{"environment.variables", StageProbe, environmentVariables},
		{"headers.common", StageProbe, headersCommon},
		{"headers.trigger-source", StagePlatform, headersTriggerSource},
		{"headers.client", StagePlatform, headersClient},
		{"http.pass-through", StagePlatform, httpPassThrough},
		{"platform.limits", StageProbe, platformLimits},
		{"logs.collected", StageProbe, logsCollected},
		{"platform.acceleration", StagePlatform, platformAcceleration},
		{"platform.provisioned", StagePlatform, platformProvisioned},
		{"platform.billing", StageProbe, platformBilling},
		{"platform.price", StageImage, func(Observations) Finding { return notApplicable("prices are the vendor's") }},
	}
}

func platformCredential(o Observations) Finding {
	var wrong []string
	if o.Probe.Unauthorized != http.StatusUnauthorized {
		wrong = append(wrong, fmt.Sprintf("without a credential the registry answers %d", o.Probe.Unauthorized))
	}
	if o.Probe.Wrong != http.StatusUnauthorized {
		wrong = append(wrong, fmt.Sprintf("with a wrong credential the registry answers %d", o.Probe.Wrong))
	}
	return judged(diagnose.PlatformCredential, wrong, nil)
}

func environmentVariables(o Observations) Finding {
	wrong := differences(o.Probe.Environment, o.Probe.Saw.Environment)
	for _, key := range contract.CodePackageOnly() {
		if _, ok := o.Probe.Saw.Environment[key]; ok {
			wrong = append(wrong, key+" is set, which only code packages get")
		}
	}
	return judged(diagnose.PlatformEnvironment, wrong, map[string]any{"variables": len(o.Probe.Environment)})
}

func headersCommon(o Observations) Finding {
	var wrong, names []string
	for _, header := range contract.Headers() {
		values := o.Probe.Saw.Headers[header.Name]
		switch {
		case header.TimerOnly: // a requirement of its own
		case header.Credential && !o.Readings.ExecutionRole:
			if len(values) > 0 {
				wrong = append(wrong, header.Name+" arrives without an execution role")
			}
		case len(values) != 1 || values[0] == "":
			wrong = append(wrong, fmt.Sprintf("%s has %d values", header.Name, len(values)))
		case header.Credential && !strings.HasPrefix(values[0], "sha256:"):
			wrong = append(wrong, header.Name+" is not shown as a hash")
		default:
			names = append(names, header.Name)
		}
	}
	if got := o.Probe.Saw.Headers[contract.HeaderRequestID]; len(got) == 1 && got[0] != o.Probe.First.RequestID {
		wrong = append(wrong, fmt.Sprintf("%s is %s in the process and %s outside", contract.HeaderRequestID, got[0], o.Probe.First.RequestID))
	}
	return judged(diagnose.PlatformHeaders, wrong, map[string]any{"headers": names})
}

func headersTriggerSource(o Observations) Finding {
	var wrong []string
	if values := o.Probe.Saw.Headers[contract.HeaderTriggerSrc]; len(values) > 0 {
		wrong = append(wrong, contract.HeaderTriggerSrc+" arrives without a timer")
	}
	if values := o.Probe.Timed.Headers[contract.HeaderTriggerSrc]; !slices.Equal(values, []string{string(mockplatform.Timer)}) {
		wrong = append(wrong, fmt.Sprintf("%s is %q with a timer", contract.HeaderTriggerSrc, values))
	}
	return judged(diagnose.PlatformTrigger, wrong, nil)
}

// headersClient wants what a client sends of the platform's headers to have been replaced.
func headersClient(o Observations) Finding {
	var wrong []string
	for name, sent := range o.Probe.Request.Header {
		if !strings.HasPrefix(name, "X-Scf-") {
			continue
		}
		saw := o.Probe.SawRequest.Headers[name]
		if slices.Contains(saw, sent[0]) && (contract.IsHeader(name) || o.Readings.ClientHeaders == "strip") {
			wrong = append(wrong, name+" arrives as the client sent it")
		}
	}
	slices.Sort(wrong)
	return judged(diagnose.PlatformClient, wrong, nil)
}

func httpPassThrough(o Observations) Finding {
	want := o.Probe.Request
	own := map[string][]string{}
	for name, values := range want.Header {
		if !strings.HasPrefix(name, "X-Scf-") {
			own[name] = values
		}
	}
	want.Header = own
	return judged(diagnose.PlatformPassThrough, sawRequest("the probe", want, o.Probe.SawRequest), nil)
}

// tolerance of the size of /tmp.
const tolerance = contract.TmpBytes / 100

func platformLimits(o Observations) Finding {
	saw := o.Probe.Saw
	var wrong []string
	if saw.RootWritable != (o.Readings.RootFilesystem == "writable") {
		wrong = append(wrong, fmt.Sprintf("the root file system can be written: %v", saw.RootWritable))
	}
	if !saw.TmpWritable {
		wrong = append(wrong, "/tmp cannot be written")
	}
	if o.Readings.RootFilesystem != "writable" && (saw.TmpBytes < contract.TmpBytes-tolerance || saw.TmpBytes > contract.TmpBytes+tolerance) {
		wrong = append(wrong, "/tmp has "+size(saw.TmpBytes))
	}
	if saw.OpenFiles != contract.MaxOpenFiles {
		wrong = append(wrong, fmt.Sprintf("%d files may be open", saw.OpenFiles))
	}
	if saw.TimeZone != "UTC" {
		wrong = append(wrong, "the time zone is "+saw.TimeZone)
	}
	return judged(diagnose.PlatformLimits, wrong, map[string]any{"tmpBytes": saw.TmpBytes, "openFiles": saw.OpenFiles})
}

// logsCollected wants the two lines of each of two requests under their request, and no line of the other.
func logsCollected(o Observations) Finding {
	var wrong []string
	for _, r := range []mockplatform.Result{o.Probe.First, o.Probe.Second} {
		for _, source := range []mockplatform.Source{mockplatform.FromStdout, mockplatform.FromStderr} {
			var lines []string
			for _, line := range r.Log {
				if line.Source == source && !line.Init {
					lines = append(lines, line.Text)
				}
			}
			if want := fmt.Sprintf("%s of request %s", source, r.RequestID); !slices.Equal(lines, []string{want}) {
				wrong = append(wrong, fmt.Sprintf("%s of request %s has %q", source, r.RequestID, lines))
			}
		}
	}
	return judged(diagnose.PlatformLogs, wrong, nil)
}

func platformAcceleration(o Observations) Finding {
	var wrong []string
	if o.Probe.Accelerated.Pull != 0 || o.Probe.AcceleratedRequests != 0 {
		wrong = append(wrong, fmt.Sprintf("the cold start pulls for %s and asks the registry %d times", o.Probe.Accelerated.Pull, o.Probe.AcceleratedRequests))
	}
	return judged(diagnose.PlatformAcceleration, wrong, nil)
}

func platformProvisioned(o Observations) Finding {
	var wrong []string
	if r := o.Probe.Provisioned; !Succeeded(r) || r.ColdStart != nil {
		wrong = append(wrong, fmt.Sprintf("the first request is answered with %d, and meets a cold start: %v", r.HTTPStatus, r.ColdStart != nil))
	}
	return judged(diagnose.PlatformProvisioned, wrong, nil)
}

func platformBilling(o Observations) Finding {
	var wrong []string
	bill := o.Probe.Second.Bill
	want := float64(bill.MemoryMB) / 1024 * bill.Billed.Seconds() //nolint:mnd // MB in a GB
	if bill.Duration != o.Probe.Second.Duration || bill.Billed < bill.Duration || math.Abs(bill.GBs-want) > 1e-12 {
		wrong = append(wrong, fmt.Sprintf("%s at %d MB are billed as %s and %f GBs", o.Probe.Second.Duration, bill.MemoryMB, bill.Billed, bill.GBs))
	}
	return judged(diagnose.PlatformBilling, wrong, map[string]any{"gbs": bill.GBs})
}

func judged(code diagnose.Code, wrong []string, evidence map[string]any) Finding {
	if len(wrong) > 0 {
		slices.Sort(wrong)
		return fail(diagnose.Because(code, diagnose.Clean(strings.Join(wrong, "; "))), evidence)
	}
	return pass(evidence)
}
