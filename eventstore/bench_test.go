package eventstore_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/eventstore/storetest"
	"boxoffice/eventstore/vault"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

const (
	benchBatch = 5000
	benchUsers = 20_000
)

// benchEvents decodes the n-th batch of a platform on which 85 of 100 events
// are playback.
func benchEvents(b *testing.B, n int) eventstore.Batch {
	b.Helper()
	batch := eventstore.Batch{Stream: "bench", Messages: make([]eventstore.Incoming, benchBatch)}
	for i := range batch.Messages {
		k := n*benchBatch + i
		text := benchEvent(k)
		e, refusal := domain.Decode(&domain.Message{Body: text}, storetest.Now)
		if e == nil {
			b.Fatal(refusal)
		}
		batch.Messages[i] = eventstore.Incoming{Sequence: uint64(k + 1), Event: e, Raw: text, ReceivedAt: storetest.Now}
	}
	return batch
}

func benchEvent(k int) []byte {
	user := k * 7919 % benchUsers
	kind, data := "playback.progressed", fmt.Sprintf(
		`{"session_id":"session-%d-%d","content_id":"film-%d","position_s":%d.250,"played":[[0,%d.250]],"play_time_s":%d.5,"device":"tv","platform":"android"}`,
		user, k/benchUsers, user%500, k%7200, k%7200+1, k%7200)
	switch m := k % 100; {
	case m < 5:
		kind, data = "user.updated", fmt.Sprintf(`{"email":"user%d@example.org","first_name":"Ana","last_name":"Lovelace","locale":"fr-FR","country":"FR"}`, user)
	case m < 15:
		kind, data = "subscription.renewed", fmt.Sprintf(`{"subscription_id":"sub-%d","ends_at":"2026-12-31T00:00:00Z","amount":999,"currency":"EUR","interval":"month"}`, user)
	}
	return fmt.Appendf(nil, `{"specversion":"1.0","id":"event-%d","source":"https://platform.example/events","type":%q,"subject":"user-%d","time":"2026-11-01T%02d:%02d:%02d.%06dZ","data":%s}`,
		k, kind, user, k/3600%24, k/60%60, k%60, k%1_000_000, data)
}

func benchStore(b *testing.B, engine sqldb.Engine) (*eventstore.Store, *sqldb.DB) {
	b.Helper()
	db := sqltest.New(b, engine)()
	master := vault.FileMasterKey(filepath.Join(b.TempDir(), "master.json"), true)
	return openStore(b, db, master, &storetest.Clock{}), db
}

func eachEngine(b *testing.B, f func(b *testing.B, engine sqldb.Engine)) {
	for _, engine := range sqltest.Engines() {
		b.Run(string(engine), func(b *testing.B) { f(b, engine) })
	}
}

// BenchmarkAppend appends batches of decoded events of users who are known, one
// after the other, and in a pipeline that prepares a batch while another is
// appended. Beside each it loads the same rows into a table of the same columns
// and indexes: the raw limit. It reports both and their ratio, which says more
// than either on a machine that has other work.
func BenchmarkAppend(b *testing.B) {
	eachEngine(b, func(b *testing.B, engine sqldb.Engine) {
		b.Run("serial", func(b *testing.B) { benchAppend(b, engine, appendSerially) })
		b.Run("pipelined", func(b *testing.B) { benchAppend(b, engine, appendPipelined) })
	})
}

// atOnce is how many batches a measurement takes.
const atOnce = 6

func benchAppend(b *testing.B, engine sqldb.Engine, appendAll func(*testing.B, *eventstore.Store, []eventstore.Batch)) {
	s, db := benchStore(b, engine)
	bare(b, db)
	n := 0
	for ; n < benchUsers/benchBatch; n++ {
		appendBench(b, s, benchEvents(b, n))
	}
	var appending, copying time.Duration
	events := 0
	for b.Loop() {
		batches := make([]eventstore.Batch, atOnce)
		for i := range batches {
			batches[i] = benchEvents(b, n+i)
		}
		start := time.Now()
		appendAll(b, s, batches)
		appending += time.Since(start)
		for range batches {
			page, err := s.ReadSealed(b.Context(), eventstore.SealedQuery{After: eventstore.Position(n * benchBatch), Limit: benchBatch})
			if err != nil || len(page.Records) != benchBatch {
				b.Fatal(len(page.Records), err)
			}
			start = time.Now()
			copyBare(b, db, page.Records)
			copying += time.Since(start)
			n++
			events += benchBatch
		}
	}
	b.ReportMetric(float64(events)/appending.Seconds(), "events/s")
	b.ReportMetric(float64(events)/copying.Seconds(), "copied/s")
	b.ReportMetric(copying.Seconds()/appending.Seconds(), "of-copy")
	b.ReportMetric(0, "ns/op")
}

