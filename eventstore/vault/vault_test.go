package vault_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/eventstore/vault"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// logSchema makes a log's tables and returns a handle on them.
func logSchema(t *testing.T, open func() *sqldb.DB) *sqldb.DB {
	t.Helper()
	db := open()
	if err := eventstore.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	name := "log"
	if db.Dialect().Name == sqldb.Postgres {
		name = "boxoffice_log"
	}
	own, err := db.Schema(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { own.Close() })
	return own
}

func mustOpen(t *testing.T, db *sqldb.DB, master vault.MasterKey) *vault.Vault {
	t.Helper()
	v, err := vault.Open(t.Context(), db, master, 100)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// dump returns the rows of the service's own keys.
func dump(t *testing.T, db *sqldb.DB) []string {
	t.Helper()
	rows, err := db.SQL().QueryContext(t.Context(), "SELECT wrapped FROM vault_keys ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var wrapped []byte
		if err := rows.Scan(&wrapped); err != nil {
			t.Fatal(err)
		}
		all = append(all, string(wrapped))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// A database that is new makes the key-set file where it may, readable for its
// owner only; where it may not, a missing file stops it and leaves nothing.
func TestNewDatabase(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		db := logSchema(t, open)
		path := filepath.Join(t.TempDir(), "master.json")
		if _, err := vault.Open(t.Context(), db, vault.FileMasterKey(path, false), 100); !errors.Is(err, vault.ErrNoMasterKey) {
			t.Errorf("got %v, want ErrNoMasterKey", err)
		}
		if n := len(dump(t, db)); n != 0 {
			t.Errorf("%d keys were made", n)
		}
		first := mustOpen(t, db, vault.FileMasterKey(path, true))
		if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
			t.Errorf("the file's mode is %v, %v", info.Mode(), err)
		}
		if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
			t.Errorf("files are left: %v, %v", files, err)
		}
		again := mustOpen(t, db, vault.FileMasterKey(path, false))
		if first.Identity("a", "b") != again.Identity("a", "b") || first.SubjectHash("a") != again.SubjectHash("a") {
			t.Error("hashes differ after a restart")
		}
	})
}

// For a database that has keys, a master key that is missing, another one or a
// damaged one is a clear stop that changes nothing, neither there nor on disk.
func TestMasterKeyMustBeTheDatabases(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		db := logSchema(t, open)
		dir := t.TempDir()
		path := filepath.Join(dir, "master.json")
		mustOpen(t, db, vault.FileMasterKey(path, true))
		before := dump(t, db)
		missing, other, damaged := filepath.Join(dir, "missing"), filepath.Join(dir, "other"), filepath.Join(dir, "damaged")
		if err := vault.NewMasterKeyFile(other); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(damaged, []byte("secret text"), 0o600); err != nil {
			t.Fatal(err)
		}
		for file, want := range map[string]error{missing: vault.ErrNoMasterKey, other: vault.ErrWrongMasterKey, damaged: nil} {
			_, err := vault.Open(t.Context(), db, vault.FileMasterKey(file, true), 100)
			if err == nil || want != nil && !errors.Is(err, want) || strings.Contains(err.Error(), "secret text") {
				t.Errorf("%s: %v", filepath.Base(file), err)
			}
		}
		if _, err := os.Stat(missing); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a master key was made for a database that has another: %v", err)
		}
		if diff := cmp.Diff(before, dump(t, db)); diff != "" {
			t.Error(diff)
		}
		mustOpen(t, db, vault.FileMasterKey(path, false))
	})
}

// A log with events whose keys are gone isn't given new ones.
func TestLostKeysAreNotReplaced(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		db := logSchema(t, open)
		for _, statement := range []string{"UPDATE log_head SET position = 5", "DELETE FROM vault_keys"} {
			if _, err := db.SQL().ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		path := filepath.Join(t.TempDir(), "master.json")
		if _, err := vault.Open(t.Context(), db, vault.FileMasterKey(path, true), 100); err == nil {
			t.Error("it opens")
		}
		if n := len(dump(t, db)); n != 0 {
			t.Errorf("%d keys were made", n)
		}
	})
}

// Processes that start at once on a new database agree on its keys.
func TestConcurrentStarts(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		logSchema(t, open)
		path := filepath.Join(t.TempDir(), "master.json")
		hashes := make([]vault.Hash, 6)
		var wg sync.WaitGroup
		for i := range hashes {
			db := logSchema(t, open)
			wg.Go(func() {
				v, err := vault.Open(t.Context(), db, vault.FileMasterKey(path, true), 100)
				if err != nil {
					t.Error(err)
					return
				}
				hashes[i] = v.Identity("a", "b")
			})
		}
		wg.Wait()
		for _, h := range hashes {
			if h != hashes[0] {
				t.Error("they have different keys")
			}
		}
	})
}

