// This file describes the tables of a generation: each column once, with its
// type and with what has to be known of it. From this follow how rows are
// written (rows.go, writes.go, fill_rows.go), what people's own SQL sees, and
// what is forgotten of an erased user (forget.go). That the schema files say the
// same is tested.

package projections

import (
	"slices"

	"boxoffice/internal/sqldb"
)

// A columnType is what a column holds, as each engine has it.
type columnType struct {
	postgres, sqlite string
	// bytewise says that PostgreSQL compares the texts as bytes, as SQLite does.
	bytewise bool
}

var (
	uuidType    = columnType{postgres: "uuid", sqlite: "BLOB"}
	textType    = columnType{postgres: "text", sqlite: "TEXT"}
	orderedType = columnType{postgres: "text", sqlite: "TEXT", bytewise: true}
	jsonType    = columnType{postgres: "json", sqlite: "TEXT"}
	instantType = columnType{postgres: "timestamptz", sqlite: "INTEGER"}
	bigintType  = columnType{postgres: "bigint", sqlite: "INTEGER"}
	integerType = columnType{postgres: "integer", sqlite: "INTEGER"}
	booleanType = columnType{postgres: "boolean", sqlite: "INTEGER"}
	bytesType   = columnType{postgres: "bytea", sqlite: "BLOB"}
)

// marks say what has to be known of a column besides its type.
type marks uint8

const (
	// primary columns are the primary key. They are the first of a table.
	primary marks = 1 << iota
	// required columns hold a value in every row.
	required
	// personal columns hold what people entered or what says who they are. They
	// are emptied when a user is erased, or go with the row.
	personal
	// hidden columns aren't in the views of the schema boxoffice.
	hidden
)

// columnGroups is a set of groups of columns that change together. Rows of
// users and of sessions are changed group by group, so that a change of status
// leaves the indexes over the update's instant alone, and a report of a session
// all of them.
type columnGroups uint8

// The groups of users, and those of sessions. The greatest is written first: an
// erased user frees an id that a new one may have.
const (
	firstColumns columnGroups = 1 << iota
	updateColumns
	personColumns
	stateColumns
	identityColumns
)
const (
	reportedColumns columnGroups = 1 << iota
	startColumns
)

// A column is one column of a table. Those of a table without groups, which are
// changed together, are in none.
type column struct {
	name  string
	typ   columnType
	marks marks
	group columnGroups
	index int // in a row
}

func (c *column) is(m marks) bool { return c.marks&m != 0 }

// A table is what has to be known of a table to write into it.
type table struct {
	name    string
	columns []column
	keys    int // how many columns are the key
}

// key returns the columns of the primary key.
func (t *table) key() []column { return t.columns[:t.keys] }

// of returns the columns of groups; with none, all but the key.
func (t *table) of(groups columnGroups) []column {
	if groups == 0 {
		return t.columns[t.keys:]
	}
	return t.where(func(c *column) bool { return c.group&groups != 0 })
}

// personal returns the columns that hold nothing of an erased user.
func (t *table) personal() []column {
	return t.where(func(c *column) bool { return c.is(personal) })
}

// visible returns the columns that people's own SQL sees.
func (t *table) visible() []column {
	return t.where(func(c *column) bool { return !c.is(hidden) })
}

func (t *table) where(wanted func(*column) bool) []column {
	var some []column
	for i := range t.columns {
		if wanted(&t.columns[i]) {
			some = append(some, t.columns[i])
		}
	}
	return some
}

// index returns the index of a column in a row; -1 where the table has none of the
// name.
func (t *table) index(name string) int {
	return slices.IndexFunc(t.columns, func(c column) bool { return c.name == name })
}

// has says whether the table has a column.
func (t *table) has(name string) bool { return t.index(name) >= 0 }

// namesOf returns the names of columns.
func namesOf(columns []column) []string {
	names := make([]string, len(columns))
	for i := range columns {
		names[i] = columns[i].name
	}
	return names
}

// A rowTable is a table whose rows are made from values of R.
type rowTable[R any] struct {
	*table
	values []func(*R) any
}

