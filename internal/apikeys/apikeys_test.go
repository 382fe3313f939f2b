package apikeys_test

import (
	"context"
	"sync"
	"testing"

	"boxoffice/internal/apikeys"
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
			role, known, err := stores[0].Role(ctx, key)
			if err != nil || !known || role != "admin" {
				t.Errorf("Role(the key) = %q, %v, %v; want admin", role, known, err)
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
			if _, known, err := s.Role(ctx, other); known || err != nil {
				t.Errorf("Role(%q) is known (%v)", other, err)
			}
		}
	})
}
