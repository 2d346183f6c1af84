package docker

import (
	"github.com/moby/moby/api/types/events"
	"github.com/moby/moby/client"

	"github.com/scfcert/scfcert/mockplatform/engine/docker/reap"
)

// watchEvents reads the engine's out-of-memory events of this run until the run ends. The event is the only sign of a
// kill among the children of a container; the container's state shows it no sooner than at its end.
func (e *Engine) watchEvents() {
	defer close(e.events)
	filter := client.Filters{}.Add("type", string(events.ContainerEventType)).
		Add("event", string(events.ActionOOM)).Add("label", reap.LabelRun+"="+e.run)
	stream := e.client.Events(e.life, client.EventsListOptions{Filters: filter})
	for {
		select {
		case message := <-stream.Messages:
			e.mu.Lock()
			c := e.containers[message.Actor.ID]
			e.mu.Unlock()
			if c != nil {
				c.noteOutOfMemory()
			}
		case err := <-stream.Err:
			if e.life.Err() == nil {
				e.log.Warn("lost the engine's event stream: out-of-memory kills are told by the container's state only", "error", err)
			}
			return
		}
	}
}
