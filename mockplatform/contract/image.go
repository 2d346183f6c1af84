package contract

import (
	"errors"
	"strings"
)

// What an image has to be (runtime.md 2.3, S1).
const (
	OS           = "linux"
	Architecture = "amd64"
	// MediaTypeDocker is Docker Image Manifest v2, schema 2; MediaTypeOCI is OCI 1.0.0 or later.
	MediaTypeDocker = "application/vnd.docker.distribution.manifest.v2+json"
	MediaTypeOCI    = "application/vnd.oci.image.manifest.v1+json"
)

// ImageConfig is Code.ImageConfig of the cloud API (runtime.md 2.2).
type ImageConfig struct {
	ImageType  string // personal or enterprise; the component also sends public. Required
	ImageURI   string // {domain}/{namespace}/{imageName}:{tag}@{digest}. Required
	RegistryID string // required for enterprise: tcr-…
	Command    string // replaces ENTRYPOINT
	Args       string // replaces CMD, separated by spaces
	// ContainerImageAccelerate prefetches the image (runtime.md 13); default false.
	ContainerImageAccelerate bool
	// ImagePort is 9000, or -1 for a Job image (Q2).
	ImagePort int
}

// Argv is a resolved start command.
type Argv struct {
	Words []string
	// SeveralWords and CMDKept tell what a user may not have meant (Q1): Command was split at spaces; Command is set, Args
	// is not, and the image's CMD is kept as arguments.
	SeveralWords, CMDKept bool
}

// ErrNoCommand means that neither the function nor the image says what to start.
var ErrNoCommand = errors.New("no start command: the image has no ENTRYPOINT and no CMD; set Command, or an ENTRYPOINT in the Dockerfile")

// ResolveArgv finds the start command: Command replaces ENTRYPOINT and Args replaces CMD, each split on ASCII spaces
// without shell quoting, each with its own fallback to the image (runtime.md 2.2, Q1). An empty string counts as unset.
func ResolveArgv(command, args *string, entrypoint, cmd []string) (Argv, error) {
	var argv Argv
	first, second := words(command), words(args)
	argv.SeveralWords = len(first) > 1
	argv.CMDKept = first != nil && second == nil && len(cmd) > 0
	if first == nil {
		first = entrypoint
	}
	if second == nil {
		second = cmd
	}
	argv.Words = append(append(argv.Words, first...), second...)
	if len(argv.Words) == 0 {
		return Argv{}, ErrNoCommand
	}
	return argv, nil
}

func words(text *string) []string {
	if text == nil {
		return nil
	}
	var found []string
	for word := range strings.SplitSeq(*text, " ") {
		if word != "" {
			found = append(found, word)
		}
	}
	return found
}
