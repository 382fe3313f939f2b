// This file is the place for what isn't ours: sides that take events from a
// broker into the log's own table on PostgreSQL by other means. The module in
// rivals has some.

package bench

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/nats-io/nats.go/jetstream"

	"boxoffice/ingest"
	"boxoffice/internal/sqldb"
)

// A Rival is a side of somebody else's: it judges no event, encrypts nothing and
// keeps no account.
type Rival struct {
	// Side names it.
	Side string
	// What it does, for people.
	What string
	// OneIn is the part of the events that is enough for one that would take too
	// long: one in so many; 0 is all.
	OneIn int64
	// Take takes the events of a broker, and returns how many of them are
	// acknowledged, once all are.
	Take func(context.Context, *Taking) (acked int64, err error)
}

// A Taking is what a rival has to do.
type Taking struct {
	// URL is that of the database.
	URL string
	// Events is how many events are on the broker.
	Events int64
	// Progress is told how many of them are in the database.
	Progress func(done int64)

	broker   *broker
	position *atomic.Int64
}

// Broker is the connection to the broker that has the events.
func (t *Taking) Broker() jetstream.JetStream { return t.broker.JetStream() }

// Connect makes another connection to the broker, for who closes the one that
// they are given.
func (t *Taking) Connect(ctx context.Context) (*ingest.Broker, error) {
	return ingest.Connect(ctx, ingest.Config{Embedded: t.broker.server, Logger: quiet})
}

// AwaitAcked waits until a consumer has acknowledged everything, and says how
// many events that are.
func (t *Taking) AwaitAcked(ctx context.Context, durable string) (int64, error) {
	return t.broker.awaitAcked(ctx, durable)
}

// Columns are the columns of the table boxoffice_log.events, in the order of
// what [Taking.Row] returns.
func Columns() []string { return bareColumns }

// Row makes the next row of an event.
func (t *Taking) Row(body []byte) ([]any, error) { return rowOf(body, t.position.Add(1)) }

// Pull waits for n messages of a consumer, or for those that come within a second.
func (t *Taking) Pull(ctx context.Context, consumer jetstream.Consumer, n int64) ([]jetstream.Msg, error) {
	return pull(ctx, consumer, n)
}

// side is the rival as a side.
func (rival Rival) side(ctx context.Context, r *sideRun) (_ Result, err error) {
	table, err := logSchema(ctx, r.database())
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, table.Close()) }()
	before, err := countEvents(ctx, table)
	if err != nil {
		return Result{}, err
	}
	var position atomic.Int64
	position.Store(before)
	return r.takeAll(ctx, table, func(ctx context.Context, from *broker, n int64) (int64, error) {
		return rival.Take(ctx, &Taking{URL: r.URL, Events: n, Progress: r.progress, broker: from, position: &position})
	})
}

// Rivals measures ingest on PostgreSQL beside rivals, which are to be given to
// [RunSide] too. The first one is what the others are compared with.
func (b *Bench) Rivals(ctx context.Context, rivals ...Rival) (Measure, error) {
	var all []contestant
	for _, r := range rivals {
		all = append(all, contestant{side: r.Side, what: r.What, oneIn: r.OneIn})
	}
	figures, err := b.overBrokers(ctx, sqldb.Postgres, append(all, theIngest, theBareLoop)...)
	return Measure{Name: "rivals", Engine: sqldb.Postgres, Sides: figures, Target: atLeast("ingest", 2)}, err
}
