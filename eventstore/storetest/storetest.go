// Package storetest is what every log has to do, whatever engine it is on:
// cases that each state the rule that they defend. [Run] runs them.
package storetest

import (
	"database/sql"
	"testing"

	"boxoffice/domain"
	"boxoffice/eventstore"
)

// A Log is one log that is empty at first.
type Log struct {
	// Open opens another store on it, as another process would, with the same
	// master key; the store is closed when the test ends.
	Open func(t *testing.T) *eventstore.Store
	// SQL reaches the tables past the store.
	SQL *sql.DB
	// Tables are all tables of the log.
	Tables []string
	// Clock is what all its stores take for the present.
	Clock *Clock
}

// A rule is one case.
type rule struct {
	name string
	// says is the rule, as it is promised to those who use the log.
	says string
	test func(t *testing.T, l *Log)
}

// Run runs every case on a log of its own, which fresh makes.
func Run(t *testing.T, fresh func(t *testing.T) *Log) {
	for _, rules := range [][]rule{appendRules, duplicateRules, refusedRules, erasureRules, secrecyRules, readRules, bulkRules, personRules, retractionRules, compactionRules, newUserRules, scrubRules, scheduleRules} {
		for _, r := range rules {
			t.Run(r.name, func(t *testing.T) {
				t.Parallel()
				defer func() {
					if t.Failed() {
						t.Logf("the rule: %s", r.says)
					}
				}()
				r.test(t, fresh(t))
			})
		}
	}
}

// Now is the instant at which a Clock begins.
var Now = must(domain.ParseInstant("2026-11-23T12:00:00Z"))

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
