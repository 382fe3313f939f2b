// This file opens the vault: it finds the service's own keys in the database,
// or makes them for a new one.

package vault

import (
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tink-crypto/tink-go/v2/tink"

	"boxoffice/internal/sqldb"
)

// A Vault holds the service's own keys, unwrapped, and a cache of users' keys.
// It is safe for concurrent use.
type Vault struct {
	dialect    *sqldb.Dialect
	master     tink.AEAD
	identities *hasher
	subjects   *hasher
	cache      *cache
	shared     [32]byte

	mu       sync.RWMutex
	wrapping map[int]cipher.AEAD
	current  int // the number of the wrapping key in use
}

// Purposes of the service's own keys, as they stand in vault_keys.
const (
	purposeHash     = "hash"
	purposeWrapping = "wrapping"
)

// Open opens the vault of a database whose schema is up to date, and keeps up
// to cachedUsers users' keys in memory. A database that has no keys and no
// events yet gets keys; for any other, a master key that is missing
// ([ErrNoMasterKey]) or another one ([ErrWrongMasterKey]) is an error, and
// nothing is changed.
func Open(ctx context.Context, db *sqldb.DB, master MasterKey, cachedUsers int) (*Vault, error) {
	v := &Vault{dialect: db.Dialect(), cache: newCache(cachedUsers)}
	err := db.InTx(ctx, func(tx *sqldb.Tx) error { return v.openOrMake(ctx, tx, master) })
	if err != nil {
		return nil, fmt.Errorf("open the vault: %w", err)
	}
	return v, nil
}

func (v *Vault) openOrMake(ctx context.Context, tx *sqldb.Tx, master MasterKey) error {
	// The lock keeps two processes from making keys for one new database.
	var position int64
	if err := tx.QueryRowContext(ctx, "SELECT position FROM log_head"+v.dialect.ForUpdate).Scan(&position); err != nil {
		return fmt.Errorf("lock the log: %w", err)
	}
	keys, err := readKeys(ctx, tx)
	if err != nil {
		return err
	}
	switch {
	case len(keys) > 0:
		v.master, err = master.Load(ctx)
	case position > 0:
		return errors.New("the log has events and the database has no keys: it isn't whole")
	default:
		v.master, err = master.LoadOrMake(ctx)
	}
	if err != nil {
		return err
	}
	if len(keys) == 0 {
		if keys, err = v.makeKeys(ctx, tx); err != nil {
			return err
		}
	}
	return v.use(keys)
}

// A keyRow is one of the service's own keys as it stands in the database.
type keyRow struct {
	id      int
	purpose string
	wrapped []byte
}

// associated binds a wrapped key to its purpose and number.
func (k *keyRow) associated() []byte { return fmt.Appendf(nil, "boxoffice %s key %d", k.purpose, k.id) }

func readKeys(ctx context.Context, q Querier) ([]keyRow, error) {
	rows, err := q.QueryContext(ctx, "SELECT id, purpose, wrapped FROM vault_keys ORDER BY id")
	if err != nil {
		return nil, fmt.Errorf("read the keys: %w", err)
	}
	defer rows.Close()
	var keys []keyRow
	for rows.Next() {
		var k keyRow
		if err := rows.Scan(&k.id, &k.purpose, &k.wrapped); err != nil {
			return nil, fmt.Errorf("read the keys: %w", err)
		}
		keys = append(keys, k)
	}
	return keys, rows.Err()
}

// makeKeys makes the service's own keys and stores them wrapped.
func (v *Vault) makeKeys(ctx context.Context, tx *sqldb.Tx) ([]keyRow, error) {
	keys := []keyRow{{id: 1, purpose: purposeHash}, {id: 2, purpose: purposeWrapping}}
	for i := range keys {
		k := &keys[i]
		key := newKey()
		var err error
		if k.wrapped, err = v.master.Encrypt(key[:], k.associated()); err != nil {
			return nil, fmt.Errorf("wrap a new key: %w", err)
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO vault_keys (id, purpose, wrapped, made_at) VALUES ($1, $2, $3, $4)",
			k.id, k.purpose, k.wrapped, sqldb.Micros(time.Now().UnixMicro()))
		if err != nil {
			return nil, fmt.Errorf("store a new key: %w", err)
		}
	}
	return keys, nil
}

// use unwraps keys. That the hash key unwraps is the check of the master key.
func (v *Vault) use(keys []keyRow) error {
	wrapping := map[int]cipher.AEAD{}
	current := 0
	for i := range keys {
		key, err := v.master.Decrypt(keys[i].wrapped, keys[i].associated())
		if err != nil || len(key) != 32 {
			return ErrWrongMasterKey
		}
		switch keys[i].purpose {
		case purposeHash:
			v.useHashKey(key)
		case purposeWrapping:
			wrapping[keys[i].id] = newAEAD((*[32]byte)(key))
			current = max(current, keys[i].id)
		}
	}
	if v.identities == nil || current == 0 {
		return errors.New("one of the database's keys is missing: it isn't whole")
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.wrapping, v.current = wrapping, current
	return nil
}

// useHashKey sets the hashers. There is one hash key, and it never changes.
func (v *Vault) useHashKey(key []byte) {
	if v.identities == nil {
		identity, subject := derive(key, "boxoffice identity hash"), derive(key, "boxoffice subject hash")
		v.identities, v.subjects = newHasher(identity[:]), newHasher(subject[:])
		v.shared = derive(key, "boxoffice shared")
	}
}

// CurrentKey is how the number of the wrapping key in use is selected; the
// caller gives it to [Vault.Refresh].
const CurrentKey = "(SELECT max(id) FROM vault_keys)"

// Refresh reads the wrapping keys again where the one in use isn't current any
// more, because another process has exchanged it.
func (v *Vault) Refresh(ctx context.Context, q Querier, current int) error {
	v.mu.RLock()
	same := v.current == current
	v.mu.RUnlock()
	if same {
		return nil
	}
	keys, err := readKeys(ctx, q)
	if err != nil {
		return err
	}
	return v.use(keys)
}

// wrappingKey gives the wrapping key of that number.
func (v *Vault) wrappingKey(id int) (cipher.AEAD, error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	key := v.wrapping[id]
	if key == nil {
		return nil, fmt.Errorf("the wrapping key %d isn't in the vault", id)
	}
	return key, nil
}

// inUse gives the wrapping key in use and its number.
func (v *Vault) inUse() (cipher.AEAD, int) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.wrapping[v.current], v.current
}

// Identity is the keyed hash of an event's identity.
func (v *Vault) Identity(source, id string) Hash { return v.identities.sum(source, id) }

// SubjectHash is the keyed hash of a user's id.
func (v *Vault) SubjectHash(id string) Hash { return v.subjects.sum(id) }

// SharedKey gives a key for a purpose of the service's own, such as sealing
// what it hands out. It is the same in every process on this database, and
// nothing else can be learned from it.
func (v *Vault) SharedKey(purpose string) []byte {
	key := derive(v.shared[:], purpose)
	return key[:]
}
