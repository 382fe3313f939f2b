// This file is publishing many messages with few acknowledgements: in atomic
// batches, which the broker stores whole and with one sync of its disk, or one
// after another without waiting where it can't do that.

package ingest

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"boxoffice/internal/pause"
	"boxoffice/wire"
)

const (
	// batchMessages is the largest atomic batch that a server takes as it comes.
	batchMessages = 1000
	// batchBytes keeps a batch below what a server buffers of one stream, with
	// room for other publishers.
	batchBytes = 4 << 20
	// batchSlots is how many batches this publisher has under way at once. A
	// server takes 50 of a stream, from all publishers together.
	batchSlots = 8
	// singleFor is how long messages are published one by one before it is
	// tried again whether the broker takes batches: its stream may have been
	// set up since.
	singleFor = time.Minute
	// slotWait is how long to wait before a server that has too many batches
	// under way is asked again.
	slotWait = 50 * time.Millisecond
)

func (p *Publisher) publishMany(ctx context.Context, messages []wire.Message) error {
	for len(messages) > 0 {
		n := cut(messages)
		if err := p.publishBatch(ctx, messages[:n]); err != nil {
			return err
		}
		messages = messages[n:]
	}
	return nil
}

// cut returns how many of the messages make the next batch; at least one.
func cut(messages []wire.Message) int {
	bytes := 0
	for i, m := range messages {
		bytes += len(m.Data)
		if i == batchMessages || i > 0 && bytes > batchBytes {
			return i
		}
	}
	return len(messages)
}

func (p *Publisher) publishBatch(ctx context.Context, messages []wire.Message) error {
	if len(messages) == 1 {
		return p.publishOne(ctx, messages[0])
	}
	ctx, cancel := context.WithTimeout(ctx, publishWithin)
	defer cancel()
	if time.Now().UnixNano() < p.single.Load() {
		return p.publishEach(ctx, messages)
	}
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	err := p.publishAtomic(ctx, messages)
	if errors.Is(err, errNotAtomic) {
		p.single.Store(time.Now().Add(singleFor).UnixNano())
		p.broker.log.Warn("the broker doesn't store batches as a whole; events are published one by one")
		return p.publishEach(ctx, messages)
	}
	return err
}

// errNotAtomic says that the server or the stream doesn't know atomic batches.
var errNotAtomic = errors.New("atomic batches are not supported")

func (p *Publisher) publishAtomic(ctx context.Context, messages []wire.Message) error {
	for {
		// The first message is answered before the others are sent where it
		// isn't known that this broker takes batches, so that one that isn't
		// taken costs little and its refusal says why.
		trusted := p.trusted.Load()
		_, err := jetstreamext.PublishMsgBatch(ctx, p.broker.js, batchOf(messages),
			jetstreamext.BatchFlowControl{AckFirst: !trusted, AckTimeout: untilDeadline(ctx)})
		p.trusted.Store(err == nil)
		switch code := apiCode(err); {
		case err == nil:
			return nil
		case code == codeBatchDisabled, errors.Is(err, jetstreamext.ErrInvalidBatchAck):
			return errNotAtomic
		case code == codeBatchIncomplete && trusted:
			continue
		case code != codeBatchInflight:
			return err
		}
		if pause.Wait(ctx, slotWait) != nil {
			return err
		}
	}
}

// untilDeadline is how long there is before ctx ends.
func untilDeadline(ctx context.Context) time.Duration {
	deadline, _ := ctx.Deadline()
	return max(time.Until(deadline), time.Millisecond)
}

// batchOf makes a batch's messages, with headers of their own. Message ids are
// left out: one that the stream knows would refuse the whole batch.
func batchOf(messages []wire.Message) []*nats.Msg {
	batch := make([]*nats.Msg, len(messages))
	for i, m := range messages {
		header := make(nats.Header, len(m.Header)+3)
		maps.Copy(header, m.Header)
		delete(header, wire.HeaderMessageID)
		batch[i] = &nats.Msg{Subject: m.Subject, Header: header, Data: m.Data}
	}
	return batch
}

// publishEach sends every message and then waits for the answers to all.
func (p *Publisher) publishEach(ctx context.Context, messages []wire.Message) error {
	answers := make([]jetstream.PubAckFuture, 0, len(messages))
	for _, m := range messages {
		answer, err := p.broker.js.PublishMsgAsync(natsMessage(m), jetstream.WithExpectStream(wire.Stream))
		if err != nil {
			return err
		}
		answers = append(answers, answer)
	}
	for _, answer := range answers {
		select {
		case <-answer.Ok():
		case err := <-answer.Err():
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
