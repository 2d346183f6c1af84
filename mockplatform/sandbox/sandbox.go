// Package sandbox owns network namespaces ahead of the instances that will live in them.
//
// Most of a container's start on Docker is its network namespace, so a pool of pause containers holds some ready. In
// comes an engine; out come sandboxes: a namespace to join, what listens in it, and connections into it. Each serves
// one instance and is thrown away with it. See decisions 3 and 4 of design.md and R8 of contract/runtime.md.
package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/mockplatform/engine"
)

// ErrRefused means that nothing took a connection to port 9000 of the sandbox.
var ErrRefused = errors.New("connection refused")

// connectTimeout bounds one attempt of a bare connection (contract/runtime.md 4.1).
const connectTimeout = 100 * time.Millisecond

// tablesMark separates the two socket tables in the prober's output.
const tablesMark = "\n---\n"

// Sandbox is a network namespace with a pause container as its owner.
type Sandbox struct {
	container engine.Container
	hostPort  int       // published on the engine's loopback; 0 where the namespace can be entered
	inside    namespace // nil where the namespace cannot be entered
	tables    []*os.File
	tmp       *tmpDir // nil where it has to be a tmpfs

	settle func() // tells the pool that the instance's start is over
	once   sync.Once
}

// Container is the owner of the namespace, to be joined.
func (s *Sandbox) Container() engine.Container { return s.container }

// Tmp is the directory on this machine to be mounted on the instance's /tmp, a file system of 512 MiB; empty where there
// can be none and a tmpfs has to serve.
func (s *Sandbox) Tmp() string {
	if s.tmp == nil {
		return ""
	}
	return s.tmp.path
}

// TmpUsage tells the bytes in use on /tmp and those that can still be had; engine.ErrNotVisible where it is a tmpfs.
func (s *Sandbox) TmpUsage() (used, available int64, err error) {
	if s.tmp == nil {
		return 0, 0, engine.ErrNotVisible
	}
	return s.tmp.usage()
}

// FillTmp takes all of /tmp that can still be had; the result gives it back. engine.ErrNotVisible where it is a tmpfs.
func (s *Sandbox) FillTmp() (free func() error, err error) {
	if s.tmp == nil {
		return nil, engine.ErrNotVisible
	}
	return s.tmp.fill()
}

// Settled tells the pool that the start in this sandbox is over, so that it may prepare the next ones. Calling it
// twice is no error.
func (s *Sandbox) Settled() { s.once.Do(s.settle) }

// Remove ends the sandbox.
func (s *Sandbox) Remove(ctx context.Context) error {
	s.Settled()
	for _, table := range s.tables {
		_ = table.Close()
	}
	if s.inside != nil {
		_ = s.inside.Close()
	}
	err := s.container.Remove(ctx)
	if s.tmp != nil {
		err = errors.Join(err, s.tmp.unmount())
	}
	return err
}

// Listeners tells every TCP socket in state LISTEN in the namespace. No traffic reaches the function.
func (s *Sandbox) Listeners(ctx context.Context) ([]diagnose.Listener, error) {
	var texts [][]byte
	if s.tables != nil {
		for _, table := range s.tables {
			text, err := rewound(table)
			if err != nil {
				return nil, fmt.Errorf("read socket table: %w", err)
			}
			texts = append(texts, text)
		}
	} else {
		output, err := s.container.Exec(ctx, []string{pausePath, "probe", "listeners"})
		if err != nil {
			return nil, fmt.Errorf("read socket tables by prober: %w", err)
		}
		texts = bytes.SplitN(output, []byte(tablesMark), 2)
	}
	var found []diagnose.Listener
	for _, text := range texts {
		part, err := parseTable(text)
		if err != nil {
			return nil, err
		}
		found = append(found, part...)
	}
	return found, nil
}

// rewound reads a table again from its start: opening it anew costs milliseconds.
func rewound(table *os.File) ([]byte, error) {
	if _, err := table.Seek(0, 0); err != nil {
		return nil, err //nolint:wrapcheck // wrapped by the caller
	}
	var text bytes.Buffer
	_, err := text.ReadFrom(table)
	return text.Bytes(), err //nolint:wrapcheck // wrapped by the caller
}

// Connect makes one bare IPv4 connection to a port inside the namespace and closes it. ErrRefused if nothing took it.
func (s *Sandbox) Connect(ctx context.Context, port int) error {
	if s.inside == nil {
		address := "127.0.0.1:" + strconv.Itoa(port)
		if _, err := s.container.Exec(ctx, []string{pausePath, "probe", "connect", address, connectTimeout.String()}); err != nil {
			return fmt.Errorf("%w: %w", ErrRefused, err)
		}
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := s.Dial(ctx, port)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return conn.Close() //nolint:wrapcheck // a close of our own socket
}

// ErrEnter means that we could not enter the network namespace: no fault of the function.
var ErrEnter = errors.New("cannot enter the network namespace of the sandbox")

// ErrPort means that only port 9000 can be reached, because it is the one that is published.
var ErrPort = errors.New("port not published")

// Dial connects to a port for a request: inside the namespace where that is possible, else through the published port,
// which stands for port 9000 only.
func (s *Sandbox) Dial(ctx context.Context, port int) (net.Conn, error) {
	if s.inside != nil {
		return s.inside.Dial(ctx, port)
	}
	if port != contract.Port {
		return nil, fmt.Errorf("%w: %d; run as root beside the engine to use another port than %d", ErrPort, port, contract.Port)
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp4", s.Host())
	if err != nil {
		return nil, fmt.Errorf("dial published port: %w", err)
	}
	return conn, nil
}

// Host is what a request names as its host: an internal address with a mapped port, never 9000 (contract/runtime.md 7.2).
func (s *Sandbox) Host() string {
	port := s.hostPort
	if port == 0 {
		port = 28080 // nothing is mapped; any other figure than 9000 tells the same
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}

// enter opens what needs the engine's own kernel: the socket tables, and the namespace itself if we are root.
func (s *Sandbox) enter(pid int, privileged bool) error {
	// The process may not have become the pause program yet, but its control group names the container from the start.
	groups, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil || !strings.Contains(string(groups), s.container.ID()) {
		return errElsewhere
	}
	for _, name := range []string{"tcp", "tcp6"} {
		table, err := os.Open(fmt.Sprintf("/proc/%d/net/%s", pid, name))
		if errors.Is(err, os.ErrNotExist) && name == "tcp6" {
			continue // a kernel without IPv6
		}
		if err != nil {
			return fmt.Errorf("open socket table: %w", err)
		}
		s.tables = append(s.tables, table)
	}
	if privileged {
		s.inside, err = openNamespace(pid)
	}
	return err
}

// errElsewhere means that the engine's process ids are not ours to look at, whatever the engine said of itself.
var errElsewhere = errors.New("the engine's processes are not visible here")
