// This file tells a database that is away from one that says no.

package sqldb

import (
	"context"
	"crypto/tls"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// awayStates are the classes of SQLSTATE of a server that has lost the
// connection, has no room, or is stopping or starting.
var awayStates = []string{"08", "53", "57P"}

// IsAway says whether err is of a database that can't be used now and may be
// later, without anybody changing what was configured: nobody answers, or a
// server that is starting. A refusal, such as that of a password, is none; for a
// request, which [Unavailable] judges for, there is no difference.
func IsAway(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return slices.ContainsFunc(awayStates, func(class string) bool { return strings.HasPrefix(pg.Code, class) })
	}
	if _, refused := errors.AsType[tls.AlertError](err); refused {
		return false
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	return slices.ContainsFunc([]error{context.DeadlineExceeded, driver.ErrBadConn, io.ErrUnexpectedEOF, io.EOF}, func(known error) bool {
		return errors.Is(err, known)
	})
}
