// Package engine is the small part of a container engine that the mock platform needs, in the platform's own words.
//
// In come image references, credentials and container specifications; out come containers with their output,
// their end and the kernel's out-of-memory notice. Only engine/docker implements it and knows a Docker client.
// Whatever is created through an Engine belongs to one run and carries its label, so that it can be removed by anybody.
package engine

import (
	"context"
	"errors"
	"io"
	"time"
)

// Sentinels of the errors that an Engine returns; texts come from the engine behind it.
var (
	// ErrUnavailable means that no engine answered.
	ErrUnavailable = errors.New("container engine unavailable")
	// ErrImageNotFound means that the engine does not hold the image.
	ErrImageNotFound = errors.New("image not in the engine")
	// ErrPullRefused means that the registry refused the credential or does not have the image.
	ErrPullRefused = errors.New("pull refused")
	// ErrRegistryUnreachable means that the engine could not reach the registry at all.
	ErrRegistryUnreachable = errors.New("registry unreachable from the engine")
	// ErrDiskFull means that the engine's own disk has no room: no fault of an image.
	ErrDiskFull = errors.New("the engine's disk is full")
	// ErrStartRefused means that the engine could not start the program of a container: a fault of the image.
	ErrStartRefused = errors.New("start refused")
)

// Info describes the engine behind an Engine. All of it is asked of the engine, none is assumed.
type Info struct {
	Name          string // such as "Docker Engine"
	Version       string // such as "20.10.24"
	APIVersion    string // the negotiated one, such as "1.41"
	Host          string // the endpoint, such as "unix:///var/run/docker.sock"
	OS            string // the engine's operating system, such as "Debian GNU/Linux 12"
	Architecture  string // in Go's words: "amd64", "arm64"
	CgroupVersion string // "1" or "2"
	CPUs          int
	MemoryBytes   int64
	DataRoot      string // where the engine keeps images and containers, on its own machine
	Storage       string // its storage driver, such as "overlay2"
	Rootless      bool
	// Local means that the engine runs under this kernel and that its process ids are ours to look at.
	Local bool
	// Privileged means that this process is root beside a local engine: it may enter namespaces and mount file systems.
	Privileged bool
}

// Credential is a temporary user name and password for one repository. It formats without the password.
type Credential struct {
	Username, Password string
	Expires            time.Time
}

// String keeps the password out of logs and errors.
func (c Credential) String() string { return "credential of " + c.Username }

// GoString keeps the password out of %#v.
func (c Credential) GoString() string { return c.String() }

// Image is what the engine knows of an image that it holds.
type Image struct {
	ID           string // "sha256:…", the config digest (or, with a containerd store, the manifest digest)
	Tags         []string
	RepoDigests  []string
	Architecture string
	OS           string
	SizeBytes    int64
}

// PullProgress is one step of a pull: bytes over all layers, as far as the engine tells them.
type PullProgress struct {
	DoneBytes, TotalBytes int64
}

// ContainerSpec is what the platform asks of a container.
type ContainerSpec struct {
	Name   string   // unique within the run; the engine puts the run in front of it
	Role   string   // "sandbox" or "instance", kept as a label
	Image  string   // image id or reference
	Argv   []string // replaces ENTRYPOINT and CMD; never empty
	Env    []string
	User   string // "" keeps the image's USER
	Labels map[string]string

	// JoinNetwork is the container whose network namespace is shared; nil with PublishPort set means an own namespace.
	JoinNetwork Container
	// PublishPort, if not 0, is the TCP port published on a free port of the engine's loopback.
	PublishPort int

	ReadOnlyRoot bool
	// TmpInLayer makes /tmp a directory of the writable layer; it goes with neither TmpSource nor TmpBytes.
	TmpInLayer bool
	// TmpSource is a directory on the engine's machine that is mounted on /tmp; empty means a tmpfs of TmpBytes.
	// With both empty and zero nothing is mounted.
	TmpSource string
	TmpBytes  int64
	// Volumes are the image's declared volumes. They are mounted with the image's content, read-only when ReadOnlyVolumes.
	Volumes         []string
	ReadOnlyVolumes bool

	MemoryBytes int64   // 0: no limit
	CPUs        float64 // 0: no limit
	OpenFiles   int64   // 0: the engine's default
	Processes   int64   // 0: no limit
}

