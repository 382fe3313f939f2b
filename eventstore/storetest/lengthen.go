// This file makes a log long, for measuring.

package storetest

import (
	"fmt"
	"testing"

	"boxoffice/internal/sqldb"
)

// Lengthen makes a log longer by many events, past the store and so in a fraction of
// the time: events of its users, who are all over it, and the accounts of batches of
// 16. db is the log's schema. Nothing but the look-up of events may be asked of it
// afterwards, since what they say is all the same.
func Lengthen(b testing.TB, db *sqldb.DB, events int) {
	b.Helper()
	numbers := fmt.Sprintf("WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < %d - 1) ", events)
	statements := []string{
		"CREATE TABLE bench_users (n INTEGER PRIMARY KEY, user_key BLOB)",
		"INSERT INTO bench_users SELECT row_number() OVER (ORDER BY user_key) - 1, user_key FROM users",
		numbers + `INSERT INTO events SELECT h.position + n + 1, h.recorded_at, h.recorded_at, 'playback.progressed',
			(SELECT u.user_key FROM bench_users u WHERE u.n = numbers.n * 2654435761 % 4294967296 % (SELECT count(*) FROM bench_users)), '/platform', 'event-' || n,
			CAST('{"session_id":"s","content_id":"film","position_s":1}' AS BLOB), NULL, CAST(printf('%016d', n) AS BLOB), zeroblob(16)
			FROM numbers, log_head h`,
		numbers + `INSERT INTO accounts (stream, first_sequence, last_sequence, appended, duplicates, refused, first_position, last_position, recorded_at, batches)
			SELECT 'filled', n, n + 15, 16, 0, 0, h.position + n + 1, h.position + n + 16, h.recorded_at, 1
			FROM numbers, log_head h WHERE n % 16 = 0`,
	}
	if db.Dialect().Name == sqldb.Postgres {
		numbers = fmt.Sprintf("generate_series(0, %d - 1) AS n", events)
		statements = []string{
			"CREATE TABLE bench_users (n integer PRIMARY KEY, user_key uuid)",
			statements[1],
			`INSERT INTO events SELECT h.position + picked.n + 1, h.recorded_at, h.recorded_at, 'playback.progressed', u.user_key, '/platform', 'event-' || picked.n,
				'{"session_id":"s","content_id":"film","position_s":1}', NULL, convert_to(lpad(picked.n::text, 16, '0'), 'UTF8'), '\x00000000000000000000000000000000'
				FROM (SELECT n, n::bigint * 2654435761 % 4294967296 % (SELECT count(*) FROM bench_users) AS of FROM ` + numbers + `) picked
				JOIN bench_users u ON u.n = picked.of, log_head h ORDER BY picked.n`,
			`INSERT INTO accounts (stream, first_sequence, last_sequence, appended, duplicates, refused, first_position, last_position, recorded_at, batches)
				SELECT 'filled', n, n + 15, 16, 0, 0, h.position + n + 1, h.position + n + 16, h.recorded_at, 1
				FROM ` + numbers + `, log_head h WHERE n % 16 = 0`,
		}
	}
	for _, statement := range append(statements, fmt.Sprintf("UPDATE log_head SET position = position + %d", events)) {
		if _, err := db.SQL().ExecContext(b.Context(), statement); err != nil {
			b.Fatal(err)
		}
	}
	if db.Dialect().Name == sqldb.Postgres {
		if _, err := db.SQL().ExecContext(b.Context(), "VACUUM ANALYZE"); err != nil {
			b.Fatal(err)
		}
	}
}
