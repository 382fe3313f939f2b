// This file is one generation: its header row, which says where it stands, and
// the lease by which one projector at a time writes into it.

package projections

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/sqldb"
)

// A generation is a complete set of read models that this process has open.
type generation struct {
	number int
	db     *sqldb.DB
	users  int // who hold it; guarded by Models.mu
	// renewalGrace is what it was built with.
	renewalGrace domain.Grace
}

// A header is what a generation says of itself.
type header struct {
	buildSpec
	position   eventstore.Position
	recordedAt *domain.Instant // of the event at position; nil before the first
}

// ErrLeaseLost is the error of a projector that wanted to save after another
// had taken its place. What it wanted to save is not saved.
var ErrLeaseLost = errors.New("another projector holds the lease")

// ErrSuperseded says that a generation was retired while it was being projected
// into: another process has made one of another time zone or newer code live.
var ErrSuperseded = errors.New("another generation of the read models has taken the place of this one")

// The versions of a generation's schema: with tables only, and with indexes.
const (
	tablesVersion  = 1
	indexesVersion = 2
)

// create makes a generation that can be asked and follow the log, where it
// isn't there yet.
func (g *generation) create(ctx context.Context, spec buildSpec) error {
	if err := g.begin(ctx, spec); err != nil {
		return err
	}
	return g.index(ctx)
}

// index builds the indexes where they aren't there yet.
func (g *generation) index(ctx context.Context) error {
	if err := g.db.Migrate(ctx, generationFiles); err != nil {
		return fmt.Errorf("index generation %d of the read models: %w", g.number, err)
	}
	return nil
}

// indexed says whether a generation has its indexes.
func (g *generation) indexed(ctx context.Context) (bool, error) {
	version, err := g.db.SchemaVersion(ctx)
	if err != nil {
		return false, fmt.Errorf("generation %d of the read models: %w", g.number, err)
	}
	return version >= indexesVersion, nil
}

// begin makes the tables and the header of a generation where they aren't
// there yet.
func (g *generation) begin(ctx context.Context, spec buildSpec) error {
	if err := g.db.MigrateTo(ctx, generationFiles, tablesVersion); err != nil {
		return fmt.Errorf("generation %d of the read models: %w", g.number, err)
	}
	_, err := g.db.SQL().ExecContext(ctx, `
		INSERT INTO generation (only_row, position, epoch, time_zone, fold_version) VALUES (TRUE, 0, $1, $2, $3)
		ON CONFLICT DO NOTHING`, spec.epoch, spec.timeZone, spec.foldVersion)
	if err != nil {
		return fmt.Errorf("begin generation %d of the read models: %w", g.number, err)
	}
	return nil
}

// A querier is a transaction or a pool.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// readHeader reads a generation's header.
func readHeader(ctx context.Context, q querier) (header, error) {
	var h header
	var recordedAt *sqldb.Micros
	err := q.QueryRowContext(ctx, "SELECT position, epoch, recorded_at, time_zone, fold_version FROM generation").
		Scan(&h.position, &h.epoch, &recordedAt, &h.timeZone, &h.foldVersion)
	if err != nil {
		return header{}, fmt.Errorf("read the header of the read models: %w", err)
	}
	h.recordedAt = (*domain.Instant)(recordedAt)
	return h, nil
}

// A lease is the right of one projector to write into a generation. It is lost
// when it wasn't renewed in time and another took it. Saving renews it.
type lease struct {
	gen    *generation
	token  sqldb.UUID
	holder string
	length time.Duration
}

// take takes the lease, or renews it, and says whether this projector has it.
// Times are the database's, so the processes' clocks don't matter.
func (l *lease) take(ctx context.Context) (bool, error) {
	c := clockOf(l.gen.db.Dialect())
	n, err := sqldb.Change(ctx, l.gen.db.SQL(), `
		UPDATE generation SET lease_token = $1, lease_holder = $2, lease_until = `+c.later("$3")+`
		WHERE lease_token = $1 OR lease_until IS NULL OR lease_until <= `+c.now,
		l.token, l.holder, l.length.Microseconds())
	if err != nil {
		return false, fmt.Errorf("take the lease of the read models: %w", err)
	}
	return n == 1, nil
}

// release ends the lease, so that another needn't wait for it to run out.
func (l *lease) release(ctx context.Context) error {
	_, err := l.gen.db.SQL().ExecContext(ctx, `
		UPDATE generation SET lease_token = NULL, lease_holder = NULL, lease_until = NULL
		WHERE lease_token = $1`, l.token)
	if err != nil {
		return fmt.Errorf("release the lease of the read models: %w", err)
	}
	return nil
}

// advance moves the position forward, and renews the
// lease with it. It is the first statement of a transaction that saves: it
// locks the header until the commit, so the lease can't be lost in between.
// With from equal to to it only does that; recordedAt is nil then.
func (l *lease) advance(ctx context.Context, tx *sqldb.Tx, from, to eventstore.Position, recordedAt *domain.Instant) error {
	c := clockOf(l.gen.db.Dialect())
	err := mustChange(ctx, tx, ErrLeaseLost, `
		UPDATE generation SET position = $1, recorded_at = COALESCE($2, recorded_at), lease_until = `+c.later("$5")+`
		WHERE position = $3 AND lease_token = $4`,
		to, (*sqldb.Micros)(recordedAt), from, l.token, l.length.Microseconds())
	if err != nil {
		return fmt.Errorf("save the position: %w", err)
	}
	return nil
}

// analyze has PostgreSQL look at what is in the tables, by which it finds the
// way to answers. By itself it does so a while after they have grown. SQLite's
// ways are chosen so that it needn't know.
func (g *generation) analyze(ctx context.Context) error {
	if g.db.Dialect().Name != sqldb.Postgres {
		return nil
	}
	for _, t := range tables() {
		if _, err := g.db.SQL().ExecContext(ctx, "ANALYZE "+t.name); err != nil {
			return fmt.Errorf("analyze %s: %w", t.name, err)
		}
	}
	return nil
}
