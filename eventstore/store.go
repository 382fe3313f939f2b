// This file opens the log.

package eventstore

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"boxoffice/domain"
	"boxoffice/eventstore/vault"
	"boxoffice/internal/sqldb"
)

//go:embed migrations
var migrations embed.FS

// cachedUsers is how many users' keys are kept in memory at most, at some 500
// bytes each.
const cachedUsers = 1 << 17

// A Store is the log of one database. It is safe for concurrent use, by any
// number of stores in any number of processes.
type Store struct {
	db    *sqldb.DB
	vault *vault.Vault
	now   func() domain.Instant

	// erasures is the log's counter of erasures as last seen.
	erasures atomic.Int64
	// knownAhead says that the last batch held events that were recorded
	// already, so the next may too.
	knownAhead atomic.Bool
	follower   follower
	// shape and newAccounts are of compaction.
	shape       blockShape
	newAccounts int
}

// schema returns the name of the log's part of the database.
func schema(d *sqldb.Dialect) string {
	return d.Either("boxoffice_log", "log")
}

// Open opens the log of a database that [Migrate] has brought up to date: the
// schema boxoffice_log on PostgreSQL, a file beside the database's on SQLite. It
// makes the keys of a database that is new. now is the clock by which events are
// recorded and refused ones expire; nil is the system's. db stays the caller's. An error
// wraps [vault.ErrNoMasterKey], [vault.ErrWrongMasterKey] or [vault.ErrKMS] where
// the master key is missing, isn't the database's or can't be used now; nothing is
// changed then.
func Open(ctx context.Context, db *sqldb.DB, master vault.MasterKey, now func() domain.Instant) (*Store, error) {
	own, err := db.Schema(ctx, schema(db.Dialect()))
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	s := &Store{db: own, now: now, shape: defaultShape, newAccounts: newAccounts}
	if s.now == nil {
		s.now = func() domain.Instant { return domain.InstantOf(time.Now()) }
	}
	if err := s.open(ctx, master); err != nil {
		own.Close()
		return nil, fmt.Errorf("open the log: %w", err)
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, master vault.MasterKey) (err error) {
	if s.vault, err = vault.Open(ctx, s.db, master, cachedUsers); err != nil {
		return err
	}
	head, err := s.Head(ctx)
	if err != nil {
		return err
	}
	s.erasures.Store(head.Erasures)
	s.follower.start(s, head.Position)
	return nil
}

// Migrate brings the log's schema up to date.
func Migrate(ctx context.Context, db *sqldb.DB) error {
	if err := db.MigrateSchema(ctx, schema(db.Dialect()), migrations, "migrations"); err != nil {
		return fmt.Errorf("migrate the log: %w", err)
	}
	return nil
}

// Close stops following the log and closes the store's connections. Calls that
// wait return.
func (s *Store) Close() error {
	s.follower.stop()
	return s.db.Close()
}

// Head returns where the log stands.
func (s *Store) Head(ctx context.Context) (Head, error) {
	var h Head
	err := s.db.SQL().QueryRowContext(ctx, "SELECT position, epoch, erasures FROM log_head").Scan(&h.Position, &h.Epoch, &h.Erasures)
	if err != nil {
		return Head{}, fmt.Errorf("read the head of the log: %w", err)
	}
	return h, nil
}

// CachedUsers is how many users' keys are in memory.
func (s *Store) CachedUsers() int { return s.vault.Cached() }

// errClosed is what waits for a store get when it is closed.
var errClosed = errors.New("the store is closed")

// SharedKey returns a key for a purpose of the service's own: see [vault.Vault.SharedKey].
func (s *Store) SharedKey(purpose string) []byte { return s.vault.SharedKey(purpose) }
