// This file lets single messages that are published at the same time share one
// atomic batch, and so one sync of the broker's disk, as databases let
// transactions share a commit. A message that comes alone goes at once.

package ingest

import (
	"context"
	"sync"
)

// A group gathers the single messages that come while others are on their way.
type group struct {
	mu      sync.Mutex
	busy    bool // somebody takes care of those that wait
	waiting []*rider
}

// A rider is a message that waits for its turn.
type rider struct {
	message Outgoing
	stored  chan error
}

// publishAlone publishes a single message and returns once it is stored. Where
// ctx ends before, it may be stored or not.
func (p *Publisher) publishAlone(ctx context.Context, m Outgoing) error {
	r := &rider{message: m, stored: make(chan error, 1)}
	p.group.mu.Lock()
	p.group.waiting = append(p.group.waiting, r)
	if !p.group.busy {
		p.group.busy = true
		// The caller may stop waiting; those who have come after it don't.
		go p.serveGroup(context.WithoutCancel(ctx))
	}
	p.group.mu.Unlock()
	select {
	case err := <-r.stored:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// serveGroup publishes what waits until nothing does.
func (p *Publisher) serveGroup(ctx context.Context) {
	for {
		riders := p.group.next()
		if riders == nil {
			return
		}
		p.publishRiders(ctx, riders)
	}
}

// next takes those that wait, as many as go into one batch; nil where there are
// none, and then the next to come has to begin again.
func (g *group) next() []*rider {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) == 0 {
		g.busy = false
		return nil
	}
	n := cut(messagesOf(g.waiting))
	riders := g.waiting[:n]
	g.waiting = g.waiting[n:]
	if len(g.waiting) == 0 {
		g.waiting = nil // which lets go of what was published
	}
	return riders
}

func messagesOf(riders []*rider) []Outgoing {
	messages := make([]Outgoing, len(riders))
	for i, r := range riders {
		messages[i] = r.message
	}
	return messages
}

// publishRiders publishes messages together. Where the broker refuses them as a
// whole, each is published on its own: one mustn't fail for another's sake.
func (p *Publisher) publishRiders(ctx context.Context, riders []*rider) {
	if len(riders) > 1 {
		err := p.publishBatch(ctx, messagesOf(riders))
		if err == nil || apiCode(err) == 0 && classify(err) == ErrUnavailable {
			for _, r := range riders {
				r.stored <- err
			}
			return
		}
	}
	var each sync.WaitGroup
	for _, r := range riders {
		each.Go(func() { r.stored <- p.publishOne(ctx, r.message) })
	}
	each.Wait()
}
