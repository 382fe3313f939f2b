// This file is about a key management service that doesn't answer.

package eventstore_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/tink-crypto/tink-go/v2/tink"

	"boxoffice/eventstore"
	"boxoffice/eventstore/storetest"
	"boxoffice/eventstore/vault"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// A hangingKey is a master key that, from hang on, isn't answered for until the
// context of the question ends. asked hears of each question that hangs.
type hangingKey struct {
	vault.MasterKey
	hang  chan struct{}
	asked chan struct{}
}

func newHangingKey(master vault.MasterKey) *hangingKey {
	return &hangingKey{MasterKey: master, hang: make(chan struct{}), asked: make(chan struct{}, 1000)}
}

func (k *hangingKey) Load(ctx context.Context) (tink.AEADWithContext, error) {
	aead, err := k.MasterKey.Load(ctx)
	return &hangingAEAD{aead, k}, err
}

type hangingAEAD struct {
	tink.AEADWithContext
	key *hangingKey
}

func (a *hangingAEAD) wait(ctx context.Context) error {
	select {
	case <-a.key.hang:
		a.key.asked <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	default:
		return nil
	}
}

func (a *hangingAEAD) EncryptWithContext(ctx context.Context, plaintext, associated []byte) ([]byte, error) {
	if err := a.wait(ctx); err != nil {
		return nil, err
	}
	return a.AEADWithContext.EncryptWithContext(ctx, plaintext, associated)
}

func (a *hangingAEAD) DecryptWithContext(ctx context.Context, ciphertext, associated []byte) ([]byte, error) {
	if err := a.wait(ctx); err != nil {
		return nil, err
	}
	return a.AEADWithContext.DecryptWithContext(ctx, ciphertext, associated)
}

// Whoever waits for the master key holds up nobody who appends: not a process that
// starts, not one that exchanges the wrapping key, and not one that has to read the
// keys again because another has exchanged them.
func TestAHangingMasterKeyHoldsNobodyUp(t *testing.T) {
	for name, ask := range map[string]func(t *testing.T, ctx context.Context, db *sqldb.DB, s, other *eventstore.Store, key *hangingKey) error{
		"starting": func(_ *testing.T, ctx context.Context, db *sqldb.DB, _, _ *eventstore.Store, key *hangingKey) error {
			close(key.hang)
			_, err := eventstore.Open(ctx, db, key, nil)
			return err
		},
		"exchanging": func(_ *testing.T, ctx context.Context, _ *sqldb.DB, s, _ *eventstore.Store, key *hangingKey) error {
			close(key.hang)
			return exchange(ctx, s)
		},
		"appending after an exchange": func(t *testing.T, ctx context.Context, _ *sqldb.DB, s, other *eventstore.Store, key *hangingKey) error {
			close(key.hang)
			if err := exchange(ctx, other); err != nil {
				return err
			}
			_, err := s.Append(ctx, eventstore.Batch{Stream: "s", Messages: []eventstore.Incoming{{Sequence: 2, Event: registration(t, 2)}}})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
				master := vault.FileMasterKey(filepath.Join(t.TempDir(), "master.json"), true)
				other := openStore(t, open(), master, &storetest.Clock{})
				key := newHangingKey(master)
				s := openStore(t, open(), key, &storetest.Clock{})
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- ask(t, ctx, open(), s, other, key) }()
				select {
				case <-key.asked:
				case err := <-ended:
					t.Fatalf("the master key wasn't asked: %v", err)
				}
				within, stop := context.WithTimeout(t.Context(), 20*time.Second)
				defer stop()
				if _, err := other.Append(within, eventstore.Batch{Stream: "s", Messages: []eventstore.Incoming{{Sequence: 1, Event: registration(t, 1)}}}); err != nil {
					t.Errorf("appending beside it: %v", err)
				}
				cancel()
				if err := <-ended; err == nil {
					t.Error("it ended without the master key")
				}
			})
		})
	}
}

// exchange exchanges the wrapping key.
func exchange(ctx context.Context, s *eventstore.Store) error {
	scrub, err := s.BeginScrub(ctx)
	if err != nil {
		return err
	}
	defer scrub.Abandon()
	return scrub.ExchangeKeys(ctx, func(int64) {})
}
