package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scfcert/scfcert/mockplatform/scheduler"
)

// fleet counts what a scheduler starts and stops.
type fleet struct {
	mu      sync.Mutex
	started int
	stopped map[int]int
	dead    map[int]bool
}

func newFleet() *fleet { return &fleet{stopped: map[int]int{}, dead: map[int]bool{}} }

func (f *fleet) options() scheduler.Options[int] {
	return scheduler.Options[int]{
		Concurrency: 1, DemandMB: 100,
		Start: func(context.Context) (int, error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.started++
			return f.started, nil
		},
		Stop: func(i int) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.stopped[i]++
		},
		Gone: func(i int) bool {
			f.mu.Lock()
			defer f.mu.Unlock()
			return f.dead[i]
		},
	}
}

func (f *fleet) wasStopped(i int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stopped[i]
}

func acquire(t *testing.T, s *scheduler.Scheduler[int]) scheduler.Lease[int] {
	t.Helper()
	lease, err := s.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return lease
}

func TestAnInstanceIsUsedAgain(t *testing.T) {
	s := scheduler.New(newFleet().options())
	first := acquire(t, s)
	first.Release(true)
	second := acquire(t, s)
	if second.Instance != first.Instance || !first.Fresh || second.Fresh {
		t.Errorf("first %+v, second %+v", first, second)
	}
}

func TestConcurrentRequestsGetInstancesOfTheirOwn(t *testing.T) {
	s := scheduler.New(newFleet().options())
	a, b := acquire(t, s), acquire(t, s)
	if a.Instance == b.Instance {
		t.Error("two requests share an instance")
	}
	a.Release(true)
	b.Release(true)
	if c := acquire(t, s); c.Instance != b.Instance {
		t.Errorf("the instance used last is %d, taken was %d", b.Instance, c.Instance)
	}
}

func TestAnInstanceThatFailedIsStoppedOnce(t *testing.T) {
	f := newFleet()
	s := scheduler.New(f.options())
	lease := acquire(t, s)
	lease.Release(false)
	s.Recycle()
	if f.wasStopped(1) != 1 || acquire(t, s).Instance != 2 {
		t.Errorf("stopped %d times", f.wasStopped(1))
	}
}

func TestAnInstanceThatDiedBetweenRequestsIsNotUsed(t *testing.T) {
	f := newFleet()
	s := scheduler.New(f.options())
	acquire(t, s).Release(true)
	f.mu.Lock()
	f.dead[1] = true
	f.mu.Unlock()
	if got := acquire(t, s).Instance; got != 2 {
		t.Errorf("instance %d", got)
	}
	s.Recycle()
	if f.wasStopped(1) != 1 {
		t.Error("the dead instance was not removed")
	}
}

func TestANextRequestWaitsForAnInstanceThatHasAnswered(t *testing.T) {
	for _, keep := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			s := scheduler.New(newFleet().options())
			first := acquire(t, s)
			first.Answered()
			got := make(chan int, 1)
			go func() {
				lease, err := s.Acquire(t.Context())
				if err != nil {
					t.Error(err)
				}
				got <- lease.Instance
			}()
			synctest.Wait()
			if len(got) != 0 {
				t.Error("it did not wait")
			}
			first.Release(keep)
			if instance := <-got; (instance == 1) != keep {
				t.Errorf("keep %v: it got %d", keep, instance)
			}
		})
	}
}

func TestAWaitThatIsGivenUpLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		quota := scheduler.NewQuota(100, func(int) string { return "over" })
		options := newFleet().options()
		options.Quotas = []*scheduler.Quota{quota}
		s := scheduler.New(options)
		first := acquire(t, s)
		first.Answered()
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error, 1)
		go func() {
			_, err := s.Acquire(ctx)
			failed <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		first.Release(true)
		if quota.UsedMB() != 0 {
			t.Errorf("%d MB are still taken", quota.UsedMB())
		}
		if got := acquire(t, s).Instance; got != 1 {
			t.Errorf("instance %d", got)
		}
	})
}

func TestOneInstanceServesSeveralWhereDeclared(t *testing.T) {
	options := newFleet().options()
	options.Concurrency = 2
	s := scheduler.New(options)
	a, b, c := acquire(t, s), acquire(t, s), acquire(t, s)
	if a.Instance != b.Instance || c.Instance == a.Instance {
		t.Errorf("instances %d, %d, %d", a.Instance, b.Instance, c.Instance)
	}
}

func TestARetiredInstanceServesItsRequestsToTheEnd(t *testing.T) {
	f := newFleet()
	options := f.options()
	options.Concurrency = 2
	s := scheduler.New(options)
	a, b := acquire(t, s), acquire(t, s)
	a.Release(false)
	s.Recycle()
	if f.wasStopped(1) != 0 {
		t.Error("it was stopped under a request")
	}
	b.Release(true)
	s.Recycle()
	if f.wasStopped(1) != 1 {
		t.Errorf("stopped %d times", f.wasStopped(1))
	}
}

