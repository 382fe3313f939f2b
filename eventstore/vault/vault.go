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
	source     MasterKey
	identities *hasher
	subjects   *hasher
	cache      *cache
	shared     [32]byte

	mu       sync.RWMutex
	master   tink.AEADWithContext
	wrapping map[int]cipher.AEAD
	current  int // the number of the wrapping key in use
	// exchanges is the log's counter when the wrapping keys were last read.
	exchanges int64
}

// Purposes of the service's own keys, as they stand in vault_keys.
const (
	purposeHash     = "hash"
	purposeWrapping = "wrapping"
)

// Open opens the vault of a database whose schema is up to date, and keeps up
// to cachedUsers users' keys in memory. A database that has no keys and no
// events yet gets keys; for any other, a master key that is missing
// ([ErrNoMasterKey]), another one ([ErrWrongMasterKey]) or one that can't be
// used now ([ErrKMS]) is an error, and nothing is changed.
func Open(ctx context.Context, db *sqldb.DB, master MasterKey, cachedUsers int) (*Vault, error) {
	v := &Vault{dialect: db.Dialect(), source: master, cache: newCache(cachedUsers)}
	keys, err := readKeys(ctx, db.SQL())
	if err == nil && len(keys) == 0 {
		keys, err = v.makeKeys(ctx, db)
	}
	if err == nil {
		err = v.open(ctx, keys)
	}
	if err != nil {
		return nil, fmt.Errorf("open the vault: %w", err)
	}
	return v, nil
}

