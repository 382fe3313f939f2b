// This file is the registry of generations: which there are, what each is for,
// and which of them is live.

package projections

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/sqldb"
)

// A Kind says what a generation is for.
type Kind string

// The kinds of generations. A successor is built because the time zone, the
// renewal grace, the code or the log is another than the live generation's, or because a compared
// candidate was chosen: it takes the live one's place by itself when it has
// caught up. A candidate never does, and a history neither.
const (
	KindLive      Kind = "live"      // answers
	KindSuccessor Kind = "successor" // will answer
	KindCandidate Kind = "candidate" // is built to be compared with the live one
	KindHistory   Kind = "history"   // stops at a position of the log, and is kept under a name
)

// A Generation is what the registry says of a complete set of read models.
type Generation struct {
	Number   int
	Kind     Kind
	Name     string // of a candidate or a history
	TimeZone string
	// RenewalGrace is the platform's renewal grace that it was built with.
	RenewalGrace domain.Grace
	FoldVersion  int
	// StopAt is the position at which a history stops; 0 for the others, which
	// follow the log.
	StopAt eventstore.Position
	// FinishedAt says when a history came there; nil while it is being built.
	FinishedAt *domain.Instant
	// ComparedTo is the position at which a candidate was compared with the
	// live generation, 0 where it wasn't yet.
	ComparedTo eventstore.Position
	BegunAt    domain.Instant

	epoch            string
	retired, dropped bool
	// Who was erased up to forgottenTo, a position of the log of forgottenEpoch,
	// was forgotten without following the log.
	forgottenTo    eventstore.Position
	forgottenEpoch string
}

// A buildSpec is what a generation is built by. Two of the same spec hold the
// same rows at the same position.
type buildSpec struct {
	timeZone     string
	renewalGrace domain.Grace
	foldVersion  int
	epoch        string
}

func (g *Generation) spec() buildSpec {
	return buildSpec{g.TimeZone, g.RenewalGrace, g.FoldVersion, g.epoch}
}

// generationsWhere reads the generations that a condition holds for, in the order
// of their numbers.
func generationsWhere(ctx context.Context, q querier, condition string, args ...any) ([]Generation, error) {
	var found []Generation
	err := eachRow(ctx, q, `
		SELECT number, kind, COALESCE(name, ''), time_zone, renewal_grace, fold_version, epoch, COALESCE(stop_at, 0), finished_at,
			COALESCE(compared_to, 0), created_at, retired_at IS NOT NULL, dropped_at IS NOT NULL, forgotten_to, forgotten_epoch
		FROM generations WHERE `+condition+` ORDER BY number`, args, func(row scanner) error {
		var g Generation
		var finishedAt *sqldb.Micros
		err := row.Scan(&g.Number, &g.Kind, &g.Name, &g.TimeZone, &g.RenewalGrace, &g.FoldVersion, &g.epoch, &g.StopAt, &finishedAt,
			&g.ComparedTo, (*sqldb.Micros)(&g.BegunAt), &g.retired, &g.dropped, &g.forgottenTo, &g.forgottenEpoch)
		g.FinishedAt = (*domain.Instant)(finishedAt)
		found = append(found, g)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look up generations of the read models: %w", err)
	}
	return found, nil
}

// Generations lists the sets of read models that there are, those left out that
// another has replaced.
func (m *Models) Generations(ctx context.Context) ([]Generation, error) {
	return generationsWhere(ctx, m.registry.SQL(), "retired_at IS NULL")
}

// kept lists the generations that haven't been dropped.
func (m *Models) kept(ctx context.Context) ([]Generation, error) {
	return generationsWhere(ctx, m.registry.SQL(), "dropped_at IS NULL")
}

// lookUp finds one generation.
func (m *Models) lookUp(ctx context.Context, number int) (Generation, error) {
	found, err := generationsWhere(ctx, m.registry.SQL(), "number = $1", number)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("look up generation %d of the read models: %w", number, ErrNoGeneration)
	}
	if err != nil {
		return Generation{}, err
	}
	return found[0], nil
}

