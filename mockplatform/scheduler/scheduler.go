// Package scheduler decides which instance serves which request: reuse, scale-out up to a quota, recycling, eviction.
//
// In come requests for an instance, and functions that start and stop one; out come leases. It knows nothing of
// containers, so its rules can be tested without one. It implements "Requests per instance", "Concurrency quota",
// "Reuse" and "Recycling" of contract/runtime.md 10.
package scheduler

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// ErrClosed means that the scheduler was closed.
var ErrClosed = errors.New("scheduler closed")

// Options configures a Scheduler.
type Options[I comparable] struct {
	// Concurrency is how many requests an instance serves at a time; at least 1.
	Concurrency int
	// IdleTimeout is how long an instance without a request is kept; 0 keeps it.
	IdleTimeout time.Duration
	// Quotas bound what may be busy at a time; a request over one fails with its *QuotaError.
	Quotas []*Quota
	// DemandMB is what a busy instance takes of them.
	DemandMB int
	// Start makes an instance ready. Its context is that of the request that needs it.
	Start func(ctx context.Context) (I, error)
	// Stop ends an instance for good. It is called once for each, from any goroutine.
	Stop func(instance I)
	// Gone tells that an instance has ended by itself.
	Gone func(instance I) bool
}

// Scheduler schedules the instances of one function. It is safe for use by several goroutines.
type Scheduler[I comparable] struct {
	opts Options[I]

	mu     sync.Mutex
	slots  []*slot[I] // the most recently used last
	keep   int        // so many are not evicted
	closed bool
	busy   sync.WaitGroup // stops under way
}

// slot is one instance and what it does.
type slot[I comparable] struct {
	instance I
	requests int
	// settling means that its only request is answered and its output is being collected. Somebody may wait for it.
	settling bool
	waiter   chan bool // gets true with the instance, or false when it ended
	retired  bool      // no new requests
	fresh    bool      // has not served yet
	evict    *time.Timer
}

// Lease is the right to send one request to an instance.
type Lease[I comparable] struct {
	Instance I
	// Fresh means that the instance has served nobody before.
	Fresh bool

	scheduler *Scheduler[I]
	slot      *slot[I]
}

// New makes a scheduler without instances.
func New[I comparable](opts Options[I]) *Scheduler[I] {
	opts.Concurrency = max(opts.Concurrency, 1)
	return &Scheduler[I]{opts: opts}
}

// Acquire gives an instance for one request: the one used last that has room, or one that is about to have, or a new
// one. It fails with a *QuotaError, with ErrClosed, with what Start says, or when the context ends.
func (s *Scheduler[I]) Acquire(ctx context.Context) (Lease[I], error) {
	for {
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			return Lease[I]{}, ErrClosed
		}
		if lease, ok, err := s.take(); ok || err != nil {
			s.mu.Unlock()
			return lease, err
		}
		waiting, turn := s.reserve()
		if waiting == nil {
			err := s.charge()
			s.mu.Unlock()
			if err != nil {
				return Lease[I]{}, err
			}
			return s.start(ctx)
		}
		s.mu.Unlock()
		select {
		case got := <-turn:
			if got {
				return Lease[I]{Instance: waiting.instance, scheduler: s, slot: waiting}, nil
			}
		case <-ctx.Done():
			s.abandon(waiting, turn)
			return Lease[I]{}, fmt.Errorf("wait for an instance: %w", ctx.Err())
		}
	}
}

// take finds an instance with room; the lock is held.
func (s *Scheduler[I]) take() (Lease[I], bool, error) {
	for n, found := range slices.Backward(s.slots) {
		if found.retired || found.settling || found.requests >= s.opts.Concurrency {
			continue
		}
		if s.opts.Gone(found.instance) {
			s.retire(found)
			continue
		}
		if found.requests == 0 {
			if err := s.charge(); err != nil {
				return Lease[I]{}, false, err
			}
		}
		if found.evict != nil {
			found.evict.Stop()
		}
		found.requests++
		s.slots = append(slices.Delete(s.slots, n, n+1), found)
		return s.lease(found), true, nil
	}
	return Lease[I]{}, false, nil
}

func (s *Scheduler[I]) lease(taken *slot[I]) Lease[I] {
	lease := Lease[I]{Instance: taken.instance, Fresh: taken.fresh, scheduler: s, slot: taken}
	taken.fresh = false
	return lease
}

// reserve finds an instance that is about to be free and that nobody waits for; the lock is held.
func (s *Scheduler[I]) reserve() (*slot[I], <-chan bool) {
	for _, found := range s.slots {
		if found.settling && !found.retired && found.waiter == nil {
			found.waiter = make(chan bool, 1)
			return found, found.waiter
		}
	}
	return nil, nil
}

// abandon takes a reservation back, or gives on what it got in the meantime.
func (s *Scheduler[I]) abandon(reserved *slot[I], turn <-chan bool) {
	s.mu.Lock()
	select {
	case got := <-turn:
		s.mu.Unlock()
		if got {
			Lease[I]{Instance: reserved.instance, scheduler: s, slot: reserved}.Release(true)
		}
	default:
		reserved.waiter = nil
		s.mu.Unlock()
	}
}

