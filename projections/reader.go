// This file is how questions reach the read models: a snapshot of one
// generation, under which every answer is computed.

package projections

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"time"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/sqldb"
)

// A Reader answers questions from one generation of the read models: the live
// one, unless it was made by [Reader.At], [Reader.History] or
// [Reader.Generation]. Each answer is of one moment: the position that it
// carries. A Reader is safe for concurrent use.
type Reader struct {
	models         *Models
	choose         choice
	only           eventstore.Position // where the generation has to stand; 0: anywhere
	sessionTimeout time.Duration
	few            int
	pace           wholePace
}

// few is how many users are looked at one by one, where an index says who comes
// into question, rather than by walking all in the list's order.
const few = 4000

// NewReader makes a Reader. A viewing session that isn't ended is abandoned
// when sessionTimeout has passed since its last event.
func NewReader(m *Models, sessionTimeout time.Duration) *Reader {
	return &Reader{models: m, choose: live, sessionTimeout: sessionTimeout, few: few, pace: usualPace}
}

// A snapshot is one moment of one generation. It is used by one goroutine, and
// only while the function runs that was given it.
type snapshot struct {
	tx querier
	d  *sqldb.Dialect

	Position       eventstore.Position
	TimeZone       string
	Calendar       domain.Calendar
	RenewalGrace   domain.Grace
	SessionTimeout time.Duration

	few  int
	pace wholePace
	// handedOut says that a part of the answer has left the snapshot, so that it
	// can't be begun again.
	handedOut bool
}

// maxReads is how often an answer is begun in all, where the generation that it
// comes from is dropped meanwhile. Generations are kept for a while after they
// have been live, so once is already rare.
const maxReads = 5

// read runs f on a snapshot of the generation that the Reader answers from.
// Every query of f sees the same moment, the one that the snapshot's position
// names. Where the generation has vanished since it was chosen, f is run again
// on the one that has taken its place, unless a part of the answer has been
// handed out.
func (r *Reader) read(ctx context.Context, f func(*snapshot) error) error {
	number, err := r.choose(ctx, r.models)
	if err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		again, err := r.readFrom(ctx, number, f)
		if err == nil || !again || attempt == maxReads {
			return err
		}
		now, chooseErr := r.choose(ctx, r.models)
		if chooseErr != nil || now == number {
			return err
		}
		number = now
	}
}

// readFrom runs f on a snapshot of one generation. Where it fails, it says
// whether f may be run again on another.
func (r *Reader) readFrom(ctx context.Context, number int, f func(*snapshot) error) (again bool, err error) {
	g, err := r.models.acquire(ctx, number)
	if err != nil {
		return true, err
	}
	defer r.models.release(g)
	again = true
	err = g.db.ReadTx(ctx, func(tx *sql.Tx) error {
		s, err := r.newSnapshot(ctx, tx, g)
		if err != nil {
			return err
		}
		if r.only > 0 && s.Position != r.only {
			return r.models.noHistory(ctx, r.only, s.Position)
		}
		err = f(s)
		again = !s.handedOut
		return err
	})
	return again, err
}

func (r *Reader) newSnapshot(ctx context.Context, tx *sql.Tx, g *generation) (*snapshot, error) {
	if err := setPlanning(ctx, tx, g.db.Dialect()); err != nil {
		return nil, err
	}
	h, err := readHeader(ctx, tx)
	if err != nil {
		return nil, err
	}
	if h.foldVersion > FoldVersion {
		return nil, ErrNewerModels
	}
	zone, err := zoneOf(h.timeZone)
	if err != nil {
		return nil, fmt.Errorf("the time zone of the read models: %w", err)
	}
	return &snapshot{
		tx: tx, d: g.db.Dialect(),
		Position: h.position, TimeZone: h.timeZone, Calendar: domain.Calendar{Zone: zone}, RenewalGrace: g.renewalGrace,
		SessionTimeout: r.sessionTimeout, few: r.few, pace: r.pace,
	}, nil
}

// planSettings makes PostgreSQL plan each statement for the arguments that it
// has, since which index is the right one depends on them; look up rows one by
// one, since an answer touches few of a table's; and not compile, since answers
// are short.
const planSettings = `SELECT
	set_config('plan_cache_mode', 'force_custom_plan', true),
	set_config('random_page_cost', '1.1', true),
	set_config('enable_hashjoin', 'off', true),
	set_config('enable_mergejoin', 'off', true),
	set_config('jit', 'off', true)`

// setPlanning makes the settings for the transaction.
func setPlanning(ctx context.Context, tx *sql.Tx, d *sqldb.Dialect) error {
	if d.Name != sqldb.Postgres {
		return nil
	}
	if _, err := tx.ExecContext(ctx, planSettings); err != nil {
		return fmt.Errorf("begin reading: %w", err)
	}
	return nil
}

var zones sync.Map // name → *time.Location; there are few, and loading one reads a file

// zoneOf returns the time zone of an IANA name.
func zoneOf(name string) (*time.Location, error) {
	if zone, ok := zones.Load(name); ok {
		return zone.(*time.Location), nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, err
	}
	zones.Store(name, zone)
	return zone, nil
}

// handOut notes that from now on a part of the answer leaves the snapshot, and
// takes hold of the tables that are still needed: a generation isn't dropped
// while they are in use.
func (s *snapshot) handOut(ctx context.Context, tables ...string) error {
	rows, err := s.tx.QueryContext(ctx, "SELECT 1 FROM "+strings.Join(tables, ", ")+" WHERE FALSE")
	if err != nil {
		return fmt.Errorf("begin reading: %w", err)
	}
	s.handedOut = true
	return rows.Close()
}

// Unavailable says that an error comes from a database that can't do its work
// now, rather than from what was asked: asking again later may help.
func Unavailable(err error) bool { return sqldb.Unavailable(err) }
