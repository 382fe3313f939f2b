// This file is what an import comes to: what became of each row, and why some
// were refused, in the words of a table.

package accounts

import "boxoffice/domain"

// An ImportResult says what became of the rows of a file.
type ImportResult struct {
	// Rows is how many there are below the first, without blank ones.
	Rows                        int
	Created, Updated, Unchanged int
	// Refused are the rows that changed nothing, for what is wrong with them.
	Refused RefusedRows
}

// An ImportProgress says how far an import is.
type ImportProgress struct {
	// Rows is how many have been read, and Bytes how much of the file: a workbook
	// is read as a whole before its first row.
	Rows                                 int
	Bytes                                int64
	Created, Updated, Unchanged, Refused int
}

// Done is how many rows the import is done with.
func (p ImportProgress) Done() int { return p.Created + p.Updated + p.Unchanged + p.Refused }

func (m *Import) progress() ImportProgress {
	r := &m.result
	return ImportProgress{r.Rows, m.file.read, r.Created, r.Updated, r.Unchanged, r.Refused.Len()}
}

// A RowOutcome is what became of one row, or, in a dry run, what would.
type RowOutcome struct {
	// Row is its number, as a spreadsheet program shows it.
	Row     int
	Outcome Outcome
	// UserID is the user whom the row is about; empty where the row is refused, and
	// for a user who has no id yet: one whom a row without an id makes in a dry run.
	UserID string
	// Reason is why it is refused.
	Reason string
}

// An Outcome is one of the ways in which a row ends.
type Outcome string

// The outcomes.
const (
	RowCreated   Outcome = "created"
	RowUpdated   Outcome = "updated"
	RowUnchanged Outcome = "unchanged"
	RowRefused   Outcome = "refused"
)

// count counts a row that isn't refused by what became of it.
func (m *Import) count(o RowOutcome) {
	r := &m.result
	switch o.Outcome {
	case RowCreated:
		r.Created++
	case RowUpdated:
		r.Updated++
	case RowUnchanged:
		r.Unchanged++
	}
	if m.Row != nil {
		m.Row(o)
	}
}

func (m *Import) refuse(row int, why string) { m.refuseFor(row, reason{text: why}) }

func (m *Import) refuseFor(row int, because reason) {
	m.result.Refused.add(row, because)
	if m.Row != nil {
		m.Row(RowOutcome{Row: row, Outcome: RowRefused, Reason: because.String()})
	}
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

// refusalOf is why the log has refused a row; empty where it hasn't.
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
