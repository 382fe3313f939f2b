package sessions_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"boxoffice/access/sessions"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// A clock is moved by the test.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// each runs a test on both engines, with two processes on one database.
func each(t *testing.T, f func(t *testing.T, c *clock, one, other *sessions.Store, db *sqldb.DB)) {
	sqltest.Each(t, func(t *testing.T, db func() *sqldb.DB) {
		c := &clock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
		var stores []*sessions.Store
		for range 2 {
			database := db()
			if err := sessions.Migrate(t.Context(), database); err != nil {
				t.Fatal(err)
			}
			s, err := sessions.Open(t.Context(), database, c.read)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			stores = append(stores, s)
		}
		f(t, c, stores[0], stores[1], db())
	})
}

var ana = sessions.Holder{Kind: "made", Ref: "ana's key", Name: "ana's key", Role: "admin"}

func create(t *testing.T, s *sessions.Store, h sessions.Holder) string {
	t.Helper()
	value, err := s.Create(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// there says whether a session is, without using it.
func there(t *testing.T, s *sessions.Store, value string) bool {
	t.Helper()
	_, ok, err := s.Find(t.Context(), value)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func use(t *testing.T, s *sessions.Store, value string) (sessions.Session, bool) {
	t.Helper()
	session, ok, err := s.Use(t.Context(), value)
	if err != nil {
		t.Fatal(err)
	}
	return session, ok
}

// A session that one process began is what it was begun as in every other, until
// one of them ends it. What nobody began is nobody's.
func TestASessionIsInAllProcesses(t *testing.T) {
	each(t, func(t *testing.T, c *clock, one, other *sessions.Store, _ *sqldb.DB) {
		value := create(t, one, ana)
		got, ok := use(t, other, value)
		want := sessions.Session{Holder: ana, CreatedAt: c.now, UsedAt: c.now, EndsAt: c.now.Add(sessions.Life)}
		if diff := cmp.Diff(want, got); diff != "" || !ok {
			t.Error(ok, diff)
		}
		second := create(t, one, ana)
		if second == value || len(value) < 43 {
			t.Errorf("values are %q and %q", value, second)
		}
		for _, wrong := range []string{"", "x", value + "x", value[:len(value)-1]} {
			if there(t, other, wrong) {
				t.Errorf("%q is a session's", wrong)
			}
		}
		for range 2 { // the second time there is nothing to end
			if err := other.End(t.Context(), value); err != nil {
				t.Fatal(err)
			}
		}
		if there(t, one, value) || !there(t, one, second) {
			t.Error("ending one in the other process ends it, and it alone")
		}
	})
}

// A session that isn't used ends after an hour, and any after twelve; of what
// ends by itself before, none outlives that.
func TestSessionsEndByThemselves(t *testing.T) {
	each(t, func(t *testing.T, c *clock, one, other *sessions.Store, _ *sqldb.DB) {
		idle, used := create(t, one, ana), create(t, one, ana)
		soon := c.now.Add(20 * time.Minute)
		short := ana
		short.Ends = &soon
		ending := create(t, one, short)
		c.pass(20*time.Minute - time.Second)
		if !there(t, other, ending) {
			t.Error("it ends before the token does")
		}
		c.pass(time.Second)
		if there(t, other, ending) {
			t.Error("it outlives the token")
		}
		c.pass(39*time.Minute + 59*time.Second)
		if _, ok := use(t, other, used); !ok || !there(t, one, idle) {
			t.Error("it ends within the hour")
		}
		c.pass(time.Second)
		if there(t, one, idle) || !there(t, one, used) {
			t.Error("after an hour one that wasn't used is there, or one that was isn't")
		}
		for range 11 { // to some two minutes before twelve hours
			c.pass(59*time.Minute + 50*time.Second)
			if _, ok := use(t, one, used); !ok {
				t.Fatal("it ends though it is used")
			}
		}
		c.pass(2 * time.Minute)
		if _, ok := use(t, one, used); ok {
			t.Error("it is there after twelve hours")
		}
	})
}

// That a session is used is written once a minute, and looking isn't using.
func TestUseIsNotedOnceAMinute(t *testing.T) {
	each(t, func(t *testing.T, c *clock, one, other *sessions.Store, _ *sqldb.DB) {
		begun := c.now
		value := create(t, one, ana)
		c.pass(59 * time.Second)
		use(t, one, value)
		if got, _, _ := other.Find(t.Context(), value); !got.UsedAt.Equal(begun) {
			t.Errorf("within the minute it is written: %v", got.UsedAt)
		}
		c.pass(10 * time.Second)
		there(t, one, value)
		if got, _, _ := other.Find(t.Context(), value); !got.UsedAt.Equal(begun) {
			t.Errorf("looking is written: %v", got.UsedAt)
		}
		var all sync.WaitGroup
		for _, s := range []*sessions.Store{one, other, one, other} {
			all.Go(func() {
				if got, ok, err := s.Use(context.Background(), value); !ok || err != nil || !got.UsedAt.Equal(c.read()) {
					t.Errorf("used at %v, %v, %v", got.UsedAt, ok, err)
				}
			})
		}
		all.Wait()
		if got, _, _ := other.Find(t.Context(), value); !got.UsedAt.Equal(c.now) {
			t.Errorf("after a minute it isn't written: %v", got.UsedAt)
		}
	})
}

// A link signs in once: of many who use it at once, in two processes, one. After
// ten minutes it signs nobody in.
func TestALinkSignsInOnce(t *testing.T) {
	each(t, func(t *testing.T, c *clock, one, other *sessions.Store, _ *sqldb.DB) {
		for range 5 {
			link, err := one.MakeLink(t.Context(), ana)
			if err != nil {
				t.Fatal(err)
			}
			if there(t, one, link) {
				t.Error("the link is a session's value")
			}
			values := make([]string, 8)
			var all sync.WaitGroup
			for i := range values {
				s := []*sessions.Store{one, other}[i%2]
				all.Go(func() {
					value, ok, err := s.Redeem(context.Background(), link)
					if err != nil {
						t.Error(err)
					}
					if ok {
						values[i] = value
					}
				})
			}
			all.Wait()
			signedIn := 0
			for _, value := range values {
				if value == "" {
					continue
				}
				signedIn++
				if got, ok := use(t, other, value); !ok || got.Holder != ana || !got.EndsAt.Equal(c.now.Add(sessions.Life)) {
					t.Errorf("the session is %+v, %v", got, ok)
				}
			}
			if signedIn != 1 {
				t.Fatalf("a link signed in %d times", signedIn)
			}
		}
		late, err := one.MakeLink(t.Context(), ana)
		if err != nil {
			t.Fatal(err)
		}
		c.pass(sessions.LinkLife)
		for _, link := range []string{late, "", "nobody's"} {
			if _, ok, err := other.Redeem(t.Context(), link); ok || err != nil {
				t.Errorf("%q signs in: %v", link, err)
			}
		}
		ending := ana
		ending.Ends = &c.now
		if _, err := one.MakeLink(t.Context(), ending); err == nil {
			t.Error("there is a link for what ends by itself")
		}
	})
}

// Whoever reads the database can't sign in with what is there, and what has
// ended is gone when somebody signs in the next time.
func TestWhatIsStored(t *testing.T) {
	each(t, func(t *testing.T, c *clock, one, _ *sessions.Store, db *sqldb.DB) {
		value := create(t, one, ana)
		link, err := one.MakeLink(t.Context(), ana)
		if err != nil {
			t.Fatal(err)
		}
		schema := "signin"
		if db.Dialect().Name == sqldb.Postgres {
			schema = "boxoffice_signin"
		}
		raw, err := db.Schema(t.Context(), schema)
		if err != nil {
			t.Fatal(err)
		}
		defer raw.Close()
		for table, secret := range map[string]string{"sessions": value, "links": link} {
			var stored []byte
			if err := raw.SQL().QueryRowContext(t.Context(), "SELECT hash FROM "+table).Scan(&stored); err != nil {
				t.Fatal(err)
			}
			if len(stored) != 32 || bytes.Contains([]byte(secret), stored) {
				t.Errorf("%s has %x", table, stored)
			}
			if _, ok, _ := one.Find(t.Context(), string(stored)); ok {
				t.Error("the hash is as good as the value")
			}
		}
		c.pass(sessions.Life)
		create(t, one, ana)
		for table, want := range map[string]int{"sessions": 1, "links": 0} {
			var n int
			if err := raw.SQL().QueryRowContext(t.Context(), fmt.Sprint("SELECT count(*) FROM ", table)).Scan(&n); err != nil || n != want {
				t.Errorf("%d %s are there, want %d (%v)", n, table, want, err)
			}
		}
	})
}
