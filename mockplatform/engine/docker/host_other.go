//go:build !linux

package docker

import "context"

// kernelRelease is unknown here: no engine runs under this kernel.
func kernelRelease() string { return "" }

// peerVisible is for Linux only.
func peerVisible(context.Context, string) bool { return false }
