// Command violator breaks the contract in one way, which its argument or the variable VIOLATE names, and keeps it in every
// other: it is the built-in sample function with one fault.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/scfcert/scfcert/sample-functions/go/behave"
)

func main() {
	if len(os.Args) > 2 && os.Args[1] == "child" {
		return
	}
	fault := os.Getenv("VIOLATE")
	if fault == "" && len(os.Args) > 1 {
		fault = os.Args[1]
	}
	v := &violator{fault: fault}
	v.beforeListening()
	listener, err := listen(fault)
	if err != nil {
		fail(err)
	}
	server := &http.Server{Handler: v, ReadHeaderTimeout: time.Minute, ConnState: v.connection, ConnContext: withConnection}
	fail(server.Serve(listener))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// exit ends the program with words on stderr.
func exit(words string) {
	fmt.Fprintln(os.Stderr, words)
	os.Exit(3)
}

type violator struct {
	fault    string
	requests atomic.Int64
	flying   atomic.Int64
	broken   atomic.Bool
	kept     sync.Map // what leaks
	stdout   *bufio.Writer
}

func (v *violator) beforeListening() {
	switch v.fault {
	case "exits":
		exit("fatal: bad configuration")
	case "missing-module":
		exit("Traceback (most recent call last):\n  File \"app.py\", line 1\nModuleNotFoundError: No module named 'flask'")
	case "missing-variable":
		exit("fatal: the variable DATABASE_URL is not set")
	case "permission-denied":
		exit("open /etc/app/secret.conf: permission denied")
	case "eats-memory":
		eat(1 << 20)
	case "burns-processor":
		burn(2500 * time.Millisecond)
	case "never-listens":
		time.Sleep(24 * time.Hour)
	case "slow-start":
		time.Sleep(40 * time.Second)
	case "late-start":
		time.Sleep(4500 * time.Millisecond)
	case "writes-rootfs":
		write("/var/lib/app/state")
	case "writes-volume":
		write("/data/state")
	case "needs-tmp-file":
		if _, err := os.ReadFile("/tmp/model.bin"); err != nil {
			fail(err)
		}
	case "own-user":
		if os.Getuid() != 0 {
			exit(fmt.Sprintf("uid %d has no entry in /etc/passwd", os.Getuid()))
		}
	case "ignores-sigterm":
		signal.Ignore(syscall.SIGTERM)
	case "buffered-output":
		v.holdOutput()
	case "fails-after-freeze":
		go v.watchTime()
	}
}

// holdOutput keeps what is printed in a buffer until SIGTERM, as programs do whose stdout is no terminal.
func (v *violator) holdOutput() {
	v.stdout = bufio.NewWriterSize(os.Stdout, 1<<20)
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		fail(err)
	}
	os.Stdout, os.Stderr = null, null
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	go func() {
		<-terminated
		_ = v.stdout.Flush()
		os.Exit(0)
	}()
}

// watchTime notices that time has passed while this process stood still, and not because others had the processor.
func (v *violator) watchTime() {
	runtime.LockOSThread()
	for {
		began, delayed := time.Now(), runDelay()
		step := syscall.NsecToTimespec(int64(20 * time.Millisecond))
		_ = syscall.Nanosleep(&step, nil)
		if time.Since(began)-(runDelay()-delayed) > 250*time.Millisecond {
			v.broken.Store(true)
		}
	}
}

// runDelay is for how long this thread has waited for a processor.
func runDelay() time.Duration {
	text, err := os.ReadFile("/proc/thread-self/schedstat")
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 2 {
		return 0
	}
	waited, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return time.Duration(waited)
}

func write(path string) {
	if err := os.WriteFile(path, []byte("state"), 0o600); err != nil {
		fail(err)
	}
}

// eat takes so many MiB of memory.
func eat(n int) [][]byte {
	var eaten [][]byte
	for range n {
		block := make([]byte, 1<<20)
		for at := 0; at < len(block); at += 4 << 10 { // a byte of each page is enough
			block[at] = 1
		}
		eaten = append(eaten, block)
	}
	return eaten
}

// burn takes so much of a processor's time, however long that may take.
func burn(d time.Duration) {
	for {
		var used syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
			fail(err)
		}
		if time.Duration(used.Utime.Nano()) >= d {
			return
		}
		for sum, n := 0, 0; n < 1_000_000; n++ {
			sum += n
		}
	}
}

