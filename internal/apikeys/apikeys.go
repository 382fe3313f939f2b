// Package apikeys keeps the API keys that the service itself has made, beside
// those that stand in its configuration.
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
	"io/fs"
	"time"

	"boxoffice/internal/sqldb"
)

//go:embed migrations
var migrations embed.FS

// A Store keeps keys in a database. It is safe for concurrent use.
type Store struct{ db *sqldb.DB }

// Migrate brings the table of keys of a database up to date.
func Migrate(ctx context.Context, database *sqldb.DB) error {
	s, err := Open(ctx, database)
	if err != nil {
		return err
	}
	defer s.Close()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	if err := s.db.Migrate(ctx, files); err != nil {
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
	return &Store{db: db}, nil
}

// Close lets go of the database.
func (s *Store) Close() error { return s.db.Close() }

// Role gives the role of who holds the key; false where it isn't known. The
// key is looked for by its hash, so the time it takes tells nothing of it.
func (s *Store) Role(ctx context.Context, key string) (string, bool, error) {
	hash := sha256.Sum256([]byte(key))
	var role string
	err := s.db.SQL().QueryRowContext(ctx, "SELECT role FROM api_keys WHERE hash = $1", hash[:]).Scan(&role)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("look up an API key: %w", err)
	}
	return role, true, nil
}

// MakeFirst makes a key where there is none yet, and gives it; the empty
// string where there is one. Of several processes that call it at once, one
// makes the key.
func (s *Store) MakeFirst(ctx context.Context, name, role string) (string, error) {
	key := newKey()
	hash := sha256.Sum256([]byte(key))
	made := false
	err := s.db.InTx(ctx, func(tx *sqldb.Tx) error {
		made = false
		var n int
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM api_keys").Scan(&n); err != nil || n > 0 {
			return err
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO api_keys (hash, name, role, created_at) VALUES ($1, $2, $3, $4)",
			hash[:], name, role, sqldb.Micros(time.Now().UnixMicro()))
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
