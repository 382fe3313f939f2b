// This file writes the account of a batch, and finds by the accounts where one
// user's events are.

package eventstore

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"

	"boxoffice/internal/sqldb"
)

// channel is what PostgreSQL notifies of every append.
const channel = "boxoffice_log"

// writeAccount writes the account and, in the same statement, tells those who
// follow the log.
func (w *writer) writeAccount(ctx context.Context) error {
	a := &w.account
	a.Duplicates, a.Refused = w.plan.duplicates, w.plan.refused
	var first, last any
	if a.Appended > 0 {
		first, last = int64(a.First), int64(a.Last)
	}
	statement := `INSERT INTO accounts (recorded_at, stream, sequences, appended, duplicates, refused, first_position, last_position, users)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`
	if w.store.db.Dialect().Name == sqldb.Postgres {
		statement = "WITH written AS (" + statement + " RETURNING appended) SELECT pg_notify('" + channel + "', '') FROM written WHERE appended > 0"
	}
	_, err := w.tx.ExecContext(ctx, statement, sqldb.Micros(w.head.recordedAt), w.batch.stream, sequences(w.batch.entries),
		a.Appended, a.Duplicates, a.Refused, first, last, userPrefixes(w.plan.appended))
	if err != nil {
		return fmt.Errorf("write the account: %w", err)
	}
	return nil
}

// sequences gives the sequence numbers of the entries, sorted, as ranges:
// "17-5016 5020". A number that came twice stands once.
func sequences(entries []entry) string {
	numbers := make([]uint64, len(entries))
	for i := range entries {
		numbers[i] = entries[i].sequence
	}
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	var text []byte
	for i := 0; i < len(numbers); {
		end := i
		for end+1 < len(numbers) && numbers[end+1] == numbers[end]+1 {
			end++
		}
		if i > 0 {
			text = append(text, ' ')
		}
		text = strconv.AppendUint(text, numbers[i], 10)
		if end > i {
			text = append(text, '-')
			text = strconv.AppendUint(text, numbers[end], 10)
		}
		i = end + 1
	}
	return string(text)
}

// prefixBytes is how much of a pseudonym an account keeps: enough that few
// batches are read in vain.
const prefixBytes = 4

// userPrefixes gives the first bytes of the users' pseudonyms, sorted, each once.
func userPrefixes(appended []*entry) []byte {
	prefixes := make([][prefixBytes]byte, len(appended))
	for i, e := range appended {
		prefixes[i] = [prefixBytes]byte(e.user.Pseudonym[:])
	}
	slices.SortFunc(prefixes, func(a, b [prefixBytes]byte) int { return bytes.Compare(a[:], b[:]) })
	prefixes = slices.Compact(prefixes)
	joined := make([]byte, 0, len(prefixes)*prefixBytes)
	for _, p := range prefixes {
		joined = append(joined, p[:]...)
	}
	return joined
}

// hasPrefix says whether a user may be among those whom userPrefixes gave.
func hasPrefix(prefixes []byte, user UserKey) bool {
	want := user[:prefixBytes]
	low, high := 0, len(prefixes)/prefixBytes
	for low < high {
		middle := (low + high) / 2
		switch bytes.Compare(prefixes[middle*prefixBytes:(middle+1)*prefixBytes], want) {
		case 0:
			return true
		case -1:
			low = middle + 1
		default:
			high = middle
		}
	}
	return false
}
