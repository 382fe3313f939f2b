// Package apikeys keeps the API keys that the service itself has made, beside
// those that stand in its configuration: making, listing, revoking and finding
// them. Whoever asks, asks the database, so that a key that is revoked by one
// process is good in none from that moment on.
package apikeys

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"boxoffice/internal/sqldb"
)

//go:embed migrations
var migrations embed.FS

// A Store keeps keys in a database. It is safe for concurrent use, by any
// number of processes.
type Store struct {
	db  *sqldb.DB
	now func() time.Time
}

// A Key is what is known of a key; the key itself is nowhere.
type Key struct {
	// Name is the key's own, for people. No two have the same, and one that was
	// revoked keeps it.
	Name string
	Role string
	// Types are the types of events that a publisher may publish; nil is no limit.
	Types     []string
	CreatedAt time.Time
	// ExpiresAt is from when on it is good for nothing; nil for never.
	ExpiresAt *time.Time
	// RevokedAt is nil where it wasn't revoked.
	RevokedAt *time.Time
}

// Good says whether the key may be used at an instant.
func (k *Key) Good(at time.Time) bool {
	return k.RevokedAt == nil && (k.ExpiresAt == nil || at.Before(*k.ExpiresAt))
}

// ErrNameTaken says that there is, or was, a key of that name.
var ErrNameTaken = errors.New("there is or was a key of this name; names are used once")

// Migrate brings the table of keys of a database up to date.
func Migrate(ctx context.Context, database *sqldb.DB) error {
	if err := database.MigrateSchema(ctx, "keys", migrations, "migrations"); err != nil {
		return fmt.Errorf("the API keys: %w", err)
	}
	return nil
}

// Open opens the keys of a database that [Migrate] has brought up to date.
func Open(ctx context.Context, database *sqldb.DB) (*Store, error) {
	db, err := database.Schema(ctx, "keys")
	if err != nil {
		return nil, fmt.Errorf("open the API keys: %w", err)
	}
	return &Store{db: db, now: time.Now}, nil
}

// Close lets go of the database.
func (s *Store) Close() error { return s.db.Close() }

const keyColumns = "SELECT name, role, types, created_at, expires_at, revoked_at FROM api_keys "

// Find returns the key, where it is known and may be used now; false where it
// isn't. It is looked for by its hash, so the time it takes tells nothing of it.
func (s *Store) Find(ctx context.Context, key string) (Key, bool, error) {
	hash := sha256.Sum256([]byte(key))
	return s.find(ctx, "WHERE hash = $1", hash[:])
}

// FindByName is [Store.Find] by the key's name, which no other key ever has.
func (s *Store) FindByName(ctx context.Context, name string) (Key, bool, error) {
	return s.find(ctx, "WHERE name = $1", name)
}

func (s *Store) find(ctx context.Context, where string, arg any) (Key, bool, error) {
	k, err := scanKey(s.db.SQL().QueryRowContext(ctx, keyColumns+where, arg))
	if errors.Is(err, sql.ErrNoRows) {
		return Key{}, false, nil
	}
	if err != nil {
		return Key{}, false, fmt.Errorf("look up an API key: %w", err)
	}
	if !k.Good(s.now()) {
		return Key{}, false, nil
	}
	return k, true, nil
}

// List returns all keys, good or not, in the order of their making.
func (s *Store) List(ctx context.Context) ([]Key, error) {
	rows, err := s.db.SQL().QueryContext(ctx, keyColumns+"ORDER BY created_at, name")
	if err != nil {
		return nil, fmt.Errorf("list the API keys: %w", err)
	}
	defer rows.Close()
	var keys []Key
	for rows.Next() {
		k, err := scanKey(rows)
		if err != nil {
			return nil, fmt.Errorf("list the API keys: %w", err)
		}
		keys = append(keys, k)
	}
	return keys, rows.Err()
}

func scanKey(row interface{ Scan(...any) error }) (Key, error) {
	var k Key
	var types *string
	var created sqldb.Micros
	var expires, revoked *sqldb.Micros
	if err := row.Scan(&k.Name, &k.Role, &types, &created, &expires, &revoked); err != nil {
		return Key{}, err
	}
	if types != nil {
		k.Types = strings.Split(*types, ",")
	}
	k.CreatedAt = *instant(&created)
	k.ExpiresAt, k.RevokedAt = instant(expires), instant(revoked)
	return k, nil
}

func instant(m *sqldb.Micros) *time.Time {
	if m == nil {
		return nil
	}
	t := time.UnixMicro(int64(*m)).UTC()
	return &t
}

// Make makes a key with the name, role, types and end that k has, and returns
// it: it is shown this once. The error wraps [ErrNameTaken] where the name is.
// The caller sees to it that role and types are what they may be.
func (s *Store) Make(ctx context.Context, k Key) (key string, made Key, err error) {
	key = newKey()
	k.CreatedAt, k.RevokedAt = s.now().UTC().Truncate(time.Microsecond), nil
	err = s.db.InTx(ctx, func(tx *sqldb.Tx) error { return insert(ctx, tx, key, k) })
	if sqldb.IsUniqueViolation(err) {
		return "", Key{}, fmt.Errorf("make an API key: %w", ErrNameTaken)
	}
	if err != nil {
		return "", Key{}, fmt.Errorf("make an API key: %w", err)
	}
	return key, k, nil
}

func insert(ctx context.Context, tx *sqldb.Tx, key string, k Key) error {
	hash := sha256.Sum256([]byte(key))
	var types *string
	if k.Types != nil {
		joined := strings.Join(k.Types, ",")
		types = &joined
	}
	var expires *sqldb.Micros
	if k.ExpiresAt != nil {
		m := sqldb.Micros(k.ExpiresAt.UnixMicro())
		expires = &m
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO api_keys (hash, name, role, types, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
		hash[:], k.Name, k.Role, types, sqldb.Micros(k.CreatedAt.UnixMicro()), expires)
	return err
}

// Revoke makes the key of that name good for nothing, at once and for good.
// False where there is no key of that name that isn't revoked yet.
func (s *Store) Revoke(ctx context.Context, name string) (bool, error) {
	n, err := s.db.Change(ctx, "UPDATE api_keys SET revoked_at = $1 WHERE name = $2 AND revoked_at IS NULL",
		sqldb.Micros(s.now().UnixMicro()), name)
	if err != nil {
		return false, fmt.Errorf("revoke an API key: %w", err)
	}
	return n > 0, nil
}

// MakeFirst makes a key where there is none yet, and returns it; the empty
// string where there is one, be it revoked. Of several processes that call it
// at once, one makes the key.
func (s *Store) MakeFirst(ctx context.Context, name, role string) (string, error) {
	key := newKey()
	made := false
	err := s.db.InTx(ctx, func(tx *sqldb.Tx) error {
		made = false
		var n int
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM api_keys").Scan(&n); err != nil || n > 0 {
			return err
		}
		err := insert(ctx, tx, key, Key{Name: name, Role: role, CreatedAt: s.now()})
		made = err == nil
		return err
	})
	if sqldb.IsUniqueViolation(err) {
		return "", nil // another process was first
	}
	if err != nil {
		return "", fmt.Errorf("make the first API key: %w", err)
	}
	if !made {
		return "", nil
	}
	return key, nil
}

// newKey makes a key that nobody guesses: 192 random bits behind a prefix by
// which people and secret scanners know it.
func newKey() string {
	random := make([]byte, 24)
	rand.Read(random)
	return "bxo_" + base64.RawURLEncoding.EncodeToString(random)
}
