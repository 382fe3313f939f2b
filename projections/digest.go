// This file sums up all rows of a generation in a few bytes, by which two can be
// compared: a rebuilt one with the live one, or those of two installations.
//
// Rows are in no order that two installations share, since users go by random
// pseudonyms. So a table's digest is that of a set: each row is hashed into 1024
// numbers of 16 bits, which are added up. (LtHash: Bellare and Micciancio's
// AdHash over vectors, for which finding two sets of one sum is a problem of
// short vectors in a lattice.)

package projections

import (
	"context"
	"crypto/sha256"
	"crypto/sha3"
	"database/sql"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/sqldb"
)

// A Digest stands for all rows of a generation. It is the same for any two that
// hold the same log up to the same position and are of one time zone, whatever
// the engine, the batches in which it came, and the order of the rows. Users
// stand in it by their ids and not by their pseudonyms; all who were erased
// stand in it alike.
type Digest struct {
	Position eventstore.Position
	TimeZone string
	Tables   []TableDigest // in an order that stays
}

// A TableDigest stands for all rows of a table.
type TableDigest struct {
	Table string
	Rows  int64
	Sum   [sha256.Size]byte
}

// Sum stands for all rows of all tables.
func (d *Digest) Sum() [sha256.Size]byte {
	whole := sha256.New()
	for i := range d.Tables {
		whole.Write(d.Tables[i].Sum[:])
	}
	return [sha256.Size]byte(whole.Sum(nil))
}

// Rows is how many rows there are in all tables.
func (d *Digest) Rows() (n int64) {
	for i := range d.Tables {
		n += d.Tables[i].Rows
	}
	return n
}

// Digest computes the digest of the generation that the Reader answers from. It
// reads all rows once, in little memory. The rows of users hold the status of
// some instant, which one depends on when they were last looked at: they are
// taken with the status that they have at the instant given, so two digests
// that are to be compared take the same.
func (r *Reader) Digest(ctx context.Context, at domain.Instant) (d Digest, err error) {
	err = r.read(ctx, func(s *snapshot) error {
		d, err = s.digest(ctx, at)
		return err
	})
	return d, err
}

func (s *snapshot) digest(ctx context.Context, at domain.Instant) (Digest, error) {
	d := Digest{Position: s.Position, TimeZone: s.TimeZone}
	if err := planWhole(ctx, s.tx, s.d); err != nil {
		return Digest{}, err
	}
	for _, t := range rowTables {
		sum, err := s.digestTable(ctx, t, at)
		if err != nil {
			return Digest{}, fmt.Errorf("digest of %s: %w", t.name, err)
		}
		d.Tables = append(d.Tables, sum)
	}
	return d, nil
}

// planWhole lets PostgreSQL join whole tables, which it is kept from for answers
// of few rows.
func planWhole(ctx context.Context, q querier, d *sqldb.Dialect) error {
	if d.Name != sqldb.Postgres {
		return nil
	}
	var hash, merge string
	return q.QueryRowContext(ctx,
		"SELECT set_config('enable_hashjoin', 'on', true), set_config('enable_mergejoin', 'on', true)").Scan(&hash, &merge)
}

func (s *snapshot) digestTable(ctx context.Context, t *table, at domain.Instant) (TableDigest, error) {
	digested := digestedColumns(t)
	cells := make([]any, len(digested)+2)
	for i := range digested {
		cells[i] = digested[i].typ.cell()
	}
	var user sql.Null[string]
	var facts []byte
	cells[len(digested)], cells[len(digested)+1] = &user, &facts
	set := rowSet{}
	var row []byte
	err := eachRow(ctx, s.tx, digestQuery(t), nil, func(r scanner) error {
		if err := r.Scan(cells...); err != nil {
			return err
		}
		if facts != nil {
			statusAsOf(t, digested, cells, facts, s.RenewalGrace, at)
		}
		row = appendText(row[:0], user)
		for i := range digested {
			row = appendCell(row, cells[i])
		}
		set.add(row)
		return nil
	})
	return TableDigest{Table: t.name, Rows: set.rows, Sum: set.sum(t.name, digested)}, err
}

// digestedColumns are those that are the same in every installation: neither
// pseudonyms nor what is made of them.
func digestedColumns(t *table) []column {
	return t.where(func(c *column) bool { return c.typ != uuidType })
}

