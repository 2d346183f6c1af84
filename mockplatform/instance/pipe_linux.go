package instance

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// openHandle names a pipe without opening either end of it.
func openHandle(path string) (*os.File, error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return os.NewFile(uintptr(fd), path), nil
}

// openEnd opens a pipe for writing so that a full one cannot block us.
func openEnd(handle *os.File) (int, error) {
	fd, err := unix.Open("/proc/self/fd/"+strconv.Itoa(int(handle.Fd())), unix.O_WRONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("open pipe: %w", err)
	}
	return fd, nil
}

func closeEnd(fd int) { _ = unix.Close(fd) }

// writeEnd writes all or nothing, as pipes do with what is shorter than PIPE_BUF. It tells false where there is no room.
func writeEnd(fd int, data []byte) (bool, error) {
	_, err := unix.Write(fd, data)
	if errors.Is(err, unix.EAGAIN) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("write pipe: %w", err)
	}
	return true, nil
}
