package samplefunctions

import "github.com/scfcert/scfcert/mockplatform/diagnose"

// Realistic is a violator as a user would write it: a folder of realistic/ with a Dockerfile and a program.
type Realistic struct {
	Name  string
	Fault string
	// Base is the sample whose base image it stands on: "python" or "node".
	Base string
	Broken
}

// Realistics lists all of them. Building them needs a container engine and base images, which violators do without.
func Realistics() []Realistic {
	return []Realistic{
		{"python-loopback", "HTTPServer listens on 127.0.0.1", "python", Broken{"start.listen", diagnose.ListenLoopback}},
		{"python-missing-module", "imports Flask, which is not installed", "python", Broken{"start.alive", diagnose.StartMissing}},
		{"python-missing-variable", "reads os.environ[\"DATABASE_URL\"], which nobody sets", "python", Broken{"start.alive", diagnose.StartVariable}},
		{"python-sqlite", "keeps its database beside the program", "python", Broken{"start.read-only-root", diagnose.StartWritesRootfs}},
		{"python-buffered", "prints without PYTHONUNBUFFERED", "python", Broken{"logs.unbuffered", diagnose.LogsBuffered}},
		{"node-localhost", "listens on \"localhost\"", "node", Broken{"start.listen", diagnose.ListenLoopback}},
		{"node-port-3000", "listens on process.env.PORT || 3000", "node", Broken{"start.listen", diagnose.ListenWrongPort}},
		{"node-missing-module", "requires Express, which is not installed", "node", Broken{"start.alive", diagnose.StartMissing}},
		{"node-log-file", "writes its log beside the program", "node", Broken{"start.read-only-root", diagnose.StartWritesRootfs}},
		{"node-body-limit", "answers bodies over 100 kB with 413, as express.json() does", "node", Broken{"event.large", diagnose.EventBodyLimit}},
		{"shell-background", "the start script ends while the server runs in the background", "python", Broken{"start.alive", diagnose.StartExited}},
		{"shell-crlf", "the start script has DOS line ends", "python", Broken{"start.command", diagnose.StartCRLF}},
		{"shell-no-exec", "the start script does not exec the server, which therefore gets no SIGTERM", "python", Broken{"life.sigterm", diagnose.LifeIgnoresSignal}},
	}
}
