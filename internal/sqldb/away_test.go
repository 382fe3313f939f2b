package sqldb_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"boxoffice/internal/freeport"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// What waiting can mend is waited for, and nothing else.
func TestAway(t *testing.T) {
	for code, want := range map[string]bool{
		"57P03": true,  // starting
		"57P01": true,  // stopping
		"53300": true,  // too many connections
		"08006": true,  // connection lost
		"28P01": false, // wrong password
		"28000": false, // no such role
		"3D000": false, // no such database
		"42501": false, // not allowed
		"42P01": false, // no such table
	} {
		if got := sqldb.IsAway(fmt.Errorf("open: %w", &pgconn.PgError{Code: code})); got != want {
			t.Errorf("SQLSTATE %s: %v", code, got)
		}
	}
	for _, c := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{io.ErrUnexpectedEOF, true},
		{driver.ErrBadConn, true},
		{context.DeadlineExceeded, true},
		{&net.DNSError{IsNotFound: true}, true},
		{&net.OpError{Op: "remote error", Err: tls.AlertError(42)}, false},
		{&fs.PathError{Op: "open", Err: syscall.ENOENT}, false},
		{&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, false},
	} {
		if got := sqldb.IsAway(c.err); got != c.want {
			t.Errorf("%v: %v", c.err, got)
		}
	}
}

// A request fails by a database that is away or says no to the service, and by
// nothing else: a file of the program's own that is missing is a mistake.
func TestUnavailable(t *testing.T) {
	for code, want := range map[string]bool{
		"57P03": true,  // starting
		"53100": true,  // full
		"28P01": true,  // wrong password
		"3D000": true,  // no such database
		"25006": true,  // read-only
		"40001": true,  // overtaken by another transaction
		"42601": false, // syntax
		"23505": false, // a key twice
	} {
		if got := sqldb.Unavailable(fmt.Errorf("read: %w", &pgconn.PgError{Code: code})); got != want {
			t.Errorf("SQLSTATE %s: %v", code, got)
		}
	}
	for _, c := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{io.EOF, true},
		{sql.ErrConnDone, true},
		{net.ErrClosed, true},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, true},
		{&net.OpError{Op: "remote error", Err: tls.AlertError(42)}, true},
		{sqliteError(14), true},  // the database's file can't be opened
		{sqliteError(261), true}, // busy
		{sqliteError(19), false}, // a constraint
		{&fs.PathError{Op: "open", Err: syscall.ENOENT}, false},
		{context.Canceled, false},
	} {
		if got := sqldb.Unavailable(c.err); got != c.want {
			t.Errorf("%v: %v", c.err, got)
		}
	}
}

// A sqliteError is an error of SQLite by its result code.
type sqliteError int

func (e sqliteError) Error() string { return fmt.Sprintf("result code %d", int(e)) }
func (e sqliteError) Code() int     { return int(e) }

// The driver's own errors are told apart: nobody there, a server that never
// answers, no such role, no such database.
func TestAwayServers(t *testing.T) {
	nobody, err := freeport.Addr()
	if err != nil {
		t.Fatal(err)
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	server := sqltest.URL(t, sqldb.Postgres)
	change := func(f func(*url.URL)) string {
		u, err := url.Parse(server)
		if err != nil {
			t.Fatal(err)
		}
		f(u)
		return u.String()
	}
	for name, c := range map[string]struct {
		url  string
		want bool
	}{
		"nobody":      {"postgres://u@" + nobody + "/db", true},
		"silent":      {"postgres://u@" + silent.Addr().String() + "/db?sslmode=disable", true},
		"no role":     {change(func(u *url.URL) { u.User = url.User("boxoffice_nobody") }), false},
		"no database": {change(func(u *url.URL) { u.Path = "/boxoffice_nothing" }), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if name != "silent" {
				ctx = t.Context()
			}
			defer cancel()
			db, err := sqldb.Open(ctx, c.url)
			if err == nil {
				db.Close()
			}
			if sqldb.IsAway(err) != c.want {
				t.Errorf("it is taken for the other: %v", err)
			}
		})
	}
}
