package scheduler

import (
	"fmt"
	"sync"
	"time"

	"github.com/scfcert/scfcert/mockplatform/contract"
)

// Quota is an amount of memory that busy instances share: a region's, or a function's reserved one.
type Quota struct {
	text func(limitMB int) string
	pool *pool
}

type pool struct {
	limitMB int

	mu     sync.Mutex
	usedMB int
}

// QuotaError means that a request would be over a quota: 432 ResourceLimitReached.
type QuotaError struct{ Message string }

// Error is the platform's text.
func (e *QuotaError) Error() string { return e.Message }

// NewQuota makes a quota; text makes the message for a limit in MB.
func NewQuota(limitMB int, text func(limitMB int) string) *Quota {
	return &Quota{text: text, pool: &pool{limitMB: limitMB}}
}

// For is the same quota with another message.
func (q *Quota) For(text func(limitMB int) string) *Quota { return &Quota{text: text, pool: q.pool} }

func (q *Quota) take(mb int) error {
	q.pool.mu.Lock()
	defer q.pool.mu.Unlock()
	if q.pool.usedMB+mb > q.pool.limitMB {
		return &QuotaError{q.text(q.pool.limitMB)}
	}
	q.pool.usedMB += mb
	return nil
}

func (q *Quota) give(mb int) {
	q.pool.mu.Lock()
	defer q.pool.mu.Unlock()
	q.pool.usedMB -= mb
}

// UsedMB is what is taken now.
func (q *Quota) UsedMB() int {
	q.pool.mu.Lock()
	defer q.pool.mu.Unlock()
	return q.pool.usedMB
}

// BurstError means that instances start too fast: 429 ResourceLimit.
type BurstError struct{ PerMinute int }

// Error says how many may start.
func (e *BurstError) Error() string {
	return fmt.Sprintf("%s: at most %d instances start per minute and region", contract.StatusResourceLimit.Name, e.PerMinute)
}

// Burst bounds how many instances of a region start within a minute (S18).
type Burst struct {
	perMinute int
	clock     func() time.Time

	mu     sync.Mutex
	starts []time.Time
}

// NewBurst makes a bound. A nil clock is the real one.
func NewBurst(perMinute int, clock func() time.Time) *Burst {
	if clock == nil {
		clock = time.Now
	}
	return &Burst{perMinute: perMinute, clock: clock}
}

// Take counts one start, or fails with a *BurstError.
func (b *Burst) Take() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.clock()
	for len(b.starts) > 0 && now.Sub(b.starts[0]) >= time.Minute {
		b.starts = b.starts[1:]
	}
	if len(b.starts) >= b.perMinute {
		return &BurstError{b.perMinute}
	}
	b.starts = append(b.starts, now)
	return nil
}