func listen(fault string) (net.Listener, error) {
	config := net.ListenConfig{}
	network, address := "tcp", "0.0.0.0:9000"
	switch fault {
	case "loopback-only":
		address = "127.0.0.1:9000"
	case "wrong-port":
		address = "0.0.0.0:8080"
	case "ipv6-only":
		network, address = "tcp6", "[::]:9000"
		config.Control = func(_, _ string, raw syscall.RawConn) error {
			return raw.Control(func(fd uintptr) {
				_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY, 1)
			})
		}
	}
	return config.Listen(context.Background(), network, address)
}

// connection ends the program for a connection that is closed without a request, if that is its fault.
func (v *violator) connection(_ net.Conn, state http.ConnState) {
	if state != http.StateClosed || v.requests.Load() > 0 {
		return
	}
	switch v.fault {
	case "bare-connection":
		exit("panic: read tcp: EOF")
	case "bare-connection-later":
		v.broken.Store(true)
	}
}

// onConnection counts the requests of a connection.
type onConnection struct{}

func withConnection(ctx context.Context, _ net.Conn) context.Context {
	return context.WithValue(ctx, onConnection{}, new(atomic.Int64))
}

func (v *violator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.requests.Add(1)
	v.flying.Add(1)
	defer v.flying.Add(-1)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	isEvent := r.Method == http.MethodPost && r.URL.Path == "/event-invoke"
	if v.eitherWay(w, r, body) || isEvent && v.event(w, r, body) || !isEvent && v.web(w, r, body) {
		return
	}
	behave.Function{Lie: lies()[v.fault]}.ServeHTTP(w, r)
	if v.stdout != nil {
		_, _ = fmt.Fprintln(v.stdout, "request", r.Header.Get("X-Scf-Request-Id"))
	}
}

// broke answers with an error of the server.
func broke(w http.ResponseWriter, words string) bool {
	fmt.Fprintln(os.Stderr, words)
	http.Error(w, words, http.StatusInternalServerError)
	return true
}

// eitherWay has the faults that events and HTTP requests show alike. It tells whether it has answered.
func (v *violator) eitherWay(w http.ResponseWriter, r *http.Request, _ []byte) bool {
	number := v.requests.Load()
	switch v.fault {
	case "bare-connection-later":
		if v.broken.Load() {
			exit("panic: no worker left")
		}
	case "needs-role":
		return r.Header.Get("X-Scf-Secret-Id") == "" && broke(w, "KeyError: no credentials")
	case "fills-tmp":
		_ = os.WriteFile(fmt.Sprintf("/tmp/upload-%d", number), make([]byte, 100<<10), 0o600)
	case "stuck-after-full-tmp":
		if err := os.WriteFile("/tmp/scratch", []byte("x"), 0o600); err != nil {
			v.broken.Store(true)
		}
		_ = os.Remove("/tmp/scratch")
		return v.broken.Load() && broke(w, "database disk image is malformed")
	case "writes-quietly":
		_ = os.WriteFile("/var/cache/app/page", []byte("x"), 0o600)
	case "hungry":
		if number == 1 {
			v.kept.Store(0, eat(430))
		}
	case "leaks-files":
		file, err := os.Open("/violator")
		v.kept.Store(number, []any{file, err})
	case "leaks-threads":
		go func() {
			runtime.LockOSThread()
			select {}
		}()
	case "leaks-credentials":
		fmt.Println("headers", r.Header)
	case "fails-after-freeze":
		return v.broken.Load() && broke(w, "session expired")
	case "zombies":
		_, _ = syscall.ForkExec("/violator", []string{"/violator", "child", "x"}, nil) // exec.Cmd would hold a descriptor too
	}
	return false
}

