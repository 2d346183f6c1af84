package docker

import (
	"context"
	"net"

	"golang.org/x/sys/unix"
)

// kernelRelease is the running kernel's release, as "uname -r" prints it.
func kernelRelease() string {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return ""
	}
	return unix.ByteSliceToString(name.Release[:])
}

// peerVisible tells whether the process at the other end of a Unix socket has a process id here. It has none where this
// process runs in a container with process ids of its own.
func peerVisible(ctx context.Context, path string) bool {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	raw, err := conn.(*net.UnixConn).SyscallConn() //nolint:forcetypeassert // of that network
	if err != nil {
		return false
	}
	visible := false
	err = raw.Control(func(fd uintptr) {
		peer, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
		visible = err == nil && peer.Pid != 0
	})
	return err == nil && visible
}
