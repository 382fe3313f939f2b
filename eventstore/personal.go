// This file says where in the log's tables what is personal stands, encrypted or as
// a keyed hash: what a scrub does, and what the database may know of it, follows.

package eventstore

// A personalTable is a table with columns that hold what is personal, or what leads
// to it.
type personalTable struct {
	name    string
	columns []string
	// forgets says that rows go, or change, when a user is erased, so that a scrub
	// has to rewrite the table. What is in the others can't be read without the
	// keys in these.
	forgets bool
}

var personalTables = []personalTable{
	{"vault_keys", []string{"wrapped"}, true},
	{"users", []string{"subject", "wrapped_key", "sealed_id"}, true},
	{"refused", []string{"subject", "row_key", "sealed"}, true},
	{"events", []string{"sealed"}, false},
}
