// This file reads the log in order and opens what is personal, for those who
// fold it into read models.

package eventstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"

	"boxoffice/domain"
	"boxoffice/eventstore/vault"
	"boxoffice/internal/sqldb"
)

// selectEvents selects what readRows reads.
var selectEvents = "SELECT " + strings.Join(eventColumns, ", ") + " FROM events WHERE "

// Read returns the events after a position, in order, at most limit of them;
// fewer mean that the log ends there. They are opened with the keys of one
// moment: whoever keeps what they say has to see that Head's Erasures is the
// same before reading and when saving, and to read again where it isn't.
func (s *Store) Read(ctx context.Context, after Position, limit int) ([]Record, error) {
	if limit < 1 {
		return nil, errors.New("read the log: the limit isn't positive")
	}
	var records []Record
	err := s.db.ReadTx(ctx, func(tx *sql.Tx) error {
		rows, err := readRows(ctx, tx, limit, "position > $1 ORDER BY position LIMIT $2", after, limit)
		if err != nil {
			return err
		}
		records, err = s.openRows(ctx, tx, rows)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the log after %d: %w", after, err)
	}
	return records, nil
}

// Unseal opens rows that ReadSealed gave, with the keys that are there now.
func (s *Store) Unseal(ctx context.Context, rows []SealedRecord) ([]Record, error) {
	var records []Record
	err := s.db.ReadTx(ctx, func(tx *sql.Tx) (err error) {
		records, err = s.openRows(ctx, tx, rows)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open rows of the log: %w", err)
	}
	return records, nil
}

// openAtOnce is how many rows one goroutine opens.
const openAtOnce = 512

// openRows opens rows with the keys that tx sees, on all processors.
func (s *Store) openRows(ctx context.Context, tx *sql.Tx, rows []SealedRecord) ([]Record, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	users, err := s.usersOf(ctx, tx, rows)
	if err != nil {
		return nil, err
	}
	records := make([]Record, len(rows))
	errs := make([]error, (len(rows)+openAtOnce-1)/openAtOnce)
	var opening sync.WaitGroup
	for part := range errs {
		opening.Go(func() {
			for i := part * openAtOnce; i < min((part+1)*openAtOnce, len(rows)); i++ {
				if err := openRow(&rows[i], users[sqldb.UUID(rows[i].User)], &records[i]); err != nil {
					errs[part] = fmt.Errorf("position %d: %w", rows[i].Position, err)
					return
				}
			}
		})
	}
	opening.Wait()
	return records, errors.Join(errs...)
}

// usersOf returns the users of rows who have a key, all in one look.
func (s *Store) usersOf(ctx context.Context, tx *sql.Tx, rows []SealedRecord) (map[sqldb.UUID]*vault.User, error) {
	var erasures int64
	if err := tx.QueryRowContext(ctx, "SELECT erasures FROM log_head").Scan(&erasures); err != nil {
		return nil, err
	}
	seen := make(map[UserKey]struct{}, len(rows)/4)
	var pseudonyms []sqldb.UUID
	for i := range rows {
		if _, ok := seen[rows[i].User]; !ok {
			seen[rows[i].User] = struct{}{}
			pseudonyms = append(pseudonyms, sqldb.UUID(rows[i].User))
		}
	}
	return s.vault.Users(ctx, tx, erasures, pseudonyms)
}

// openRow makes the event of a row; u is nil where its user was erased.
func openRow(row *SealedRecord, u *vault.User, record *Record) error {
	record.Position, record.RecordedAt, record.User = row.Position, row.RecordedAt, row.User
	record.Erased = u == nil
	var subject string
	var personal []byte
	if u != nil {
		subject = u.ID
		if row.Sealed != nil {
			var err error
			if personal, err = u.Open(row.Identity, row.Sealed); err != nil {
				return err
			}
		}
	}
	stamp := domain.Stamp{Time: row.Time, Source: row.Source, ID: row.ID}
	event, err := domain.Restore(row.Type, stamp, subject, row.Public, personal)
	if err != nil {
		return err
	}
	record.Event = *event
	return nil
}

// readRows reads rows of the log as they stand there; expected is about how
// many there may be.
func readRows(ctx context.Context, q vault.Querier, expected int, where string, args ...any) ([]SealedRecord, error) {
	rows, err := q.QueryContext(ctx, selectEvents+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := make([]SealedRecord, 0, min(expected, 8192))
	var user sqldb.UUID
	var recordedAt, at sqldb.Micros
	var kind, source, identity, content sql.RawBytes
	for rows.Next() {
		found = append(found, SealedRecord{})
		r := &found[len(found)-1]
		err := rows.Scan(&r.Position, &recordedAt, &at, &kind, &user, &source, &r.ID, &r.Public, &r.Sealed, &identity, &content)
		if err != nil {
			return nil, err
		}
		r.RecordedAt, r.Time, r.User = domain.Instant(recordedAt), domain.Instant(at), UserKey(user)
		if len(identity) != len(r.Identity) || len(content) != len(r.Content) {
			return nil, fmt.Errorf("position %d: a hash has another length", r.Position)
		}
		copy(r.Identity[:], identity)
		copy(r.Content[:], content)
		before := &found[max(len(found)-2, 0)]
		r.Type, r.Source = sameText(kind, before.Type), sameText(source, before.Source)
	}
	return found, rows.Err()
}

// sameText returns raw as a text: the one of the row before, where it is the
// same, so that few are made.
func sameText[T ~string](raw []byte, before T) T {
	if string(raw) == string(before) {
		return before
	}
	return T(raw)
}
