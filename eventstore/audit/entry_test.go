package audit_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/eventstore/audit"
	"boxoffice/eventstore/vault"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// goldenRows are the rows whose entries testdata/entries.golden keeps.
var goldenRows = []eventstore.SealedRecord{
	{
		Position: 1, RecordedAt: 1795435200123456, Time: 1795435200000000, Type: "user.updated",
		User: eventstore.UserKey{0: 0xAA, 6: 0x4B, 8: 0x8C, 15: 0xBB}, Source: "//platform", ID: "é-1",
		Public: []byte(`{}`), Sealed: []byte{1, 0, 255},
	},
	{
		Position: 2, RecordedAt: 1795435200999999, Time: -2208988800000000, Type: "playback.progressed",
		User: eventstore.UserKey{15: 1}, Source: "https://platform.example/events?a=b&c", ID: "<&> \u2028",
		Public: []byte(`{"session_id":"<&>\u2028 \"","position_s":1.50e0,"content_id":"é"}`),
	},
	{
		Position: 3, RecordedAt: 1795435201000000, Time: 1795435200000001, Type: "subscription.started",
		User: eventstore.UserKey{0: 0xFF, 15: 0xFF}, Source: strings.Repeat("s", 255), ID: strings.Repeat("i", 255),
		Public: []byte(`{"amount":999}`), Sealed: bytes.Repeat([]byte{7}, 1000),
	},
}

// An entry never changes: proofs rest on it. The same row has the same bytes
// whichever engine it comes from.
func TestEntriesAreTheSameFromEitherEngine(t *testing.T) {
	golden, err := os.ReadFile("testdata/entries.golden")
	if err != nil {
		t.Fatal(err)
	}
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		s := logOf(t, open, goldenRows)
		page, err := s.ReadSealed(t.Context(), eventstore.SealedQuery{Limit: 10})
		if err != nil || len(page.Records) != len(goldenRows) {
			t.Fatal(len(page.Records), err)
		}
		var got []byte
		for i := range page.Records {
			got = audit.AppendEntry(got, &page.Records[i])
		}
		if string(got) != string(golden) {
			t.Errorf("the entries are\n%s\nand have to be\n%s", got, golden)
		}
	})
}

// logOf makes a log that holds the rows, past the store.
func logOf(t *testing.T, open func() *sqldb.DB, rows []eventstore.SealedRecord) *eventstore.Store {
	t.Helper()
	db := open()
	if err := eventstore.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	s, err := eventstore.Open(t.Context(), db, vault.FileMasterKey(filepath.Join(t.TempDir(), "master.json"), true), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	own, err := db.Schema(t.Context(), map[sqldb.Engine]string{sqldb.Postgres: "boxoffice_log", sqldb.SQLite: "log"}[db.Dialect().Name])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { own.Close() })
	for i, r := range rows {
		_, err := own.SQL().ExecContext(t.Context(), `INSERT INTO events
			(position, recorded_at, time, type, user_key, source, id, data, sealed, identity, content) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)`,
			int64(r.Position), sqldb.Micros(r.RecordedAt), sqldb.Micros(r.Time), string(r.Type), sqldb.UUID(r.User), r.Source, r.ID,
			r.Public, r.Sealed, bytes.Repeat([]byte{byte(i)}, 16))
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := own.SQL().ExecContext(t.Context(), "UPDATE log_head SET position = $1", len(rows)); err != nil {
		t.Fatal(err)
	}
	return s
}

// An entry has ten lines, each ended by a line feed, from which everything that
// it commits to can be read back, and is never longer than it may be.
func TestEntry(t *testing.T) {
	text := rapid.StringMatching(`[^\x00-\x1f\x7f-\x9f]{1,63}`)
	rapid.Check(t, func(t *rapid.T) {
		r := eventstore.SealedRecord{
			Position:   eventstore.Position(rapid.Int64Range(1, 1<<62).Draw(t, "position")),
			RecordedAt: domain.Instant(rapid.Int64Range(0, 7258118400000000).Draw(t, "recorded_at")),
			Time:       domain.Instant(rapid.Int64Range(-2208988800000000, 7258118400000000).Draw(t, "time")),
			Type:       domain.Type(rapid.SampledFrom([]string{"user.updated", "subscription.plan_changed"}).Draw(t, "type")),
			User:       eventstore.UserKey(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "user")),
			Source:     text.Draw(t, "source"), ID: text.Draw(t, "id"),
			Public: rapid.SliceOf(rapid.Byte()).Draw(t, "data"),
		}
		if rapid.Bool().Draw(t, "is sealed") {
			r.Sealed = rapid.SliceOfN(rapid.Byte(), 1, -1).Draw(t, "sealed")
		}
		entry := audit.AppendEntry([]byte("before"), &r)
		rest, ok := bytes.CutPrefix(entry, []byte("before"))
		if !ok || len(rest) > audit.MaxEntryBytes {
			t.Fatalf("%d bytes: %q", len(rest), entry)
		}
		lines := strings.Split(string(rest), "\n")
		sealed := ""
		if r.Sealed != nil {
			sealed = sum(r.Sealed)
		}
		want := []string{"boxoffice/v1", fmt.Sprint(int64(r.Position)), instant(t, r.RecordedAt, lines, 2), instant(t, r.Time, lines, 3),
			string(r.Type), r.Source, r.ID, sqldb.UUID(r.User).String(), sum(r.Public), sealed, ""}
		if fmt.Sprintf("%q", lines) != fmt.Sprintf("%q", want) {
			t.Errorf("%q, want %q", lines, want)
		}
	})
}

// instant is a line that has to say an instant, in UTC and with six decimals.
func instant(t *rapid.T, i domain.Instant, lines []string, n int) string {
	at, err := time.Parse("2006-01-02T15:04:05.000000Z", lines[n])
	if err != nil || domain.InstantOf(at) != i {
		t.Fatalf("%q isn't %d: %v", lines[n], i, err)
	}
	return lines[n]
}

func sum(b []byte) string {
	hash := sha256.Sum256(b)
	return base64.StdEncoding.EncodeToString(hash[:])
}
