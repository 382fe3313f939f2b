// This file is the log's part of a scrub, which makes erasures hold in every
// byte: it exchanges the wrapping key, rewrites the tables that held links between
// people and their events, and keeps account of what was done.

package eventstore

import (
	"context"
	"errors"
	"fmt"

	"boxoffice/domain"
	"boxoffice/eventstore/vault"
	"boxoffice/internal/sqldb"
)

// ErrScrubRuns says that another process is at it.
var ErrScrubRuns = errors.New("another process is scrubbing")

// A ScrubStatus says how the latest scrub went.
type ScrubStatus struct {
	// BeganAt and EndedAt are nil where there has been none. Where one runs, or
	// was interrupted, EndedAt is of the one before.
	BeganAt, EndedAt *domain.Instant
	// Pending is how many erasures don't hold in every byte yet.
	Pending int64
	// Problems is what the latest couldn't do, empty for nothing.
	Problems string
}

// ScrubStatus tells how the latest scrub went.
func (s *Store) ScrubStatus(ctx context.Context) (ScrubStatus, error) {
	var status ScrubStatus
	var began, ended *sqldb.Micros
	err := s.db.SQL().QueryRowContext(ctx, `SELECT began_at, ended_at, problems, (SELECT erasures FROM log_head) - erasures FROM scrub`).
		Scan(&began, &ended, &status.Problems, &status.Pending)
	if err != nil {
		return ScrubStatus{}, fmt.Errorf("read how the latest scrub went: %w", err)
	}
	status.BeganAt, status.EndedAt = (*domain.Instant)(began), (*domain.Instant)(ended)
	return status, nil
}

// A Scrub is one under way. It is for one goroutine at a time.
type Scrub struct {
	store *Store
	head  Head
	done  func() error
}

// BeginScrub begins one, unless another process is at it: then it fails with
// [ErrScrubRuns]. The caller ends it with [Scrub.End] or [Scrub.Abandon].
func (s *Store) BeginScrub(ctx context.Context) (*Scrub, error) {
	lock, ok, err := s.db.TryLock(ctx, "scrub")
	if err == nil && !ok {
		err = ErrScrubRuns
	}
	if err != nil {
		return nil, fmt.Errorf("begin to scrub: %w", err)
	}
	c := &Scrub{store: s, done: lock.Unlock}
	c.head, err = s.Head(ctx)
	if err == nil {
		_, err = s.db.SQL().ExecContext(ctx, "UPDATE scrub SET began_at = $1", sqldb.Micros(s.now()))
	}
	if err != nil {
		return nil, fmt.Errorf("begin to scrub: %w", errors.Join(err, lock.Unlock()))
	}
	return c, nil
}

// LastErasure is where the log stood at the last erasure that the scrub makes
// hold; its position is 0 where there was none.
func (c *Scrub) LastErasure(ctx context.Context) (Head, error) {
	at := c.head
	err := c.store.db.SQL().QueryRowContext(ctx,
		"SELECT COALESCE(MAX(position), 0) FROM events WHERE type = 'user.erased' AND position <= $1", c.head.Position).Scan(&at.Position)
	if err != nil {
		return Head{}, fmt.Errorf("look up the last erasure: %w", err)
	}
	return at, nil
}

// rewrapAtOnce is how many keys are rewrapped in one transaction, so that
// whoever appends doesn't wait long.
const rewrapAtOnce = 1000

// ExchangeKeys puts a new wrapping key in use, rewraps what was wrapped under
// others, and destroys those. It goes on where one was interrupted. progress
// is told how many keys have been rewrapped.
func (c *Scrub) ExchangeKeys(ctx context.Context, progress func(done int64)) error {
	s := c.store
	key, err := s.vault.NewWrappingKey(ctx, s.db.SQL())
	if err == nil {
		err = s.lockedTx(ctx, func(tx *sqldb.Tx) error { return key.Use(ctx, tx) })
	}
	if err == nil {
		_, err = s.lookAtHead(ctx) // which reads the new key, so that no transaction has to
	}
	if err != nil {
		return fmt.Errorf("make a new wrapping key: %w", err)
	}
	number := key.Number
	var done int64
	for _, rewrap := range []func(context.Context, *sqldb.Tx, int) (int, error){c.rewrapUsers, c.rewrapRefused} {
		for more := true; more; {
			err := s.db.InTx(ctx, func(tx *sqldb.Tx) error {
				n, err := rewrap(ctx, tx, number)
				more = n == rewrapAtOnce
				done += int64(n)
				return err
			})
			if err != nil {
				return fmt.Errorf("rewrap keys: %w", err)
			}
			progress(done)
		}
	}
	err = s.lockedTx(ctx, func(tx *sqldb.Tx) error { return c.destroyOldKeys(ctx, tx, number) })
	if err != nil {
		return fmt.Errorf("destroy the old wrapping key: %w", err)
	}
	_, err = s.lookAtHead(ctx) // which forgets the old keys in memory
	return err
}

