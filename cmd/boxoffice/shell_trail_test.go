// This file tests what is promised of the trail of commands that work on the
// database itself, where a script can't look.

package main

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"boxoffice/access"
	"boxoffice/access/trail"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// What can't be written into the trail isn't done.
func TestNothingIsDoneUntold(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		err := withAuditEntry(t.Context(), open(), slog.New(slog.DiscardHandler), trail.Entry{Action: access.MakeKey}, func(*trail.Entry) error {
			t.Error("it was done")
			return nil
		})
		if err == nil || !strings.Contains(err.Error(), "can't be taken down, so it isn't done (`boxoffice migrate`") {
			t.Errorf("the error is %v", err)
		}
	})
}

// It stands in the trail before it is done, and how it ended after.
func TestItIsToldBefore(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		if err := trail.Migrate(t.Context(), open()); err != nil {
			t.Fatal(err)
		}
		last := func() trail.Entry {
			tr, err := trail.Open(t.Context(), open(), trail.Config{})
			if err != nil {
				t.Fatal(err)
			}
			defer tr.Close()
			entries, _, err := tr.Entries(t.Context(), trail.Query{Limit: 1})
			if err != nil || len(entries) != 1 {
				t.Fatal(entries, err)
			}
			return entries[0]
		}
		failed := errors.New("failed")
		for want, result := range map[int]error{statusDone: nil, statusFailed: failed} {
			err := withAuditEntry(t.Context(), open(), slog.New(slog.DiscardHandler), trail.Entry{Action: actionScrub}, func(*trail.Entry) error {
				if e := last(); e.Action != actionScrub || e.Status != 0 || time.Since(e.At) > time.Minute {
					t.Errorf("while it is done the entry is %+v", e)
				}
				return result
			})
			if !errors.Is(err, result) {
				t.Errorf("the error is %v, want %v", err, result)
			}
			if e := last(); e.Status != want || e.Role != access.ShellRole || e.Actor != shellActor() {
				t.Errorf("afterwards the entry is %+v, want status %d", e, want)
			}
		}
	})
}
