package selftest

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/scfcert/scfcert/suite"
)

func parse(t *testing.T, base string, args ...string) (suite.Options, error) {
	t.Helper()
	set := flag.NewFlagSet("test", flag.ContinueOnError)
	set.SetOutput(t.Output())
	flags := suite.Bind(set)
	if err := set.Parse(args); err != nil {
		t.Fatal(err)
	}
	return flags.Options(base)
}

func TestFlagsBecomeOptions(t *testing.T) {
	base := t.TempDir()
	if err := os.WriteFile(filepath.Join(base, "event.json"), []byte(`{"a":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := parse(t, base, "-image=tar:x.tar", "-type=http", "-command=node", "-command-args=", "-env", "A=b=c", "-env=D=", "-memory=256",
		"-function-timeout=5", "-init-timeout=90", "-event=event.json", "-event=cos", "-concurrency=5", "-stream=/s", "-websocket=/w", "-procs=1", "-contract=2026.11", "-path=/x?y=1", "-report-dir=out", "-reading=freeze-between=true", "-reading=init-timeout=60s")
	if err != nil {
		t.Fatal(err)
	}
	if got.Image != "tar:"+filepath.Join(base, "x.tar") || got.ReportDir != filepath.Join(base, "out") || len(got.Events) != 2 || string(got.Events[0].Body) != `{"a":1}` || got.Events[1].Name != "cos" {
		t.Errorf("paths do not count from the base: %+v", got)
	}
	if got.Type != "http" || *got.Command != "node" || *got.Args != "" || got.Environment["A"] != "b=c" || got.MemoryMB != 256 ||
		got.Timeout != 5*time.Second || got.InitTimeout != 90*time.Second || got.Path != "/x?y=1" ||
		got.Concurrency != 5 || got.Stream != "/s" || got.WebSocket != "/w" || got.Procs != 1 || got.Contract != "2026.11" {
		t.Errorf("options are %+v", got)
	}
	if got.Readings["freeze-between"] != "true" || got.Readings["init-timeout"] != "60s" {
		t.Errorf("readings are %v", got.Readings)
	}
	if _, ok := got.Environment["D"]; !ok {
		t.Error("an empty variable is lost")
	}
}

func TestWithoutFlagsTheDefaultsOfTheContractHold(t *testing.T) {
	got, err := parse(t, "")
	if err != nil {
		t.Fatal(err)
	}
	if got.Type != "auto" || got.Command != nil || got.Args != nil || got.Events != nil || got.MemoryMB != 0 || got.Timeout != 3*time.Second || got.InitTimeout != 0 || got.ReportDir != "scfcert-report" {
		t.Errorf("options are %+v", got)
	}
}

func TestAValueThatMakesNoSenseIsNamed(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken.json")
	if err := os.WriteFile(broken, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"-type=web"}, {"-env=NOVALUE"}, {"-env==x"}, {"-env=SCF_X=1"}, {"-memory=77"}, {"-memory=0"}, {"-memory=-64"}, {"-function-timeout=0"},
		{"-function-timeout=901"}, {"-init-timeout=2"}, {"-init-timeout=301"}, {"-event=/none.json"}, {"-event=" + broken}, {"-event=/"}, {"-event=kafka"}, {"-concurrency=0"}, {"-concurrency=101"}, {"-procs=0"}, {"-procs=-1"}, {"-stream=x"}, {"-websocket=x"},
		{"-reading=nonsense"}, {"-reading=nonsense=1"}, {"-reading=freeze-between=maybe"}, {"-path=x"}, {"-path=/a b"}, {"-image=UPPER"}, {"-image=a b"}, {"-image=oci:"}, {"-report-dir="},
	} {
		_, err := parse(t, "", args...)
		name, _, _ := strings.Cut(args[0], "=")
		if !errors.Is(err, suite.ErrUsage) || !strings.Contains(err.Error(), name) {
			t.Errorf("%v gives %v", args, err)
		}
	}
}

// FuzzFlags holds that a command line, one word in a line, is refused as wrong usage, or understood so that writing down
// what was understood means the same.
func FuzzFlags(f *testing.F) {
	for _, seed := range []string{
		"-command=node\n-command-args= a  b ", "-command\n\n-command-args", "-env=A=b=c\n-env=A=\n-env=B", "-image=oci:x:y\n-report-dir=out", "-image=engine:a\n-type=http\n-path=/x?y\n-memory=128", "-memory=0x80\n-procs=-1",
		"-event=cos\n--event=timer\nrest", "-event=/\n-waivers=/", "-reading=init-timeout=60s\n-init-timeout=90\n-contract=2026.11", "-function-timeout=36028797018963971", "-init-timeout=36028797018963971", "-stream=/ s\n-websocket=x", "-h", "-\n--", "-=\n-x",
	} {
		f.Add(seed)
	}
	read := func(words []string) (*flag.FlagSet, suite.Options, error) {
		set := flag.NewFlagSet("test", flag.ContinueOnError)
		set.SetOutput(io.Discard)
		flags := suite.Bind(set)
		if err := set.Parse(words); err != nil {
			return nil, suite.Options{}, errors.Join(suite.ErrUsage, err)
		}
		opts, err := flags.Options("")
		return set, opts, err
	}
	f.Fuzz(func(t *testing.T, line string) {
		set, opts, err := read(strings.Split(line, "\n"))
		if err != nil {
			if !errors.Is(err, suite.ErrUsage) {
				t.Errorf("%q gives %v", line, err)
			}
			return
		}
		var words []string
		timeouts := map[string]time.Duration{"function-timeout": opts.Timeout, "init-timeout": opts.InitTimeout}
		set.Visit(func(given *flag.Flag) {
			switch given.Name {
			case "env":
				for name, value := range opts.Environment {
					words = append(words, "-env="+name+"="+value)
				}
			case "reading":
				for name, value := range opts.Readings {
					words = append(words, "-reading="+name+"="+value)
				}
			case "event":
				for _, event := range opts.Events {
					words = append(words, "-event="+event.Name)
				}
			default:
				words = append(words, "-"+given.Name+"="+given.Value.String())
			}
			if took, ok := timeouts[given.Name]; ok && given.Value.String() != fmt.Sprint(took.Seconds()) {
				t.Errorf("-%s=%s is %s", given.Name, given.Value, took)
			}
		})
		if _, again, err := read(words); err != nil || !reflect.DeepEqual(opts, again) {
			t.Errorf("%q is %+v, and %q %+v, %v", line, opts, words, again, err)
		}
	})
}
