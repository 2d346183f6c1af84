package instance

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// unread tells whether the other end has reset a connection: it had closed its socket before it read what was sent. One
// that has read it all and closes then does not reset.
func unread(conn net.Conn) bool {
	raw, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	control, err := raw.SyscallConn()
	if err != nil {
		return false
	}
	const closed = 7 // TCP_CLOSE
	reset := false
	err = control.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		reset = err == nil && info.State == closed
	})
	return err == nil && reset
}
