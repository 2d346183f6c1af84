package docker

import "golang.org/x/sys/unix"

// kernelRelease is the running kernel's release, as "uname -r" prints it.
func kernelRelease() string {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return ""
	}
	return unix.ByteSliceToString(name.Release[:])
}