// Exit is the end of a container.
type Exit struct {
	Code int       // exit code; 128+n for signal n
	At   time.Time // when it was noticed, on this process's clock
	Lost error     // not nil if the engine was lost and the end was not seen; Code means nothing then
}

// Memory is what the processes of a container use, without page cache and shared memory such as a tmpfs.
type Memory struct {
	Bytes, PeakBytes int64
	// Kills counts processes that the kernel killed for their memory; -1 where it cannot be told.
	Kills int64
	// Method names how it was measured.
	Method string
}

// Processes is what runs in a container.
type Processes struct {
	Count, Threads int
	// Zombies have ended and were not waited for.
	Zombies int
	// OpenFiles is the highest number of descriptors that one process holds.
	OpenFiles int
}

// ErrNotVisible means that something can be seen only by root beside a local engine.
var ErrNotVisible = errors.New("not visible from here: it takes root beside a local engine")

// Change is a path that a container changed in its writable layer.
type Change struct {
	Path string
	Kind string // "added", "modified" or "deleted"
}

// Container is one container of the run.
type Container interface {
	// ID is the engine's id.
	ID() string
	// Attach begins to copy the container's output into stdout and stderr and registers the wait for its end.
	// It must come before Start. The writers are called from one goroutine and must not block for long.
	// Attached is closed when the output has ended. Rest tells after each read how long more output may gather.
	Attach(ctx context.Context, stdout, stderr io.Writer, rest func() time.Duration) (attached <-chan struct{}, err error)
	// Start runs the program. An error that is ErrStartRefused holds the engine's reason.
	Start(ctx context.Context) error
	// Exited delivers the end once to every receiver: it is closed after End is set.
	Exited() <-chan struct{}
	// End is valid after Exited was closed.
	End() Exit
	// OutOfMemory is closed when the kernel killed any process of the container for its memory.
	OutOfMemory() <-chan struct{}
	// Process tells the process id on the engine's machine and the published host port (0 if none).
	Process(ctx context.Context) (pid, hostPort int, err error)
	// Exec runs a program inside and returns what it wrote to stdout.
	Exec(ctx context.Context, argv []string) ([]byte, error)
	// Signal sends a signal such as "KILL" or "TERM".
	Signal(ctx context.Context, signal string) error
	// Freeze stops all processes until Thaw.
	Freeze(ctx context.Context) error
	Thaw(ctx context.Context) error
	// Memory measures the processes now.
	Memory(ctx context.Context) (Memory, error)
	// HeldBack tells for how long of its life the limit on its processor time kept it from running: whole periods of
	// the kernel's scheduler in which it had used up its share and wanted more. 0 where the engine keeps no such count.
	HeldBack(ctx context.Context) (time.Duration, error)
	// Processes counts what runs inside; ErrNotVisible where it cannot be seen.
	Processes(ctx context.Context) (Processes, error)
	// LayerBytes is the size of the writable layer.
	LayerBytes(ctx context.Context) (int64, error)
	// Changes lists what the container changed outside mounts.
	Changes(ctx context.Context) ([]Change, error)
	// Remove kills and removes the container with its volumes. Removing twice is no error.
	Remove(ctx context.Context) error
}

// Engine is a container engine, opened for one run.
type Engine interface {
	// Info describes the engine.
	Info() Info
	// Run is the id of the run whose label everything carries.
	Run() string
	// InspectImage looks an image up by reference or id; ErrImageNotFound if the engine does not hold it.
	InspectImage(ctx context.Context, ref string) (Image, error)
	// SaveImage streams an image as a docker-save archive.
	SaveImage(ctx context.Context, id string) (io.ReadCloser, error)
	// LoadImage loads a docker-save archive.
	LoadImage(ctx context.Context, archive io.Reader) error
	// PullImage pulls a reference by tag with a credential. The reference is removed with the run.
	PullImage(ctx context.Context, ref string, credential Credential, progress func(PullProgress)) error
	// Create makes a container and does not start it.
	Create(ctx context.Context, spec ContainerSpec) (Container, error)
	// Close removes everything of the run from the engine and ends the watcher.
	Close(ctx context.Context) error
}
