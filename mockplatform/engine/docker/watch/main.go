// Command watch is the watcher as a program of its own, for processes that cannot start themselves as one, such as
// test binaries. The scfcert binary uses itself instead.
package main

import (
	"context"
	"os"

	"github.com/scfcert/scfcert/mockplatform/engine/docker/reap"
)

func main() {
	if err := reap.Watch(context.Background(), os.Args[1:], os.Stdin); err != nil {
		os.Exit(1) // nobody listens: the run that started us is gone
	}
}
