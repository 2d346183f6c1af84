package behave

import (
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"
)

// Report is a probe report: what this process sees of the platform.
type Report struct {
	Probe        int                 `json:"probe"`
	Environment  map[string]string   `json:"environment"`
	Headers      map[string][]string `json:"headers"`
	Argv         []string            `json:"argv"`
	Method       string              `json:"method"`
	Target       string              `json:"target"`
	BodySHA256   string              `json:"bodySha256"`
	BodyBytes    int                 `json:"bodyBytes"`
	RootWritable bool                `json:"rootWritable"`
	TmpWritable  bool                `json:"tmpWritable"`
	TmpBytes     uint64              `json:"tmpBytes"`
	OpenFiles    uint64              `json:"openFiles"`
	UID          int                 `json:"uid"`
	GID          int                 `json:"gid"`
	TimeZone     string              `json:"timeZone"`
}

func look(r *http.Request, body []byte) Report {
	zone, _ := time.Now().Zone()
	seen := Report{
		Probe: 1, Environment: map[string]string{}, Headers: map[string][]string{}, Argv: os.Args,
		Method: r.Method, Target: r.RequestURI, BodySHA256: hash(body), BodyBytes: len(body),
		RootWritable: writable("/"), TmpWritable: writable("/tmp"), UID: os.Getuid(), GID: os.Getgid(), TimeZone: zone,
	}
	for _, variable := range os.Environ() {
		key, value, _ := strings.Cut(variable, "=")
		seen.Environment[key] = value
	}
	for name, values := range r.Header {
		for _, value := range values {
			if credential(name) {
				value = hash([]byte(value))
			}
			seen.Headers[name] = append(seen.Headers[name], value)
		}
	}
	var volume syscall.Statfs_t
	if syscall.Statfs("/tmp", &volume) == nil {
		seen.TmpBytes = volume.Blocks * uint64(volume.Bsize)
	}
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) == nil {
		seen.OpenFiles = limit.Max
	}
	return seen
}

// credential tells the three headers whose values never leave the process.
func credential(name string) bool {
	switch http.CanonicalHeaderKey(name) {
	case "X-Scf-Session-Token", "X-Scf-Secret-Id", "X-Scf-Secret-Key":
		return true
	default:
		return false
	}
}

func writable(dir string) bool {
	file, err := os.CreateTemp(dir, "scfcert-probe-")
	if err != nil {
		return false
	}
	_ = file.Close()
	return os.Remove(file.Name()) == nil
}
