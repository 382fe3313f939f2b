// This file asks with psql what docs/sql.md says, as a role that may do nothing
// but read the views, and compares with the API: at many instants, in time
// zones whose clocks are changed by an hour, by half an hour, and at midnight.

package interop

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"boxoffice/internal/platform"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

const sqlDoc = "../docs/sql.md"

// sqlUntil is the end of the history.
var sqlUntil = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// sqlZones are the zones that are asked in. Paris changes by an hour in the
// night, Lord Howe by half an hour, and Havana at midnight: there November 2026
// begins twice.
var sqlZones = []string{"Europe/Paris", "Australia/Lord_Howe", "America/Havana"}

// A dashboard asks with psql.
type dashboard struct {
	*service
	database string
	role     string
	queries  map[string]string
	asked    map[string]bool
}

func TestPsqlAnswersTheDashboardsFigures(t *testing.T) {
	d := newDashboard(t)
	for i, zone := range sqlZones {
		location, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		d.env = append(d.env, "BOXOFFICE_TIME_ZONE="+zone)
		d.start(t)
		if i == 0 {
			d.publish(t, history(t))
			d.grant(t)
		}
		d.awaitZone(t, zone)
		t.Run(zone, func(t *testing.T) {
			instants := instantsToAsk(location)
			for _, at := range instants {
				d.compareMonths(t, at, location, -1, 0)
			}
			for _, at := range instants[:interestingInstants] {
				d.compareMonths(t, at, location, 1)
				d.compareSeries(t, at)
				d.compareCounts(t, at)
				d.compareUsers(t, at)
			}
			d.compareContents(t, location)
			d.compareSessions(t)
		})
		d.stop()
	}
	for name := range d.queries {
		if !d.asked[name] {
			t.Errorf("%s: no test asks the query %q", sqlDoc, name)
		}
	}
}

func newDashboard(t *testing.T) *dashboard {
	t.Helper()
	d := &dashboard{database: sqltest.URL(t, sqldb.Postgres), asked: map[string]bool{}, queries: map[string]string{}}
	for section := range strings.SplitSeq(read(t, sqlDoc), "\n#") {
		heading, text, _ := strings.Cut(section, "\n")
		for _, match := range fence.FindAllStringSubmatch(text, -1) {
			d.queries[strings.TrimLeft(heading, "# ")] = match[2]
		}
	}
	if blocks := snippets(t, sqlDoc, "sql"); len(blocks) != len(d.queries) {
		t.Fatalf("%s has %d blocks under %d headings", sqlDoc, len(blocks), len(d.queries))
	}
	key := filepath.Join(t.TempDir(), "master-key.json")
	d.service = installed(t, "BOXOFFICE_DATABASE_URL="+d.database, "BOXOFFICE_MASTER_KEY="+key)
	d.run(t, nil, "keys", "new-master", key)
	return d
}

// grant makes the role that the docs say, under a name of its own: roles are
// shared by all databases of a server.
func (d *dashboard) grant(t *testing.T) {
	t.Helper()
	at, err := url.Parse(d.database)
	if err != nil {
		t.Fatal(err)
	}
	d.role = "dashboard_" + filepath.Base(at.Path)
	text := d.query(t, "Who may read")
	d.psqlAs(t, "", strings.ReplaceAll(text, "dashboard", d.role), nil)
	t.Cleanup(func() {
		d.psqlAs(t, "", "DROP OWNED BY "+d.role+"; DROP ROLE "+d.role+";", nil)
	})
	refused := "SET client_min_messages TO error; SELECT has_schema_privilege('boxoffice_log', 'usage') AS log, has_schema_privilege('boxoffice_gen_1', 'usage') AS generation;"
	for _, row := range d.psqlAs(t, d.role, refused, nil) {
		if row["log"] != "f" || row["generation"] != "f" {
			t.Errorf("the role may read more than the views: %v", row)
		}
	}
}

// history is a small platform's year, and people who registered around each
// change of the clocks.
func history(t *testing.T) string {
	t.Helper()
	var lines strings.Builder
	p := platform.New(platform.Options{Seed: 3, Users: 90, Until: sqlUntil, Viewing: 2, Erasures: 4})
	for event := range p.History() {
		lines.Write(event)
		lines.WriteByte('\n')
	}
	n := 0
	register := func(at time.Time) {
		n++
		fmt.Fprintf(&lines, `{"specversion":"1.0","id":"%d","source":"/clocks","type":"user.registered","subject":"clock-%[1]d","time":%q,"data":{"email":"c%[1]d@example.org"}}`+"\n",
			n, at.UTC().Format(time.RFC3339Nano))
	}
	for _, zone := range sqlZones {
		location, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		for _, change := range changes(location) {
			for minutes := -120; minutes <= 120; minutes += 15 {
				register(change.Add(time.Duration(minutes) * time.Minute))
			}
			register(change.Add(-time.Microsecond))
		}
	}
	return lines.String()
}

