// Command victim does one thing to the engine that runs it, for the tests of package docker.
package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"time"
)

func main() {
	switch os.Args[1] {
	case "print":
		fmt.Println("to stdout")
		fmt.Fprintln(os.Stderr, "to stderr")
		os.Exit(3)
	case "sleep":
		time.Sleep(time.Hour)
	case "burn":
		for {
		}
	case "write":
		fail(os.WriteFile(os.Args[2], []byte("x"), 0o644))
		fmt.Println("written")
	case "fill": // a file, until the disk objects
		file, err := os.Create(os.Args[2])
		fail(err)
		block := make([]byte, 1<<20)
		total := 0
		for err == nil {
			var n int
			n, err = file.Write(block)
			total += n
		}
		fmt.Println(total, err)
	case "eat": // memory, until the kernel objects
		var eaten [][]byte
		for {
			block := make([]byte, 1<<20)
			for i := range block {
				block[i] = 1
			}
			eaten = append(eaten, block)
			_ = eaten
		}
	case "child-eats":
		_ = exec.Command(os.Args[0], "eat").Run()
		fmt.Println("the child is gone")
		time.Sleep(time.Hour)
	case "listen":
		listener, err := net.Listen("tcp", os.Args[2])
		fail(err)
		fmt.Println("listening")
		for {
			conn, err := listener.Accept()
			fail(err)
			_ = conn.Close()
		}
	}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
