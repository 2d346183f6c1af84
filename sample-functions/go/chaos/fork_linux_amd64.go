package main

import "syscall"

// fork makes processes of one thread each until the kernel objects, ends them, and tells how many there were.
func fork() int {
	var made []int
	for {
		pid, _, errno := syscall.RawSyscall(syscall.SYS_FORK, 0, 0, 0)
		if errno != 0 {
			break
		}
		for pid == 0 {
			_, _, _ = syscall.RawSyscall(syscall.SYS_PAUSE, 0, 0, 0)
		}
		made = append(made, int(pid))
	}
	for _, pid := range made {
		_ = syscall.Kill(pid, syscall.SIGKILL)
		_, _ = syscall.Wait4(pid, nil, 0, nil)
	}
	return len(made)
}
