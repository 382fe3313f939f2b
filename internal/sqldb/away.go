// This file tells a database that is away from one that says no, and both from
// errors of a request or of the code.

package sqldb

import (
	"context"
	"crypto/tls"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
)

// IsAway says whether err is of a database that can't be used now and may be
// later, without anybody changing what was configured: nobody answers, or a
// server that is starting. A refusal, such as that of a password, is none.
func IsAway(err error) bool {
	if state, ok := sqlState(err); ok {
		return hasClass(state, "08", "53", "57P") // lost, without room, stopping or starting
	}
	if isTLSRefusal(err) {
		return false
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	return isAnyOf(err, context.DeadlineExceeded, driver.ErrBadConn, io.ErrUnexpectedEOF, io.EOF)
}

// Unavailable says that a request failed because a database or a broker can't do
// its work now, rather than by the request or the code: it [IsAway], or it says no
// to the service, which somebody has to mend and no request can. The engines'
// errors are told by what both of them offer: SQLSTATE and result code.
func Unavailable(err error) bool {
	if IsAway(err) || isTLSRefusal(err) {
		return true
	}
	if state, ok := sqlState(err); ok {
		return hasClass(state, "25006", "28", "3D", "40", "58") // read-only, closed to us, not there, overtaken, broken
	}
	if code, ok := errors.AsType[interface {
		error
		Code() int
	}](err); ok {
		return unavailableCode(code.Code())
	}
	return isAnyOf(err, sql.ErrConnDone, net.ErrClosed) || err != nil && strings.Contains(err.Error(), "sql: database is closed")
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

// sqlState returns the SQLSTATE that a PostgreSQL has answered with.
func sqlState(err error) (string, bool) {
	state, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err)
	if !ok {
		return "", false
	}
	return state.SQLState(), true
}

func hasClass(state string, classes ...string) bool {
	return slices.ContainsFunc(classes, func(class string) bool { return strings.HasPrefix(state, class) })
}

// isTLSRefusal says that the other side ended a TLS handshake.
func isTLSRefusal(err error) bool {
	_, ok := errors.AsType[tls.AlertError](err)
	return ok
}

func isAnyOf(err error, known ...error) bool {
	return slices.ContainsFunc(known, func(k error) bool { return errors.Is(err, k) })
}
