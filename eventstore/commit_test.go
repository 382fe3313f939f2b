package eventstore_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/eventstore/storetest"
	"boxoffice/eventstore/vault"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// A cutter is between a client and a PostgreSQL server, and breaks the
// connection at a commit, before or after the server has got it.
type cutter struct {
	listener net.Listener
	server   string
	cut      atomic.Int32
}

const (
	cutNothing int32 = iota
	cutBefore
	cutAfter
)

// commitQuery is the message that commits: a simple query, its length, its text.
var commitQuery = []byte("Q\x00\x00\x00\x0bcommit\x00")

// newCutter returns a cutter before the server of a database, and the database's
// URL through it.
func newCutter(t *testing.T, database string) (*cutter, string) {
	t.Helper()
	at, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	c := &cutter{listener: listener, server: at.Host}
	at.Host = listener.Addr().String()
	go c.serve()
	return c, at.String()
}

func (c *cutter) serve() {
	for {
		client, err := c.listener.Accept()
		if err != nil {
			return
		}
		go c.connect(client)
	}
}

func (c *cutter) connect(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", c.server)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		defer client.Close()
		_, _ = io.Copy(client, server) // until one of them goes
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		cut := cutNothing
		if bytes.Contains(buffer[:n], commitQuery) {
			cut = c.cut.Swap(cutNothing)
		}
		if cut == cutBefore {
			return
		}
		if cut == cutAfter {
			client.Close() // the answer goes nowhere
		}
		if _, err := server.Write(buffer[:n]); err != nil || cut == cutAfter {
			// The server has the commit; it has to be let finish it.
			_, _ = io.Copy(io.Discard, io.LimitReader(server, 1))
			return
		}
	}
}

// A commit whose outcome isn't known is an error that says so, and giving the
// batch again, whether it was committed or not, ends every message as recorded
// once, at positions without a hole.
func TestUnknownCommit(t *testing.T) {
	database := sqltest.URL(t, sqldb.Postgres)
	c, through := newCutter(t, database)
	master := vault.FileMasterKey(filepath.Join(t.TempDir(), "master.json"), true)
	db, err := sqldb.Open(t.Context(), through)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s := openStore(t, db, master, &storetest.Clock{})
	for i, cut := range []int32{cutBefore, cutAfter, cutBefore, cutAfter} {
		b := eventstore.Batch{Stream: "s", Messages: []eventstore.Incoming{
			{Sequence: uint64(3*i + 1), Event: registration(t, i)},
			{Sequence: uint64(3*i + 2), Refusal: &domain.Refusal{Reason: domain.Malformed}, Raw: []byte("x")},
			{Sequence: uint64(3*i + 3), Event: registration(t, i)},
		}}
		c.cut.Store(cut)
		_, err := s.Append(t.Context(), b)
		if unknown := (*sqldb.CommitError)(nil); !errors.As(err, &unknown) {
			t.Fatalf("got %v, want the commit's outcome to be unknown", err)
		}
		want := eventstore.Account{First: eventstore.Position(i + 1), Last: eventstore.Position(i + 1), Appended: 1, Duplicates: 1, Refused: 1}
		if cut == cutAfter {
			want = eventstore.Account{Duplicates: 2, Refused: 1}
		}
		if got := appendUntilReached(t, s, b); got != want {
			t.Errorf("given again: %+v, want %+v", got, want)
		}
		if head, err := s.Head(t.Context()); err != nil || head.Position != eventstore.Position(i+1) {
			t.Errorf("head %+v, %v", head, err)
		}
	}
	refused, _, err := s.Refused(t.Context(), eventstore.RefusedQuery{Limit: 10})
	if err != nil || len(refused) != 4 {
		t.Errorf("%d refused events are kept, %v; want 4", len(refused), err)
	}
}

// appendUntilReached appends a batch again and again until a connection holds.
func appendUntilReached(t *testing.T, s *eventstore.Store, b eventstore.Batch) eventstore.Account {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		a, err := s.Append(t.Context(), b)
		if err == nil {
			return a
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func registration(t *testing.T, n int) *domain.Event {
	t.Helper()
	text := fmt.Appendf(nil, `{"specversion":"1.0","id":"%d","source":"s","type":"user.registered","subject":"user %d","time":"2026-11-01T00:00:00Z","data":{"email":"a@example.org"}}`, n, n)
	e, refusal := domain.Decode(&domain.Message{Body: text}, storetest.Now)
	if e == nil {
		t.Fatal(refusal)
	}
	return e
}
