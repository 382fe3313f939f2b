// This file tests where SQLite sorts. It looks at the process's open files,
// which Linux shows.

package sqldb

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The rule: what is sorted outside memory lies where the database does.
func TestSortsBesideTheDatabase(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "it's here")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	db, err := Open(t.Context(), SQLiteURL(filepath.Join(dir, "a.db")))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.sortInDirectory(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	conn, err := db.SQL().Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), "PRAGMA temp_store = file"); err != nil {
		t.Fatal(err)
	}
	rows, err := conn.QueryContext(t.Context(), `
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
		SELECT i, hex(randomblob(20)) AS x FROM n ORDER BY x`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if !rows.Next() {
		t.Fatal(rows.Err())
	}
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	var open []string
	for _, file := range files {
		target, err := os.Readlink(fmt.Sprint("/proc/self/fd/", file.Name()))
		if err == nil && strings.HasSuffix(target, "(deleted)") {
			open = append(open, target)
			if strings.HasPrefix(target, dir) {
				return
			}
		}
	}
	t.Errorf("no file that is sorted in lies in %s: %q", dir, open)
}
