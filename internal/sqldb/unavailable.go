// This file tells errors of a server that can't do its work now from others.

package sqldb

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
)

// Unavailable says that the error comes from a database or a broker that
// can't do its work now, rather than from a request or from the code. The
// engines' errors are told by what both of them offer: SQLSTATE and result code.
func Unavailable(err error) bool {
	for _, known := range []error{driver.ErrBadConn, sql.ErrConnDone, io.ErrUnexpectedEOF, io.EOF, net.ErrClosed} {
		if errors.Is(err, known) {
			return true
		}
	}
	var network net.Error
	if errors.As(err, &network) {
		return true
	}
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		return unavailableState(state.SQLState())
	}
	var code interface{ Code() int }
	if errors.As(err, &code) {
		return unavailableCode(code.Code())
	}
	return strings.Contains(err.Error(), "sql: database is closed")
}

// unavailableState knows the SQLSTATE classes of a PostgreSQL that is starting,
// stopping, full, unreachable or closed to us.
func unavailableState(state string) bool {
	for _, class := range []string{"08", "25006", "28", "3D", "40", "53", "57P", "58"} {
		if strings.HasPrefix(state, class) {
			return true
		}
	}
	return false
}

// unavailableCode knows the primary result codes of an SQLite that is busy,
// locked, read-only, short of memory or of disk, or can't read its file.
func unavailableCode(code int) bool {
	switch code & 0xff {
	case 5, 6, 7, 8, 10, 13, 14:
		return true
	}
	return false
}
