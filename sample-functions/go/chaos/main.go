// Command chaos is a function that conforms until it is asked to misbehave: by the variable START before it listens,
// and by the member "do" of an event or the parameter "do" of a URL while it serves.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// order is what a request asks for.
type order struct {
	Do string `json:"do"`
	N  int    `json:"n"` // lines, bytes, MiB or milliseconds, by Do
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "eat" {
		n, _ := strconv.Atoi(os.Args[2])
		eat(n)
		return
	}
	begin(os.Getenv("START"))
	fmt.Println("listening")
	listener, err := net.Listen("tcp", "0.0.0.0:"+orElse(os.Getenv("LISTEN"), "9000"))
	listening = time.Now()
	server := &http.Server{Handler: http.HandlerFunc(serve), ReadHeaderTimeout: time.Minute}
	if err == nil {
		err = server.Serve(listener)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

var listening time.Time

func orElse(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}

// begin misbehaves before there is a server.
func begin(how string) {
	switch how {
	case "ignore-term":
		signal.Ignore(syscall.SIGTERM)
	case "drain": // as good functions do
		terminated := make(chan os.Signal, 1)
		signal.Notify(terminated, syscall.SIGTERM)
		go func() {
			<-terminated
			fmt.Println("draining")
			os.Exit(0)
		}()
	case "print": // a lot, and at once
		lines(10_000)
	case "exit":
		fmt.Fprintln(os.Stderr, "no configuration")
		os.Exit(3)
	case "eat":
		eat(1 << 20)
	case "silent":
		time.Sleep(24 * time.Hour)
	case "fork": // the parent leaves and the child would serve
		child := exec.Command("/function")
		child.Env = append(os.Environ(), "START=")
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		if err := child.Start(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
}

// counted numbers the requests of this process.
var counted atomic.Int64

func serve(w http.ResponseWriter, r *http.Request) {
	number, since := counted.Add(1), time.Since(listening)
	id := r.Header.Get("X-Scf-Request-Id")
	fmt.Println("stdout of", id)
	fmt.Fprintln(os.Stderr, "stderr of", id)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var asked order
	_ = json.Unmarshal(body, &asked)
	if do := r.URL.Query().Get("do"); do != "" {
		asked.Do = do
		asked.N, _ = strconv.Atoi(r.URL.Query().Get("n"))
	}
	if asked.Do == "lag" { // from listening to the request
		_, _ = fmt.Fprint(w, since.Microseconds())
		return
	}
	if !obey(w, r, asked) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"id":%q,"number":%d,"uid":%d}`, id, number, os.Getuid())
	}
}

// obey does what is asked; it tells whether it has answered.
func obey(w http.ResponseWriter, r *http.Request, asked order) bool {
	switch asked.Do {
	case "exit":
		os.Exit(7)
	case "eat":
		eat(asked.N)
	case "child-eats":
		child := exec.Command("/function", "eat", strconv.Itoa(asked.N))
		_, _ = fmt.Fprintf(os.Stderr, "child: %v\n", child.Run())
	case "sleep":
		time.Sleep(time.Duration(asked.N) * time.Millisecond)
	case "hang":
		select {}
	case "socket":
		socket(w, r)
		return true
	case "status":
		w.WriteHeader(asked.N)
		return true
	case "answer":
		_, _ = w.Write(make([]byte, asked.N))
		return true
	case "stream": // without telling the length
		for range asked.N {
			_, _ = fmt.Fprintln(w, "chunk")
			_ = http.NewResponseController(w).Flush()
		}
		return true
	case "header":
		w.Header().Set("X-Long", strings.Repeat("x", asked.N))
		return true
	case "trailer":
		w.Header().Set("Trailer", "X-Sum")
		_, _ = fmt.Fprint(w, "body")
		w.Header().Set("X-Sum", "7")
		return true
	case "later":
		go func() {
			time.Sleep(time.Duration(asked.N) * time.Millisecond)
			fmt.Println("later")
		}()
	case "count": // goes on between requests, if it may
		go func() {
			for range 1 << 20 {
				ticks.Add(1)
				time.Sleep(time.Millisecond)
			}
		}()
	case "ticks":
		_, _ = fmt.Fprint(w, ticks.Load())
		return true
	default:
		return files(w, asked) || look(w, r, asked) || raw(w, asked)
	}
	return false
}

// files writes and looks at files and output.
func files(w http.ResponseWriter, asked order) bool {
	switch asked.Do {
	case "write":
		write(asked.N)
		return false
	case "lines":
		lines(asked.N)
		return false
	case "bytes": // that are no text
		_, _ = os.Stdout.WriteString("a\x00b\xff\xfe\r\n\n\xe4\xb8no end")
		return false
	case "fill-tmp":
		fill(w, "/tmp/fill", asked.N)
	case "fill-root":
		fill(w, "/fill", asked.N)
	case "look":
		entries, _ := os.ReadDir("/tmp")
		_, _ = fmt.Fprintf(w, "%d entries in /tmp", len(entries))
	default:
		return false
	}
	return true
}

var ticks atomic.Int64

// look answers with what this process sees.
func look(w http.ResponseWriter, r *http.Request, asked order) bool {
	switch asked.Do {
	case "processes": // how many there may be
		_, _ = fmt.Fprint(w, fork())
	case "zombies": // children that nobody waits for
		for range asked.N {
			if err := exec.Command("/function", "eat", "0").Start(); err != nil {
				_, _ = fmt.Fprint(w, err)
			}
		}
		time.Sleep(300 * time.Millisecond)
	case "connection":
		_, _ = fmt.Fprint(w, r.RemoteAddr, " close ", r.Close)
	case "leak": // every header, into the answer and into the log
		fmt.Println(r.Header)
		fmt.Fprintln(os.Stderr, r.Header)
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = fmt.Fprint(w, r.Header)
	default:
		return false
	}
	return true
}

// lines prints so many lines on stdout.
func lines(n int) {
	for line := range n {
		fmt.Println("line", line)
	}
}

// raw answers with what is no HTTP, or not all of it.
func raw(w http.ResponseWriter, asked order) bool {
	texts := map[string]string{
		"close": "", "garbage": "I am no HTTP\r\n\r\n", "half": "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
		"half-and-hang": "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "endless-header": "HTTP/1.1 200 OK\r\n",
		"informed": "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
	}
	text, ok := texts[asked.Do]
	if !ok {
		return false
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_, err = io.WriteString(conn, text)
	switch asked.Do {
	case "half-and-hang":
		select {}
	case "endless-header":
		for err == nil {
			_, err = fmt.Fprintf(conn, "X-A: %s\r\n", strings.Repeat("x", 1000))
		}
	}
	_ = conn.Close()
	return true
}

// write puts so many MiB on stdout, without a single line's end.
func write(n int) {
	block := []byte(strings.Repeat("x", 1<<20))
	for range n {
		_, _ = os.Stdout.Write(block)
	}
}

// fill writes so many MiB into a file and tells how that ended.
func fill(w io.Writer, path string, n int) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		_, _ = fmt.Fprint(w, err)
		return
	}
	defer func() { _ = file.Close() }()
	block := make([]byte, 1<<20)
	for written := range n {
		if _, err := file.Write(block); err != nil {
			_, _ = fmt.Fprintf(w, "after %d: %v", written, err)
			return
		}
	}
	_, _ = fmt.Fprintf(w, "all %d", n)
}

// eat takes so many MiB of memory.
func eat(n int) {
	eaten := make([][]byte, 0, n)
	for range n {
		block := make([]byte, 1<<20)
		for at := 0; at < len(block); at += 4 << 10 { // a byte of each page is enough
			block[at] = 1
		}
		eaten = append(eaten, block)
	}
	_, _ = fmt.Fprintln(io.Discard, len(eaten)) // keeps it in use
}
