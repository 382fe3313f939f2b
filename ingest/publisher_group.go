// This file lets single messages that are published at the same time share one
// atomic batch, and so one sync of the broker's disk, as databases let
// transactions share a commit. A message that comes alone goes at once.

package ingest

import (
	"context"
	"maps"
	"sync"

	"boxoffice/wire"
)

// A group gathers the single messages that come while others are on their way.
type group struct {
	mu      sync.Mutex
	busy    bool // somebody takes care of those that wait
	waiting []*pendingPublish
}

// A pendingPublish is a message that waits for its turn to be published.
type pendingPublish struct {
	message wire.Message
	// waits ends when nobody waits for it any more.
	waits  context.Context
	stored chan error
}

// publishAlone publishes a single message and returns once it is stored. Where
// ctx ends before, it may be stored or not.
func (p *Publisher) publishAlone(ctx context.Context, m wire.Message) error {
	// The header is this message's own: the caller may have stopped waiting, and
	// use theirs, while it is on its way.
	m.Header = maps.Clone(m.Header)
	r := &pendingPublish{message: m, waits: ctx, stored: make(chan error, 1)}
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
		pending, more := p.group.next()
		p.publishPending(ctx, pending)
		if !more {
			return
		}
	}
}

// next takes those that wait, as many as go into one batch, without those whom
// nobody waits for any more. Where there are none the next to come has to begin
// again.
func (g *group) next() (pending []*pendingPublish, more bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) == 0 {
		g.busy = false
		return nil, false
	}
	bytes := 0
	for len(g.waiting) > 0 && len(pending) < batchMessages {
		r := g.waiting[0]
		if bytes += len(r.message.Data); len(pending) > 0 && bytes > batchBytes {
			break
		}
		g.waiting = g.waiting[1:]
		if r.waits.Err() == nil {
			pending = append(pending, r)
		}
	}
	if len(g.waiting) == 0 {
		g.waiting = nil // which lets go of what was published
	}
	return pending, true
}

func messagesOf(pending []*pendingPublish) []wire.Message {
	messages := make([]wire.Message, len(pending))
	for i, r := range pending {
		messages[i] = r.message
	}
	return messages
}

// publishPending publishes messages together. Where the broker refuses them as a
// whole, each is published on its own: one mustn't fail for another's sake.
func (p *Publisher) publishPending(ctx context.Context, pending []*pendingPublish) {
	if len(pending) > 1 {
		err := p.watched(ctx, messagesOf(pending), p.publishBatch)
		if err == nil || apiCode(err) == 0 && classify(err) == ErrUnavailable {
			for _, r := range pending {
				r.stored <- err
			}
			return
		}
	}
	var each sync.WaitGroup
	for _, r := range pending {
		each.Go(func() {
			r.stored <- p.watched(ctx, []wire.Message{r.message}, func(ctx context.Context, m []wire.Message) error { return p.publishOne(ctx, m[0]) })
		})
	}
	each.Wait()
}

// watched publishes messages, and gives up as soon as it is known that they are
// denied or that the connection took the answer along.
func (p *Publisher) watched(ctx context.Context, messages []wire.Message, publish func(context.Context, []wire.Message) error) error {
	ctx, done := p.broker.waiting.watch(ctx, subjectsOf(messages))
	defer done()
	err := publish(ctx, messages)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
	}
	return err
}