// open unwraps the keys of a database that has some. Nothing is locked: the master
// key may take its time.
func (v *Vault) open(ctx context.Context, keys []keyRow) (err error) {
	if v.master, err = v.source.Load(ctx); err != nil {
		return err
	}
	return v.use(ctx, keys)
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

// makeKeys makes the service's own keys for a database that has none, and stores
// them wrapped. It holds the log's lock, which keeps two processes from making keys
// for one database; nobody appends to a log that has no keys.
func (v *Vault) makeKeys(ctx context.Context, db *sqldb.DB) (keys []keyRow, err error) {
	err = db.InTx(ctx, func(tx *sqldb.Tx) error {
		var position int64
		if err := tx.QueryRowContext(ctx, "SELECT position FROM log_head"+v.dialect.ForUpdate).Scan(&position); err != nil {
			return fmt.Errorf("lock the log: %w", err)
		}
		if keys, err = readKeys(ctx, tx); err != nil || len(keys) > 0 {
			return err
		}
		if position > 0 {
			return errors.New("the log has events and the database has no keys: it isn't whole")
		}
		master, err := v.source.LoadOrMake(ctx)
		if err != nil {
			return err
		}
		keys = []keyRow{{id: 1, purpose: purposeHash}, {id: 2, purpose: purposeWrapping}}
		for i := range keys {
			key := newKey()
			if err := keys[i].wrap(ctx, master, key[:]); err != nil {
				return err
			}
			if err := keys[i].store(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	})
	return keys, err
}

// wrap wraps the key under a master key.
func (k *keyRow) wrap(ctx context.Context, master tink.AEADWithContext, key []byte) (err error) {
	if k.wrapped, err = master.EncryptWithContext(ctx, key, k.associated()); err != nil {
		return fmt.Errorf("wrap a key: %w", err)
	}
	return nil
}

// store adds the key to the database.
func (k *keyRow) store(ctx context.Context, tx *sqldb.Tx) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO vault_keys (id, purpose, wrapped, made_at) VALUES ($1, $2, $3, $4)",
		k.id, k.purpose, k.wrapped, sqldb.Micros(time.Now().UnixMicro()))
	if err != nil {
		return fmt.Errorf("store a new key: %w", err)
	}
	return nil
}

// use unwraps keys and keeps them in the place of those that it had, unless it
// has newer ones: what a transaction sees may be of before an exchange.
func (v *Vault) use(ctx context.Context, keys []keyRow) error {
	plain, err := v.unwrap(ctx, keys)
	if err != nil {
		return err
	}
	wrapping, current := map[int]cipher.AEAD{}, 0
	for i, key := range plain {
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
	if current >= v.current {
		v.wrapping, v.current = wrapping, current
	}
	return nil
}

// unwrap returns the service's own keys in the clear. Where the master key that
// was loaded doesn't open them, it is loaded again: it may have been exchanged
// while this process ran. That the hash key unwraps is the check of the master
// key.
func (v *Vault) unwrap(ctx context.Context, keys []keyRow) ([][]byte, error) {
	v.mu.RLock()
	master := v.master
	v.mu.RUnlock()
	plain, err := unwrapWith(ctx, master, keys)
	if !errors.Is(err, ErrWrongMasterKey) {
		return plain, err
	}
	if master, err = v.source.Load(ctx); err != nil {
		return nil, err
	}
	if plain, err = unwrapWith(ctx, master, keys); err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.master = master
	return plain, nil
}

func unwrapWith(ctx context.Context, master tink.AEADWithContext, keys []keyRow) ([][]byte, error) {
	plain := make([][]byte, len(keys))
	for i := range keys {
		key, err := master.DecryptWithContext(ctx, keys[i].wrapped, keys[i].associated())
		if err != nil {
			return nil, err
		}
		if len(key) != 32 {
			return nil, ErrWrongMasterKey
		}
		plain[i] = key
	}
	return plain, nil
}

// useHashKey sets the hashers. There is one hash key, and it never changes.
func (v *Vault) useHashKey(key []byte) {
	if v.identities == nil {
		identity, subject := derive(key, "boxoffice identity hash"), derive(key, "boxoffice subject hash")
		v.identities, v.subjects = newHasher(identity[:]), newHasher(subject[:])
		v.shared = derive(key, "boxoffice shared")
	}
}

// Current says whether the wrapping keys in memory are those of a number of
// exchanges, as the log counts them. The counter stands in the row that is locked
// for appending, so that who has the lock reads the latest: a subquery beside the
// lock would see what was there before waiting for it.
func (v *Vault) Current(exchanges int64) bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.exchanges == exchanges
}

// Refresh reads the wrapping keys again where the log's counter of exchanges has
// moved since they were read, because another process has exchanged them. It asks
// the master key, which may take its time: the caller holds no lock.
func (v *Vault) Refresh(ctx context.Context, q Querier, exchanges int64) error {
	if v.Current(exchanges) {
		return nil
	}
	keys, err := readKeys(ctx, q)
	if err != nil {
		return err
	}
	if err := v.use(ctx, keys); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.exchanges = max(v.exchanges, exchanges)
	return nil
}

// errDestroyed says that a row's wrapping key isn't there. It has been exchanged
// since the row was read: read again, the row is under another.
var errDestroyed = errors.New("the wrapping key isn't in the vault")

// keyFor returns the wrapping key of that number. One that isn't in memory,
// because another process has made it, is read through q.
func (v *Vault) keyFor(ctx context.Context, q Querier, number int) (cipher.AEAD, error) {
	v.mu.RLock()
	key := v.wrapping[number]
	v.mu.RUnlock()
	if key != nil {
		return key, nil
	}
	keys, err := readKeys(ctx, q)
	if err != nil {
		return nil, err
	}
	if len(keys) > 0 && keys[len(keys)-1].id > v.newest() {
		if err := v.use(ctx, keys); err != nil {
			return nil, err
		}
	}
	// A transaction that began before an exchange sees rows under a key that
	// isn't kept any more. It sees the key too, which isn't kept for that.
	for i := range keys {
		if keys[i].id == number && keys[i].purpose == purposeWrapping {
			plain, err := v.unwrap(ctx, keys[i:i+1])
			if err != nil {
				return nil, err
			}
			return newAEAD((*[32]byte)(plain[0])), nil
		}
	}
	return nil, fmt.Errorf("%w: number %d", errDestroyed, number)
}

// rereads is how often rows are read that an exchange of the wrapping key
// overtakes in all.
const rereads = 5

// Reread runs read again where an exchange of the wrapping key came between
// reading rows and opening them. Within one transaction that can't happen.
func Reread(read func() error) error {
	for attempt := 1; ; attempt++ {
		if err := read(); !errors.Is(err, errDestroyed) || attempt == rereads {
			return err
		}
	}
}

// newest returns the number of the wrapping key in use.
func (v *Vault) newest() int {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.current
}

// inUse returns the wrapping key in use and its number.
func (v *Vault) inUse() (cipher.AEAD, int) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.wrapping[v.current], v.current
}

// Identity is the keyed hash of an event's identity.
func (v *Vault) Identity(source, id string) Hash { return v.identities.sum(source, id) }

// SubjectHash is the keyed hash of a user's id.
func (v *Vault) SubjectHash(id string) Hash { return v.subjects.sum(id) }

// SharedKey returns a key for a purpose of the service's own, such as sealing
// what it hands out. It is the same in every process on this database, and
// nothing else can be learned from it.
func (v *Vault) SharedKey(purpose string) []byte {
	key := derive(v.shared[:], purpose)
	return key[:]
}
