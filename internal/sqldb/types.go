// This file is the column types that mean the same on both engines: as an
// argument, in a bulk load and as a scan's target.

package sqldb

import (
	"database/sql/driver"
	"encoding/hex"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// Micros is an instant in microseconds since 1970-01-01T00:00:00Z: timestamptz
// on PostgreSQL, INTEGER on SQLite. [Endless] is NULL, both ways; where NULL
// means something else, use a *Micros. Don't compare a column with an endless
// Micros in SQL: no comparison with NULL is true.
type Micros int64

// Endless is the end of what doesn't end; NULL in SQL.
const Endless Micros = math.MaxInt64

// Value makes a Micros an argument on SQLite.
func (m Micros) Value() (driver.Value, error) {
	if m == Endless {
		return nil, nil
	}
	return int64(m), nil
}

// TimestamptzValue makes a Micros an argument on PostgreSQL.
func (m Micros) TimestamptzValue() (pgtype.Timestamptz, error) {
	if m == Endless {
		return pgtype.Timestamptz{}, nil
	}
	return pgtype.Timestamptz{Time: time.UnixMicro(int64(m)).UTC(), Valid: true}, nil
}

// Scan reads a column of either engine.
func (m *Micros) Scan(src any) error {
	switch src := src.(type) {
	case nil:
		*m = Endless
	case int64:
		*m = Micros(src)
	case time.Time:
		*m = Micros(src.UnixMicro())
	default:
		return fmt.Errorf("scan an instant: it is a %T", src)
	}
	return nil
}

// UUID is 16 bytes: uuid on PostgreSQL, BLOB on SQLite. For a column that may
// be NULL use a *UUID.
type UUID [16]byte

// Value makes a UUID an argument on SQLite.
func (u UUID) Value() (driver.Value, error) { return u[:], nil }

// UUIDValue makes a UUID an argument on PostgreSQL.
func (u UUID) UUIDValue() (pgtype.UUID, error) {
	return pgtype.UUID{Bytes: u, Valid: true}, nil
}

// Scan reads a column of either engine.
func (u *UUID) Scan(src any) error {
	switch src := src.(type) {
	case []byte:
		if len(src) == len(u) {
			copy(u[:], src)
			return nil
		}
	case string:
		return u.parse(src)
	case nil:
		return fmt.Errorf("scan a UUID: it is NULL")
	}
	return fmt.Errorf("scan a UUID: it is a %T of another length or kind", src)
}

// parse reads PostgreSQL's text form: 8-4-4-4-12 hexadecimal digits.
func (u *UUID) parse(s string) error {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return fmt.Errorf("scan a UUID: it isn't one in its text form")
	}
	digits := make([]byte, 0, 32)
	for _, part := range []string{s[:8], s[9:13], s[14:18], s[19:23], s[24:]} {
		digits = append(digits, part...)
	}
	if _, err := hex.Decode(u[:], digits); err != nil {
		return fmt.Errorf("scan a UUID: %w", err)
	}
	return nil
}

// String returns the usual text form.
func (u UUID) String() string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}
