// This file is the bare loop, the raw limit of ingest: one goroutine that
// pulls, decodes, loads into a table with the columns and the indexes of the
// log's, commits and acknowledges. It checks nothing, encrypts nothing, and
// knows no event again.

package bench

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/nats-io/nats.go/jetstream"

	"boxoffice/internal/sqldb"
	"boxoffice/wire"
)

const (
	bareConsumer = "bench-bare"
	bareBatch    = 5000
)

func bareSide(ctx context.Context, r *sideRun) (_ Result, err error) {
	table, err := logSchema(ctx, r.database())
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, table.Close()) }()
	position, err := countEvents(ctx, table)
	if err != nil {
		return Result{}, err
	}
	load := loadSQLite
	if r.Engine == sqldb.Postgres {
		load = loadPostgres
	}
	return r.takeAll(ctx, table, func(ctx context.Context, from *broker, n int64) (int64, error) {
		conn, err := table.SQL().Conn(ctx)
		if err != nil {
			return 0, err
		}
		defer conn.Close()
		loop := &bareLoop{position: position, load: func(rows [][]any) error { return load(ctx, conn, rows) }, progress: r.progress}
		err = loop.run(ctx, from, n)
		position = loop.position
		if err != nil {
			return 0, err
		}
		return from.awaitAcked(ctx, bareConsumer)
	})
}

// A bareLoop is the loop, and where it is.
type bareLoop struct {
	position int64
	load     func(rows [][]any) error
	progress func(done int64)
}

func (l *bareLoop) run(ctx context.Context, from *broker, n int64) error {
	consumer, err := from.JetStream().CreateOrUpdateConsumer(ctx, wire.Stream, jetstream.ConsumerConfig{
		Durable: bareConsumer, AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 4 * bareBatch,
	})
	if err != nil {
		return err
	}
	for done := int64(0); done < n; {
		messages, err := pull(ctx, consumer, min(bareBatch, n-done))
		if err != nil {
			return err
		}
		rows := make([][]any, len(messages))
		for i, m := range messages {
			l.position++
			if rows[i], err = rowOf(m.Data(), l.position); err != nil {
				return err
			}
		}
		if err := l.load(rows); err != nil {
			return err
		}
		for _, m := range messages {
			if err := m.Ack(); err != nil {
				return err
			}
		}
		done += int64(len(messages))
		l.progress(done)
	}
	return nil
}

// pull waits for n messages, or for those that come within a second.
func pull(ctx context.Context, consumer jetstream.Consumer, n int64) ([]jetstream.Msg, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	batch, err := consumer.Fetch(int(n), jetstream.FetchMaxWait(time.Second))
	if err != nil {
		return nil, err
	}
	messages := make([]jetstream.Msg, 0, n)
	for m := range batch.Messages() {
		messages = append(messages, m)
	}
	return messages, batch.Error()
}

// A bareEvent is as much of an event as fills a row.
type bareEvent struct {
	ID      string          `json:"id"`
	Source  string          `json:"source"`
	Type    string          `json:"type"`
	Subject string          `json:"subject"`
	Time    time.Time       `json:"time"`
	Data    json.RawMessage `json:"data"`
}

// bareColumns are the columns of the table in the order of a row.
var bareColumns = []string{"position", "recorded_at", "time", "type", "user_key", "source", "id", "data", "sealed", "identity", "content"}

// rowOf makes a row of an event. Hashes stand for the keys of 16 bytes, so that
// the indexes have as much to do as with the log's.
func rowOf(body []byte, position int64) ([]any, error) {
	var e bareEvent
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, err
	}
	user := sha256.Sum256([]byte(e.Subject))
	identity := sha256.Sum256([]byte(e.Source + "\x00" + e.ID))
	content := sha256.Sum256(e.Data)
	return []any{position, sqldb.Micros(time.Now().UnixMicro()), sqldb.Micros(e.Time.UnixMicro()), e.Type, sqldb.UUID(user[:16]),
		e.Source, e.ID, []byte(e.Data), nil, identity[:16], content[:16]}, nil
}

// loadPostgres loads rows with COPY in a transaction.
func loadPostgres(ctx context.Context, conn *sql.Conn, rows [][]any) error {
	return conn.Raw(func(driver any) error {
		_, err := driver.(*stdlib.Conn).Conn().CopyFrom(ctx, pgx.Identifier{"events"}, bareColumns, pgx.CopyFromRows(rows))
		return err
	})
}

// bareRowsAtOnce is how many rows one prepared insert of SQLite takes. More
// make it no faster.
const bareRowsAtOnce = 64

// loadSQLite loads rows with prepared inserts in a transaction.
func loadSQLite(ctx context.Context, conn *sql.Conn, rows [][]any) (err error) {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	args := make([]any, 0, bareRowsAtOnce*len(bareColumns))
	for _, atOnce := range []int{bareRowsAtOnce, 1} {
		insert, err := tx.PrepareContext(ctx, insertOf(atOnce))
		if err != nil {
			return err
		}
		defer insert.Close()
		for ; len(rows) >= atOnce; rows = rows[atOnce:] {
			args = args[:0]
			for _, row := range rows[:atOnce] {
				args = append(args, row...)
			}
			if _, err := insert.ExecContext(ctx, args...); err != nil {
				return err
			}
		}
	}
	return tx.Commit()
}

func insertOf(rows int) string {
	row := "(?" + strings.Repeat(", ?", len(bareColumns)-1) + ")"
	return fmt.Sprintf("INSERT INTO events (%s) VALUES %s%s", strings.Join(bareColumns, ", "), row, strings.Repeat(", "+row, rows-1))
}
