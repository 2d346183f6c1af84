package main

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/scfcert/scfcert/suite/report"
)

// TestMain lets the test binary be the watcher that run starts, as the scfcert binary is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "watch" {
		os.Exit(run(os.Args[1:]))
	}
	os.Exit(m.Run())
}

func TestExitCodes(t *testing.T) {
	dir := "--report-dir=" + t.TempDir()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	matrix := filepath.Join(t.TempDir(), "matrix.yaml")
	if err := os.WriteFile(matrix, []byte("images: [{image: built-in, command: /nothing, type: event}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		args []string
		want int
	}{
		"the built-in sample": {[]string{"run", dir}, report.ExitConformant},
		"another command":     {[]string{"run", dir, "--command=/nothing"}, report.ExitNonConformant},
		"no memory":           {[]string{"run", "--memory=0"}, report.ExitUsage},
		"no folder":           {[]string{"run", "--report-dir="}, report.ExitUsage},
		"no file of waivers":  {[]string{"run", "--waivers="}, report.ExitUsage},
		"an unknown image":    {[]string{"run", dir, "engine:scfcert-no-such-image:1"}, report.ExitInconclusive},
		"an unknown archive":  {[]string{"run", dir, "tar:/none.tar"}, report.ExitInconclusive},
		"unwritable folder":   {[]string{"run", "--report-dir", file}, report.ExitInconclusive},
		"nonsense flag":       {[]string{"run", "--nonsense"}, report.ExitUsage},
		"nonsense value":      {[]string{"run", "--memory=many"}, report.ExitUsage},
		"impossible value":    {[]string{"run", "--memory=77"}, report.ExitUsage},
		"malformed reference": {[]string{"run", "no image"}, report.ExitUsage},
		"two images":          {[]string{"run", "a", "b"}, report.ExitUsage},
		"image twice":         {[]string{"run", "a", "--image=b"}, report.ExitUsage},
		"unknown command":     {[]string{"rum"}, report.ExitUsage},
		"help":                {[]string{"run", "--help"}, report.ExitConformant},
		"requirements":        {[]string{"requirements", "--lang=zh"}, report.ExitConformant},
		"unknown format":      {[]string{"requirements", "--format=xml"}, report.ExitUsage},
		"a requirement":       {[]string{"explain", "start.listen"}, report.ExitConformant},
		"a reason":            {[]string{"explain", "listen.loopback-only", "--format=json"}, report.ExitConformant},
		"an unknown id":       {[]string{"explain", "start.nothing"}, report.ExitUsage},
		"an unknown language": {[]string{"explain", "start.listen", "--lang=fr"}, report.ExitUsage},
		"one event":           {[]string{"invoke", "--type=event", "--event=cos"}, report.ExitConformant},
		"one HTTP request":    {[]string{"invoke", "--method=POST", "--path=/x", "--header=A: b", "--data=hello", "--include"}, report.ExitConformant},
		"a failing function":  {[]string{"invoke", "--command=/nothing"}, report.ExitNonConformant},
		"nothing to invoke":   {[]string{"invoke", "engine:scfcert-no-such-image:1"}, report.ExitInconclusive},
		"half a header":       {[]string{"invoke", "--header=nonsense"}, report.ExitUsage},
		"no such data":        {[]string{"invoke", "--data=@/none"}, report.ExitUsage},
		"an event":            {[]string{"event", "timer", "--set=Message=hello"}, report.ExitConformant},
		"an unknown trigger":  {[]string{"event", "kafka"}, report.ExitUsage},
		"file and image":      {[]string{"serve", "x:1", "--file=functions.yaml"}, report.ExitUsage},
		"file and flag":       {[]string{"serve", "--file=functions.yaml", "--memory=256"}, report.ExitUsage},
		"no such file":        {[]string{"serve", "--file=/none.yaml"}, report.ExitUsage},
		"address in use":      {[]string{"serve", "--listen=" + taken.Addr().String()}, report.ExitInconclusive},
		"no address":          {[]string{"serve", "--listen=nonsense"}, report.ExitInconclusive},
		"the machine":         {[]string{"doctor"}, report.ExitConformant},
		"the machine as JSON": {[]string{"doctor", "--format=json", "--lang=zh"}, report.ExitConformant},
		"the version":         {[]string{"version", "--format=json"}, report.ExitConformant},
		"a shell":             {[]string{"completion", "bash"}, report.ExitConformant},
		"a matrix":            {[]string{"matrix", "-f", matrix, dir}, report.ExitNonConformant},
		"a file without -f":   {[]string{"matrix", matrix, dir}, report.ExitUsage},
		"no matrix":           {[]string{"matrix", dir}, report.ExitUsage},
		"no such matrix":      {[]string{"matrix", "-f", "/none.yaml", dir}, report.ExitUsage},
		"an empty matrix":     {[]string{"matrix", "-f", file, dir}, report.ExitUsage},
		"no runs at a time":   {[]string{"matrix", "-f", matrix, dir, "--parallel=0"}, report.ExitUsage},
		"matrix nowhere":      {[]string{"matrix", "-f", matrix, "--report-dir", file}, report.ExitInconclusive},
		"unknown type":        {[]string{"run", "--type=both"}, report.ExitUsage},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := run(c.args); got != c.want {
				t.Errorf("exit code %d, want %d", got, c.want)
			}
		})
	}
	t.Run("no engine", func(t *testing.T) {
		t.Setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
		dir := t.TempDir()
		if got := run([]string{"doctor"}); got != report.ExitInconclusive {
			t.Errorf("doctor: exit code %d", got)
		}
		if got := run([]string{"run", "--report-dir", dir}); got != report.ExitInconclusive {
			t.Errorf("exit code %d", got)
		}
		for _, name := range []string{"report.json", "junit.xml"} {
			if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
				t.Error(err)
			}
		}
	})
}
