package trail_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"boxoffice/access/trail"
	"boxoffice/internal/eventually"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// directory knows the pseudonyms of ana and bea, unless it is broken.
type directory struct{ broken atomic.Bool }

var (
	ana = trail.Subject{1}
	bea = trail.Subject{2, 255}
)

func (d *directory) pseudonyms(_ context.Context, ids []string) (map[string]trail.Subject, error) {
	if d.broken.Load() {
		return nil, errors.New("the database is away")
	}
	return map[string]trail.Subject{"ana": ana, "bea": bea}, nil
}

func open(t *testing.T, db *sqldb.DB, d *directory) *trail.Trail {
	t.Helper()
	if err := trail.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	tr, err := trail.Open(t.Context(), db, trail.Config{Pseudonyms: d.pseudonyms, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tr.Close() })
	return tr
}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// all waits until the trail has n entries, and returns them, the latest first.
func all(t *testing.T, tr *trail.Trail, n int) []trail.Entry {
	t.Helper()
	var entries []trail.Entry
	eventually.Succeeds(t, "the trail has the entries", func() error {
		var next int64
		var err error
		if entries, next, err = tr.Entries(t.Context(), trail.Query{Limit: 1000}); err != nil || next != 0 {
			t.Fatal(next, err)
		}
		if len(entries) != n {
			return fmt.Errorf("it has %d, want %d", len(entries), n)
		}
		return nil
	})
	return entries
}

// What is noted and what is begun stands there, with pseudonyms for ids.
func TestEntries(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, db func() *sqldb.DB) {
		tr := open(t, db(), &directory{})
		two := int64(2)
		tr.Note(trail.Entry{At: noon, Actor: "desk\x00\xff", Role: "support", Action: "list-users", Status: 200, People: &two,
			IDs: []string{"bea", "nobody", "ana"}, Parameters: []string{"q", "status"}})
		all(t, tr, 1)
		id, err := tr.Begin(t.Context(), trail.Entry{At: noon.Add(time.Second), Actor: "boss", Role: "admin", Action: "edit-user", IDs: []string{"ana"}, Status: 1})
		if err != nil {
			t.Fatal(err)
		}
		want := []trail.Entry{
			{ID: id, At: noon.Add(time.Second), Actor: "boss", Role: "admin", Action: "edit-user", Subjects: []trail.Subject{ana}},
			{ID: id - 1, At: noon, Actor: "desk\uFFFD\uFFFD", Role: "support", Action: "list-users", Status: 200, People: &two,
				Subjects: []trail.Subject{bea, ana}, Parameters: []string{"q", "status"}},
		}
		same := cmp.Comparer(func(a, b []trail.Subject) bool { return fmt.Sprint(a) == fmt.Sprint(b) })
		if diff := cmp.Diff(want, all(t, tr, 2), same); diff != "" {
			t.Error(diff)
		}
		// How it ended is told beside it: the entry isn't changed.
		tr.End(id, trail.Entry{Status: 200, People: &two, Subjects: []trail.Subject{ana}, IDs: []string{"bea"}})
		tr.End(id, trail.Entry{Status: 500})
		if err := tr.Close(); err != nil {
			t.Fatal(err)
		}
		want[0].Status, want[0].People, want[0].Subjects = 200, &two, []trail.Subject{ana, bea}
		if diff := cmp.Diff(want, all(t, open(t, db(), &directory{}), 2), same); diff != "" {
			t.Error(diff)
		}
	})
}

func TestFiltersAndPages(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, db func() *sqldb.DB) {
		tr := open(t, db(), &directory{})
		for i := range 25 {
			tr.Note(trail.Entry{At: noon.Add(time.Duration(i) * time.Minute), Actor: fmt.Sprint("key ", i%2), Action: fmt.Sprint("act ", i%3)})
		}
		all(t, tr, 25)
		from, to := noon.Add(3*time.Minute), noon.Add(20*time.Minute)
		for name, c := range map[string]struct {
			q    trail.Query
			want int
		}{
			"all":          {trail.Query{}, 25},
			"from":         {trail.Query{From: &from}, 22},
			"to":           {trail.Query{To: &to}, 20},
			"both":         {trail.Query{From: &from, To: &to}, 17},
			"actor":        {trail.Query{Actor: "key 1"}, 12},
			"action":       {trail.Query{Action: "act 2"}, 8},
			"all together": {trail.Query{From: &from, To: &to, Actor: "key 0", Action: "act 0"}, 3},
			"nobody":       {trail.Query{Actor: "key 7"}, 0},
		} {
			for _, limit := range []int{1, 4, 25, 100} {
				q, n := c.q, 0
				q.Limit = limit
				last := int64(1 << 62)
				for {
					page, next, err := tr.Entries(t.Context(), q)
					if err != nil {
						t.Fatal(err)
					}
					for _, e := range page {
						if e.ID >= last {
							t.Fatalf("%s: %d comes after %d", name, e.ID, last)
						}
						last = e.ID
					}
					n += len(page)
					if next == 0 {
						break
					}
					q.Before = next
				}
				if n != c.want {
					t.Errorf("%s, %d at a time: %d entries, want %d", name, limit, n, c.want)
				}
			}
		}
	})
}

