// This file watches how the engines find the answers: with many users, no
// question at an instant near to now goes through all of them.

package projections

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"boxoffice/domain"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// A watched transaction has each statement explained before it runs it.
type watched struct {
	querier
	explain func(query string, args []any)
}

func (w *watched) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	w.explain(query, args)
	return w.querier.QueryContext(ctx, query, args...)
}

func (w *watched) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	w.explain(query, args)
	return w.querier.QueryRowContext(ctx, query, args...)
}

// A node is a step of a plan of PostgreSQL, with what it went through.
type node struct {
	Type     string  `json:"Node Type"`
	Relation string  `json:"Relation Name"`
	Index    string  `json:"Index Name"`
	Rows     float64 `json:"Actual Rows"`
	Loops    float64 `json:"Actual Loops"`
	Removed  float64 `json:"Rows Removed by Filter"`
	Plans    []node  `json:"Plans"`
}

// visited returns how many rows of tables and indexes were looked at, and the
// tables that were gone through whole.
func (n *node) visited() (rows int, whole []string) {
	if strings.Contains(n.Type, "Scan") && n.Type != "CTE Scan" && n.Type != "Subquery Scan" {
		rows = int((n.Rows+n.Removed)*n.Loops) + int(n.Loops)
	}
	if n.Type == "Seq Scan" && n.Relation != "kpi_months" { // that one is small
		whole = append(whole, n.Relation)
	}
	for i := range n.Plans {
		more, scanned := n.Plans[i].visited()
		rows += more
		whole = append(whole, scanned...)
	}
	return rows, whole
}

// postgresPlan runs a statement and returns its plan.
func postgresPlan(ctx context.Context, q querier, query string, args []any) (*node, error) {
	var text string
	err := q.QueryRowContext(ctx, "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) "+query, args...).Scan(&text)
	if err != nil {
		return nil, err
	}
	var plans []struct{ Plan node }
	if err := json.Unmarshal([]byte(text), &plans); err != nil {
		return nil, err
	}
	return &plans[0].Plan, nil
}

// sqliteWhole finds the steps of a plan of SQLite that go through a table or an
// index without a place to begin at.
var sqliteWhole = regexp.MustCompile(`^SCAN (\w+)( USING (COVERING )?INDEX (\w+))?`)

func sqlitePlan(ctx context.Context, q querier, query string, args []any) ([]string, error) {
	rows, err := q.QueryContext(ctx, "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var steps []string
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			return nil, err
		}
		steps = append(steps, step)
	}
	return steps, rows.Err()
}

// A question is one that has to be answered without going through all users.
type question struct {
	name string
	ask  func(context.Context, *snapshot) error
}

// questionsAt returns questions about a large platform at an instant near to
// now: each order of the list with each filter, first pages and later ones, the
// members of each figure in young and old months, and the figures.
func questionsAt(now domain.Instant) []question {
	at := now + 1
	ago := func(days domain.Instant) *domain.Instant { i := now - days*day; return &i }
	month := func(days domain.Instant) domain.Month { return domain.Calendar{}.MonthOf(*ago(days)) }
	all := []question{
		{"counts", func(ctx context.Context, s *snapshot) error {
			_, err := s.totals(ctx, at, domain.CounterUsersRegistered, domain.CounterUsersActive, domain.CounterUsersCanceled)
			return err
		}},
		{"figures of a month", func(ctx context.Context, s *snapshot) error {
			_, err := s.kpis(ctx, month(0), month(0), at)
			return err
		}},
		{"figures of ten years", func(ctx context.Context, s *snapshot) error {
			_, err := s.kpis(ctx, month(3620), month(0), at)
			return err
		}},
		{"who has which ids and e-mails", func(ctx context.Context, s *snapshot) error {
			var ids, emails []string
			for i := range 100 {
				ids, emails = append(ids, fmt.Sprint("user-", i)), append(emails, fmt.Sprint("user-", i, "@example.org"))
			}
			_, err := s.findUsers(ctx, ids, emails, at)
			return err
		}},
		{"sessions", func(ctx context.Context, s *snapshot) error {
			return s.askSessionPages(ctx, SessionsQuery{At: at, Limit: 50})
		}},
		{"sessions of a content", func(ctx context.Context, s *snapshot) error {
			return s.askSessionPages(ctx, SessionsQuery{At: at, Limit: 50, ContentID: "film-7", To: ago(400)})
		}},
	}
	filters := map[string]UserFilter{
		"":                            {},
		"registered from":             {RegisteredFrom: ago(500)},
		"registered to":               {RegisteredTo: ago(500)},
		"registered to, long ago":     {RegisteredTo: ago(1080)},
		"registered on a day":         {RegisteredFrom: ago(500), RegisteredTo: ago(499)},
		"updated from":                {UpdatedFrom: ago(100)},
		"updated to":                  {UpdatedTo: ago(500)},
		"updated to, long ago":        {UpdatedTo: ago(1080)},
		"updated on a day":            {UpdatedFrom: ago(500), UpdatedTo: ago(499)},
		"updated from, registered to": {UpdatedFrom: ago(100), RegisteredTo: ago(900)},
	}
	for _, sort := range []UserSort{ByRegisteredDesc, ByRegisteredAsc, ByUpdatedDesc, ByUpdatedAsc} {
		for _, status := range []Status{"", domain.StatusActive, domain.StatusCanceled, domain.StatusRegistered} {
			for name, filter := range filters {
				filter.Status = status
				q := UsersQuery{Filter: filter, Sort: sort, At: at, Limit: 50}
				all = append(all, userPages(fmt.Sprintf("users %s %s %s", sort, status, name), q))
			}
		}
	}
	for _, kpi := range []KPI{KPIRegistered, KPIActive, KPITrial, KPIUnsubscribed, KPICancellations} {
		for _, days := range []domain.Instant{0, 31, 500, 1060} {
			q := MembersQuery{Month: month(days), KPI: kpi, At: at, Limit: 50}
			all = append(all, question{fmt.Sprintf("members of %s %v", kpi, q.Month),
				func(ctx context.Context, s *snapshot) error { return s.askMembers(ctx, q) }})
		}
	}
	return all
}

