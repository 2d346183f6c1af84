package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/scfcert/scfcert/mockplatform/contract"
)

// imageBytes make an ext4 of 512 MiB that can be written, with the file system's default inode ratio (R10).
const imageBytes = 520<<20 + 192<<10

// tmpDir is a file system of 512 MiB of its own, mounted on a directory. Unlike a tmpfs its pages are no memory of the
// function, so that a full /tmp says so and is no out-of-memory kill.
type tmpDir struct {
	path  string
	empty int64 // bytes that are in use while there is no file
}

// newTmpDir makes the file system in a sparse file, and mounts it on a directory below parent. The file has no name
// once it is mounted, and the loop device goes with the mount: nothing of it outlives an unmount.
func newTmpDir(ctx context.Context, parent string, number int) (_ *tmpDir, err error) {
	path := filepath.Join(parent, "tmp-"+strconv.Itoa(number))
	if err := os.Mkdir(path, 0o700); err != nil {
		return nil, fmt.Errorf("make mount point: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(path))
		}
	}()
	file, err := os.Create(path + ".ext4")
	if err != nil {
		return nil, fmt.Errorf("make image of /tmp: %w", err)
	}
	defer func() {
		_ = file.Close()
		_ = os.Remove(file.Name())
	}()
	if err := file.Truncate(imageBytes); err != nil {
		return nil, fmt.Errorf("make image of /tmp: %w", err)
	}
	mkfs := exec.CommandContext(ctx, "mkfs.ext4", "-q", "-F", "-m", "0", "-O", "^has_journal,^resize_inode", file.Name())
	mkfs.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	if mkfs.Err != nil { // not along our own PATH
		if found, lookErr := lookSbin("mkfs.ext4"); lookErr == nil {
			mkfs.Path, mkfs.Err = found, nil
		}
	}
	if output, err := mkfs.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("make file system of /tmp: %w: %s", err, output)
	}
	if err := mountLoop(file, path); err != nil {
		return nil, err
	}
	t := &tmpDir{path: path}
	if err := t.prepare(); err != nil {
		return nil, errors.Join(err, t.unmount())
	}
	if t.empty, _, err = t.usage(); err != nil {
		return nil, errors.Join(err, t.unmount())
	}
	return t, nil
}

// usage tells the bytes in use, and those that can still be had.
func (t *tmpDir) usage() (used, available int64, err error) {
	var volume unix.Statfs_t
	if err := unix.Statfs(t.path, &volume); err != nil {
		return 0, 0, fmt.Errorf("look at /tmp: %w", err)
	}
	return int64(volume.Blocks-volume.Bfree)*volume.Bsize - t.empty, int64(volume.Bavail) * volume.Bsize, nil //nolint:gosec // numbers of blocks
}

// fill takes all that can still be had; the result gives it back. The blocks are only reserved, so it is fast.
func (t *tmpDir) fill() (free func() error, err error) {
	_, available, err := t.usage()
	if err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(t.path, ".scfcert-fill-")
	if err != nil {
		return nil, fmt.Errorf("fill /tmp: %w", err)
	}
	defer func() { _ = file.Close() }()
	free = func() error { return os.Remove(file.Name()) } //nolint:wrapcheck // names the file
	var offset int64
	for size := available; size >= blockBytes; {
		err := unix.Fallocate(int(file.Fd()), 0, offset, size)
		if err == nil {
			offset += size
			_, size, err = t.usage()
		} else if errors.Is(err, unix.ENOSPC) {
			size, err = size/2, nil // the file system needs some of it for its own notes
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("fill /tmp: %w", err), free())
		}
	}
	return free, nil
}

const blockBytes = 4 << 10

func lookSbin(name string) (string, error) {
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", os.ErrNotExist
}

// mountLoop mounts a file through a loop device that goes with the mount.
func mountLoop(file *os.File, path string) error {
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("open loop control: %w", err)
	}
	defer func() { _ = control.Close() }()
	const attempts = 50 // another process may take a free device before us
	for range attempts {
		number, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return fmt.Errorf("find a loop device: %w", err)
		}
		name := "/dev/loop" + strconv.Itoa(number)
		device, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			return fmt.Errorf("open loop device: %w", err)
		}
		err = unix.IoctlLoopConfigure(int(device.Fd()), &unix.LoopConfig{
			Fd: uint32(file.Fd()), Info: unix.LoopInfo64{Flags: unix.LO_FLAGS_AUTOCLEAR}, //nolint:gosec // a file descriptor
		})
		if errors.Is(err, unix.EBUSY) {
			_ = device.Close()
			continue
		}
		if err == nil {
			err = unix.Mount(name, path, "ext4", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOATIME, "")
		}
		_ = device.Close() // the mount keeps it; without a mount it is freed
		if err != nil {
			return fmt.Errorf("mount %s for /tmp: %w", name, err)
		}
		return keepNothingBack(number)
	}
	return errors.New("find a loop device: all that were free were taken by others")
}

// keepNothingBack lets a writer have the blocks that ext4 keeps for its own bookkeeping, 2 % of them.
func keepNothingBack(number int) error {
	if err := os.WriteFile(fmt.Sprintf("/sys/fs/ext4/loop%d/reserved_clusters", number), []byte("0"), 0o600); err != nil {
		return fmt.Errorf("free reserved blocks of /tmp: %w", err)
	}
	return nil
}

// prepare makes it an empty directory that everybody may write, and checks its size.
func (t *tmpDir) prepare() error {
	if err := errors.Join(os.Remove(filepath.Join(t.path, "lost+found")), os.Chmod(t.path, 0o1777|os.ModeSticky)); err != nil {
		return fmt.Errorf("prepare /tmp: %w", err)
	}
	return t.check(t.path)
}

// check holds that a path is a file system of 512 MiB, give or take 1 %.
func (t *tmpDir) check(path string) error {
	var volume unix.Statfs_t
	if err := unix.Statfs(path, &volume); err != nil {
		return fmt.Errorf("look at /tmp: %w", err)
	}
	available := int64(volume.Bavail) * volume.Bsize //nolint:gosec // a number of blocks
	if off := available - contract.TmpBytes; off < -contract.TmpBytes/100 || off > contract.TmpBytes/100 {
		return fmt.Errorf("/tmp has %d bytes at %s, not %d", available, path, contract.TmpBytes)
	}
	return nil
}

// visibleTo holds that the engine mounts this very file system and not the directory below it, as one in a mount
// namespace of its own would.
func (t *tmpDir) visibleTo(pid int) error { return t.check(fmt.Sprintf("/proc/%d/root/tmp", pid)) }

// unmount gives everything back.
func (t *tmpDir) unmount() error {
	if err := unix.Unmount(t.path, unix.UMOUNT_NOFOLLOW); err != nil {
		return fmt.Errorf("unmount /tmp of a sandbox: %w", err)
	}
	if err := os.Remove(t.path); err != nil {
		return fmt.Errorf("remove mount point: %w", err)
	}
	return nil
}
