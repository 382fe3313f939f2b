package vault

import (
	"crypto/hmac"
	"crypto/sha256"
	"testing"

	"pgregory.net/rapid"

	"boxoffice/internal/sqldb"
)

// The content hash is the HMAC-SHA256 under the user's key, cut to 16 bytes.
func TestContentHash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		content := rapid.SliceOf(rapid.Byte()).Draw(t, "content")
		u := &User{contentKey: newKey()}
		mac := hmac.New(sha256.New, u.contentKey[:])
		mac.Write(content)
		if got, want := u.ContentHash(append(ContentRoom[:], content...)), Hash(mac.Sum(nil)[:16]); got != want {
			t.Fatalf("the hash is %x, want %x", got, want)
		}
	})
}

// Keys that are kept in memory are bounded in number, dropped by an erasure,
// and never those of an older state than the cache is of.
func TestCache(t *testing.T) {
	const bound = 10
	c := newCache(bound)
	var users []*User
	for i := range 100 {
		u := &User{Pseudonym: sqldb.UUID{byte(i)}, Subject: Hash{byte(i)}}
		users = append(users, u)
		c.put(0, []*User{u})
		if n := len(c.young.byPseudonym) + len(c.old.byPseudonym); n > bound {
			t.Fatalf("%d users are kept, want at most %d", n, bound)
		}
	}
	held := func(erasures int64, u *User) bool {
		found := map[Hash]*User{}
		missing := c.subjects(erasures, []Hash{u.Subject}, found)
		byPseudonym := map[sqldb.UUID]*User{}
		c.pseudonyms(erasures, []sqldb.UUID{u.Pseudonym}, byPseudonym)
		if (len(missing) == 0) != (found[u.Subject] == u) || len(found) != len(byPseudonym) {
			t.Fatalf("found %v and %v, missing %v", found, byPseudonym, missing)
		}
		return len(found) == 1
	}
	if !held(0, users[99]) || !held(0, users[95]) || held(0, users[0]) {
		t.Error("it isn't the last ones that are kept")
	}
	if held(1, users[99]) || held(0, users[99]) {
		t.Error("a key is kept across an erasure")
	}
	c.put(0, users[:1])
	if held(1, users[0]) {
		t.Error("a key that was read before the erasure is kept after it")
	}
	c.put(1, users[1:2])
	if !held(1, users[1]) || held(0, users[1]) {
		t.Error("the state of the cache isn't told apart from an older one")
	}
}
