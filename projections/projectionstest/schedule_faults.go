// This file is what goes wrong in the database during a schedule: a trigger
// makes a statement fail, or breaks the connection, so that it is the same on
// both engines and no code of the service knows of it.

package projectionstest

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"boxoffice/internal/sqldb"
)

// A fault is what happens at the first change of a kind to a table.
type fault struct {
	schema, table string
	op            string // INSERT, UPDATE or DELETE
	how           failure
	when          string // a condition in SQL; none: always
}

// A failure is the way in which it goes wrong.
type failure string

const (
	failing  failure = "the statement fails"
	rolling  failure = "the transaction is rolled back"  // SQLite only
	breaking failure = "the connection breaks"           // PostgreSQL only
	atCommit failure = "the connection breaks at commit" // PostgreSQL only
)

var failures = map[sqldb.Engine][]failure{
	sqldb.SQLite:   {failing, rolling},
	sqldb.Postgres: {failing, breaking, atCommit},
}

var noFault fault

func (f fault) set() bool { return f.table != "" }

// drawFault draws a fault in a schema, or none. Where there is no schema yet
// there is none.
func (s *schedule) drawFault(schema string) fault {
	engine := s.db.Dialect().Name
	if schema == "" || !rapid.Bool().Draw(s.t.rt, "fault") {
		return noFault
	}
	return fault{
		schema: schema,
		table:  rapid.SampledFrom(s.tables(schema)).Draw(s.t.rt, "table"),
		op:     rapid.SampledFrom([]string{"INSERT", "INSERT", "UPDATE", "DELETE"}).Draw(s.t.rt, "operation"),
		how:    rapid.SampledFrom(failures[engine]).Draw(s.t.rt, "failure"),
	}
}

// tables returns the tables of a schema, in an order that stays the same.
func (s *schedule) tables(schema string) []string {
	query := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
	if s.db.Dialect().Name == sqldb.Postgres {
		query = "SELECT table_name FROM information_schema.tables WHERE table_schema = '" + schema + "'"
	}
	db := s.schema(schema)
	defer db.Close()
	rows, err := db.SQL().QueryContext(s.t.Context(), query)
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			s.t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		s.t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

func (s *schedule) schema(name string) *sqldb.DB {
	db, err := s.db.Schema(s.t.Context(), name)
	if err != nil {
		s.t.Fatal(err)
	}
	return db
}

// install makes the fault wait for its moment.
func (s *schedule) install(f fault) {
	if !f.set() {
		return
	}
	when := ""
	if f.when != "" {
		when = " WHEN (" + f.when + ")"
	}
	if s.db.Dialect().Name == sqldb.SQLite {
		with := map[failure]string{failing: "ABORT", rolling: "ROLLBACK"}[f.how]
		s.execute(f.schema, fmt.Sprintf(`CREATE TRIGGER fault BEFORE %s ON "%s"%s BEGIN SELECT RAISE(%s, 'injected'); END`, f.op, f.table, when, with))
		return
	}
	does := "PERFORM pg_terminate_backend(pg_backend_pid())"
	if f.how == failing {
		does = "RAISE 'injected'"
	}
	s.execute(f.schema, "CREATE OR REPLACE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "+does+"; RETURN COALESCE(NEW, OLD); END $$")
	kind := "TRIGGER fault BEFORE %s ON %s"
	if f.how == atCommit {
		kind = "CONSTRAINT TRIGGER fault AFTER %s ON %s DEFERRABLE INITIALLY DEFERRED"
	}
	s.execute(f.schema, "CREATE "+fmt.Sprintf(kind, f.op, f.table)+" FOR EACH ROW"+when+" EXECUTE FUNCTION fault()")
}

// remove takes the fault away, whether it came to its moment or not.
func (s *schedule) remove(f fault) {
	switch {
	case !f.set():
	case s.db.Dialect().Name == sqldb.SQLite:
		s.execute(f.schema, "DROP TRIGGER fault")
	default:
		s.execute(f.schema, "DROP TRIGGER fault ON "+f.table)
	}
}

func (s *schedule) execute(schema, text string) {
	db := s.schema(schema)
	defer db.Close()
	if _, err := db.SQL().ExecContext(s.t.Context(), text); err != nil {
		s.t.Fatalf("%s: %v", text, err)
	}
}
