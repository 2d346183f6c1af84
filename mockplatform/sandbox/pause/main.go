// Command pause owns a network sandbox: as the first process of its container it waits, and reaps what is left to it.
// Run again inside the container it is the prober:
//
//	pause probe listeners                      prints the socket tables of the namespace
//	pause probe connect 127.0.0.1:9000 100ms   makes one bare IPv4 connection
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) > 2 && os.Args[1] == "probe" {
		if err := probe(os.Args[2], os.Args[3:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGCHLD)
	for received := range signals {
		if received != syscall.SIGCHLD {
			return
		}
		for {
			if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err != nil || pid <= 0 {
				break
			}
		}
	}
}

func probe(what string, args []string) error {
	switch {
	case what == "listeners":
		return listeners()
	case what == "connect" && len(args) == 2:
		timeout, err := time.ParseDuration(args[1])
		if err != nil {
			return fmt.Errorf("timeout: %w", err)
		}
		dialer := net.Dialer{Timeout: timeout}
		conn, err := dialer.DialContext(context.Background(), "tcp4", args[0])
		if err != nil {
			return fmt.Errorf("connect: %w", err)
		}
		return conn.Close()
	default:
		return errors.New("usage: pause probe listeners | pause probe connect ADDRESS TIMEOUT")
	}
}

func listeners() error {
	for n, name := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		table, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("read socket table: %w", err)
		}
		if n > 0 {
			fmt.Print("\n---\n")
		}
		if _, err := os.Stdout.Write(table); err != nil {
			return fmt.Errorf("write socket table: %w", err)
		}
	}
	return nil
}
