// This file keeps refused events: what may be known of them, encrypted under a
// key of each row, until they are repaired, expire, or their user is erased.

package eventstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"boxoffice/domain"
	"boxoffice/eventstore/vault"
	"boxoffice/internal/sqldb"
)

const (
	// maxKeptType is how much is kept of a type: as much as an id may have.
	maxKeptType = 255
)

var refusedColumns = []string{"stream", "sequence", "received_at", "reason", "time", "type", "identity",
	"subject", "wrapping_key", "row_key", "sealed"}

// writeRefused keeps what was refused. A message that is kept already, because
// it was delivered before, stays as it is.
func (w *writer) writeRefused(ctx context.Context) error {
	rows, err := w.notKeptYet(ctx)
	if err != nil {
		return fmt.Errorf("look for refused events: %w", err)
	}
	if len(rows) == 0 {
		return nil
	}
	_, err = w.tx.CopyIn(ctx, "refused", refusedColumns, sqldb.RowsOf(len(rows), len(refusedColumns), func(i int, row []any) {
		w.refusedRow(&rows[i], row)
	}))
	return err
}

// notKeptYet returns the plan's rows whose sequence numbers aren't in the table,
// each number once.
func (w *writer) notKeptYet(ctx context.Context) ([]refusal, error) {
	numbers := make([]int64, len(w.plan.rows))
	for i, r := range w.plan.rows {
		numbers[i] = int64(r.sequence)
	}
	there := map[int64]bool{}
	for chunk := range slices.Chunk(numbers, sqldb.MaxKeys) {
		if err := w.readKept(ctx, chunk, there); err != nil {
			return nil, err
		}
	}
	var rows []refusal
	for _, r := range w.plan.rows {
		if n := int64(r.sequence); !there[n] {
			there[n] = true
			rows = append(rows, r)
		}
	}
	return rows, nil
}

func (w *writer) readKept(ctx context.Context, numbers []int64, there map[int64]bool) error {
	condition, args := sqldb.In(w.store.db.Dialect(), "sequence", 2, numbers)
	rows, err := w.tx.QueryContext(ctx, "SELECT sequence FROM refused WHERE stream = $1 AND "+condition,
		append([]any{w.batch.stream}, args...)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return err
		}
		there[n] = true
	}
	return rows.Err()
}

func (w *writer) refusedRow(r *refusal, row []any) {
	clear(row)
	eventType, at := r.typeAndTime()
	row[0], row[1], row[2], row[3] = w.batch.stream, int64(r.sequence), sqldb.Micros(r.received), string(r.reason)
	if at != nil {
		row[4] = sqldb.Micros(*at)
	}
	if eventType != "" {
		row[5] = []byte(cut(eventType, maxKeptType))
	}
	if r.hasIdentity {
		row[6] = r.identity[:]
	}
	if r.bare {
		return
	}
	if r.hasSubject {
		row[7] = r.subject[:]
	}
	sealed := w.store.vault.SealRow(r.details().encode(), rowData(w.batch.stream, r.sequence))
	row[8], row[9], row[10] = int64(sealed.WrappingKey), sealed.Key, sealed.Sealed
}

// typeAndTime returns the type, empty where it couldn't be read, and the time.
func (r *refusal) typeAndTime() (string, *domain.Instant) {
	if r.event != nil {
		return string(r.event.Type), &r.event.Time
	}
	return r.entry.refusal.Type, r.entry.refusal.Time
}

// details returns what is kept encrypted.
func (r *refusal) details() details {
	d := details{message: r.message, body: r.raw}
	if r.event != nil {
		d.subject = r.event.Subject
		if len(d.body) == 0 {
			d.body = r.event.MarshalCloudEvent() // a binary message as the structured event that it says
		}
	} else {
		d.subject = r.entry.refusal.Subject
	}
	if r.reason == domain.TooLarge {
		d.body = d.body[:min(len(d.body), domain.KeptOfTooLarge)]
	}
	return d
}

// cut shortens a text to at most n bytes, and not in the middle of a character.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

// rowData binds the ciphertext of a refused event to its row.
func rowData(stream string, sequence uint64) []byte {
	return fmt.Appendf(nil, "refused %d of %s", sequence, stream)
}

// details are what is kept encrypted of a refused event.
type details struct {
	message string
	subject string // empty: it couldn't be read
	body    []byte
}

// detailsVersion is the version of the form that encode writes.
const detailsVersion = 1

func (d details) encode() []byte {
	b := make([]byte, 0, 9+len(d.message)+len(d.subject)+len(d.body))
	b = append(b, detailsVersion)
	b = binary.AppendUvarint(b, uint64(len(d.message)))
	b = append(b, d.message...)
	b = binary.AppendUvarint(b, uint64(len(d.subject)))
	b = append(b, d.subject...)
	return append(b, d.body...)
}

var errDetails = errors.New("the details of a refused event aren't in a form that this program knows")

func decodeDetails(b []byte) (d details, err error) {
	if len(b) == 0 || b[0] != detailsVersion {
		return d, errDetails
	}
	b = b[1:]
	for _, text := range []*string{&d.message, &d.subject} {
		n, size := binary.Uvarint(b)
		if size <= 0 || n > uint64(len(b)-size) {
			return d, errDetails
		}
		*text = string(b[size : size+int(n)])
		b = b[size+int(n):]
	}
	d.body = b
	return d, nil
}

// openDetails decrypts what was kept of a refused event.
func (s *Store) openDetails(ctx context.Context, r vault.SealedRow, stream string, sequence uint64) (details, error) {
	plain, err := s.vault.OpenRow(ctx, s.db.SQL(), r, rowData(stream, sequence))
	if err != nil {
		return details{}, err
	}
	return decodeDetails(plain)
}
