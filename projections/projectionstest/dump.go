// This file writes out all rows of the live generation in a form that doesn't
// depend on the engine, the pseudonyms or the order of the rows, so that two
// installations can be compared.

package projectionstest

import (
	"database/sql"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"boxoffice/internal/sqldb"
)

// dumped are the tables and how the columns of each are read: u a user's key,
// i an instant, t text, n a number, b a boolean, x bytes. Left out are
// session_key, which is a hash of pseudonym and ids, and the header.
var dumped = []struct {
	table   string
	columns []string
}{
	{"users", []string{"u:user_key", "t:id", "i:first_event_at", "i:registered_at", "i:updated_at", "t:email",
		"t:first_name", "t:last_name", "t:locale", "t:country", "t:platform", "t:custom", "t:search_name",
		"t:search_email", "t:search_id", "t:status", "i:status_since", "i:status_from", "i:status_until"}},
	{"status_terms", []string{"u:user_key", "i:from_at", "i:until_at"}},
	{"user_facts", []string{"u:user_key", "x:facts"}},
	{"entitlements", []string{"u:user_key", "t:kind", "t:id", "t:offer_id", "t:offer_name", "t:content_id", "t:title",
		"t:rental_kind", "n:amount", "t:currency", "t:interval", "n:interval_count", "t:payment_interface"}},
	{"periods", []string{"u:user_key", "t:kind", "t:id", "n:n", "i:from_at", "i:to_at", "i:trial_end_at", "i:trial_to",
		"i:canceled_at", "i:past_due_at", "b:paused", "i:resumes_at", "t:reason", "t:comment"}},
	{"access_spans", []string{"u:user_key", "i:from_at", "i:to_at"}},
	{"trial_spans", []string{"u:user_key", "i:from_at", "i:to_at"}},
	{"kpi_changes", []string{"t:counter", "i:at", "n:delta"}},
	{"kpi_hours", []string{"t:counter", "i:from_at", "n:delta"}},
	{"kpi_months", []string{"t:counter", "i:from_at", "n:delta"}},
	{"kpi_members", []string{"t:counter", "i:at", "u:user_key", "n:delta", "i:month_at", "i:registered_at",
		"t:id"}},
	{"sessions", []string{"u:user_key", "t:session_id", "t:content_id", "t:title", "i:started_at", "i:last_event_at",
		"b:ended", "n:duration_ms", "n:watched_ms", "n:content_length_ms", "n:completion_rate", "b:completed",
		"n:position_ms", "t:device", "t:platform", "x:facts"}},
}

// A dump has the rows of each table, sorted, as text.
type dump map[string][]string

// dump writes out the live generation.
func (h *house) dump() dump {
	h.t.Helper()
	name, err := h.models.Live(h.t.Context())
	if err != nil || name == "" {
		h.t.Fatalf("no live generation: %v", err)
	}
	return h.dumpOf(name)
}

// dumpOf writes out a generation by the name of its part of the database.
func (h *house) dumpOf(name string) dump {
	h.t.Helper()
	db, err := h.db.Schema(h.t.Context(), name)
	if err != nil {
		h.t.Fatal(err)
	}
	defer db.Close()
	all := dump{}
	err = db.ReadTx(h.t.Context(), func(tx *sql.Tx) error {
		names, err := userNames(tx)
		if err != nil {
			return err
		}
		for _, of := range dumped {
			if all[of.table], err = dumpTable(tx, of.table, of.columns, names); err != nil {
				return fmt.Errorf("%s: %w", of.table, err)
			}
		}
		return nil
	})
	if err != nil {
		h.t.Fatalf("dump: %v", err)
	}
	return all
}

// userNames says what a dump calls a user: by their id, and all who were
// erased the same.
func userNames(tx *sql.Tx) (map[sqldb.UUID]string, error) {
	rows, err := tx.Query("SELECT user_key, COALESCE(id, 'somebody erased') FROM users")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names := map[sqldb.UUID]string{}
	for rows.Next() {
		var key sqldb.UUID
		var name string
		if err := rows.Scan(&key, &name); err != nil {
			return nil, err
		}
		names[key] = name
	}
	return names, rows.Err()
}

func dumpTable(tx *sql.Tx, table string, columns []string, names map[sqldb.UUID]string) ([]string, error) {
	quoted := make([]string, len(columns))
	cells := make([]any, len(columns))
	for i, column := range columns {
		quoted[i] = `"` + column[2:] + `"`
		cells[i] = newCell(column[0])
	}
	rows, err := tx.Query("SELECT " + strings.Join(quoted, ", ") + " FROM " + table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var lines []string
	for rows.Next() {
		if err := rows.Scan(cells...); err != nil {
			return nil, err
		}
		line := make([]string, len(columns))
		for i, column := range columns {
			line[i] = column[2:] + "=" + cellText(cells[i], names)
		}
		lines = append(lines, strings.Join(line, " "))
	}
	slices.Sort(lines)
	return lines, rows.Err()
}

func newCell(kind byte) any {
	switch kind {
	case 'u':
		return new(sqldb.UUID)
	case 'i':
		return new(*sqldb.Micros)
	case 'n':
		return new(sql.Null[int64])
	case 'b':
		return new(sql.Null[bool])
	case 'x':
		return new([]byte)
	}
	return new(sql.Null[string])
}

func cellText(cell any, names map[sqldb.UUID]string) string {
	switch cell := cell.(type) {
	case *sqldb.UUID:
		return names[*cell]
	case **sqldb.Micros:
		if *cell == nil {
			return "-"
		}
		return fmt.Sprint(int64(**cell))
	case *sql.Null[int64]:
		return nullText(*cell)
	case *sql.Null[bool]:
		return nullText(*cell)
	case *[]byte:
		return hex.EncodeToString(*cell)
	}
	return nullText(*cell.(*sql.Null[string]))
}

func nullText[T any](v sql.Null[T]) string {
	if !v.Valid {
		return "-"
	}
	return fmt.Sprintf("%v", v.V)
}

// without returns the dump without some lines.
func (d dump) without(table string, unwanted func(line string) bool) dump {
	rest := dump{}
	maps.Copy(rest, d)
	rest[table] = slices.DeleteFunc(slices.Clone(lines(d, table)), unwanted)
	return rest
}

func lines(d dump, table string) []string { return d[table] }

// contains says whether a text stands anywhere in the dump, in clear or in the
// binary form of facts.
func (d dump) contains(text string) bool {
	inBinary := hex.EncodeToString([]byte(text))
	for _, lines := range d {
		for _, line := range lines {
			if strings.Contains(line, text) || strings.Contains(line, inBinary) {
				return true
			}
		}
	}
	return false
}