func appendSerially(b *testing.B, s *eventstore.Store, batches []eventstore.Batch) {
	for _, batch := range batches {
		appendBench(b, s, batch)
	}
}

func appendPipelined(b *testing.B, s *eventstore.Store, batches []eventstore.Batch) {
	prepared := make(chan *eventstore.Prepared, 1)
	go func() {
		defer close(prepared)
		for _, batch := range batches {
			p, err := s.Prepare(b.Context(), batch)
			if err != nil {
				b.Error(err)
				return
			}
			prepared <- p
		}
	}()
	for p := range prepared {
		if a, err := s.AppendPrepared(b.Context(), p); err != nil || a.Appended != benchBatch {
			b.Fatal(a, err)
		}
	}
}

func appendBench(b *testing.B, s *eventstore.Store, batch eventstore.Batch) {
	b.Helper()
	if a, err := s.Append(b.Context(), batch); err != nil || a.Appended != benchBatch {
		b.Fatal(a, err)
	}
}

func bare(b *testing.B, db *sqldb.DB) {
	b.Helper()
	statements := []string{`CREATE TABLE bare (position bigint PRIMARY KEY, recorded_at timestamptz NOT NULL, time timestamptz NOT NULL,
		type text COLLATE "C" NOT NULL, user_key uuid NOT NULL, source text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL,
		data bytea NOT NULL, sealed bytea, identity bytea NOT NULL, content bytea NOT NULL)`}
	if db.Dialect().Name == sqldb.SQLite {
		statements = []string{`CREATE TABLE bare (position INTEGER PRIMARY KEY, recorded_at INTEGER NOT NULL, time INTEGER NOT NULL,
			type TEXT NOT NULL, user_key BLOB NOT NULL, source TEXT NOT NULL, id TEXT NOT NULL,
			data BLOB NOT NULL, sealed BLOB, identity BLOB NOT NULL, content BLOB NOT NULL) STRICT`}
	}
	for _, statement := range append(statements, "CREATE UNIQUE INDEX bare_identity ON bare (identity)") {
		if _, err := db.SQL().ExecContext(b.Context(), statement); err != nil {
			b.Fatal(err)
		}
	}
}

func copyBare(b *testing.B, db *sqldb.DB, rows []eventstore.SealedRecord) {
	columns := []string{"position", "recorded_at", "time", "type", "user_key", "source", "id", "data", "sealed", "identity", "content"}
	err := db.InTx(b.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.CopyIn(b.Context(), "bare", columns, sqldb.RowsOf(len(rows), len(columns), func(i int, v []any) {
			r := &rows[i]
			v[0], v[1], v[2] = int64(r.Position), sqldb.Micros(r.RecordedAt), sqldb.Micros(r.Time)
			v[3], v[4], v[5], v[6] = string(r.Type), sqldb.UUID(r.User), r.Source, r.ID
			v[7], v[8], v[9], v[10] = r.Public, r.Sealed, r.Identity[:], r.Content[:]
		}))
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkRead reads the log from its beginning, opened and decoded.
func BenchmarkRead(b *testing.B) {
	eachEngine(b, func(b *testing.B, engine sqldb.Engine) {
		s, _ := benchStore(b, engine)
		const batches = 10
		for n := range batches {
			if _, err := s.Append(b.Context(), benchEvents(b, n)); err != nil {
				b.Fatal(err)
			}
		}
		read := 0
		for b.Loop() {
			records, err := s.Read(b.Context(), eventstore.Position(read%(batches*benchBatch)), benchBatch)
			if err != nil || len(records) != benchBatch {
				b.Fatal(len(records), err)
			}
			read += benchBatch
		}
		b.ReportMetric(float64(read)/b.Elapsed().Seconds(), "events/s")
	})
}
