// Package sessions keeps who is signed in with a browser, and links that sign in
// once. Whoever asks, asks the database, so that a session that is ended by one
// process is ended in all from that moment on.
//
// A session names what was signed in with, and nothing that opens anything: the
// database has hashes only, of the session's value and of the link's. Whether the
// key is still good is looked up beside it, by access.Keyring.
package sessions

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"boxoffice/internal/sqldb"
)

//go:embed migrations
var migrations embed.FS

const (
	// Life is how long a session lasts at most, and Idle how long one lasts
	// that isn't used.
	Life = 12 * time.Hour
	Idle = time.Hour
	// LinkLife is how long a link signs in.
	LinkLife = 10 * time.Minute
	// noteEvery is how often it is written down that a session is used.
	noteEvery = time.Minute
)

// A Holder is who signed in, and with what: enough to look up again whether it
// is still good.
type Holder struct {
	// Kind is what was signed in with, and Ref by what that is found again; both
	// are the caller's.
	Kind, Ref string
	// Name and Role are who that was then.
	Name, Role string
	// Ends is when what was signed in with ends by itself; nil where it doesn't,
	// or where that is looked up.
	Ends *time.Time
}

// A Session is a browser that is signed in.
type Session struct {
	Holder    Holder
	CreatedAt time.Time
	// UsedAt is when it was last used, to the minute.
	UsedAt time.Time
	// EndsAt is when it ends, however much it is used.
	EndsAt time.Time
}

func (s *Session) good(at time.Time) bool {
	return at.Before(s.EndsAt) && at.Before(s.UsedAt.Add(Idle))
}

// A Store keeps sessions in a database. It is safe for concurrent use, by any
// number of processes.
type Store struct {
	db  *sqldb.DB
	now func() time.Time
}

// schema returns the name of this part of the database.
func schema(d *sqldb.Dialect) string {
	return d.Either("boxoffice_signin", "signin")
}

// Migrate brings the sessions of a database up to date.
func Migrate(ctx context.Context, database *sqldb.DB) error {
	if err := database.MigrateSchema(ctx, schema(database.Dialect()), migrations, "migrations"); err != nil {
		return fmt.Errorf("the sessions: %w", err)
	}
	return nil
}

// Open opens the sessions of a database that [Migrate] has brought up to date.
// now is the clock that sessions end by; nil is the system's.
func Open(ctx context.Context, database *sqldb.DB, now func() time.Time) (*Store, error) {
	db, err := database.Schema(ctx, schema(database.Dialect()))
	if err != nil {
		return nil, fmt.Errorf("open the sessions: %w", err)
	}
	if now == nil {
		now = time.Now
	}
	return &Store{db: db, now: now}, nil
}

// Close lets go of the database.
func (s *Store) Close() error { return s.db.Close() }

// Create begins a session, and returns its value for the browser's cookie, this
// once.
func (s *Store) Create(ctx context.Context, h Holder) (value string, err error) {
	value, now := newValue(), s.now()
	err = s.db.InTx(ctx, func(tx *sqldb.Tx) error { return insert(ctx, tx, value, h, now) })
	if err != nil {
		return "", fmt.Errorf("begin a session: %w", err)
	}
	return value, nil
}

// insert adds a session, and clears away what has ended: there are no more rows
// than people sign in within some hours.
func insert(ctx context.Context, tx *sqldb.Tx, value string, h Holder, now time.Time) error {
	for _, statement := range []struct {
		text string
		at   time.Time
	}{
		{"DELETE FROM sessions WHERE ends_at <= $1", now},
		{"DELETE FROM sessions WHERE used_at <= $1", now.Add(-Idle)},
		{"DELETE FROM links WHERE ends_at <= $1", now},
	} {
		if _, err := tx.ExecContext(ctx, statement.text, micros(statement.at)); err != nil {
			return err
		}
	}
	ends := now.Add(Life)
	if h.Ends != nil && h.Ends.Before(ends) {
		ends = *h.Ends
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO sessions (hash, kind, ref, name, role, created_at, used_at, ends_at)
		VALUES ($1, $2, $3, $4, $5, $6, $6, $7)`, hash(value), h.Kind, h.Ref, h.Name, h.Role, micros(now), micros(ends))
	return err
}

// Find returns the session of a value; false where there is none that hasn't
// ended. It isn't used by that.
func (s *Store) Find(ctx context.Context, value string) (Session, bool, error) {
	var found Session
	var created, used, ends sqldb.Micros
	h := &found.Holder
	err := s.db.SQL().QueryRowContext(ctx, "SELECT kind, ref, name, role, created_at, used_at, ends_at FROM sessions WHERE hash = $1", hash(value)).
		Scan(&h.Kind, &h.Ref, &h.Name, &h.Role, &created, &used, &ends)
	if errors.Is(err, sql.ErrNoRows) {
		return Session{}, false, nil
	}
	if err != nil {
		return Session{}, false, fmt.Errorf("look up a session: %w", err)
	}
	found.CreatedAt, found.UsedAt, found.EndsAt = instant(created), instant(used), instant(ends)
	if !found.good(s.now()) {
		return Session{}, false, nil
	}
	return found, true, nil
}

// Idle says that a session that was found earlier has ended since, because nobody
// has used it, and for nothing else.
func (s *Store) Idle(was Session) bool {
	now := s.now()
	return now.Before(was.EndsAt) && !was.good(now)
}

// Use is [Store.Find] for what somebody does with the session, which therefore
// lasts: that is written down once a minute at most.
func (s *Store) Use(ctx context.Context, value string) (Session, bool, error) {
	found, ok, err := s.Find(ctx, value)
	now := s.now()
	if err != nil || !ok || now.Before(found.UsedAt.Add(noteEvery)) {
		return found, ok, err
	}
	err = s.db.InTx(ctx, func(tx *sqldb.Tx) error {
		// Of many requests that come at once, the first writes.
		_, err := tx.ExecContext(ctx, "UPDATE sessions SET used_at = $1 WHERE hash = $2 AND used_at <= $3",
			micros(now), hash(value), micros(now.Add(-noteEvery)))
		return err
	})
	if err != nil {
		return Session{}, false, fmt.Errorf("note that a session is used: %w", err)
	}
	found.UsedAt = now
	return found, true, nil
}

// End ends the session of a value, at once and in all processes. Where there is
// none it does nothing.
func (s *Store) End(ctx context.Context, value string) error {
	err := s.db.InTx(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM sessions WHERE hash = $1", hash(value))
		return err
	})
	if err != nil {
		return fmt.Errorf("end a session: %w", err)
	}
	return nil
}

// newValue makes a value that nobody guesses: 256 random bits.
func newValue() string {
	random := make([]byte, 32)
	rand.Read(random)
	return base64.RawURLEncoding.EncodeToString(random)
}

// hash is what of a value is stored, and by what it is found, so the time that
// finding takes tells nothing of it.
func hash(value string) []byte {
	sum := sha256.Sum256([]byte(value))
	return sum[:]
}

func micros(t time.Time) sqldb.Micros { return sqldb.Micros(t.UnixMicro()) }

func instant(m sqldb.Micros) time.Time { return time.UnixMicro(int64(m)).UTC() }
