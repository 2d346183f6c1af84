//go:build !linux

package docker

// kernelRelease is unknown here: no engine runs under this kernel.
func kernelRelease() string { return "" }
