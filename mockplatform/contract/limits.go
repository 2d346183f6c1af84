package contract

import (
	"errors"
	"fmt"
	"regexp"
	"time"
)

// Limits of runtime.md sections 2.3, 3, 4.1, 8 and 10. Units are binary throughout (R10).
const (
	DefaultInitTimeout = 30 * time.Second // S1 (Q5)
	MinInitTimeout     = 3 * time.Second  // S16
	MaxInitTimeout     = 300 * time.Second
	DefaultTimeout     = 3 * time.Second // S16
	MinTimeout         = 1 * time.Second
	MaxTimeout         = 900 * time.Second
	MaxAsyncTimeout    = 86400 * time.Second // S19

	MaxImageBytes          = 1 << 30   // S1, on the uncompressed size (R10)
	TmpBytes               = 512 << 20 // S1 S17
	MaxEventBytes          = 6 << 20   // synchronous, S17
	MaxAsyncEventBytes     = 128 << 10 // S17
	MaxResponseBytes       = 6 << 20   // S6 S8
	MaxResponseHeaderBytes = 4 << 10   // HTTP-triggered, keys and values, S8
	MaxEnvironmentBytes    = 4 << 10   // S17 S23
	LogTailBytes           = 4 << 10   // S24
	MaxOpenFiles           = 1024      // S17
	MaxProcesses           = 1024      // processes and threads, S17

	MinMemoryMB     = 64         // S16
	MemoryStepMB    = 128        // S16
	MaxMemoryMB     = 3072       // S16; more on application
	MaxAppliedMB    = 120 * 1024 // S17
	MBPerCPU        = 1280       // S16: 1280 MB is one core
	MaxCPUs         = 2          // S16: 3072 MB is two cores
	MaxNameAndSpace = 118        // S23
	MaxNamespace    = 30         // S23

	MinWebSocketIdle           = 10 * time.Second   // Q15
	MaxWebSocketIdle           = 7200 * time.Second // Q15, and at most the function's timeout
	DefaultWebSocketIdle       = 15 * time.Second   // gateway.md 8
	MaxWebSocketMessageBytes   = 256 << 10          // Q15
	WebSocketBytesPerSecond    = 128 << 10          // Q15, of a client
	WebSocketMessagesPerSecond = 10                 // Q15, of a client

	MaxStaticConcurrency = 100    // requests per instance of an HTTP function, S11 S23
	RegionQuotaMB        = 128000 // busy instances, mainland regions, S17 S18
	MaxBurstPerMinute    = 500    // new instances per minute and region, S18
	MaxAccelerated       = 5      // functions with image acceleration per region and account, S1
)

// ErrLimit means that a setting is outside what the platform takes; the text names the value and the range.
var ErrLimit = errors.New("outside the platform's limits")

// CPUs is the share of processors that comes with a memory size: memory/1280, at most 2 (runtime.md 10, R11).
func CPUs(memoryMB int) float64 { return min(float64(memoryMB)/MBPerCPU, MaxCPUs) }

// ValidateMemory checks a memory size in MB: 64, or a multiple of 128 up to 3072 (runtime.md 10). Larger sizes up to
// 120 GB are given on application and are taken as they are.
func ValidateMemory(mb int) error {
	switch {
	case mb == MinMemoryMB, mb >= MemoryStepMB && mb <= MaxMemoryMB && mb%MemoryStepMB == 0, mb > MaxMemoryMB && mb <= MaxAppliedMB:
		return nil
	default:
		return fmt.Errorf("%w: memory of %d MB; take 64, or a multiple of 128 from 128 to 3072", ErrLimit, mb)
	}
}

// ValidateTimeout checks the timeout of an invocation (runtime.md 10).
func ValidateTimeout(d time.Duration) error {
	if d < MinTimeout || d > MaxTimeout {
		return fmt.Errorf("%w: timeout of %s; take 1 to 900 seconds", ErrLimit, d)
	}
	return nil
}

// ValidateInitTimeout checks the limit of the start (runtime.md 4.1).
func ValidateInitTimeout(d time.Duration) error {
	if d < MinInitTimeout || d > MaxInitTimeout {
		return fmt.Errorf("%w: initialisation timeout of %s; take 3 to 300 seconds", ErrLimit, d)
	}
	return nil
}