// A rowColumn is a column, and how a row holds its value.
type rowColumn[R any] struct {
	name  string
	typ   columnType
	marks marks
	group columnGroups
	value func(*R) any
}

func newTable[R any](name string, columns []rowColumn[R]) *rowTable[R] {
	t := &rowTable[R]{table: &table{name: name}}
	for i, c := range columns {
		t.columns = append(t.columns, column{c.name, c.typ, c.marks, c.group, i})
		t.values = append(t.values, c.value)
		if c.marks&primary != 0 {
			t.keys++
		}
	}
	return t
}

// row returns the values of a row in the order of the columns.
func (t *rowTable[R]) row(r *R) []any {
	values := make([]any, len(t.values))
	for i, value := range t.values {
		values[i] = value(r)
	}
	return values
}

// rowTables are the tables of a generation, except its header, in the order in
// which they are written.
var rowTables = []*table{
	usersTable.table, statusTermsTable.table, userFactsTable.table, entitlementsTable.table, periodsTable.table,
	accessSpansTable.table, trialSpansTable.table, membersTable.table, sessionsTable.table,
	changesTable.table, hoursTable.table, monthsTable.table,
}

// tables returns all tables of a generation.
func tables() []*table { return append(slices.Clone(rowTables), headerTable.table) }

// viewedTables returns the tables that people's own SQL sees as views of the
// schema boxoffice.
func viewedTables() []*table {
	return slices.DeleteFunc(tables(), func(t *table) bool { return len(t.visible()) == 0 })
}

var usersTable = newTable("users", []rowColumn[userRow]{
	{"user_key", uuidType, primary | required, 0, func(r *userRow) any { return r.key }},
	{"id", orderedType, personal, identityColumns, func(r *userRow) any { return r.id.arg() }},
	{"first_event_at", instantType, required, firstColumns, func(r *userRow) any { return r.firstEventAt }},
	{"registered_at", instantType, 0, firstColumns, func(r *userRow) any { return r.registeredAt }},
	{"updated_at", instantType, 0, updateColumns, func(r *userRow) any { return r.updatedAt }},
	{"email", textType, personal, personColumns, func(r *userRow) any { return r.profile.email.arg() }},
	{"first_name", textType, personal, personColumns, func(r *userRow) any { return r.profile.firstName.arg() }},
	{"last_name", textType, personal, personColumns, func(r *userRow) any { return r.profile.lastName.arg() }},
	{"locale", textType, personal, personColumns, func(r *userRow) any { return r.profile.locale.arg() }},
	{"country", textType, personal, personColumns, func(r *userRow) any { return r.profile.country.arg() }},
	{"platform", textType, personal, personColumns, func(r *userRow) any { return r.profile.platform.arg() }},
	{"custom", jsonType, required | personal, personColumns, func(r *userRow) any { return r.profile.custom }},
	{"search_name", orderedType, personal | hidden, personColumns, func(r *userRow) any { return r.profile.searchName.arg() }},
	{"search_email", orderedType, personal | hidden, personColumns, func(r *userRow) any { return r.profile.searchEmail.arg() }},
	{"search_id", orderedType, personal | hidden, identityColumns, func(r *userRow) any { return folded(r.id).arg() }},
	{"status", orderedType, required, stateColumns, func(r *userRow) any { return string(r.status.status) }},
	{"status_since", instantType, required, stateColumns, func(r *userRow) any { return r.status.since }},
	{"status_from", instantType, required, stateColumns, func(r *userRow) any { return r.status.from }},
	{"status_until", instantType, 0, stateColumns, func(r *userRow) any { return r.status.until }},
})

// statusTermsTable finds the rows of users that don't hold their status.
var statusTermsTable = newTable("status_terms", []rowColumn[userRow]{
	{"user_key", uuidType, primary | required | hidden, 0, func(r *userRow) any { return r.key }},
	{"from_at", instantType, required | hidden, 0, func(r *userRow) any { return r.status.from }},
	{"until_at", instantType, hidden, 0, func(r *userRow) any { return r.status.until }},
})