// digestQuery reads a table's rows: the columns of its digest, the id of the
// user whose row it is, and the user's facts where the row has a status.
func digestQuery(t *table) string {
	var columns []string
	for _, c := range digestedColumns(t) {
		columns = append(columns, `x."`+c.name+`"`)
	}
	id, facts, from := "NULL", "NULL", t.name+" x"
	if t.has("user_key") {
		id, from = "u.id", from+" LEFT JOIN users u ON u.user_key = x.user_key"
	}
	if holdsStatus(t) {
		facts, from = "f.facts", from+" LEFT JOIN user_facts f ON f.user_key = x.user_key"
	}
	return "SELECT " + strings.Join(columns, ", ") + ", " + id + ", " + facts + " FROM " + from
}

// holdsStatus says whether the rows of a table hold the status of an instant.
func holdsStatus(t *table) bool { return t == usersTable.table || t == statusTermsTable.table }

// statusAsOf puts the status of an instant into a row that holds that of
// another. A row that doesn't say what follows from the facts stays as it is.
func statusAsOf(t *table, columns []column, cells []any, encoded []byte, grace domain.Grace, at domain.Instant) {
	cell := func(name string) any {
		return cells[slices.IndexFunc(columns, func(c column) bool { return c.name == name })]
	}
	from, until := "status_from", "status_until"
	if t == statusTermsTable.table {
		from, until = "from_at", "until_at"
	}
	held := statusColumns{from: *cell(from).(*sqldb.Micros), until: *cell(until).(*sqldb.Micros)}
	if held.from <= sqldb.Micros(at) && sqldb.Micros(at) < held.until {
		return
	}
	facts, err := domain.DecodeUserFacts(encoded)
	if err != nil {
		return
	}
	was, is := statusColumnsOf(facts, grace, domain.Instant(held.from)), statusColumnsOf(facts, grace, at)
	if t == usersTable.table {
		status, since := cell("status").(*sql.Null[string]), cell("status_since").(*sqldb.Micros)
		if held.status, held.since = domain.Status(status.V), *since; held != was {
			return
		}
		status.V, *since = string(is.status), is.since
	}
	if held.from == was.from && held.until == was.until {
		*cell(from).(*sqldb.Micros), *cell(until).(*sqldb.Micros) = is.from, is.until
	}
}

// appendCell appends a value so that no two rows of a table come to the same.
func appendCell(row []byte, cell any) []byte {
	switch cell := cell.(type) {
	case *sqldb.Micros:
		return binary.BigEndian.AppendUint64(row, uint64(*cell)) // NULL is Endless
	case *sql.Null[int64]:
		if !cell.Valid {
			return append(row, 0)
		}
		return binary.BigEndian.AppendUint64(append(row, 1), uint64(cell.V))
	case *sql.Null[bool]:
		switch {
		case !cell.Valid:
			return append(row, 0)
		case cell.V:
			return append(row, 2)
		}
		return append(row, 1)
	case *[]byte:
		return append(binary.AppendUvarint(row, uint64(len(*cell))), *cell...)
	}
	return appendText(row, *cell.(*sql.Null[string]))
}

func appendText(row []byte, text sql.Null[string]) []byte {
	if !text.Valid {
		return append(row, 0)
	}
	return append(binary.AppendUvarint(row, uint64(len(text.V))+1), text.V...)
}

// A rowSet sums up rows in no order. Four numbers of 16 bits stand in each word.
type rowSet struct {
	rows  int64
	lanes [256]uint64
}

// highBits are the highest of the four numbers in a word.
const highBits = 0x8000_8000_8000_8000

func (s *rowSet) add(row []byte) {
	s.rows++
	hash := sha3.NewSHAKE128()
	hash.Write(row)
	var vector [8 * len(s.lanes)]byte
	hash.Read(vector[:]) // it never fails
	for i := range s.lanes {
		a, b := s.lanes[i], binary.LittleEndian.Uint64(vector[8*i:])
		// The numbers are added without the highest bit of each, so that nothing
		// is carried into the next, and then that bit.
		s.lanes[i] = (a&^highBits + b&^highBits) ^ (a^b)&highBits
	}
}

// sum is the digest of the rows of a table.
func (s *rowSet) sum(table string, columns []column) [sha256.Size]byte {
	hash := sha256.New()
	fmt.Fprintf(hash, "boxoffice rows of %s\n%s\n%d\n", table, strings.Join(namesOf(columns), " "), s.rows)
	for _, lane := range s.lanes {
		hash.Write(binary.LittleEndian.AppendUint64(nil, lane))
	}
	return [sha256.Size]byte(hash.Sum(nil))
}