// ValidateWebSocketIdle checks the idle timeout of WebSocket connections (runtime.md Q15).
func ValidateWebSocketIdle(idle, timeout time.Duration) error {
	switch {
	case idle < MinWebSocketIdle || idle > MaxWebSocketIdle:
		return fmt.Errorf("%w: WebSocket idle timeout of %s; take 10 to 7200 seconds", ErrLimit, idle)
	case idle > timeout:
		return fmt.Errorf("%w: WebSocket idle timeout of %s is over the function's timeout of %s, which ends a connection too", ErrLimit, idle, timeout)
	default:
		return nil
	}
}

// ValidateConcurrency checks how many requests an instance may serve at a time (runtime.md 10, S11).
func ValidateConcurrency(requests int, http bool) error {
	switch {
	case requests < 1 || requests > MaxStaticConcurrency:
		return fmt.Errorf("%w: %d requests per instance; take 1 to %d", ErrLimit, requests, MaxStaticConcurrency)
	case requests > 1 && !http:
		return fmt.Errorf("%w: %d requests per instance of an event-triggered function; only HTTP-triggered ones take more than 1", ErrLimit, requests)
	default:
		return nil
	}
}

var functionName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_-]{0,58}[a-zA-Z0-9]$`)

// ValidateFunctionName checks a name: 2 to 60 characters, a letter first, no - or _ at the end (runtime.md 10, S23).
func ValidateFunctionName(name string) error {
	if !functionName.MatchString(name) {
		return fmt.Errorf("%w: function name %q; take 2 to 60 letters, digits, - and _, beginning with a letter and not ending in - or _", ErrLimit, name)
	}
	return nil
}

// ValidateNamespace checks a namespace's name: at most 30 characters, and 118 together with the function's
// (runtime.md 10, S23).
func ValidateNamespace(namespace, function string) error {
	if namespace == "" || len(namespace) > MaxNamespace || len(namespace)+len(function) > MaxNameAndSpace {
		return fmt.Errorf("%w: namespace %q; take 1 to %d characters, and at most %d together with the function's name", ErrLimit, namespace, MaxNamespace, MaxNameAndSpace)
	}
	return nil
}

// ValidateImagePort checks the port of a function's server (runtime.md 2.2, Q2). A port of -1 makes a Job image
// function, which is another product.
func ValidateImagePort(port int, r Readings) error {
	switch {
	case port == -1:
		return fmt.Errorf("%w: image port -1 makes a Job image function, which has no server; this is for WebServer image functions", ErrLimit)
	case port < 1 || port > 65535:
		return fmt.Errorf("%w: image port %d; take 1 to 65535", ErrLimit, port)
	case port != Port && r.ImagePort != "lenient":
		return fmt.Errorf("%w: image port %d; the pages call %d fixed (take it, or the reading image-port=lenient)", ErrLimit, port, Port)
	default:
		return nil
	}
}

// MemoryRow is one row of the seed's table of image size against execution memory. MB are binary.
type MemoryRow struct {
	BelowBytes    int64 // image size X is below this; an edge belongs to the next row (R10)
	LowMB, HighMB int   // execution memory Y; HighMB 0 is open
	DefaultMB     int   // what is taken when nothing is said (R11)
}

// MemoryTable is the seed's table (S1).
func MemoryTable() []MemoryRow {
	return []MemoryRow{
		{BelowBytes: 256 << 20, LowMB: 256, HighMB: 512, DefaultMB: 512},
		{BelowBytes: 512 << 20, LowMB: 512, HighMB: 1024, DefaultMB: 1024},
		{BelowBytes: 1 << 30, LowMB: 1024, HighMB: 0, DefaultMB: 2048},
	}
}

// memoryRow finds the row of an image; one over the limit gets the last.
func memoryRow(uncompressedBytes int64) MemoryRow {
	table := MemoryTable()
	for _, row := range table {
		if uncompressedBytes < row.BelowBytes {
			return row
		}
	}
	return table[len(table)-1]
}

// MemoryGuidance is the recommended execution memory in MB for an image; highMB 0 means no upper end (S1).
func MemoryGuidance(uncompressedBytes int64) (lowMB, highMB int) {
	row := memoryRow(uncompressedBytes)
	return row.LowMB, row.HighMB
}

// DefaultMemoryMB is the memory taken for an image when none is configured (R11).
func DefaultMemoryMB(uncompressedBytes int64) int { return memoryRow(uncompressedBytes).DefaultMB }
