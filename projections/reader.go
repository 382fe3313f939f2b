// This file is how questions reach the read models: a snapshot of the live
// generation, under which every answer is computed.

package projections

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/sqldb"
)

// A Reader answers questions from the live generation of the read models. Each
// answer is of one moment: the position that it carries. A Reader is safe for
// concurrent use.
type Reader struct {
	models         *Models
	sessionTimeout time.Duration
}

// NewReader makes a Reader. A viewing session that isn't ended is abandoned
// when sessionTimeout has passed since its last event.
func NewReader(m *Models, sessionTimeout time.Duration) *Reader {
	return &Reader{models: m, sessionTimeout: sessionTimeout}
}

// A snapshot is one moment of one generation. It is used by one goroutine, and
// only while the function runs that was given it.
type snapshot struct {
	tx *sql.Tx
	d  *sqldb.Dialect

	Position       eventstore.Position
	TimeZone       string
	Calendar       domain.Calendar
	SessionTimeout time.Duration
}

// read runs f on a snapshot of the live generation. Every query of f sees the
// same moment, the one that the snapshot's position names.
func (r *Reader) read(ctx context.Context, f func(*snapshot) error) error {
	number, ok, err := r.models.live(ctx)
	if err != nil {
		return err
	}
	if !ok {
		return ErrNotBuilt
	}
	g, err := r.models.acquire(ctx, number)
	if err != nil {
		return err
	}
	defer r.models.release(g)
	return g.db.ReadTx(ctx, func(tx *sql.Tx) error {
		s, err := r.newSnapshot(ctx, tx, g)
		if err != nil {
			return err
		}
		return f(s)
	})
}

func (r *Reader) newSnapshot(ctx context.Context, tx *sql.Tx, g *generation) (*snapshot, error) {
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
		Position: h.position, TimeZone: h.timeZone, Calendar: domain.Calendar{Zone: zone},
		SessionTimeout: r.sessionTimeout,
	}, nil
}

var zones sync.Map // name → *time.Location; there are few, and loading one reads a file

// zoneOf gives the time zone of an IANA name.
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