var userFactsTable = newTable("user_facts", []rowColumn[factsRow]{
	{"user_key", uuidType, primary | required | hidden, 0, func(r *factsRow) any { return r.key }},
	{"facts", bytesType, required | personal | hidden, 0, func(r *factsRow) any { return r.facts }},
})

var entitlementsTable = newTable("entitlements", []rowColumn[entitlementRow]{
	{"user_key", uuidType, primary | required, 0, func(r *entitlementRow) any { return r.user }},
	{"kind", orderedType, primary | required, 0, func(r *entitlementRow) any { return r.kind }},
	{"id", orderedType, primary | required, 0, func(r *entitlementRow) any { return r.id }},
	{"offer_id", textType, 0, 0, func(r *entitlementRow) any { return r.offerID.arg() }},
	{"offer_name", textType, 0, 0, func(r *entitlementRow) any { return r.offerName.arg() }},
	{"content_id", textType, 0, 0, func(r *entitlementRow) any { return r.contentID.arg() }},
	{"title", textType, 0, 0, func(r *entitlementRow) any { return r.title.arg() }},
	{"rental_kind", textType, 0, 0, func(r *entitlementRow) any { return r.rentalKind.arg() }},
	{"amount", bigintType, 0, 0, func(r *entitlementRow) any { return r.amount.arg() }},
	{"currency", textType, 0, 0, func(r *entitlementRow) any { return r.currency.arg() }},
	{"interval", textType, 0, 0, func(r *entitlementRow) any { return r.interval.arg() }},
	{"interval_count", bigintType, 0, 0, func(r *entitlementRow) any { return r.intervalCount.arg() }},
	{"payment_interface", textType, 0, 0, func(r *entitlementRow) any { return r.paymentInterface.arg() }},
})

var periodsTable = newTable("periods", []rowColumn[periodRow]{
	{"user_key", uuidType, primary | required, 0, func(r *periodRow) any { return r.user }},
	{"kind", orderedType, primary | required, 0, func(r *periodRow) any { return r.kind }},
	{"id", orderedType, primary | required, 0, func(r *periodRow) any { return r.id }},
	{"n", integerType, primary | required, 0, func(r *periodRow) any { return r.n }},
	{"from_at", instantType, required, 0, func(r *periodRow) any { return r.from }},
	{"to_at", instantType, 0, 0, func(r *periodRow) any { return r.to }},
	{"trial_end_at", instantType, 0, 0, func(r *periodRow) any { return r.trialEnd }},
	{"trial_to", instantType, 0, 0, func(r *periodRow) any { return r.trialTo }},
	{"canceled_at", instantType, 0, 0, func(r *periodRow) any { return r.canceledAt }},
	{"past_due_at", instantType, 0, 0, func(r *periodRow) any { return r.pastDueAt }},
	{"paused", booleanType, required, 0, func(r *periodRow) any { return r.paused }},
	{"resumes_at", instantType, 0, 0, func(r *periodRow) any { return r.resumesAt }},
	{"reason", textType, 0, 0, func(r *periodRow) any { return r.reason.arg() }},
	{"comment", textType, personal, 0, func(r *periodRow) any { return r.comment.arg() }},
})

var (
	accessSpansTable = spansTable("access_spans")
	trialSpansTable  = spansTable("trial_spans")
)

func spansTable(name string) *rowTable[spanRow] {
	return newTable(name, []rowColumn[spanRow]{
		{"user_key", uuidType, primary | required, 0, func(r *spanRow) any { return r.user }},
		{"from_at", instantType, primary | required, 0, func(r *spanRow) any { return r.from }},
		{"to_at", instantType, 0, 0, func(r *spanRow) any { return r.to }},
	})
}

