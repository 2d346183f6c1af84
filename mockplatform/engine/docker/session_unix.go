//go:build unix

package docker

import "syscall"

// ownSession detaches the watcher from the terminal, so that Ctrl-C does not reach it.
func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
