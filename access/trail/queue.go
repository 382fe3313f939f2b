// This file is what waits to be written: entries of what was read, and how
// what was begun has ended. It is written in batches by one goroutine, so
// that nobody who reads waits for a disk.
//
// While the database can't be written to, entries wait in memory and are tried
// again. Memory is bounded: past the bound entries are lost, which is counted,
// logged, and written into the trail itself when that works again. Reading goes
// on meanwhile.

package trail

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"boxoffice/internal/sqldb"
)

const (
	// maxWaiting bounds what waits: an entry weighs one, and so does each of
	// the users whom it is about.
	maxWaiting = 200_000
	// gatherFor is how long a batch gathers, retryAfter when a failed one is
	// tried again, and stopWithin how long the last one may take.
	gatherFor  = 100 * time.Millisecond
	retryAfter = time.Second
	stopWithin = 10 * time.Second

	// GapAction is the action of the entry that says how many are missing, and
	// GapActor is its actor: the service itself.
	GapAction = "trail-gap"
	GapActor  = "boxoffice"
)

// An outcome is how what was begun ended.
type outcome struct {
	entry int64
	Entry
}

// A queue holds what is to be written.
type queue struct {
	trail *Trail

	mu       sync.Mutex
	entries  []Entry
	outcomes []outcome
	weight   int
	lost     int64

	some    chan struct{} // has room for one: something waits
	closing chan struct{}
	closed  chan struct{}
	once    sync.Once

	lostTotal prometheus.Counter
	failures  prometheus.Counter
}

func (q *queue) start(t *Trail, r prometheus.Registerer) error {
	q.trail = t
	q.some, q.closing, q.closed = make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	q.lostTotal = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "boxoffice_trail_lost_total",
		Help: "Entries of the trail that were lost because it couldn't be written for too long.",
	})
	q.failures = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "boxoffice_trail_write_failures_total",
		Help: "Tries to write waiting entries of the trail that failed; they are kept and tried again.",
	})
	if r != nil {
		for _, c := range []prometheus.Collector{q.lostTotal, q.failures} {
			if err := r.Register(c); err != nil {
				return err
			}
		}
	}
	go q.run()
	return nil
}

func (q *queue) stop() {
	q.once.Do(func() { close(q.closing) })
	<-q.closed
}

// Note records what was done. It doesn't wait and doesn't fail.
func (t *Trail) Note(e Entry) { t.queue.add(&e, nil) }

// End records how what [Trail.Begin] has begun ended: its Status, People and
// the users whom it was about, where they differ. It doesn't wait.
func (t *Trail) End(id int64, e Entry) { t.queue.add(nil, &outcome{id, e}) }

func (q *queue) add(e *Entry, o *outcome) {
	q.mu.Lock()
	defer q.mu.Unlock()
	weight := 1
	if e != nil {
		weight += len(e.IDs) + len(e.Subjects)
	}
	if q.weight+weight > maxWaiting {
		if q.lost == 0 {
			q.trail.config.Logger.Error("the trail can't be written for too long: entries are lost from now on")
		}
		q.lost++
		q.lostTotal.Inc()
		return
	}
	q.weight += weight
	if e != nil {
		q.entries = append(q.entries, *e)
	}
	if o != nil {
		q.outcomes = append(q.outcomes, *o)
	}
	select {
	case q.some <- struct{}{}:
	default:
	}
}

// run writes batch after batch until the queue is closed, and then the last.
func (q *queue) run() {
	defer close(q.closed)
	failing := false
	for {
		select {
		case <-q.some:
		case <-q.closing:
			q.last()
			return
		}
		pause := gatherFor
		if failing {
			pause = retryAfter
		}
		select {
		case <-time.After(pause):
		case <-q.closing:
			q.last()
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
		err := q.flush(ctx)
		cancel()
		if err != nil && !failing {
			q.trail.config.Logger.Error("writing the trail failed and is tried again", "error", err)
		}
		failing = err != nil
	}
}

// last writes what is left, as often as it takes while there is time.
func (q *queue) last() {
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	for {
		err := q.flush(ctx)
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			q.mu.Lock()
			defer q.mu.Unlock()
			q.trail.config.Logger.Error("the trail couldn't be written before the end: entries are lost",
				"entries", int64(len(q.entries)+len(q.outcomes))+q.lost, "error", err)
			return
		}
		time.Sleep(gatherFor)
	}
}

// flush writes what waits. What couldn't be written waits again.
func (q *queue) flush(ctx context.Context) error {
	q.mu.Lock()
	entries, outcomes, lost, weight := q.entries, q.outcomes, q.lost, q.weight
	q.entries, q.outcomes, q.lost = nil, nil, 0
	q.mu.Unlock()
	err := q.trail.write(ctx, entries, outcomes, lost)
	q.mu.Lock()
	defer q.mu.Unlock()
	if err == nil {
		q.weight -= weight
		return nil
	}
	q.failures.Inc()
	q.entries, q.outcomes = append(entries, q.entries...), append(outcomes, q.outcomes...)
	q.lost += lost
	select {
	case q.some <- struct{}{}:
	default:
	}
	return err
}

// write writes a batch in one transaction.
func (t *Trail) write(ctx context.Context, entries []Entry, outcomes []outcome, lost int64) error {
	if len(entries) == 0 && len(outcomes) == 0 && lost == 0 {
		return nil
	}
	if err := t.resolve(ctx, entries, outcomes); err != nil {
		return err
	}
	if lost > 0 {
		entries = append(entries, Entry{At: time.Now(), Actor: GapActor, Action: GapAction, People: &lost})
	}
	return t.db.InTx(ctx, func(tx *sqldb.Tx) error {
		if len(entries) > 0 {
			_, err := tx.CopyIn(ctx, "entries", entryColumns, sqldb.RowsOf(len(entries), len(entryColumns), func(i int, row []any) {
				copy(row, entries[i].row())
			}))
			if err != nil {
				return err
			}
		}
		for i := range outcomes {
			row := []any{outcomes[i].entry, nil, nil, nil}
			outcomes[i].outcome(row[1:])
			if row[1] == nil {
				continue // how it ended isn't known
			}
			_, err := tx.ExecContext(ctx, `INSERT INTO outcomes (entry, status, people, subjects) VALUES ($1, $2, $3, $4)
				ON CONFLICT (entry) DO NOTHING`, row...) // a commit of which it wasn't known is written again
			if err != nil {
				return fmt.Errorf("write an outcome: %w", err)
			}
		}
		return nil
	})
}

// resolve looks up all ids of a batch at once.
func (t *Trail) resolve(ctx context.Context, entries []Entry, outcomes []outcome) error {
	open := make([]*Entry, 0, len(entries)+len(outcomes))
	for i := range entries {
		open = append(open, &entries[i])
	}
	for i := range outcomes {
		open = append(open, &outcomes[i].Entry)
	}
	var ids []string
	for _, e := range open {
		ids = append(ids, e.IDs...)
	}
	if len(ids) == 0 {
		return nil
	}
	known, err := t.config.Pseudonyms(ctx, ids)
	if err != nil {
		return fmt.Errorf("look up pseudonyms: %w", err)
	}
	for _, e := range open {
		e.Subjects, e.IDs = append(e.Subjects, inOrder(e.IDs, known)...), nil
	}
	return nil
}
