// This file has the fuzzer try what is read as text: URLs and UUIDs.

package sqldb

import (
	"strings"
	"testing"
)

// FuzzUUID defends: a UUID is written as it was read.
func FuzzUUID(f *testing.F) {
	f.Add("01234567-89ab-cdef-0123-456789abcdef")
	f.Add("01234567-89AB-CDEF-0123-456789ABCDEF")
	f.Add("0123456789abcdef0123456789abcdef0123")
	f.Fuzz(func(t *testing.T, s string) {
		var u UUID
		if err := u.Scan(s); err == nil && u.String() != strings.ToLower(s) {
			t.Errorf("%q is read as %s", s, u)
		}
	})
}

// FuzzSQLiteURL defends: the URL of a path names that path, and no parameter.
func FuzzSQLiteURL(f *testing.F) {
	for _, path := range []string{"/a/b.db", "50%.db", "what?.db", "a#b", "%2f", "sqlite:x?synchronous=normal"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		l, err := locate(SQLiteURL(path))
		if path == "" {
			if err == nil {
				t.Error("an empty path is taken")
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := l.(*sqliteLocation); got.path != path || got.synchronous != "full" {
			t.Errorf("the URL of %q names %q, synchronous %s", path, got.path, got.synchronous)
		}
	})
}

// FuzzLocate defends: any URL is taken or is an error, and no error of a
// server's URL quotes what may be its password.
func FuzzLocate(f *testing.F) {
	for _, url := range []string{"", "x:y", "sqlite:a?synchronous=off", "sqlite:%zz", "postgres://u:secretsecret@h/d", "postgres://u:secretsecret@h:port/d?sslmode=x", "postgresql://["} {
		f.Add(url)
	}
	f.Fuzz(func(t *testing.T, url string) {
		_, err := locate(url)
		if err != nil && strings.Contains(url, "secretsecret") && strings.Contains(err.Error(), "secretsecret") {
			t.Errorf("the error quotes the URL: %v", err)
		}
	})
}