// While the trail can't be written, nobody who reads waits or fails, and what
// is to be changed isn't; when it can, everything that waited is there.
func TestADatabaseThatIsAway(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, db func() *sqldb.DB) {
		d := &directory{}
		tr := open(t, db(), d)
		id, err := tr.Begin(t.Context(), trail.Entry{At: noon, Action: "edit-user"})
		if err != nil {
			t.Fatal(err)
		}
		d.broken.Store(true)
		for range 100 {
			tr.Note(trail.Entry{At: noon, Action: "get-user", IDs: []string{"ana"}})
		}
		tr.End(id, trail.Entry{Status: 200})
		if _, err := tr.Begin(t.Context(), trail.Entry{IDs: []string{"ana"}}); err == nil {
			t.Error("something was begun")
		}
		time.Sleep(300 * time.Millisecond) // so that a try has failed
		d.broken.Store(false)
		for _, e := range all(t, tr, 101) {
			if e.ID != id && (len(e.Subjects) != 1 || e.Subjects[0] != ana) {
				t.Fatalf("the entry is %+v", e)
			}
		}
	})
}

// What is too much to wait is lost, and that it is stands in the trail.
func TestWhatIsLostIsTold(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, db func() *sqldb.DB) {
		d := &directory{}
		tr := open(t, db(), d)
		d.broken.Store(true)
		ids := make([]string, 999)
		for range 300 { // 1000 each, of the 200,000 that may wait
			tr.Note(trail.Entry{At: noon, Action: "list-users", IDs: ids})
		}
		d.broken.Store(false)
		entries := all(t, tr, 201)
		gap := entries[0]
		if gap.Action != trail.GapAction || gap.Actor != trail.GapActor || gap.People == nil || *gap.People != 100 {
			t.Errorf("the gap is %+v", gap)
		}
		tr.Note(trail.Entry{At: noon, Action: "get-user"})
		all(t, tr, 202)
	})
}

// Many at once, from several processes, and an orderly stop: all are there.
func TestNothingIsLostAtAStop(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, db func() *sqldb.DB) {
		trails := []*trail.Trail{open(t, db(), &directory{}), open(t, db(), &directory{})}
		var writers sync.WaitGroup
		for i := range 8 {
			writers.Go(func() {
				for range 50 {
					trails[i%2].Note(trail.Entry{At: noon, Action: "get-user", IDs: []string{"ana"}})
				}
			})
		}
		writers.Wait()
		for _, tr := range trails {
			if err := tr.Close(); err != nil {
				t.Fatal(err)
			}
		}
		all(t, open(t, db(), &directory{}), 400)
	})
}

// The database itself refuses to change entries, and to delete young ones.
func TestEntriesAreNotChanged(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, db func() *sqldb.DB) {
		database := db()
		tr := open(t, database, &directory{})
		now := time.Now()
		for _, age := range []time.Duration{0, trail.MinRetention - time.Hour, trail.MinRetention + time.Hour, 400 * 24 * time.Hour} {
			id, err := tr.Begin(t.Context(), trail.Entry{At: now.Add(-age), Action: "edit-user"})
			if err != nil {
				t.Fatal(err)
			}
			tr.End(id, trail.Entry{Status: 200})
		}
		for deadline := time.Now().Add(30 * time.Second); all(t, tr, 4)[0].Status == 0; {
			if time.Now().After(deadline) {
				t.Fatal("the outcomes aren't written")
			}
		}
		schema := "trail"
		if database.Dialect().Name == sqldb.Postgres {
			schema = "boxoffice_trail"
		}
		raw, err := database.Schema(t.Context(), schema)
		if err != nil {
			t.Fatal(err)
		}
		defer raw.Close()
		for _, statement := range []string{
			"UPDATE entries SET actor = 'somebody else'", "UPDATE outcomes SET status = 404",
			"DELETE FROM entries", "DELETE FROM outcomes",
		} {
			if _, err := raw.SQL().ExecContext(t.Context(), statement); err == nil {
				t.Errorf("%s is taken", statement)
			}
		}
		if n, err := tr.Purge(t.Context(), now.Add(-365*24*time.Hour)); n != 1 || err != nil {
			t.Errorf("purged %d, %v; want the one that is older than a year", n, err)
		}
		if n, err := tr.Purge(t.Context(), now.Add(-trail.MinRetention)); n != 1 || err != nil {
			t.Errorf("purged %d, %v; want the other old one", n, err)
		}
		if n, err := tr.Purge(t.Context(), now.Add(time.Hour)); err == nil {
			t.Errorf("purged %d young ones", n)
		}
		if entries := all(t, tr, 2); entries[1].Status != 200 {
			t.Errorf("left is %+v", entries)
		}
	})
}