// userPages asks for the first two pages of a list of users.
func userPages(name string, q UsersQuery) question {
	return question{name, func(ctx context.Context, s *snapshot) error { return s.askUserPages(ctx, q) }}
}

func (s *snapshot) askUserPages(ctx context.Context, q UsersQuery) error {
	l, err := s.userListing(ctx, &q)
	if err != nil {
		return err
	}
	_, next, err := s.page(ctx, l, q.At, nil, q.Limit)
	if err != nil || next == nil {
		return err
	}
	_, _, err = s.page(ctx, l, q.At, next, q.Limit)
	return err
}

func (s *snapshot) askMembers(ctx context.Context, q MembersQuery) error {
	m, _, err := s.membershipOf(&q)
	if err != nil {
		return err
	}
	counted, _, err := s.countMembers(ctx, m)
	if err != nil {
		return err
	}
	l, err := s.memberListing(ctx, m, counted <= int64(s.few))
	if err != nil {
		return err
	}
	_, _, err = s.page(ctx, l, q.At, nil, q.Limit)
	return err
}

func (s *snapshot) askSessionPages(ctx context.Context, q SessionsQuery) error {
	l, err := s.sessionListing(ctx, &q)
	if err != nil {
		return err
	}
	_, next, err := s.sessions(ctx, l, nil, q.Limit)
	if err != nil || next == nil {
		return err
	}
	_, _, err = s.sessions(ctx, l, next, q.Limit)
	return err
}

// TestNoQuestionGoesThroughAllUsers asks with 20,000 users, and with what is
// few brought down with them.
func TestNoQuestionGoesThroughAllUsers(t *testing.T) {
	t.Parallel()
	const users, few, most = 20_000, 400, 10_000
	now := domain.InstantOf(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC))
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		reader := openPlatform(t, open, users, now)
		reader.few = few
		for _, q := range questionsAt(now) {
			askWatched(t, reader, q, most)
		}
	})
}

// askWatched asks a question, and fails where a table is gone through whole or
// more than most rows are looked at, as far as the engine says.
func askWatched(t *testing.T, reader *Reader, q question, most int) {
	t.Helper()
	err := reader.read(t.Context(), func(s *snapshot) error {
		visited := 0
		tx := s.tx
		s.tx = &watched{tx, func(query string, args []any) {
			visited += watch(t, s.d, tx, q.name, query, args)
		}}
		err := q.ask(t.Context(), s)
		if visited > most {
			t.Errorf("%s: %d rows are looked at", q.name, visited)
		}
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", q.name, err)
	}
}

// watch fails where a statement goes through a whole table, and returns how many
// rows it looks at, as far as the engine says.
func watch(t *testing.T, d *sqldb.Dialect, q querier, name, query string, args []any) int {
	if d.Name == sqldb.Postgres {
		plan, err := postgresPlan(t.Context(), q, query, args)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		visited, whole := plan.visited()
		if len(whole) > 0 {
			t.Errorf("%s: goes through all of %v:\n%s", name, whole, query)
		}
		return visited
	}
	steps, err := sqlitePlan(t.Context(), q, query, args)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	ofPicked := strings.Contains(query, "FROM picked u")
	for _, step := range steps {
		if step == "SCAN u" && ofPicked {
			ofPicked = false // that one
			continue
		}
		if strings.Contains(step, "INDEX users_different_") && !strings.Contains(step, "(status=? AND <expr>") {
			t.Errorf("%s: goes through all buckets of a status: %s\n%s", name, step, query)
		}
		if strings.HasSuffix(step, "PRIMARY KEY (counter=?)") {
			t.Errorf("%s: goes through all of a counter: %s\n%s", name, step, query)
		}
		// k, n and p are what another step has found.
		if m := sqliteWhole.FindStringSubmatch(step); m != nil && len(m[1]) == 1 && !strings.Contains("knp", m[1]) && m[2] == "" {
			t.Errorf("%s: goes through all: %s\n%s", name, step, query)
		}
	}
	return 0
}
