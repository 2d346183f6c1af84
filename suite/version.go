package suite

import (
	"runtime/debug"

	"github.com/scfcert/scfcert/suite/report"
)

// tool tells which build made a report.
func tool() report.Tool {
	t := report.Tool{Name: "scfcert", Version: "devel"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return t
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		t.Version = info.Main.Version
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			t.Commit = setting.Value
		}
	}
	return t
}