// charge takes the demand of one busy instance from every quota; the lock is held.
func (s *Scheduler[I]) charge() error {
	for n, quota := range s.opts.Quotas {
		if err := quota.take(s.opts.DemandMB); err != nil {
			for _, taken := range s.opts.Quotas[:n] {
				taken.give(s.opts.DemandMB)
			}
			return err
		}
	}
	return nil
}

func (s *Scheduler[I]) refund() {
	for _, quota := range s.opts.Quotas {
		quota.give(s.opts.DemandMB)
	}
}

// start makes a new instance for the caller, whose demand is charged already.
func (s *Scheduler[I]) start(ctx context.Context) (Lease[I], error) {
	instance, err := s.opts.Start(ctx)
	if err != nil {
		s.refund()
		return Lease[I]{}, err
	}
	made := &slot[I]{instance: instance, requests: 1, fresh: true}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		s.refund()
		s.opts.Stop(instance)
		return Lease[I]{}, ErrClosed
	}
	s.slots = append(s.slots, made)
	lease := s.lease(made)
	s.mu.Unlock()
	return lease, nil
}

// Add gives the scheduler an instance that is ready and idle, such as a provisioned one.
func (s *Scheduler[I]) Add(instance I) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	made := &slot[I]{instance: instance, fresh: true}
	s.slots = slices.Insert(s.slots, 0, made)
	s.idle(made)
	return nil
}

// Keep sets how many instances eviction leaves alone.
func (s *Scheduler[I]) Keep(instances int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keep = instances
	for _, found := range s.slots {
		if found.requests == 0 {
			s.idle(found)
		}
	}
}

// idle starts the clock of eviction; the lock is held.
func (s *Scheduler[I]) idle(free *slot[I]) {
	if free.evict != nil {
		free.evict.Stop()
	}
	if s.opts.IdleTimeout <= 0 {
		return
	}
	free.evict = time.AfterFunc(s.opts.IdleTimeout, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if free.requests == 0 && !free.retired && len(s.slots) > s.keep {
			s.retire(free)
		}
	})
}

// retire takes an instance out and stops it in the background; the lock is held.
func (s *Scheduler[I]) retire(ended *slot[I]) {
	if ended.retired {
		return
	}
	ended.retired = true
	if ended.evict != nil {
		ended.evict.Stop()
	}
	if at := slices.Index(s.slots, ended); at >= 0 {
		s.slots = slices.Delete(s.slots, at, at+1)
	}
	if ended.requests == 0 {
		s.busy.Go(func() { s.opts.Stop(ended.instance) })
	}
}

// Answered tells that the request has its answer and that the instance will be free soon. Only with one request per
// instance it changes anything: a next request waits for this instance rather than start another one.
func (l Lease[I]) Answered() {
	if l.scheduler.opts.Concurrency > 1 {
		return
	}
	l.scheduler.mu.Lock()
	defer l.scheduler.mu.Unlock()
	l.slot.settling = !l.slot.retired
}

// Retire keeps new requests off the instance; those under way go on.
func (l Lease[I]) Retire() {
	l.scheduler.mu.Lock()
	defer l.scheduler.mu.Unlock()
	l.scheduler.retire(l.slot)
}

// Release gives the lease back. Without keep the instance is not used again, and is stopped when its last request is
// released.
func (l Lease[I]) Release(keep bool) {
	s := l.scheduler
	s.mu.Lock()
	defer s.mu.Unlock()
	if !keep || s.closed {
		s.retire(l.slot)
	}
	waiter := l.slot.waiter
	l.slot.settling, l.slot.waiter = false, nil
	switch {
	case l.slot.retired:
		l.slot.requests--
		if l.slot.requests == 0 {
			s.refund()
			s.busy.Go(func() { s.opts.Stop(l.slot.instance) })
		}
		if waiter != nil {
			waiter <- false
		}
	case waiter != nil:
		waiter <- true // the request count and the charge go over to the next
	default:
		l.slot.requests--
		if l.slot.requests == 0 {
			s.refund()
			s.idle(l.slot)
		}
	}
}

// Stats counts instances and requests.
type Stats struct{ Instances, Busy, Requests int }

// Stats tells what is there now.
func (s *Scheduler[I]) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := Stats{Instances: len(s.slots)}
	for _, found := range s.slots {
		stats.Requests += found.requests
		if found.requests > 0 {
			stats.Busy++
		}
	}
	return stats
}

// Instances lists the instances that may get requests.
func (s *Scheduler[I]) Instances() []I {
	var instances []I
	for _, slot := range s.Slots() {
		instances = append(instances, slot.Instance)
	}
	return instances
}

// Slot is an instance with the number of requests that it serves now.
type Slot[I any] struct {
	Instance I
	Requests int
}

// Slots lists the instances that may get requests.
func (s *Scheduler[I]) Slots() []Slot[I] {
	s.mu.Lock()
	defer s.mu.Unlock()
	slots := make([]Slot[I], 0, len(s.slots))
	for _, found := range s.slots {
		slots = append(slots, Slot[I]{found.instance, found.requests})
	}
	return slots
}

// Recycle retires every instance; busy ones end with their last request. It returns when the idle ones have stopped.
func (s *Scheduler[I]) Recycle() {
	s.mu.Lock()
	for _, found := range slices.Clone(s.slots) {
		s.retire(found)
	}
	s.mu.Unlock()
	s.busy.Wait()
}

// Close takes no more requests and retires every instance. It returns when those without a request have stopped.
func (s *Scheduler[I]) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.Recycle()
}