var membersTable = newTable("kpi_members", []rowColumn[memberRow]{
	{"counter", orderedType, primary | required, 0, func(r *memberRow) any { return string(r.counter) }},
	{"at", instantType, primary | required, 0, func(r *memberRow) any { return r.at }},
	{"user_key", uuidType, primary | required, 0, func(r *memberRow) any { return r.user }},
	{"delta", bigintType, required, 0, func(r *memberRow) any { return r.delta }},
	{"month_at", instantType, required | hidden, 0, func(r *memberRow) any { return r.month }},
	{"registered_at", instantType, hidden, 0, func(r *memberRow) any { return r.registeredAt }},
	{"id", orderedType, personal | hidden, 0, func(r *memberRow) any { return r.id.arg() }},
})

var (
	changesTable = sumsTable("kpi_changes", "at")
	hoursTable   = sumsTable("kpi_hours", "from_at")
	monthsTable  = sumsTable("kpi_months", "from_at")
)

// sumsTable is one of the tables with the sums of the ledger.
func sumsTable(name, at string) *rowTable[entryRow] {
	return newTable(name, []rowColumn[entryRow]{
		{"counter", orderedType, primary | required, 0, func(r *entryRow) any { return string(r.counter) }},
		{at, instantType, primary | required, 0, func(r *entryRow) any { return r.at }},
		{"delta", bigintType, required, 0, func(r *entryRow) any { return r.delta }},
	})
}

var sessionsTable = newTable("sessions", []rowColumn[sessionRow]{
	{"session_key", uuidType, primary | required | hidden, 0, func(r *sessionRow) any { return r.hash }},
	{"user_key", uuidType, required, 0, func(r *sessionRow) any { return sqldb.UUID(r.user) }},
	{"session_id", orderedType, required, 0, func(r *sessionRow) any { return r.sessionID }},
	{"content_id", orderedType, required, 0, func(r *sessionRow) any { return r.contentID }},
	{"title", textType, 0, reportedColumns, func(r *sessionRow) any { return optOf(r.view.Title).arg() }},
	{"started_at", instantType, required, startColumns, func(r *sessionRow) any { return sqldb.Micros(r.view.StartedAt) }},
	{"last_event_at", instantType, required, reportedColumns, func(r *sessionRow) any { return sqldb.Micros(r.view.LastEventAt) }},
	{"ended", booleanType, required, reportedColumns, func(r *sessionRow) any { return r.ended }},
	{"duration_ms", bigintType, required, reportedColumns, func(r *sessionRow) any { return r.view.DurationMS }},
	{"watched_ms", bigintType, required, reportedColumns, func(r *sessionRow) any { return r.view.WatchedMS }},
	{"content_length_ms", bigintType, 0, reportedColumns, func(r *sessionRow) any { return optOf(r.view.ContentLengthMS).arg() }},
	{"completion_rate", integerType, 0, reportedColumns, func(r *sessionRow) any { return optOf(r.view.CompletionRate).arg() }},
	{"completed", booleanType, 0, reportedColumns, func(r *sessionRow) any { return optOf(r.view.Completed).arg() }},
	{"position_ms", bigintType, 0, reportedColumns, func(r *sessionRow) any { return optOf(r.view.PositionMS).arg() }},
	{"device", textType, 0, reportedColumns, func(r *sessionRow) any { return optOf(r.view.Device).arg() }},
	{"platform", textType, 0, reportedColumns, func(r *sessionRow) any { return optOf(r.view.Platform).arg() }},
	{"facts", bytesType, required | hidden, reportedColumns, func(r *sessionRow) any { return r.facts }},
})

// headerTable is the generation's header, which generation.go reads and writes.
var headerTable = newTable("generation", []rowColumn[struct{}]{
	{"only_row", booleanType, primary | hidden, 0, nil},
	{"position", bigintType, required, 0, nil},
	{"epoch", textType, required | hidden, 0, nil},
	{"recorded_at", instantType, 0, 0, nil},
	{"time_zone", textType, required, 0, nil},
	{"fold_version", integerType, required, 0, nil},
	{"lease_token", uuidType, hidden, 0, nil},
	{"lease_holder", textType, hidden, 0, nil},
	{"lease_until", instantType, hidden, 0, nil},
})
