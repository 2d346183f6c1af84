package suite

import (
	"runtime/debug"

	"github.com/scfcert/scfcert/suite/report"
)

// Tool tells which build made a report.
func Tool() report.Tool {
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
