//go:build !linux || !amd64

package main

// fork is for images only, which are linux/amd64.
func fork() int { return 0 }
