package serve

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/scfcert/scfcert/mockplatform/serve/page"
)

// keptRecords bounds how many invocations are remembered.
const keptRecords = 1000

// records are the last invocations, and who wants to hear of changes.
type records struct {
	mu       sync.Mutex
	list     []*page.Invocation          // the oldest first
	running  map[string]*page.Invocation // those in the list that have not ended, by request id
	watchers map[chan struct{}]struct{}
	closed   bool
}

// put adds an invocation, or puts it into the place of the one that has not ended yet.
func (r *records) put(i page.Invocation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known, ok := r.running[i.RequestID]; ok {
		i.Kind, i.Attempt = known.Kind, known.Attempt
		*known = i
		if !i.Running() {
			delete(r.running, i.RequestID)
		}
	} else {
		r.add(&i)
	}
	r.tell()
}

// begin adds an invocation that is under way, unless it is known already.
func (r *records) begin(i page.Invocation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.running[i.RequestID]; !known {
		r.add(&i)
		r.tell()
	}
}

// add does it with the lock held.
func (r *records) add(i *page.Invocation) {
	if r.list = append(r.list, i); len(r.list) >= 2*keptRecords { // seldom, as it costs
		for _, old := range r.list[:len(r.list)-keptRecords] {
			if r.running[old.RequestID] == old {
				delete(r.running, old.RequestID)
			}
		}
		r.list = slices.Clone(r.list[len(r.list)-keptRecords:])
	}
	if i.Running() {
		if r.running == nil {
			r.running = map[string]*page.Invocation{}
		}
		r.running[i.RequestID] = i
	}
}

// newest lists them, the newest first.
func (r *records) newest(function string, limit int) []page.Invocation {
	r.mu.Lock()
	defer r.mu.Unlock()
	if limit <= 0 || limit > keptRecords {
		limit = keptRecords
	}
	var found []page.Invocation
	for _, i := range slices.Backward(r.list[max(0, len(r.list)-keptRecords):]) {
		if function != "" && i.Function != function {
			continue
		}
		if found = append(found, *i); len(found) == limit {
			break
		}
	}
	return found
}

// find gives the newest one of a request.
func (r *records) find(requestID string) (page.Invocation, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, i := range slices.Backward(r.list) {
		if i.RequestID == requestID {
			return *i, true
		}
	}
	return page.Invocation{}, false
}

// changed tells everybody that something may look different.
func (r *records) changed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tell()
}

// tell does it with the lock held.
func (r *records) tell() {
	for watcher := range r.watchers {
		select {
		case watcher <- struct{}{}:
		default: // there is one that has not been heard yet
		}
	}
}

// changes gives a signal for changes, several in one, until the context ends.
func (r *records) changes(ctx context.Context) <-chan struct{} {
	watcher := make(chan struct{}, 1)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		close(watcher)
		return watcher
	}
	if r.watchers == nil {
		r.watchers = map[chan struct{}]struct{}{}
	}
	r.watchers[watcher] = struct{}{}
	context.AfterFunc(ctx, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if _, open := r.watchers[watcher]; open {
			delete(r.watchers, watcher)
			close(watcher)
		}
	})
	return watcher
}

// close ends all signals.
func (r *records) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for watcher := range maps.Keys(r.watchers) {
		close(watcher)
	}
	r.watchers = nil
}
