// This file is what an import comes to: how many rows did what, and why others
// were refused, in the words of a table.

package api

import "boxoffice/domain"

// An importResult says what became of the rows of a file.
type importResult struct {
	Rows      int          `json:"rows" doc:"How many there are below the first, without blank ones"`
	Created   int          `json:"created"`
	Updated   int          `json:"updated"`
	Unchanged int          `json:"unchanged"`
	Refused   []refusedRow `json:"refused"`
}

// A refusedRow is a row that changed nothing, for what is wrong with it.
type refusedRow struct {
	Row    int    `json:"row" doc:"Its number, as a spreadsheet program shows it: the first row of the file is 1"`
	Reason string `json:"reason" doc:"Which column, and which rule it breaks"`
}

func (m *importer) refuse(row int, reason string) {
	m.result.Refused = append(m.result.Refused, refusedRow{row, reason})
}

// severalMessage is why a row is refused that doesn't say whom it is about.
const severalMessage = "email is that of several users: the row needs an id"

// The reasons for which the log refuses an event of a row.
const (
	erasedMessage = "the user of this id was erased after that"
	takenMessage  = "a user of this id was made by others at the same time: import the row again"
)

// importFault says in the words of a table which rule an event breaks.
func importFault(r *domain.Refusal) string {
	switch r.Reason {
	case domain.InFuture:
		return "registered_at must not be more than 5 minutes ahead"
	case domain.TooLarge:
		return "the row is too large: an event has at most 256 KiB"
	case domain.InvalidAttribute:
		return "registered_at must be from 1900 to 9999"
	}
	return r.Message
}

// refusalOf gives why the log has refused a row; empty where it hasn't.
func refusalOf(verdicts []verdict) string {
	for _, v := range verdicts {
		switch {
		case v.Refused == nil:
		case v.Refused.Reason == domain.Conflict:
			return takenMessage
		case v.Refused.Reason == domain.Erased:
			return erasedMessage
		default:
			return v.Refused.Message
		}
	}
	return ""
}
