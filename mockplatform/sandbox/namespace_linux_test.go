package sandbox

import (
	"context"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// inode identifies a namespace.
func inode(t *testing.T, file *os.File) uint64 {
	t.Helper()
	var found unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &found); err != nil {
		t.Fatal(err)
	}
	return found.Ino
}

// anotherNamespace makes a network namespace. It needs root.
func anotherNamespace(t *testing.T) *os.File {
	t.Helper()
	made := make(chan *os.File)
	go func() {
		defer close(made)
		runtime.LockOSThread() // for good: the thread ends with this goroutine
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			t.Errorf("this test needs root: %v", err)
			return
		}
		file, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			t.Error(err)
			return
		}
		made <- file
	}()
	file, ok := <-made
	if !ok {
		t.FailNow()
	}
	t.Cleanup(func() { _ = file.Close() })
	return file
}

// TestNobodyTakesAnotherNamespaceForTheirOwn opens namespaces while others are entered. Any thread may be inside one,
// the first of the process too, whose namespace goes by the name of the process.
func TestNobodyTakesAnotherNamespaceForTheirOwn(t *testing.T) {
	other := anotherNamespace(t)
	own, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = own.Close() }()
	want := inode(t, own)
	entered := &linuxNamespace{own: own, other: other}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	var wait sync.WaitGroup
	for range 16 {
		wait.Go(func() {
			for ctx.Err() == nil {
				if conn, err := entered.Dial(ctx, 9); err == nil {
					_ = conn.Close()
				}
			}
		})
	}
	for ctx.Err() == nil {
		found, err := openNamespace(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		if got := inode(t, found.(*linuxNamespace).own); got != want {
			t.Errorf("namespace %d is taken for our own, %d", got, want)
			cancel()
		}
		_ = found.Close()
	}
	wait.Wait()
}
