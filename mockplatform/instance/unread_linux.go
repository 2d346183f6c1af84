package instance

import (
	"net"
	"syscall"
	"time"

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
	tick := time.NewTicker(answerStep)
	defer tick.Stop()
	for limit := time.Now().Add(sendTime); ; <-tick.C {
		reset, waiting := false, false
		err = control.Control(func(fd uintptr) {
			info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
			reset = err == nil && info.State == closed
			waiting = err == nil && (info.Unacked > 0 || info.Notsent_bytes > 0 || info.Bytes_acked < info.Bytes_sent)
		})
		if err != nil || reset || !waiting || time.Now().After(limit) {
			return err == nil && reset
		}
	}
}

// answerStep is how often a connection is looked at that has answered neither with a reset nor with an acknowledgement: the
// kernel does so at once, or a little later on a busy machine, and no event tells of it.
const answerStep = 100 * time.Microsecond
