package apikeys_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"boxoffice/access/apikeys"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

func open(t *testing.T, db *sqldb.DB) *apikeys.Store {
	t.Helper()
	if err := apikeys.Migrate(context.Background(), db); err != nil {
		t.Fatal(err)
	}
	s, err := apikeys.Open(context.Background(), db)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// The first key is made once, whoever asks, and is known from then on.
func TestTheFirstKeyIsMadeOnce(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, db func() *sqldb.DB) {
		ctx := context.Background()
		stores := []*apikeys.Store{open(t, db()), open(t, db()), open(t, db()), open(t, db())}
		keys := make([]string, len(stores))
		var all sync.WaitGroup
		for i, s := range stores {
			all.Go(func() {
				key, err := s.MakeFirst(ctx, "first", "admin")
				if err != nil {
					t.Error(err)
				}
				keys[i] = key
			})
		}
		all.Wait()
		made := 0
		for _, key := range keys {
			if key == "" {
				continue
			}
			made++
			found, known, err := stores[0].Find(ctx, key)
			if err != nil || !known || found.Role != "admin" || found.Name != "first" {
				t.Errorf("Find(the key) = %+v, %v, %v; want admin", found, known, err)
			}
		}
		if made != 1 {
			t.Errorf("%d keys were made; want 1", made)
		}
	})
}

// A key that nobody made is nobody's, and what is stored isn't the key.
func TestOtherKeysAreNotKnown(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, db func() *sqldb.DB) {
		ctx := context.Background()
		s := open(t, db())
		key, err := s.MakeFirst(ctx, "first", "admin")
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range []string{"", "x", key + "x", key[:len(key)-1]} {
			if _, known, err := s.Find(ctx, other); known || err != nil {
				t.Errorf("Find(%q) is known (%v)", other, err)
			}
		}
	})
}

// A key is what it was made as, in every process, until it is revoked in any.
func TestAKeyIsGoodUntilItIsRevoked(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, db func() *sqldb.DB) {
		ctx := context.Background()
		one, other := open(t, db()), open(t, db())
		end := time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
		key, made, err := one.Make(ctx, apikeys.Key{Name: "player", Role: "publisher", Types: []string{"playback.*", "user.erased"}, ExpiresAt: &end})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := other.Make(ctx, apikeys.Key{Name: "player", Role: "viewer"}); !errors.Is(err, apikeys.ErrNameTaken) {
			t.Errorf("a name was used twice: %v", err)
		}
		found, known, err := other.Find(ctx, key)
		if diff := cmp.Diff(made, found); diff != "" || !known || err != nil {
			t.Fatal(known, err, diff)
		}
		for i, want := range []bool{true, false} {
			if revoked, err := other.Revoke(ctx, "player"); revoked != want || err != nil {
				t.Errorf("revoking it the %d. time: %v, %v", i+1, revoked, err)
			}
		}
		if revoked, err := other.Revoke(ctx, "nobody"); revoked || err != nil {
			t.Errorf("revoked what isn't there: %v, %v", revoked, err)
		}
		if _, known, err := one.Find(ctx, key); known || err != nil {
			t.Errorf("the revoked key is known: %v", err)
		}
		list, err := one.List(ctx)
		if err != nil || len(list) != 1 || list[0].RevokedAt == nil {
			t.Fatalf("the list is %+v, %v", list, err)
		}
		if _, _, err := one.Make(ctx, apikeys.Key{Name: "player", Role: "publisher"}); !errors.Is(err, apikeys.ErrNameTaken) {
			t.Errorf("the name of a revoked key was given again: %v", err)
		}
	})
}

// A key that has expired is good for nothing.
func TestAKeyExpires(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, db func() *sqldb.DB) {
		ctx := context.Background()
		s := open(t, db())
		past := time.Now().Add(-time.Second)
		key, _, err := s.Make(ctx, apikeys.Key{Name: "old", Role: "viewer", ExpiresAt: &past})
		if err != nil {
			t.Fatal(err)
		}
		if _, known, err := s.Find(ctx, key); known || err != nil {
			t.Errorf("the expired key is known: %v", err)
		}
	})
}

// Whatever makes a key good or not is noticed, whichever process did it.
func TestChangesAreNoticed(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, db func() *sqldb.DB) {
		ctx, cancel := context.WithCancel(context.Background())
		one, other := open(t, db()), open(t, db())
		noticed := make(chan struct{}, 16)
		var watching sync.WaitGroup
		t.Cleanup(watching.Wait)
		t.Cleanup(cancel)
		soon := time.Now().Add(time.Hour)
		if _, _, err := other.Make(ctx, apikeys.Key{Name: "a", Role: "publisher", ExpiresAt: &soon}); err != nil {
			t.Fatal(err)
		}
		watching.Go(func() {
			one.Watch(ctx, func() { noticed <- struct{}{} }, func(err error) { t.Error(err) })
		})
		await := func(what string) {
			t.Helper()
			select {
			case <-noticed:
			case <-time.After(30 * time.Second):
				t.Fatalf("%s isn't noticed", what)
			}
		}
		// The first look may come before or after this; both end with the same.
		for {
			if _, _, err := other.Make(ctx, apikeys.Key{Name: "b" + time.Now().String(), Role: "viewer"}); err != nil {
				t.Fatal(err)
			}
			select {
			case <-noticed:
			case <-time.After(2 * apikeys.WatchEvery):
				continue
			}
			break
		}
		if _, err := other.Revoke(ctx, "a"); err != nil {
			t.Fatal(err)
		}
		await("a revocation")
		end := time.Now().Add(2 * apikeys.WatchEvery)
		if _, _, err := other.Make(ctx, apikeys.Key{Name: "c", Role: "publisher", ExpiresAt: &end}); err != nil {
			t.Fatal(err)
		}
		await("a new key")
		await("that it expires")
	})
}
