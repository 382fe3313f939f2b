// Package trail records who did what with people's data, apart from the log
// of events: entries are added, read, and deleted once they have been kept long
// enough, and never changed.
//
// An entry names nobody: the people whom it is about stand in it as the
// pseudonyms that the log has for them, which are nobody's once a user is
// erased. Parameters stand in it by their names; their values may be personal.
//
// What is about to be changed is written down before it is done ([Trail.Begin]),
// so that no change goes untold. What was read is written down soon after
// ([Trail.Note]), several entries in one transaction, and nobody waits for it:
// see queue.go.
package trail

import (
	"cmp"
	"context"
	"embed"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"boxoffice/internal/sqldb"
)

//go:embed migrations
var migrations embed.FS

// MinRetention is how long entries are kept at least: the database refuses to
// delete younger ones.
const MinRetention = 30 * 24 * time.Hour

// A Subject is a user's pseudonym, as the log has it.
type Subject = [16]byte

// An Entry is one audit entry.
type Entry struct {
	// ID is given by the trail.
	ID int64
	At time.Time
	// Actor is the name of the key or of the person, and Role what they acted as:
	// a role of the API, or shell.
	Actor, Role string
	// Action is the operation's id, or what stands for a command of the shell.
	Action string
	// Status is the HTTP status of the answer; 0 where it isn't known.
	Status int
	// People is how many people or records it was about; nil where that isn't
	// known.
	People *int64
	// Subjects are the users whom it was about, as far as they are told one by
	// one. IDs are users' ids that are not pseudonyms yet: they are looked up
	// when the entry is written, and what isn't found is left out.
	Subjects []Subject
	IDs      []string
	// Parameters are the names of what was given, sorted.
	Parameters []string
}

// A Query asks for entries, the latest first. A zero filter is met by all.
type Query struct {
	From, To      *time.Time // inclusive, exclusive
	Actor, Action string
	// Before is the ID of the last one of the page before; 0 on the first.
	Before int64
	Limit  int
}

// A Config says what a trail works with.
type Config struct {
	// Pseudonyms looks up users' ids, those only that are found. Required where
	// entries have IDs.
	Pseudonyms func(ctx context.Context, ids []string) (map[string]Subject, error)
	// Logger hears of what fails; default: slog.Default().
	Logger *slog.Logger
	// Registerer, where set, takes the trail's metrics.
	Registerer prometheus.Registerer
}

// A Trail is the trail of one database. It is safe for concurrent use, by any
// number of processes.
type Trail struct {
	db     *sqldb.DB
	config Config
	queue  queue
}

// schema returns the name of the trail's part of the database.
func schema(d *sqldb.Dialect) string {
	return d.Either("boxoffice_trail", "trail")
}

// Migrate brings the trail of a database up to date.
func Migrate(ctx context.Context, database *sqldb.DB) error {
	if err := database.MigrateSchema(ctx, schema(database.Dialect()), migrations, "migrations"); err != nil {
		return fmt.Errorf("the trail: %w", err)
	}
	return nil
}

// Open opens the trail of a database that [Migrate] has brought up to date.
func Open(ctx context.Context, database *sqldb.DB, c Config) (*Trail, error) {
	db, err := database.Schema(ctx, schema(database.Dialect()))
	if err != nil {
		return nil, fmt.Errorf("open the trail: %w", err)
	}
	c.Logger = cmp.Or(c.Logger, slog.Default())
	t := &Trail{db: db, config: c}
	if err := t.queue.start(t, c.Registerer); err != nil {
		db.Close()
		return nil, fmt.Errorf("open the trail: %w", err)
	}
	return t, nil
}

// Close writes what is still waiting, for some seconds at most, and lets go of
// the database.
func (t *Trail) Close() error {
	t.queue.stop()
	return t.db.Close()
}

// Pseudonyms looks up users' ids, those only that are found.
func (t *Trail) Pseudonyms(ctx context.Context, ids []string) ([]Subject, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	known, err := t.config.Pseudonyms(ctx, ids)
	if err != nil {
		return nil, err
	}
	return inOrder(ids, known), nil
}

func inOrder(ids []string, known map[string]Subject) []Subject {
	var subjects []Subject
	for _, id := range ids {
		if s, ok := known[id]; ok {
			subjects = append(subjects, s)
		}
	}
	return subjects
}

// Begin writes down what is about to be done. When it returns nil the entry is
// durable; ID is for [Trail.End]. Its Status is left out.
func (t *Trail) Begin(ctx context.Context, e Entry) (id int64, err error) {
	found, err := t.Pseudonyms(ctx, e.IDs)
	if err != nil {
		return 0, fmt.Errorf("write the trail: %w", err)
	}
	e.Subjects, e.Status = append(e.Subjects, found...), 0
	err = t.db.InTx(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRowContext(ctx, `INSERT INTO entries (at, actor, role, action, status, people, subjects, parameters)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id`, e.row()...).Scan(&id)
	})
	if err != nil {
		return 0, fmt.Errorf("write the trail: %w", err)
	}
	return id, nil
}

var entryColumns = []string{"at", "actor", "role", "action", "status", "people", "subjects", "parameters"}

// row returns the entry as it is stored.
func (e *Entry) row() []any {
	row := []any{sqldb.Micros(e.At.UnixMicro()), storable(e.Actor), e.Role, e.Action, nil, nil, nil, strings.Join(e.Parameters, ",")}
	e.outcome(row[4:7])
	return row
}

// storable returns a text as both engines can store it.
func storable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// outcome fills in status, people and subjects.
func (e *Entry) outcome(row []any) {
	if e.Status != 0 {
		row[0] = int64(e.Status)
	}
	if e.People != nil {
		row[1] = *e.People
	}
	if len(e.Subjects) > 0 {
		row[2] = joined(e.Subjects)
	}
}

func joined(subjects []Subject) []byte {
	all := make([]byte, 0, len(subjects)*len(Subject{}))
	for _, s := range subjects {
		all = append(all, s[:]...)
	}
	return all
}

func split(all []byte) []Subject {
	subjects := make([]Subject, len(all)/len(Subject{}))
	for i := range subjects {
		subjects[i] = Subject(all[i*len(Subject{}):])
	}
	return subjects
}

// Purge deletes entries from before an instant, and returns how many. None is
// younger than [MinRetention].
func (t *Trail) Purge(ctx context.Context, before time.Time) (int64, error) {
	n, err := t.db.Change(ctx, "DELETE FROM entries WHERE at < $1", sqldb.Micros(before.UnixMicro()))
	if err != nil {
		return 0, fmt.Errorf("purge the trail: %w", err)
	}
	return n, nil
}
