// Package clock is the time by the wall for what waits through a machine's sleep: timers and the asynchronous queue. A
// test gives a clock of its own.
package clock

import "time"

// Clock is the time by the wall.
type Clock interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

// System is the real clock without its monotonic part, which stands still while the machine sleeps.
type System struct{}

// Now is the time of the machine.
func (System) Now() time.Time { return time.Now().Round(0) }

// After is time.After, which waits by the monotonic clock.
func (System) After(d time.Duration) <-chan time.Time { return time.After(d) }
