// This file is SQLite: opening a file, and loading rows with prepared inserts.

package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
)

var sqliteDialect = &Dialect{
	Name:      SQLite,
	oneWriter: true,
	onWriter:  "PRAGMA cache_size = -4096", // in KiB, of which the driver takes twice as much; see dsn for the others
	copy:      copySQLite,
	goose:     goose.DialectSQLite3,
}

type sqliteLocation struct {
	path        string
	synchronous string
	readOnly    bool
}

// SQLiteURL returns the URL of the file at path.
func SQLiteURL(path string) string { return "sqlite:" + escapePath(path) }

// escapePath encodes what would end the path in a URL.
func escapePath(path string) string {
	return strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
}

func locateSQLite(text string) (location, error) {
	path, query, _ := strings.Cut(strings.TrimPrefix(text, "sqlite:"), "?")
	path, err := url.PathUnescape(path)
	if err != nil {
		return nil, fmt.Errorf("open database: the sqlite URL's path: %w", err)
	}
	if path == "" {
		return nil, errors.New("open database: the sqlite URL has no path")
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, fmt.Errorf("open database: the sqlite URL's parameters: %w", err)
	}
	l := &sqliteLocation{path: path, synchronous: "full"}
	for name := range values {
		value := values.Get(name)
		if name != "synchronous" || value != "full" && value != "normal" {
			return nil, errors.New("open database: the only parameter of a sqlite URL is synchronous, full or normal")
		}
		l.synchronous = value
	}
	return l, nil
}

// file returns the path of a schema's file.
func (l *sqliteLocation) file(schema string) string {
	if schema == "" {
		return l.path
	}
	ext := filepath.Ext(l.path)
	return strings.TrimSuffix(l.path, ext) + "-" + schema + ext
}

func (l *sqliteLocation) open(ctx context.Context, schema string) (*DB, error) {
	// The driver's fdatasync leaves out flushing a file's timestamps; a commit
	// is as durable.
	if _, err := sqlite.Fdatasync(true); err != nil && !errors.Is(err, sqlite.ErrFdatasyncUnavailable) {
		return nil, fmt.Errorf("open database: %w", err)
	}
	pool, err := sql.Open("sqlite", l.dsn(schema))
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	db, err := newDB(ctx, pool, sqliteDialect, l, schema)
	if err == nil && !l.readOnly {
		sortBeside.Do(func() { err = db.sortInDirectory(ctx, filepath.Dir(l.path)) })
	}
	if err != nil {
		return nil, err
	}
	return db, nil
}

// sortBeside sets where the engine keeps what it sorts and can't hold in memory,
// which is one place for the whole process: the directory of the first database
// that it writes to. There is room, it can be written to, and it is protected
// like the database itself. Where it is gone, the engine takes the system's.
var sortBeside sync.Once

func (db *DB) sortInDirectory(ctx context.Context, dir string) error {
	if os.Getenv("SQLITE_TMPDIR") != "" {
		return nil
	}
	_, err := db.sql.ExecContext(ctx, "PRAGMA temp_store_directory = "+quoteText(dir))
	if err != nil {
		return errors.Join(fmt.Errorf("sort in the database's directory: %w", err), db.Close())
	}
	return nil
}

// dsn returns the driver's name of a schema's file. A transaction that may write
// locks at once, since one that has read first can't wait for a writer: it
// would have to be given up. What a connection caches isn't counted as Go's
// memory, so it is small: the operating system caches the file too.
func (l *sqliteLocation) dsn(schema string) string {
	parameters := url.Values{
		"_busy_timeout": {"10000"},
		"_journal_mode": {"WAL"},
		"_synchronous":  {l.synchronous},
		"_foreign_keys": {"on"},
		"_txlock":       {"immediate"},
		"_dqs":          {"false"},
		"_pragma":       {"cache_size(-2048)", "temp_store(memory)", "recursive_triggers(on)", "wal_autocheckpoint(4000)", "secure_delete(on)"},
	}
	if l.readOnly {
		// The file has its journal mode already.
		parameters.Del("_journal_mode")
		parameters.Set("mode", "ro")
	}
	return "file:" + escapePath(l.file(schema)) + "?" + parameters.Encode()
}

func (l *sqliteLocation) drop(_ context.Context, _ *DB, schema string) error {
	for _, end := range []string{"", "-wal", "-shm", "-" + migrationLock, "-scrub", "-compaction"} {
		if err := os.Remove(l.file(schema) + end); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// rowsAtOnce is how many rows one prepared insert takes. More make a row no
// cheaper.
const rowsAtOnce = 64

func copySQLite(ctx context.Context, tx *Tx, table string, columns []string, rows Rows) (int64, error) {
	in := &inserter{ctx: ctx, tx: tx, table: table, columns: columns}
	defer in.close()
	args := make([]any, 0, rowsAtOnce*len(columns))
	var n int64
	for rows.Next() {
		row, err := rows.Values()
		if err != nil {
			return n, err
		}
		args = append(args, row...)
		n++
		if len(args) == cap(args) {
			if err := in.insert(args); err != nil {
				return n, err
			}
			args = args[:0]
		}
	}
	if err := rows.Err(); err != nil {
		return n, err
	}
	// What is left goes in row by row: a statement for each possible rest would
	// be prepared for one use.
	for len(args) > 0 {
		if err := in.insert(args[:len(columns)]); err != nil {
			return n, err
		}
		args = args[len(columns):]
	}
	return n, nil
}

// An inserter keeps the prepared inserts of one bulk load, by number of rows.
type inserter struct {
	ctx      context.Context
	tx       *Tx
	table    string
	columns  []string
	prepared map[int]*sql.Stmt
}

func (in *inserter) insert(args []any) error {
	stmt := in.prepared[len(args)]
	if stmt == nil {
		var err error
		stmt, err = in.tx.PrepareContext(in.ctx, in.text(len(args)/len(in.columns)))
		if err != nil {
			return err
		}
		if in.prepared == nil {
			in.prepared = map[int]*sql.Stmt{}
		}
		in.prepared[len(args)] = stmt
	}
	_, err := stmt.ExecContext(in.ctx, args...)
	return err
}

func (in *inserter) text(rows int) string {
	row := "(?" + strings.Repeat(", ?", len(in.columns)-1) + ")"
	return "INSERT INTO " + quote(in.table) + " (" + quoteAll(in.columns) + ") VALUES " +
		row + strings.Repeat(", "+row, rows-1)
}

func (in *inserter) close() {
	for _, stmt := range in.prepared {
		stmt.Close()
	}
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// quoteText writes a text as SQL does, where no argument can stand.
func quoteText(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

func quoteAll(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = quote(name)
	}
	return strings.Join(quoted, ", ")
}
