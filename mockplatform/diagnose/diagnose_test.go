package diagnose

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

func listeners(addresses ...string) []Listener {
	var found []Listener
	for _, a := range addresses {
		found = append(found, Listener{netip.MustParseAddrPort(a)})
	}
	return found
}

func TestTheCauseOfAFailedStart(t *testing.T) {
	exit := &Exit{Code: 3, After: 40 * time.Millisecond}
	cases := map[string]struct {
		evidence Evidence
		want     Code
		found    []string
	}{
		"pull":               {Evidence{Phase: PhasePull, PullError: "no such layer"}, PullFailed, []string{"no such layer"}},
		"program missing":    {Evidence{StartError: `exec: "/x": stat /x: no such file or directory`, Argv: []string{"/x"}}, StartNotFound, []string{`["/x"]`}},
		"program not ours":   {Evidence{StartError: `exec: "/x": permission denied`, Argv: []string{"/x"}}, StartNotExecutable, nil},
		"line in element":    {Evidence{StartError: `exec: "/x y": stat`, Argv: []string{"/x y"}}, StartLineInElement, nil},
		"exit":               {Evidence{Exit: exit, StderrTail: "boom\n", Argv: []string{"/x"}}, StartExited, []string{"exit code 3", "40ms", "boom"}},
		"missing module":     {Evidence{Exit: exit, StderrTail: "ModuleNotFoundError: No module named 'flask'"}, StartMissing, []string{"missing in the image", "'flask'"}},
		"missing library":    {Evidence{Exit: exit, StderrTail: "/x: error while loading shared libraries: libfoo.so.1: cannot open shared object file"}, StartMissing, []string{"libfoo.so.1"}},
		"missing variable":   {Evidence{Exit: exit, StderrTail: "KeyError: 'DATABASE_URL'"}, StartVariable, []string{"the variable DATABASE_URL"}},
		"variable in words":  {Evidence{Exit: exit, StdoutTail: "Error: API_KEY is not set"}, StartVariable, []string{"the variable API_KEY"}},
		"may not read":       {Evidence{Exit: exit, StderrTail: "Error: EACCES: permission denied, open '/srv/key'"}, StartDenied, []string{"permission denied"}},
		"an ordinary error":  {Evidence{Exit: exit, StderrTail: "panic: index out of range"}, StartExited, []string{"index out of range"}},
		"memory, and enough": {Evidence{Exit: &Exit{Code: 137, OutOfMemory: true}, MemoryMB: 64, MoreMemory: &Experiment{Ready: true, MemoryMB: 128}}, StartOutOfMemory, []string{"64 MB", "with 128 MB"}},
		"slow, a little quicker with more": {Evidence{MemoryMB: 64, InitTimeout: 30 * time.Second, MoreMemory: &Experiment{Ready: true, ReadyAfter: 38 * time.Second, MemoryMB: 1280}, MoreTime: &Experiment{Ready: true, ReadyAfter: 40 * time.Second}}, StartTooSlow,
			[]string{"listens after 40s"}},
		"slow, quick with more": {Evidence{MemoryMB: 64, InitTimeout: 30 * time.Second, MoreMemory: &Experiment{Ready: true, ReadyAfter: 4 * time.Second, MemoryMB: 1280}}, StartSlowForMemory,
			[]string{"30s with 64 MB", "4s with 1280 MB"}},
		"slow, out of its share": {Evidence{MemoryMB: 256, InitTimeout: 8 * time.Second, Waited: 8 * time.Second, HeldBack: 7 * time.Second, MoreMemory: &Experiment{Ready: true, ReadyAfter: 11 * time.Second, MemoryMB: 1024}, MoreTime: &Experiment{Ready: true, ReadyAfter: 13 * time.Second}}, StartSlowForMemory,
			[]string{"7s of 8s", "11s with 1024 MB"}},
		"slow, out of its share, alone": {Evidence{MemoryMB: 256, InitTimeout: 8 * time.Second, Waited: 8 * time.Second, HeldBack: 7 * time.Second, MoreMemory: &Experiment{}, MoreTime: &Experiment{Ready: true, ReadyAfter: 13 * time.Second}}, StartSlowForMemory,
			[]string{"7s of 8s", "13s with as much memory"}},
		"slow, a little out of its share": {Evidence{MemoryMB: 256, InitTimeout: 8 * time.Second, Waited: 8 * time.Second, HeldBack: 2 * time.Second, MoreTime: &Experiment{Ready: true, ReadyAfter: 13 * time.Second}}, StartTooSlow, nil},
		"never, and busy":                 {Evidence{Waited: 30 * time.Second, HeldBack: 29 * time.Second}, ListenNever, []string{"29s of 30s"}},
		"files in /tmp":                   {Evidence{Exit: exit, WritableRoot: &Experiment{}, ImageTmp: &Experiment{Ready: true}}, ImageFilesInTmp, []string{"/tmp"}},
		"memory":                          {Evidence{Exit: &Exit{Code: 137, OutOfMemory: true}, MemoryMB: 64}, StartOutOfMemory, []string{"64 MB"}},
		"137 without notice":              {Evidence{Exit: &Exit{Code: 137}}, StartExited, []string{"SIGKILL"}},
		"loopback":                        {Evidence{Listeners: listeners("127.0.0.1:9000", "0.0.0.0:8080")}, ListenLoopback, []string{"127.0.0.1:9000"}},
		"other port":                      {Evidence{Listeners: listeners("[::]:8080")}, ListenWrongPort, []string{"[::]:8080"}},
		"IPv6 only":                       {Evidence{Listeners: listeners("[::]:9000"), IPv4Refused: true}, ListenIPv6Only, []string{"[::]:9000"}},
		"nothing":                         {Evidence{Waited: 30 * time.Second}, ListenNever, []string{"30s", "printed nothing"}},
		"late":                            {Evidence{InitTimeout: 30 * time.Second, MoreTime: &Experiment{Ready: true, ReadyAfter: 40 * time.Second}}, StartTooSlow, []string{"40s", "30s"}},
		"writes the root":                 {Evidence{Exit: exit, WritableRoot: &Experiment{Ready: true, Changes: []Change{{"/var", "modified"}, {"/var/lib", "added"}, {"/tmp/x", "added"}}}, Volumes: []string{"/data"}}, StartWritesRootfs, []string{"/var/lib"}},
		"not again":                       {Evidence{Exit: exit, StderrTail: "boom", WritableRoot: &Experiment{Ready: true}, ImageTmp: &Experiment{Ready: true}, Unchanged: &Experiment{Ready: true}}, StartExited, []string{"tried again with nothing changed; end of stderr:\nboom"}},
		"not again, and says why":         {Evidence{Exit: exit, StderrTail: "EROFS: read-only file system, open '/app/x'", WritableRoot: &Experiment{Ready: true}, Unchanged: &Experiment{Ready: true}}, StartWritesRootfs, nil},
		"again":                           {Evidence{Exit: exit, WritableRoot: &Experiment{Ready: true}, Unchanged: &Experiment{}}, StartWritesRootfs, nil},
		"late, with luck in time":         {Evidence{InitTimeout: 30 * time.Second, WritableRoot: &Experiment{Ready: true, ReadyAfter: 29 * time.Second}, MoreTime: &Experiment{Ready: true, ReadyAfter: 31 * time.Second}}, StartTooSlow, []string{"31s", "30s"}},
		"held back once":                  {Evidence{InitTimeout: 30 * time.Second, Waited: 30 * time.Second, HeldBack: 20 * time.Second, WritableRoot: &Experiment{Ready: true, ReadyAfter: 29 * time.Second}, MoreTime: &Experiment{Ready: true, ReadyAfter: 28 * time.Second}}, StartSlowForMemory, []string{"20s of 30s"}},
		"gives up writing late":           {Evidence{InitTimeout: 30 * time.Second, WritableRoot: &Experiment{Ready: true, ReadyAfter: time.Second}, MoreTime: &Experiment{Ready: true, ReadyAfter: 40 * time.Second}}, StartWritesRootfs, nil},
		"writes a volume":                 {Evidence{Exit: exit, WritableRoot: &Experiment{Ready: true}, Volumes: []string{"/data"}}, StartWritesVolume, []string{"/data"}},
		"fails writable too":              {Evidence{Exit: exit, WritableRoot: &Experiment{}}, StartExited, nil},
		"starts, writes where":            {Evidence{Exit: exit, WritableRoot: &Experiment{Ready: true}}, StartWritesRootfs, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := Start(c.evidence)
			if got.Code != c.want {
				t.Fatalf("cause is %s (%s), want %s", got.Code, got.Found.EN, c.want)
			}
			for _, part := range c.found {
				if !strings.Contains(got.Found.EN, part) {
					t.Errorf("found %q does not tell %q", got.Found.EN, part)
				}
			}
		})
	}
}