// A file is never overwritten by a new key.
func TestNewMasterKeyFileOverwritesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.json")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := vault.NewMasterKeyFile(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v, want fs.ErrExist", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "mine" {
		t.Errorf("the file has %q, %v", text, err)
	}
}

// The identity of an event is the pair of source and id: no other pair has its
// hash, and neither has a subject of the same text.
func TestHashesTellPairsApart(t *testing.T) {
	db := logSchema(t, sqltest.New(t, sqldb.SQLite))
	v := mustOpen(t, db, vault.FileMasterKey(filepath.Join(t.TempDir(), "master.json"), true))
	seen := map[vault.Hash]string{}
	for _, pair := range [][2]string{{"a", "bc"}, {"ab", "c"}, {"abc", ""}, {"", "abc"}, {"a", "b"}} {
		h := v.Identity(pair[0], pair[1])
		if before, ok := seen[h]; ok {
			t.Errorf("%q has the hash of %s", pair, before)
		}
		seen[h] = pair[0] + "|" + pair[1]
		if h != v.Identity(pair[0], pair[1]) {
			t.Errorf("%q has two hashes", pair)
		}
	}
	if _, ok := seen[v.SubjectHash("abc")]; ok {
		t.Error("a subject has the hash of an identity")
	}
}

// What is sealed opens only under its own user, identity and row, and unchanged.
func TestSealing(t *testing.T) {
	db := logSchema(t, sqltest.New(t, sqldb.SQLite))
	v := mustOpen(t, db, vault.FileMasterKey(filepath.Join(t.TempDir(), "master.json"), true))
	ana, bo := v.NewUser("ana", domain.Always), v.NewUser("bo", domain.Always)
	sealed := ana.Seal(vault.Hash{1}, []byte("personal"))
	if got, err := ana.Open(vault.Hash{1}, sealed); err != nil || string(got) != "personal" {
		t.Errorf("opened %q, %v", got, err)
	}
	if _, err := ana.Open(vault.Hash{2}, sealed); err == nil {
		t.Error("it opens as another event's")
	}
	if _, err := bo.Open(vault.Hash{1}, sealed); err == nil {
		t.Error("it opens as another user's")
	}
	for i := range sealed {
		changed := append([]byte(nil), sealed...)
		changed[i] ^= 1
		if _, err := ana.Open(vault.Hash{1}, changed); err == nil {
			t.Fatalf("it opens with byte %d changed", i)
		}
	}
	if _, err := ana.Open(vault.Hash{1}, nil); err == nil {
		t.Error("nothing opens")
	}
	row := v.SealRow([]byte("body"), []byte("row 1"))
	if got, err := v.OpenRow(t.Context(), db.SQL(), row, []byte("row 1")); err != nil || string(got) != "body" {
		t.Errorf("opened %q, %v", got, err)
	}
	if _, err := v.OpenRow(t.Context(), db.SQL(), row, []byte("row 2")); err == nil {
		t.Error("it opens as another row's")
	}
	row.WrappingKey = 99
	if _, err := v.OpenRow(t.Context(), db.SQL(), row, []byte("row 1")); err == nil {
		t.Error("it opens under a key that isn't there")
	}
}

// A user is the same when read back, and cached or not.
func TestUsersComeBack(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		db := logSchema(t, open)
		master := vault.FileMasterKey(filepath.Join(t.TempDir(), "master.json"), true)
		v := mustOpen(t, db, master)
		var users []*vault.User
		var subjects []vault.Hash
		for i := range 250 { // more than are cached
			u := v.NewUser("user "+strings.Repeat("x", i), domain.Always)
			users, subjects = append(users, u), append(subjects, u.Subject)
		}
		if err := db.InTx(t.Context(), func(tx *sqldb.Tx) error { return v.Insert(t.Context(), tx, users) }); err != nil {
			t.Fatal(err)
		}
		v.Keep(0, users)
		content := make([]byte, 64+3)
		for _, vault := range []*vault.Vault{v, mustOpen(t, db, master)} {
			for range 2 {
				states, err := vault.SubjectStates(t.Context(), db.SQL(), 0, subjects)
				if err != nil {
					t.Fatal(err)
				}
				for _, want := range users {
					got := states[want.Subject].User
					if got == nil || got.ID != want.ID || got.Pseudonym != want.Pseudonym || got.ContentHash(content) != want.ContentHash(content) {
						t.Fatalf("%q came back as %+v", want.ID, got)
					}
				}
			}
		}
	})
}
