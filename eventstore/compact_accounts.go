// This file makes the rows of accounts fewer: those whose ranges adjoin or overlap
// become one.

package eventstore

import (
	"context"
	"fmt"

	"boxoffice/internal/sqldb"
)

const (
	// newAccounts is from how many new rows on they are worth compacting, and
	// accountsAtOnce how many are at a time.
	newAccounts    = 256
	accountsAtOnce = 1024
)

// A window is a part of a stream's sequence numbers that no account reaches out of.
type window struct {
	stream string
	number uint64
}

// compactAccounts compacts the windows that the next new rows are in; false where
// there are few new ones. Rows that it makes are new, too, and are looked at once
// more with those that come after them.
func (s *Store) compactAccounts(ctx context.Context) (bool, error) {
	windows, from, to, n, err := s.newWindows(ctx)
	if err != nil {
		return false, fmt.Errorf("look for new accounts: %w", err)
	}
	if n < s.newAccounts {
		return false, nil
	}
	err = s.db.InTx(ctx, func(tx *sqldb.Tx) error {
		if moved, err := s.moveCompaction(ctx, tx, "accounts_to", from, to); err != nil || !moved {
			return err
		}
		for w := range windows {
			if err := compactWindow(ctx, tx, w); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("compact accounts: %w", err)
	}
	return n == accountsAtOnce, nil
}

// newWindows reads which windows the rows are in that come after the last one that
// was looked at, and how many rows these are.
func (s *Store) newWindows(ctx context.Context) (windows map[window]bool, from, to int64, n int, err error) {
	if err = s.db.SQL().QueryRowContext(ctx, "SELECT accounts_to FROM compaction").Scan(&from); err != nil {
		return nil, 0, 0, 0, err
	}
	rows, err := s.db.SQL().QueryContext(ctx, "SELECT id, stream, first_sequence FROM accounts WHERE id > $1 ORDER BY id LIMIT $2", from, accountsAtOnce)
	if err != nil {
		return nil, 0, 0, 0, err
	}
	defer rows.Close()
	windows = map[window]bool{}
	for ; rows.Next(); n++ {
		var w window
		if err := rows.Scan(&to, &w.stream, &w.number); err != nil {
			return nil, 0, 0, 0, err
		}
		w.number /= accountWindow
		windows[w] = true
	}
	return windows, from, to, n, rows.Err()
}

// compactWindow makes as few rows of a window's as there are ranges in it. A row
// goes once another accounts for its range, which the database sees to.
func compactWindow(ctx context.Context, tx *sqldb.Tx, w window) error {
	rows, ids, err := readWindow(ctx, tx, w)
	if err != nil {
		return err
	}
	var merged []accountRange
	var gone []int64
	for i := 0; i < len(rows); {
		r, next := rows[i], i+1
		for ; next < len(rows) && r.touches(&rows[next]); next++ {
			r.merge(&rows[next])
		}
		if next > i+1 {
			merged, gone = append(merged, r), append(gone, ids[i:next]...)
		}
		i = next
	}
	if len(merged) == 0 {
		return nil
	}
	if err := copyAccounts(ctx, tx, merged); err != nil {
		return err
	}
	return sqldb.UpdateEach(ctx, tx, len(gone), "DELETE FROM accounts WHERE id = $1", func(i int) []any { return []any{gone[i]} })
}

// merge adds another range that touches this one.
func (r *accountRange) merge(other *accountRange) {
	r.last = max(r.last, other.last)
	for end, n := range other.counts {
		r.counts[end] += n
	}
	r.takePositions(other.firstAt, other.endAt)
	r.recordedAt = max(r.recordedAt, other.recordedAt)
	r.batches += other.batches
}

// readWindow reads a window's rows in the order of their first sequence numbers.
func readWindow(ctx context.Context, tx *sqldb.Tx, w window) (found []accountRange, ids []int64, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, first_sequence, last_sequence, appended, duplicates, refused,
		coalesce(first_position, 0), coalesce(last_position, 0), recorded_at, batches
		FROM accounts WHERE stream = $1 AND first_sequence >= $2 AND first_sequence < $3 ORDER BY first_sequence`,
		w.stream, int64(w.number*accountWindow), int64((w.number+1)*accountWindow))
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		r, id := accountRange{stream: w.stream}, int64(0)
		if err := rows.Scan(&id, &r.first, &r.last, &r.counts[appended], &r.counts[duplicate], &r.counts[refusedMessage],
			&r.firstAt, &r.endAt, &r.recordedAt, &r.batches); err != nil {
			return nil, nil, err
		}
		found, ids = append(found, r), append(ids, id)
	}
	return found, ids, rows.Err()
}