// changes returns the instants of the year before sqlUntil at which clocks are changed.
func changes(location *time.Location) []time.Time {
	var found []time.Time
	for at := sqlUntil.AddDate(-1, 0, 0).Truncate(time.Hour); at.Before(sqlUntil); at = at.Add(30 * time.Minute) {
		_, before := at.Add(-time.Microsecond).In(location).Zone()
		if _, after := at.In(location).Zone(); before != after {
			found = append(found, at)
		}
	}
	return found
}

// interestingInstants is how many instants come before those around changes of
// the clocks.
const interestingInstants = 9

func instantsToAsk(location *time.Location) []time.Time {
	instants := []time.Time{
		sqlUntil,
		sqlUntil.AddDate(0, 3, 0),   // to come
		sqlUntil.AddDate(-1, 0, -9), // before anything
		time.Date(2026, 3, 30, 15, 4, 5, 678901000, location),
		time.Date(2026, 3, 1, 0, 0, 0, 0, location),
		time.Date(2026, 11, 1, 0, 0, 0, 0, location).Add(-time.Microsecond),
		time.Date(2026, 7, 31, 23, 59, 59, 999999000, location),
		time.Date(2026, 5, 31, 10, 0, 0, 0, location),
		time.Date(2026, 10, 31, 23, 30, 0, 0, location),
	}
	for _, change := range changes(location) {
		shown := change.Add(-time.Microsecond).In(location).Add(time.Microsecond)
		_, offset := shown.Add(-time.Microsecond).Zone()
		wall := change.UTC().Add(time.Duration(offset) * time.Second)
		for minutes := -90; minutes <= 90; minutes += 30 {
			w := wall.Add(time.Duration(minutes) * time.Minute)
			instants = append(instants,
				change.Add(time.Duration(minutes)*time.Minute),
				time.Date(w.Year(), w.Month()+1, w.Day(), w.Hour(), w.Minute(), 0, 0, location))
		}
	}
	return instants
}

// awaitZone waits until the live read models are those of a zone, and whole.
func (d *dashboard) awaitZone(t *testing.T, zone string) {
	t.Helper()
	type log struct {
		Position int
		TimeZone string `json:"time_zone"`
	}
	total, _ := strconv.Atoi(d.psqlAs(t, "", "SELECT max(position) AS n FROM boxoffice_log.log_head", nil)[0]["n"])
	await(t, "the read models are in "+zone, func() (bool, error) {
		now := get[log](t, d.service, "/v1/kpis/2026-11")
		return now.TimeZone == zone && now.Position == total && total > 0, nil
	})
}

func (d *dashboard) query(t *testing.T, name string) string {
	t.Helper()
	text, ok := d.queries[name]
	if !ok {
		t.Fatalf("%s has no query under %q", sqlDoc, name)
	}
	d.asked[name] = true
	return text
}

// psql runs a query of the docs and returns its rows.
func (d *dashboard) psql(t *testing.T, name string, variables map[string]string) []map[string]string {
	t.Helper()
	return d.psqlAs(t, d.role, d.query(t, name), variables)
}

func (d *dashboard) psqlAs(t *testing.T, role, text string, variables map[string]string) []map[string]string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "query.sql")
	write(t, file, text)
	args := []string{d.database, "--no-psqlrc", "--quiet", "--csv", "-v", "ON_ERROR_STOP=1", "-f", file}
	for name, value := range variables {
		args = append(args, "-v", name+"="+value)
	}
	// The session's own time zone makes no difference.
	env := []string{"PGTZ=Asia/Kathmandu"}
	if role != "" {
		env = append(env, "PGOPTIONS=-c role="+role)
	}
	records, err := csv.NewReader(strings.NewReader(command(t, ".", env, "psql", args...))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for _, record := range records[min(1, len(records)):] {
		row := map[string]string{}
		for i, column := range records[0] {
			row[column] = record[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// same compares the rows of a query with objects of the API: whatever columns
// the query has, under the same names.
func same(t *testing.T, what string, rows []map[string]string, objects []map[string]any) {
	t.Helper()
	want := make([]map[string]string, len(objects))
	for i, object := range objects {
		want[i] = map[string]string{}
		columns := object
		if len(rows) > 0 {
			columns = map[string]any{}
			for column := range rows[0] {
				value, ok := object[column]
				if !ok {
					t.Fatalf("%s: the API has no %s", what, column)
				}
				columns[column] = value
			}
		}
		for column, value := range columns {
			want[i][column] = asText(value)
		}
	}
	got := make([]map[string]string, len(rows))
	for i, row := range rows {
		got[i] = map[string]string{}
		for column, text := range row {
			got[i][column] = normal(text)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-API +psql):\n%s", what, diff)
	}
}

func asText(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case json.Number:
		return normal(value.String())
	case string:
		return normal(value)
	case bool:
		return fmt.Sprint(value)[:1]
	}
	return fmt.Sprint(value)
}

var number = regexp.MustCompile(`^-?\d+(\.\d+)?$`)

// normal returns a number without trailing zeros and an instant in UTC.
func normal(text string) string {
	if number.MatchString(text) && strings.Contains(text, ".") {
		return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999Z07:00"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC().Format(time.RFC3339Nano)
		}
	}
	return text
}

// object asks the API for one, with numbers as they are written.
func (d *dashboard) object(t *testing.T, path string) map[string]any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(string(get[json.RawMessage](t, d.service, path))))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		t.Fatal(err)
	}
	return object
}