func TestAReadOnlyFileSystemInTheOutputIsNamedAsPossible(t *testing.T) {
	got := Start(Evidence{Exit: &Exit{Code: 1}, StderrTail: "OSError: [Errno 30] Read-only file system: '/x'"})
	if !slices.Contains(got.AlsoPossible, StartWritesRootfs) {
		t.Errorf("also possible: %v", got.AlsoPossible)
	}
}

func TestTheCauseOfABadAnswer(t *testing.T) {
	cases := map[string]struct {
		evidence    Evidence
		event, http Code
	}{
		"timeout":   {Evidence{TimedOut: true}, EventTimeout, HTTPTimeout},
		"crash":     {Evidence{Exit: &Exit{Code: 1}}, EventCrashed, HTTPCrashed},
		"memory":    {Evidence{Exit: &Exit{Code: 137, OutOfMemory: true}}, EventOutOfMemory, HTTPOutOfMemory},
		"no answer": {Evidence{InvokeError: "EOF"}, EventNoAnswer, HTTPNoAnswer},
		"404":       {Evidence{HTTPStatus: 404}, EventNoRoute, HTTPStatus},
		"405":       {Evidence{HTTPStatus: 405}, EventNoRoute, HTTPStatus},
		"500":       {Evidence{HTTPStatus: 500, BodyHead: []byte("oops")}, EventStatus, HTTPStatus},
		"too large": {Evidence{HTTPStatus: 200, TooLarge: true}, EventTooLarge, HTTPTooLarge},
		"header":    {Evidence{HTTPStatus: 200, HeaderTooLarge: true, TooLarge: true}, EventTooLarge, HTTPHeaderTooLarge},
		"writes":    {Evidence{HTTPStatus: 500, WritableRoot: &Experiment{Ready: true, Changes: []Change{{"/var/x", "added"}}}}, EventWrites, HTTPWrites},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := Invocation(c.evidence, true).Code; got != c.event {
				t.Errorf("of an event %s, want %s", got, c.event)
			}
			if got := Invocation(c.evidence, false).Code; got != c.http {
				t.Errorf("of a request %s, want %s", got, c.http)
			}
		})
	}
}

func TestEveryReasonIsCompleteInBothLanguages(t *testing.T) {
	seen := map[Code]bool{}
	for _, r := range Reasons() {
		if seen[r.Code] {
			t.Errorf("%s is listed twice", r.Code)
		}
		seen[r.Code] = true
		for what, text := range map[string]Text{"summary": r.Summary, "required": r.Required, "fix": r.Fix} {
			if text.EN == "" || text.ZH == "" || text.EN == text.ZH {
				t.Errorf("%s: %s is %+v", r.Code, what, text)
			}
		}
	}
}

func TestQuotedOutputIsSafeToShow(t *testing.T) {
	got := Tail("\x1b[2Jred\x00 \xff 你好\r\nlast\n\n")
	if want := `\u001b[2Jred\u0000 \xff 你好` + "\nlast"; got != want {
		t.Errorf("tail is %q, want %q", got, want)
	}
	long := Tail(strings.Repeat("line\n", 50))
	if strings.Count(long, "\n") != tailLines-1 {
		t.Errorf("tail has %d lines", strings.Count(long, "\n")+1)
	}
	if wide := Tail(strings.Repeat("你", 5000)); len(wide) > tailBytes+10 {
		t.Errorf("tail has %d bytes", len(wide))
	}
}
