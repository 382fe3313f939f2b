// This file is the registry of generations: finding or beginning the one that
// a configuration asks for, making it live, and dropping what is left behind.

package projections

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"boxoffice/internal/sqldb"
)

// A buildSpec is what a generation is built by. Two of the same spec hold the
// same rows at the same position.
type buildSpec struct {
	timeZone    string
	foldVersion int
	epoch       string
}

// live gives the number of the live generation; ok is false where there has
// been none yet.
func (m *Models) live(ctx context.Context) (number int, ok bool, err error) {
	var n sql.NullInt64
	if err := m.registry.SQL().QueryRowContext(ctx, "SELECT number FROM live").Scan(&n); err != nil {
		return 0, false, fmt.Errorf("look up the live generation of the read models: %w", err)
	}
	return int(n.Int64), n.Valid, nil
}

// acquireBuild gives the number of the newest generation of a spec that isn't
// retired, and enters a new one where there is none.
func (m *Models) acquireBuild(ctx context.Context, spec buildSpec) (int, error) {
	var number int
	err := m.registry.InTx(ctx, func(tx *sqldb.Tx) error {
		// The pointer's lock also keeps two from entering the same.
		if _, err := lockLive(ctx, tx, m.registry.Dialect()); err != nil {
			return err
		}
		var err error
		number, err = find(ctx, tx, spec)
		if err != nil || number != 0 {
			return err
		}
		number, err = enter(ctx, tx, spec)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("acquireBuild a generation of the read models: %w", err)
	}
	return number, nil
}

// acquireAnother enters a new generation of a spec to take the place of one of
// the same, unless that has been done already.
func (m *Models) acquireAnother(ctx context.Context, spec buildSpec, before int) error {
	err := m.registry.InTx(ctx, func(tx *sqldb.Tx) error {
		if _, err := lockLive(ctx, tx, m.registry.Dialect()); err != nil {
			return err
		}
		newest, err := find(ctx, tx, spec)
		if err != nil || newest != before {
			return err
		}
		_, err = enter(ctx, tx, spec)
		return err
	})
	if err != nil {
		return fmt.Errorf("acquireBuild another generation of the read models: %w", err)
	}
	return nil
}

// enter enters a new generation.
func enter(ctx context.Context, tx *sqldb.Tx, spec buildSpec) (number int, err error) {
	err = tx.QueryRowContext(ctx, `
		INSERT INTO generations (number, time_zone, fold_version, epoch)
		SELECT COALESCE(MAX(number), 0) + 1, $1, $2, $3 FROM generations
		RETURNING number`, spec.timeZone, spec.foldVersion, spec.epoch).Scan(&number)
	return number, err
}

// find gives the newest generation of a spec that isn't retired, 0 for none.
func find(ctx context.Context, tx *sqldb.Tx, spec buildSpec) (int, error) {
	var n sql.NullInt64
	err := tx.QueryRowContext(ctx, `
		SELECT MAX(number) FROM generations
		WHERE time_zone = $1 AND fold_version = $2 AND epoch = $3 AND retired_at IS NULL`,
		spec.timeZone, spec.foldVersion, spec.epoch).Scan(&n)
	return int(n.Int64), err
}

// lockLive reads the pointer and keeps others from moving it until the
// transaction ends.
func lockLive(ctx context.Context, tx *sqldb.Tx, d *sqldb.Dialect) (sql.NullInt64, error) {
	var n sql.NullInt64
	err := tx.QueryRowContext(ctx, "SELECT number FROM live"+d.ForUpdate).Scan(&n)
	return n, err
}

// specOf gives what a generation is made by.
func (m *Models) specOf(ctx context.Context, number int) (buildSpec, error) {
	var spec buildSpec
	err := m.registry.SQL().QueryRowContext(ctx,
		"SELECT time_zone, fold_version, epoch FROM generations WHERE number = $1", number).
		Scan(&spec.timeZone, &spec.foldVersion, &spec.epoch)
	if err != nil {
		return buildSpec{}, fmt.Errorf("look up generation %d of the read models: %w", number, err)
	}
	return spec, nil
}

// isLive says whether the live generation is known to be of a spec.
func (m *Models) isLive(ctx context.Context, spec buildSpec) bool {
	number, ok, err := m.live(ctx)
	if err != nil || !ok {
		return false
	}
	live, err := m.specOf(ctx, number)
	return err == nil && live == spec
}

// makeFirst makes a generation live where none is: it may not hold all of the
// log yet, but nothing else is there to answer in its place.
func (m *Models) makeFirst(ctx context.Context, number int) error {
	if _, ok, err := m.live(ctx); err != nil || ok {
		return err
	}
	err := m.registry.InTx(ctx, func(tx *sqldb.Tx) error {
		live, err := lockLive(ctx, tx, m.registry.Dialect())
		if err != nil || live.Valid {
			return err
		}
		return m.makeLive(ctx, tx, number)
	})
	if err != nil {
		return fmt.Errorf("make generation %d of the read models live: %w", number, err)
	}
	return nil
}

// switchTo makes a generation the live one and retires every other. Readers
// see the one or the other, and each answer comes from one of them.
func (m *Models) switchTo(ctx context.Context, number int) error {
	err := m.registry.InTx(ctx, func(tx *sqldb.Tx) error {
		live, err := lockLive(ctx, tx, m.registry.Dialect())
		if err != nil || live.Valid && int(live.Int64) == number {
			return err
		}
		return m.makeLive(ctx, tx, number)
	})
	if err != nil {
		return fmt.Errorf("make generation %d of the read models live: %w", number, err)
	}
	return nil
}

// makeLive moves the pointer. The caller holds its lock. A generation that is
// retired already has been overtaken by another, and isn't made live.
func (m *Models) makeLive(ctx context.Context, tx *sqldb.Tx, number int) error {
	now := clockOf(m.registry.Dialect()).now
	result, err := tx.ExecContext(ctx, `
		UPDATE generations SET live_at = `+now+` WHERE number = $1 AND retired_at IS NULL`, number)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return orElse(err, ErrSuperseded)
	}
	if _, err := tx.ExecContext(ctx, "UPDATE live SET number = $1", number); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		UPDATE generations SET retired_at = `+now+` WHERE number <> $1 AND retired_at IS NULL`, number)
	if err != nil || m.registry.Dialect().Name != sqldb.Postgres {
		return err
	}
	return showInViews(ctx, tx, m.registry.Dialect(), number)
}

// showInViews makes the views of the schema boxoffice show a generation. It is
// PostgreSQL's alone. The columns of a view stay as they are: a change of them
// needs a migration of the registry that drops the view.
func showInViews(ctx context.Context, tx *sqldb.Tx, d *sqldb.Dialect, number int) error {
	schema := generationSchema(d, number)
	for _, t := range viewedTables() {
		text := "CREATE OR REPLACE VIEW " + t.name + " AS SELECT " + quotedList(t.visible()) + " FROM " + schema + "." + t.name
		if _, err := tx.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("view %s: %w", t.name, err)
		}
	}
	return nil
}

// isRetired says whether a generation has been overtaken.
func (m *Models) isRetired(ctx context.Context, number int) (bool, error) {
	var live int
	err := m.registry.SQL().QueryRowContext(ctx,
		"SELECT COUNT(*) FROM generations WHERE number = $1 AND retired_at IS NULL", number).Scan(&live)
	if err != nil {
		return false, fmt.Errorf("look up generation %d of the read models: %w", number, err)
	}
	return live == 0, nil
}

// dropRetired drops the generations that were retired more than grace ago,
// which is longer than any answer takes. One that is in use is left for later.
func (m *Models) dropRetired(ctx context.Context, grace time.Duration) error {
	clock := clockOf(m.registry.Dialect())
	numbers, err := m.retired(ctx, clock.earlier("$1"), grace.Microseconds())
	if err != nil {
		return fmt.Errorf("look up retired generations: %w", err)
	}
	for _, number := range numbers {
		if err := m.drop(ctx, number); err != nil {
			return fmt.Errorf("drop generation %d of the read models: %w", number, err)
		}
	}
	return nil
}

func (m *Models) retired(ctx context.Context, before string, args ...any) ([]int, error) {
	rows, err := m.registry.SQL().QueryContext(ctx,
		"SELECT number FROM generations WHERE dropped_at IS NULL AND retired_at < "+before+" ORDER BY number", args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var numbers []int
	for rows.Next() {
		var n int
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		numbers = append(numbers, n)
	}
	return numbers, rows.Err()
}

// drop removes the tables of a retired generation. Its entry stays, so that no
// number is used twice, and is marked afterwards, so that a drop that was
// interrupted is found again.
func (m *Models) drop(ctx context.Context, number int) error {
	unused, err := m.forget(number)
	if err != nil || !unused {
		return err
	}
	if err := m.db.DropSchema(ctx, generationSchema(m.db.Dialect(), number)); err != nil {
		return err
	}
	_, err = m.registry.SQL().ExecContext(ctx,
		"UPDATE generations SET dropped_at = "+clockOf(m.registry.Dialect()).now+" WHERE number = $1", number)
	return err
}

// A clock is how an engine tells its own time in SQL, in its type of instants.
type clock struct {
	now string
	// shifted adds the microseconds of a parameter to now; sign is + or -.
	shifted string
}

func clockOf(d *sqldb.Dialect) clock {
	if d.Name == sqldb.Postgres {
		return clock{
			now:     "clock_timestamp()",
			shifted: "clock_timestamp() {sign} CAST({p} AS bigint) * interval '1 microsecond'",
		}
	}
	now := "CAST(unixepoch('subsec') * 1000000 AS INTEGER)"
	return clock{now: now, shifted: now + " {sign} {p}"}
}

func (c clock) later(parameter string) string {
	return strings.NewReplacer("{sign}", "+", "{p}", parameter).Replace(c.shifted)
}

func (c clock) earlier(parameter string) string {
	return strings.NewReplacer("{sign}", "-", "{p}", parameter).Replace(c.shifted)
}

// orElse gives err, or other where err is nil.
func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}
