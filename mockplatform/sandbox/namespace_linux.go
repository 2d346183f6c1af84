package sandbox

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// namespace is a network namespace that this process can enter.
type namespace interface {
	// Dial connects to a TCP port on the namespace's IPv4 loopback.
	Dial(ctx context.Context, port int) (net.Conn, error)
	Close() error
}

type linuxNamespace struct{ own, other *os.File }

func openNamespace(pid int) (namespace, error) {
	// Of this very thread: that of the process is the one of its first thread, which may be inside a sandbox just now.
	own, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return nil, fmt.Errorf("open own network namespace: %w", err)
	}
	other, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pid))
	if err != nil {
		_ = own.Close()
		return nil, fmt.Errorf("open network namespace of sandbox: %w", err)
	}
	return &linuxNamespace{own: own, other: other}, nil
}

// Dial makes the socket on a thread that is inside the namespace for the moment. A socket stays where it was made, so
// the connection can be used from anywhere afterwards.
func (n *linuxNamespace) Dial(ctx context.Context, port int) (net.Conn, error) {
	type result struct {
		conn net.Conn
		err  error
	}
	done := make(chan result, 1)
	go func() {
		runtime.LockOSThread()
		if err := unix.Setns(int(n.other.Fd()), unix.CLONE_NEWNET); err != nil {
			runtime.UnlockOSThread()
			done <- result{err: fmt.Errorf("%w: %w", ErrEnter, err)}
			return
		}
		var dialer net.Dialer
		conn, err := dialer.DialContext(ctx, "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if backErr := unix.Setns(int(n.own.Fd()), unix.CLONE_NEWNET); backErr == nil {
			runtime.UnlockOSThread() // else the thread ends with this goroutine and is never used again
		}
		done <- result{conn: conn, err: err}
	}()
	r := <-done // bounded by the dialer's context
	return r.conn, r.err
}

// Close gives the namespace back.
func (n *linuxNamespace) Close() error {
	_ = n.own.Close()
	return n.other.Close() //nolint:wrapcheck // a close of our own file
}
