package main

import (
	"strings"
	"testing"

	"github.com/scfcert/scfcert/mockplatform"
)

func TestDoctorTellsOfDeadRunsOnly(t *testing.T) {
	lang := english
	going := mockplatform.Leftover{Run: "going", Containers: 3}
	dead := mockplatform.Leftover{Run: "gone", Dead: true, Containers: 2, Images: []string{"a", "b", "c"}}
	if got := leftoverLine([]mockplatform.Leftover{going}, false, &lang); got.Health != well || got.Fix != "" || !strings.Contains(got.Found, "1 other runs") {
		t.Errorf("with a run that goes on doctor says %+v", got)
	}
	got := leftoverLine([]mockplatform.Leftover{going, dead}, false, &lang)
	if got.Health != careful || !strings.Contains(got.Found, "gone (2 containers, 3 image names)") || strings.Contains(got.Found, "going (") || !strings.Contains(got.Fix, "scfcert doctor --remove") {
		t.Errorf("with a dead run doctor says %+v", got)
	}
}

func TestDoctorNotesADiskThatMayNotHoldALargeImage(t *testing.T) {
	lang := english
	for _, c := range []struct {
		free uint64
		want health
	}{{diskNeeded, well}, {diskNeeded - 1, careful}} {
		if got := diskLine("/var/lib/docker", c.free, &lang); got.Health != c.want || (got.Fix == "") != (c.want == well) {
			t.Errorf("with %d bytes free doctor says %+v", c.free, got)
		}
	}
}