func (d *dashboard) objects(t *testing.T, path, field string) []map[string]any {
	t.Helper()
	var objects []map[string]any
	for _, object := range d.object(t, path)[field].([]any) {
		objects = append(objects, object.(map[string]any))
	}
	return objects
}

// figures returns those of a month as the query has them.
func figures(month map[string]any) map[string]any {
	flat := map[string]any{"month": month["month"]}
	for _, kpi := range []string{"active", "trial", "cancellations", "unsubscribed", "registered"} {
		flat[kpi] = month[kpi].(map[string]any)["count"]
	}
	maps.Copy(flat, month["unsubscribed"].(map[string]any)["by_reason"].(map[string]any))
	registered := month["registered"].(map[string]any)
	previous := registered["previous_month"].(map[string]any)
	flat["previous_month"], flat["previous_month_to_date"], flat["change"] = previous["count"], previous["to_date"], registered["change"]
	return flat
}

func asOf(at time.Time) string { return at.UTC().Format(time.RFC3339Nano) }

// compareMonths compares the months that are so many after the one of an instant.
func (d *dashboard) compareMonths(t *testing.T, at time.Time, location *time.Location, after ...int) {
	t.Helper()
	local := at.In(location)
	for _, months := range after {
		month := time.Date(local.Year(), local.Month()+time.Month(months), 1, 12, 0, 0, 0, time.UTC).Format("2006-01")
		var want []map[string]any
		if answer := d.object(t, "/v1/kpis/"+month+"?as_of="+asOf(at)); answer["active"] != nil {
			want = append(want, figures(answer))
		}
		rows := d.psql(t, "A month", map[string]string{"month": month, "as_of": asOf(at)})
		same(t, month+" at "+asOf(at), rows, want)
	}
}

func (d *dashboard) compareSeries(t *testing.T, at time.Time) {
	t.Helper()
	const first = "2025-10"
	var want []map[string]any
	current := d.object(t, "/v1/kpis?from="+first+"&to=2027-06&as_of="+asOf(at))["months"].([]any)
	for i, month := range current {
		// A month is over where the next has begun.
		if i+1 < len(current) && current[i+1].(map[string]any)["active"] != nil {
			want = append(want, figures(month.(map[string]any)))
		}
	}
	same(t, "series at "+asOf(at), d.psql(t, "A series of months", map[string]string{"first": first, "as_of": asOf(at)}), want)
}

func (d *dashboard) compareCounts(t *testing.T, at time.Time) {
	t.Helper()
	want := d.object(t, "/v1/user-counts?as_of="+asOf(at))
	same(t, "users by status at "+asOf(at), d.psql(t, "Users by status", map[string]string{"as_of": asOf(at)}), []map[string]any{want})
}

func (d *dashboard) compareUsers(t *testing.T, at time.Time) {
	t.Helper()
	for _, status := range []string{"registered", "active", "canceled"} {
		want := d.objects(t, "/v1/users?limit=1000&status="+status+"&as_of="+asOf(at), "users")
		rows := d.psql(t, "The users of a status", map[string]string{"status": status, "as_of": asOf(at)})
		same(t, status+" at "+asOf(at), rows, want)
	}
}

func (d *dashboard) compareContents(t *testing.T, location *time.Location) {
	t.Helper()
	from, to := time.Date(2026, 2, 3, 4, 5, 6, 0, location), time.Date(2026, 10, 25, 2, 30, 0, 0, location)
	want := d.objects(t, "/v1/contents?limit=20&from="+asOf(from)+"&to="+asOf(to), "contents")
	if len(want) == 0 {
		t.Fatal("nothing was viewed")
	}
	same(t, "contents", d.psql(t, "The contents that were viewed most", map[string]string{"from": asOf(from), "to": asOf(to)}), want)
}

// compareSessions asks about some of those who viewed.
func (d *dashboard) compareSessions(t *testing.T) {
	t.Helper()
	var ids []string
	for _, session := range d.objects(t, "/v1/sessions?limit=1000", "sessions") {
		if id, ok := session["user_id"].(string); ok && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if len(ids) < 5 {
		t.Fatalf("only %d people viewed anything", len(ids))
	}
	for _, id := range ids[:5] {
		want := d.objects(t, "/v1/users/"+url.PathEscape(id)+"/sessions?limit=1000", "sessions")
		same(t, "sessions of "+id, d.psql(t, "The sessions of a user", map[string]string{"user": id}), want)
	}
}