// event has the faults that only events show.
func (v *violator) event(w http.ResponseWriter, r *http.Request, body []byte) bool {
	trimmed := bytes.TrimSpace(body)
	switch v.fault {
	case "event-404", "all-404":
		http.NotFound(w, r)
		return true
	case "event-500":
		return broke(w, "panic: division by zero")
	case "event-crash":
		exit("fatal: out of cheese")
	case "event-memory":
		v.kept.Store(0, eat(1<<20))
	case "event-close":
		panic(http.ErrAbortHandler)
	case "event-large":
		_, _ = w.Write(make([]byte, 7<<20))
		return true
	case "event-hang":
		<-r.Context().Done()
		return true
	case "event-writes":
		if err := os.WriteFile("/var/cache/app/upload", body, 0o600); err != nil {
			return broke(w, err.Error())
		}
	case "no-cos":
		return bytes.Contains(body, []byte(`"cosObject"`)) && broke(w, "KeyError: 'Message'")
	case "objects-only":
		return !bytes.HasPrefix(trimmed, []byte("{")) && broke(w, "SyntaxError: Unexpected token in JSON at position 0")
	case "body-limit":
		if len(body) > 100<<10 {
			http.Error(w, "PayloadTooLargeError: request entity too large", http.StatusRequestEntityTooLarge)
			return true
		}
	case "short-response":
		var asked struct {
			Probe struct {
				AnswerBytes int `json:"answerBytes"`
			} `json:"scfcertProbe"`
		}
		if json.Unmarshal(body, &asked) == nil && asked.Probe.AnswerBytes > 1<<20 {
			_, _ = w.Write(make([]byte, 1<<20))
			return true
		}
	case "dies-later":
		if v.requests.Load() == 50 {
			exit("fatal: pool exhausted")
		}
	case "one-request-a-connection":
		used, _ := r.Context().Value(onConnection{}).(*atomic.Int64)
		return used.Add(1) > 1 && broke(w, "protocol error: unexpected data")
	case "no-close":
		return r.Close && broke(w, "upgrade expected")
	case "no-integration":
		return bytes.Contains(body, []byte(`"requestContext"`)) && text(w, "hello")
	}
	return false
}

func text(w http.ResponseWriter, words string) bool {
	_, _ = io.WriteString(w, words)
	return true
}

// web has the faults that only HTTP requests show.
func (v *violator) web(w http.ResponseWriter, r *http.Request, body []byte) bool {
	switch v.fault {
	case "all-404":
		http.NotFound(w, r)
		return true
	case "http-500":
		return broke(w, "panic: division by zero")
	case "http-crash":
		exit("fatal: out of cheese")
	case "http-memory":
		v.kept.Store(0, eat(1<<20))
	case "http-close":
		panic(http.ErrAbortHandler)
	case "http-hang":
		<-r.Context().Done()
		return true
	case "http-writes":
		if err := os.WriteFile("/var/cache/app/upload", body, 0o600); err != nil {
			return broke(w, err.Error())
		}
	case "unknown-path-hangs":
		if strings.HasPrefix(r.URL.Path, "/scfcert-no") {
			<-r.Context().Done()
			return true
		}
	case "method-closes":
		if r.Method == http.MethodPatch {
			panic(http.ErrAbortHandler)
		}
	case "http-body-limit":
		if len(body) > 1<<20 {
			http.Error(w, "413 Request Entity Too Large", http.StatusRequestEntityTooLarge)
			return true
		}
	case "http-large-header":
		w.Header().Set("Set-Cookie", strings.Repeat("x", 5<<10))
	case "http-large":
		_, _ = w.Write(make([]byte, 7<<20))
		return true
	case "bad-framing":
		return raw(w, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
	case "not-concurrent":
		time.Sleep(50 * time.Millisecond)
		return v.flying.Load() > 1 && broke(w, "busy")
	case "buffered-stream":
		if r.URL.Path == "/stream" {
			var all recorder
			behave.Stream(&all, behave.Parts)
			_, _ = w.Write(all.Bytes())
			return true
		}
	case "no-websocket":
		if r.URL.Path == "/ws" {
			http.NotFound(w, r)
			return true
		}
	}
	return false
}

// raw answers with bytes of its own.
func raw(w http.ResponseWriter, answer string) bool {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		fail(err)
	}
	_, _ = io.WriteString(conn, answer)
	_ = conn.Close()
	return true
}

// recorder keeps an answer back.
type recorder struct {
	bytes.Buffer
}

func (*recorder) Header() http.Header { return http.Header{} }
func (*recorder) WriteHeader(int)     {}
func (*recorder) Flush()              {}

// lies are what lying probes tell, by fault.
func lies() map[string]func(*behave.Report) {
	return map[string]func(*behave.Report){
		"loses-variable": func(r *behave.Report) { delete(r.Environment, "TENCENTCLOUD_REGION") },
		"loses-header":   func(r *behave.Report) { delete(r.Headers, "X-Scf-Namespace") },
		"cleans-path": func(r *behave.Report) {
			where, query, _ := strings.Cut(r.Target, "?")
			if r.Target = path.Clean(where); query != "" {
				r.Target += "?" + query
			}
		},
		"no-tmp": func(r *behave.Report) { r.TmpWritable = false },
	}
}