func TestRequestsOverAQuotaAreRefused(t *testing.T) {
	region := scheduler.NewQuota(300, func(mb int) string { return fmt.Sprintf("region %d", mb) })
	own := scheduler.NewQuota(100, func(mb int) string { return fmt.Sprintf("own %d", mb) })
	f := newFleet()
	options := f.options()
	options.Quotas = []*scheduler.Quota{region, own}
	s := scheduler.New(options)
	lease := acquire(t, s)
	var over *scheduler.QuotaError
	if _, err := s.Acquire(t.Context()); !errors.As(err, &over) || over.Message != "own 100" {
		t.Errorf("error %v", err)
	}
	if region.UsedMB() != 100 || f.started != 1 {
		t.Errorf("a refused request took %d MB and started %d", region.UsedMB(), f.started)
	}
	lease.Release(true)
	if region.UsedMB() != 0 || own.UsedMB() != 0 {
		t.Error("an idle instance still counts")
	}
	acquire(t, s)
}

func TestAStartThatFailsGivesItsQuotaBack(t *testing.T) {
	quota := scheduler.NewQuota(100, func(int) string { return "" })
	options := newFleet().options()
	options.Quotas = []*scheduler.Quota{quota}
	fault := errors.New("no")
	options.Start = func(context.Context) (int, error) { return 0, fault }
	if _, err := scheduler.New(options).Acquire(t.Context()); !errors.Is(err, fault) || quota.UsedMB() != 0 {
		t.Errorf("error %v, %d MB taken", err, quota.UsedMB())
	}
}

func TestIdleInstancesAreEvicted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet()
		options := f.options()
		options.IdleTimeout = time.Minute
		s := scheduler.New(options)
		if err := s.Add(100); err != nil {
			t.Fatal(err)
		}
		s.Keep(1)
		a, b := acquire(t, s), acquire(t, s)
		a.Release(true)
		time.Sleep(2 * time.Minute) // of the test's own clock
		synctest.Wait()
		if f.wasStopped(a.Instance) != 1 || f.wasStopped(b.Instance) != 0 {
			t.Error("the idle one stays or the busy one went")
		}
		b.Release(true)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if f.wasStopped(b.Instance) != 0 {
			t.Error("a provisioned one was evicted")
		}
	})
}

func TestAClosedSchedulerTakesNothing(t *testing.T) {
	f := newFleet()
	s := scheduler.New(f.options())
	lease := acquire(t, s)
	acquire(t, s).Release(true)
	s.Close()
	lease.Release(true)
	s.Close()
	if _, err := s.Acquire(t.Context()); !errors.Is(err, scheduler.ErrClosed) || f.wasStopped(1) != 1 || f.wasStopped(2) != 1 {
		t.Errorf("error %v, stopped %v", err, f.stopped)
	}
}

func TestABurstIsBounded(t *testing.T) {
	now := time.Unix(0, 0)
	burst := scheduler.NewBurst(2, func() time.Time { return now })
	var over *scheduler.BurstError
	if err := errors.Join(burst.Take(), burst.Take()); err != nil {
		t.Fatal(err)
	}
	if err := burst.Take(); !errors.As(err, &over) {
		t.Errorf("error %v", err)
	}
	now = now.Add(time.Minute)
	if err := burst.Take(); err != nil {
		t.Errorf("a minute later: %v", err)
	}
}

// TestManyClientsKeepTheBooks has clients of every kind at once, and wants nothing shared and nothing left.
func TestManyClientsKeepTheBooks(t *testing.T) {
	quota := scheduler.NewQuota(800, func(int) string { return "" })
	f := newFleet()
	options := f.options()
	options.Quotas, options.IdleTimeout = []*scheduler.Quota{quota}, time.Nanosecond
	s := scheduler.New(options)
	var mu sync.Mutex
	used := map[int]bool{}
	var wait sync.WaitGroup
	for client := range 16 {
		wait.Go(func() {
			for n := range 300 {
				lease, err := s.Acquire(t.Context())
				if _, over := errors.AsType[*scheduler.QuotaError](err); over {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if used[lease.Instance] {
					t.Errorf("instance %d serves two", lease.Instance)
				}
				used[lease.Instance] = true
				mu.Unlock()
				lease.Answered()
				mu.Lock()
				used[lease.Instance] = false
				mu.Unlock()
				lease.Release((client+n)%7 != 0)
			}
		})
	}
	wait.Wait()
	s.Close()
	if quota.UsedMB() != 0 || len(f.stopped) != f.started {
		t.Errorf("%d MB taken, %d started, %d stopped", quota.UsedMB(), f.started, len(f.stopped))
	}
}
