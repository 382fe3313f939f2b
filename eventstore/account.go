// This file writes the account of a batch: what became of the messages of each
// range of the broker's sequence numbers.

package eventstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"boxoffice/internal/sqldb"
)

// channel is what PostgreSQL notifies of every append.
const channel = "boxoffice_log"

// An accountRange is a row of accounts.
type accountRange struct {
	stream         string
	first, last    uint64 // sequence numbers
	counts         [outcomes]int64
	firstAt, endAt Position // of what was appended; both zero where nothing was
	recordedAt     sqldb.Micros
	batches        int64
}

// accountWindow is the size of the windows that no range reaches out of, so that
// what became of a range of the broker's stays known to within one of them however
// many batches have become one row.
const accountWindow = 1 << 16

// take adds a message to the range.
func (r *accountRange) take(o outcome, at Position) {
	r.counts[o]++
	r.takePositions(at, at)
}

// takePositions widens the positions of what was appended by others.
func (r *accountRange) takePositions(first, last Position) {
	if first > 0 && (r.firstAt == 0 || first < r.firstAt) {
		r.firstAt = first
	}
	r.endAt = max(r.endAt, last)
}

// touches says whether another range, which doesn't begin before this one, goes on
// where this ends or overlaps it, so that the two can be one.
func (r *accountRange) touches(next *accountRange) bool {
	return r.stream == next.stream && next.first <= r.last+1 && r.first/accountWindow == next.first/accountWindow
}

// accountRanges puts what became of a batch's messages together by ranges. The
// appended ones have the positions from first on, in their order.
func accountRanges(entries []entry, ends []outcome, first Position) []accountRange {
	type message struct {
		sequence uint64
		end      outcome
		at       Position
	}
	messages := make([]message, len(entries))
	for i := range entries {
		messages[i] = message{sequence: entries[i].sequence, end: ends[i]}
		if ends[i] == appended {
			messages[i].at = first
			first++
		}
	}
	bySequence := func(a, b message) int { return cmp.Compare(a.sequence, b.sequence) }
	if !slices.IsSortedFunc(messages, bySequence) {
		slices.SortFunc(messages, bySequence)
	}
	var ranges []accountRange
	for _, m := range messages {
		alone := accountRange{first: m.sequence, last: m.sequence}
		if n := len(ranges); n == 0 || !ranges[n-1].touches(&alone) {
			ranges = append(ranges, alone)
		}
		r := &ranges[len(ranges)-1]
		r.last = m.sequence
		r.take(m.end, m.at)
	}
	return ranges
}

var accountColumns = []string{"stream", "first_sequence", "last_sequence", "appended", "duplicates", "refused",
	"first_position", "last_position", "recorded_at", "batches"}

const insertAccount = `INSERT INTO accounts (stream, first_sequence, last_sequence, appended, duplicates, refused,
	first_position, last_position, recorded_at, batches) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

// values are the range's, in the order of accountColumns.
func (r *accountRange) values(row []any) {
	row[0], row[1], row[2] = r.stream, int64(r.first), int64(r.last)
	row[3], row[4], row[5] = r.counts[appended], r.counts[duplicate], r.counts[refusedMessage]
	row[6], row[7] = nil, nil
	if r.firstAt > 0 {
		row[6], row[7] = int64(r.firstAt), int64(r.endAt)
	}
	row[8], row[9] = r.recordedAt, r.batches
}

// writeAccount writes the account and, in the statement of its first range, tells
// those who follow the log.
func (w *writer) writeAccount(ctx context.Context) error {
	w.account.Duplicates, w.account.Refused = w.plan.duplicates, w.plan.refused
	ranges := accountRanges(w.batch.entries, w.plan.ends, w.account.First)
	for i := range ranges {
		ranges[i].stream, ranges[i].recordedAt, ranges[i].batches = w.batch.stream, sqldb.Micros(w.head.recordedAt), 1
	}
	statement, args := insertAccount, make([]any, len(accountColumns))
	if w.store.db.Dialect().Name == sqldb.Postgres && w.account.Appended > 0 {
		statement = "WITH written AS (" + statement + " RETURNING batches) SELECT pg_notify('" + channel + "', '') FROM written"
	}
	ranges[0].values(args)
	if _, err := w.tx.ExecContext(ctx, statement, args...); err != nil {
		return fmt.Errorf("write the account: %w", err)
	}
	if len(ranges) > 1 {
		return copyAccounts(ctx, w.tx, ranges[1:])
	}
	return nil
}

func copyAccounts(ctx context.Context, tx *sqldb.Tx, ranges []accountRange) error {
	_, err := tx.CopyIn(ctx, "accounts", accountColumns, sqldb.RowsOf(len(ranges), len(accountColumns),
		func(i int, row []any) { ranges[i].values(row) }))
	return err
}