// lockedTx runs f in a transaction that holds the head's lock, so that nobody
// appends meanwhile.
func (s *Store) lockedTx(ctx context.Context, f func(*sqldb.Tx) error) error {
	return s.db.InTx(ctx, func(tx *sqldb.Tx) error {
		var position Position
		if err := tx.QueryRowContext(ctx, "SELECT position FROM log_head"+s.db.Dialect().ForUpdate).Scan(&position); err != nil {
			return fmt.Errorf("lock the head: %w", err)
		}
		return f(tx)
	})
}

func (c *Scrub) rewrapUsers(ctx context.Context, tx *sqldb.Tx, number int) (int, error) {
	return c.store.vault.RewrapUsers(ctx, tx, number, rewrapAtOnce)
}

// rewrapRefused rewraps the keys of refused events.
func (c *Scrub) rewrapRefused(ctx context.Context, tx *sqldb.Tx, number int) (int, error) {
	type row struct {
		id, sequence int64
		stream       string
		vault.SealedRow
	}
	rows, err := tx.QueryContext(ctx, "SELECT id, stream, sequence, wrapping_key, row_key FROM refused WHERE wrapping_key <> $1 LIMIT $2", number, rewrapAtOnce)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var found []row
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.id, &r.stream, &r.sequence, &r.WrappingKey, &r.Key); err != nil {
			return 0, err
		}
		found = append(found, r)
	}
	if err := rows.Err(); err != nil {
		return 0, err
	}
	for i := range found {
		r := &found[i]
		if r.SealedRow, err = c.store.vault.RewrapRow(ctx, tx, r.SealedRow, rowData(r.stream, uint64(r.sequence)), number); err != nil {
			return 0, fmt.Errorf("the refused event %d: %w", r.id, err)
		}
	}
	return len(found), sqldb.UpdateEach(ctx, tx, len(found), "UPDATE refused SET wrapping_key = $1, row_key = $2 WHERE id = $3",
		func(i int) []any { return []any{number, found[i].Key, found[i].id} })
}

// destroyOldKeys looks once more, under the lock, whether something is left
// under the old keys.
func (c *Scrub) destroyOldKeys(ctx context.Context, tx *sqldb.Tx, number int) error {
	for _, table := range []string{"users", "refused"} {
		var left int64
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM "+table+" WHERE wrapping_key <> $1", number).Scan(&left); err != nil {
			return err
		}
		if left > 0 {
			return fmt.Errorf("%d rows of %s are still under it", left, table)
		}
	}
	return c.store.vault.DestroyOldKeys(ctx, tx, number)
}

// Rewrite rewrites the log's tables of people; the events themselves are
// never touched. problem is told what can't be done now.
func (c *Scrub) Rewrite(ctx context.Context, problem func(error)) error {
	for _, table := range personalTables {
		if !table.forgets || table.name == "vault_keys" && c.store.db.Dialect().Name == sqldb.SQLite {
			continue // users and refused refer to vault_keys; what is deleted in it was overwritten at once
		}
		if err := TolerateTransient(c.store.db.Rewrite(ctx, table.name), problem); err != nil {
			return err
		}
	}
	return nil
}

// RecycleLog gets rid of what the database's write-ahead log holds of before.
func (c *Scrub) RecycleLog(ctx context.Context, problem func(error)) error {
	return TolerateTransient(c.store.db.RecycleLog(ctx), problem)
}

// TolerateTransient returns err, but hands it to problem where it is transient or one
// that the operator has to see to, and returns nil then.
func TolerateTransient(err error, problem func(error)) error {
	if errors.Is(err, sqldb.ErrInUse) || errors.Is(err, sqldb.ErrNotAllowed) {
		problem(err)
		return nil
	}
	return err
}

// End notes that the scrub has come to its end, and what it couldn't do.
func (c *Scrub) End(ctx context.Context, problems string) error {
	erasures := c.head.Erasures
	if problems != "" {
		erasures = 0
	}
	_, err := c.store.db.SQL().ExecContext(ctx, `UPDATE scrub SET ended_at = $1, problems = $2,
		erasures = CASE WHEN $3 > erasures THEN $3 ELSE erasures END`,
		sqldb.Micros(c.store.now()), problems, erasures)
	if err != nil {
		err = fmt.Errorf("note the end of a scrub: %w", err)
	}
	return errors.Join(err, c.Abandon())
}

// Abandon lets another process scrub. After [Scrub.End] it does nothing.
func (c *Scrub) Abandon() error {
	if c.done == nil {
		return nil
	}
	done := c.done
	c.done = nil
	return done()
}