// live returns the number of the live generation; ok is false where there has
// been none yet.
func (m *Models) live(ctx context.Context) (number int, ok bool, err error) {
	var n sql.NullInt64
	if err := m.registry.SQL().QueryRowContext(ctx, "SELECT number FROM live").Scan(&n); err != nil {
		return 0, false, fmt.Errorf("look up the live generation of the read models: %w", err)
	}
	return int(n.Int64), n.Valid, nil
}

// lockLive reads the pointer and keeps others from moving it until the
// transaction ends.
func lockLive(ctx context.Context, tx *sqldb.Tx) (sql.NullInt64, error) {
	var n sql.NullInt64
	err := tx.QueryRowContext(ctx, "SELECT number FROM live"+tx.Dialect().ForUpdate).Scan(&n)
	return n, err
}

// change runs f in a transaction of the registry. One such runs at a time.
func (m *Models) change(ctx context.Context, what string, f func(tx *sqldb.Tx, live sql.NullInt64) error) error {
	err := m.registry.InTx(ctx, func(tx *sqldb.Tx) error {
		live, err := lockLive(ctx, tx)
		if err != nil {
			return err
		}
		return f(tx, live)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// acquireBuild returns the number of the generation that follows the log by a
// spec, live or to be so: the newest successor where there is one. It enters a
// successor where there is none at all, unless the caller's own, before (0 where it
// has had none), was one of this spec and has been retired: then another spec has
// taken its place, and it fails with ErrSuperseded. Candidates and histories are
// never taken for it.
func (m *Models) acquireBuild(ctx context.Context, spec buildSpec, before int) (number int, err error) {
	err = m.change(ctx, "acquire a generation of the read models", func(tx *sqldb.Tx, _ sql.NullInt64) error {
		if number, err = find(ctx, tx, spec); err != nil || number != 0 {
			return err
		}
		retired, err := isRetired(ctx, tx, before, spec)
		if err != nil {
			return err
		}
		if retired {
			return ErrSuperseded
		}
		number, err = enter(ctx, tx, KindSuccessor, "", spec, nil)
		return err
	})
	return number, err
}

// acquireAnother enters a successor of a spec to take the place of a generation
// of the same, unless that has been done already.
func (m *Models) acquireAnother(ctx context.Context, spec buildSpec, before int) error {
	return m.change(ctx, "acquire another generation of the read models", func(tx *sqldb.Tx, _ sql.NullInt64) error {
		newest, err := find(ctx, tx, spec)
		if err != nil || newest != before {
			return err
		}
		_, err = enter(ctx, tx, KindSuccessor, "", spec, nil)
		return err
	})
}

// find returns the newest successor of a spec, else the live generation where it
// is of that spec, else 0.
func find(ctx context.Context, q querier, spec buildSpec) (number int, err error) {
	err = q.QueryRowContext(ctx, `
		SELECT number FROM generations
		WHERE time_zone = $1 AND renewal_grace = $2 AND fold_version = $3 AND epoch = $4 AND retired_at IS NULL AND kind IN ('live', 'successor')
		ORDER BY CASE kind WHEN 'successor' THEN 0 ELSE 1 END, number DESC LIMIT 1`,
		spec.timeZone, spec.renewalGrace, spec.foldVersion, spec.epoch).Scan(&number)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return number, err
}

// isRetired says whether there is such a generation of a spec, and it is retired.
func isRetired(ctx context.Context, q querier, number int, spec buildSpec) (bool, error) {
	var n int
	err := q.QueryRowContext(ctx, `
		SELECT COUNT(*) FROM generations
		WHERE number = $1 AND time_zone = $2 AND renewal_grace = $3 AND fold_version = $4 AND epoch = $5 AND retired_at IS NOT NULL`,
		number, spec.timeZone, spec.renewalGrace, spec.foldVersion, spec.epoch).Scan(&n)
	return n > 0, err
}

// enter enters a new generation. stopAt is a history's alone.
func enter(ctx context.Context, tx *sqldb.Tx, kind Kind, name string, spec buildSpec, stopAt *eventstore.Position) (number int, err error) {
	err = tx.QueryRowContext(ctx, `
		INSERT INTO generations (number, kind, name, time_zone, renewal_grace, fold_version, epoch, stop_at)
		SELECT COALESCE(MAX(number), 0) + 1, $1, NULLIF($2, ''), $3, $4, $5, $6, $7 FROM generations
		RETURNING number`, string(kind), name, spec.timeZone, spec.renewalGrace, spec.foldVersion, spec.epoch, stopAt).Scan(&number)
	return number, err
}

// isLive says whether the live generation is known to be of a spec.
func (m *Models) isLive(ctx context.Context, spec buildSpec) bool {
	number, ok, err := m.live(ctx)
	if err != nil || !ok {
		return false
	}
	live, err := m.lookUp(ctx, number)
	return err == nil && live.spec() == spec
}

// makeFirst makes a generation live where none is: it may not hold all of the
// log yet, but nothing else is there to answer in its place.
func (m *Models) makeFirst(ctx context.Context, number int) error {
	if _, ok, err := m.live(ctx); err != nil || ok {
		return err
	}
	return m.change(ctx, fmt.Sprintf("make generation %d of the read models live", number), func(tx *sqldb.Tx, live sql.NullInt64) error {
		if live.Valid {
			return nil
		}
		return makeLive(ctx, tx, number)
	})
}

// switchTo makes a successor the live generation. Readers see the one or the
// other, and each answer comes from one of them.
func (m *Models) switchTo(ctx context.Context, number int) error {
	return m.change(ctx, fmt.Sprintf("make generation %d of the read models live", number), func(tx *sqldb.Tx, live sql.NullInt64) error {
		if live.Valid && int(live.Int64) == number {
			return nil
		}
		return makeLive(ctx, tx, number)
	})
}

// makeLive moves the pointer, whose lock the caller holds. A generation that is
// retired already has been overtaken by another, and isn't made live. Retired
// are what was live, what would have been, and the candidates that are built by
// another spec and so can't be compared with this one. Histories stay.
func makeLive(ctx context.Context, tx *sqldb.Tx, number int) error {
	now := clockOf(tx.Dialect()).now
	if err := mustChange(ctx, tx, ErrSuperseded, `
		UPDATE generations SET kind = 'live', name = NULL, live_at = `+now+`
		WHERE number = $1 AND kind IN ('live', 'successor') AND retired_at IS NULL`, number); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE live SET number = $1", number); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `
		UPDATE generations SET retired_at = `+now+`
		WHERE number <> $1 AND retired_at IS NULL AND (kind IN ('live', 'successor') OR kind = 'candidate' AND NOT EXISTS (
			SELECT 1 FROM generations l WHERE l.number = $1 AND l.time_zone = generations.time_zone AND l.renewal_grace = generations.renewal_grace
				AND l.fold_version = generations.fold_version AND l.epoch = generations.epoch))`, number)
	if err != nil || tx.Dialect().Name != sqldb.Postgres {
		return err
	}
	return showInViews(ctx, tx, number)
}

// retire marks a generation to be dropped, unless it is live.
func retire(ctx context.Context, tx *sqldb.Tx, number int) error {
	_, err := tx.ExecContext(ctx, `
		UPDATE generations SET retired_at = `+clockOf(tx.Dialect()).now+`
		WHERE number = $1 AND retired_at IS NULL AND kind <> 'live'`, number)
	return err
}

// mustChange runs a statement that has to change a row; the error is none where it
// changes none.
func mustChange(ctx context.Context, in sqldb.Execer, none error, statement string, args ...any) error {
	n, err := sqldb.Change(ctx, in, statement, args...)
	if err == nil && n == 0 {
		err = none
	}
	return err
}
