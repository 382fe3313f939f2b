// This file is the users' rows: finding them in batches, adding and destroying
// them.

package vault

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"boxoffice/domain"
	"boxoffice/internal/sqldb"
)

// A Querier is what runs a query: a pool, or a transaction of either kind.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// A SubjectState is what the vault knows of a user's id: whether there is a user,
// and whether one was erased. Its zero value says that it knows nothing.
type SubjectState struct {
	// User is nil where there is none who isn't erased.
	User *User
	// ErasedAt is the time of the latest erasure of that id, nil where there
	// was none.
	ErasedAt *domain.Instant
}

// SubjectStates returns what is known of subjects, those only of whom something is
// known. It looks into the cache first, and then into the database, which is
// read through q. erasures is the log's counter, read before or in the same
// transaction: while that stays the same, a state with a user stays true,
// and one without may only become one with a user.
func (v *Vault) SubjectStates(ctx context.Context, q Querier, erasures int64, subjects []Hash) (map[Hash]SubjectState, error) {
	found := make(map[Hash]*User, len(subjects))
	states := make(map[Hash]SubjectState, len(subjects))
	missing := v.cache.subjects(erasures, subjects, found)
	for s, u := range found {
		states[s] = u.state()
	}
	for chunk := range slices.Chunk(missing, sqldb.MaxKeys) {
		if err := v.readSubjectStates(ctx, q, erasures, chunk, states); err != nil {
			return nil, err
		}
	}
	return states, nil
}

func (u *User) state() SubjectState {
	if u.After == domain.Always {
		return SubjectState{User: u}
	}
	return SubjectState{User: u, ErasedAt: &u.After}
}

// readSubjectStates reads the states of at most MaxKeys subjects.
func (v *Vault) readSubjectStates(ctx context.Context, q Querier, erasures int64, subjects []Hash, states map[Hash]SubjectState) error {
	condition, args := sqldb.In(v.dialect, "u.subject", 1, hashKeys(subjects))
	users, err := v.readUsers(ctx, q, erasures, condition, args)
	if err != nil {
		return err
	}
	for _, u := range users {
		states[u.Subject] = u.state()
	}
	var without []Hash
	for _, s := range subjects {
		if states[s].User == nil {
			without = append(without, s)
		}
	}
	if len(without) == 0 {
		return nil
	}
	return v.readTombstones(ctx, q, without, states)
}

func hashKeys(hashes []Hash) [][]byte {
	keys := make([][]byte, len(hashes))
	for i := range hashes {
		keys[i] = hashes[i][:]
	}
	return keys
}

func (v *Vault) readTombstones(ctx context.Context, q Querier, subjects []Hash, states map[Hash]SubjectState) error {
	condition, args := sqldb.In(v.dialect, "subject", 1, hashKeys(subjects))
	rows, err := q.QueryContext(ctx, "SELECT subject, erased_at FROM tombstones WHERE "+condition, args...)
	if err != nil {
		return fmt.Errorf("read tombstones: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var subject []byte
		var at sqldb.Micros
		if err := rows.Scan(&subject, &at); err != nil {
			return fmt.Errorf("read tombstones: %w", err)
		}
		erasedAt := domain.Instant(at)
		states[Hash(subject)] = SubjectState{ErasedAt: &erasedAt}
	}
	return rows.Err()
}

// Users returns the users of pseudonyms; one who isn't there has been erased.
// For q and erasures see [Vault.SubjectStates].
func (v *Vault) Users(ctx context.Context, q Querier, erasures int64, pseudonyms []sqldb.UUID) (map[sqldb.UUID]*User, error) {
	found := make(map[sqldb.UUID]*User, len(pseudonyms))
	missing := v.cache.pseudonyms(erasures, pseudonyms, found)
	for chunk := range slices.Chunk(missing, sqldb.MaxKeys) {
		condition, args := sqldb.In(v.dialect, "u.user_key", 1, chunk)
		users, err := v.readUsers(ctx, q, erasures, condition, args)
		if err != nil {
			return nil, err
		}
		for _, u := range users {
			found[u.Pseudonym] = u
		}
	}
	return found, nil
}

// userRow is a row of users.
type userRow struct {
	pseudonym sqldb.UUID
	subject   []byte
	wrapping  int
	wrapped   []byte
	sealedID  []byte
	// erasedAt is the time of the erasure of an earlier user of the same id,
	// Endless where there was none.
	erasedAt sqldb.Micros
}

// readUsers reads users and keeps them in memory.
func (v *Vault) readUsers(ctx context.Context, q Querier, erasures int64, condition string, args []any) ([]*User, error) {
	users, err := v.readAndOpen(ctx, q, condition, args)
	if err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	v.cache.put(erasures, users)
	return users, nil
}

func readUserRows(ctx context.Context, q Querier, condition string, args []any) ([]userRow, error) {
	rows, err := q.QueryContext(ctx, `SELECT u.user_key, u.subject, u.wrapping_key, u.wrapped_key, u.sealed_id, t.erased_at
		FROM users u LEFT JOIN tombstones t ON t.subject = u.subject WHERE `+condition, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []userRow
	for rows.Next() {
		var r userRow
		if err := rows.Scan(&r.pseudonym, &r.subject, &r.wrapping, &r.wrapped, &r.sealedID, &r.erasedAt); err != nil {
			return nil, err
		}
		found = append(found, r)
	}
	return found, rows.Err()
}

// Insert adds users to the vault. They are kept in memory only when the
// transaction has been committed and [Vault.Keep] is told so.
func (v *Vault) Insert(ctx context.Context, tx *sqldb.Tx, users []*User) error {
	wrapping, number := v.inUse()
	columns := []string{"user_key", "subject", "wrapping_key", "wrapped_key", "sealed_id"}
	_, err := tx.CopyIn(ctx, "users", columns, sqldb.RowsOf(len(users), len(columns), func(i int, row []any) {
		u := users[i]
		row[0], row[1], row[2] = u.Pseudonym, u.Subject[:], int64(number)
		row[3], row[4] = sealWith(wrapping, u.key[:], keyData(u.Pseudonym)), u.sealID()
	}))
	return err
}

// Keep keeps users in memory who have been inserted and committed.
func (v *Vault) Keep(erasures int64, users []*User) { v.cache.put(erasures, users) }

// An Erasure is one user's: the time of the user.erased and the pseudonym,
// which is nil where there is no such user in the vault.
type Erasure struct {
	Subject   Hash
	At        domain.Instant
	Pseudonym *sqldb.UUID
}

// Erase destroys a user's key and the link between id and pseudonym, and puts
// a tombstone in their place. The caller moves the log's counter of erasures
// in the same transaction.
func (v *Vault) Erase(ctx context.Context, tx *sqldb.Tx, e Erasure) error {
	if e.Pseudonym != nil {
		if _, err := tx.ExecContext(ctx, "DELETE FROM users WHERE user_key = $1", *e.Pseudonym); err != nil {
			return fmt.Errorf("erase a user: %w", err)
		}
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO tombstones (subject, erased_at) VALUES ($1, $2)
		ON CONFLICT (subject) DO UPDATE SET erased_at = excluded.erased_at`, e.Subject[:], sqldb.Micros(e.At))
	if err != nil {
		return fmt.Errorf("keep a tombstone: %w", err)
	}
	return nil
}
