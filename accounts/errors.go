// This file is the errors of what is done to people, for each surface to say in
// its own form.

package accounts

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

var (
	// ErrNoUser says that there is no user of the id.
	ErrNoUser = errors.New("there is no user of this id")
	// ErrTaken says that there is a user of the id already.
	ErrTaken = errors.New("there is a user of this id already")
	// ErrNoRefused says that there is no refused event of the id.
	ErrNoRefused = errors.New("there is no refused event of this id in the list")
	// ErrTooLarge says that the event would be larger than any may be.
	ErrTooLarge = errors.New("the event would be over 256 KiB")
	// ErrImportRunning says that another import is running, here or in another
	// process.
	ErrImportRunning = errors.New("another import is running; try again when it has ended")
	// ErrFileTooLarge says that a file is larger than any that is imported.
	ErrFileTooLarge = errors.New("a file has at most 128 MiB: divide it")
	// ErrTooManyRows says that a file has more rows than are imported.
	ErrTooManyRows = errors.New("the file has more than 1,048,575 rows: divide it")
)

// An InvalidError says what breaks a rule in what somebody has entered: all of
// it, in the order in which it was entered.
type InvalidError struct{ Faults []Fault }

// A Fault is one thing that breaks a rule.
type Fault struct {
	// Field is the name of the field; empty where it is the whole.
	Field string
	// Message says which rule.
	Message string
	// Value is what was entered; nil where that can't be told.
	Value jsontext.Value
}

// Error names the fields and the rules, without what was entered.
func (e *InvalidError) Error() string {
	var text []string
	for _, f := range e.Faults {
		text = append(text, f.Message)
	}
	return strings.Join(text, "; ")
}

// A ConflictError says that something can't be done as things are.
type ConflictError struct{ Reason string }

// Error is the reason.
func (e *ConflictError) Error() string { return e.Reason }

// An UnavailableError says that something can't be done, or be said to be done,
// at the moment: ask again in a few seconds.
type UnavailableError struct {
	// Reason is for people: what is so, and what to do.
	Reason string
	// Cause is what is so, for those who say it in another language.
	Cause Cause
	// Stored says what became of the events.
	Stored Stored
}

// A Cause is why something can't be done at the moment.
type Cause string

// The causes.
const (
	// CauseOthers: others change the same users at the same time.
	CauseOthers Cause = "others"
	// CauseSome: others change some of the users at the same time; the rest is done.
	CauseSome Cause = "some"
	// CauseBroker: the broker takes nothing, so nothing has happened.
	CauseBroker Cause = "broker"
	// CauseModels: the read models are behind the log.
	CauseModels Cause = "models"
	// CauseUnsettled: it takes long; Stored says what became of the events.
	CauseUnsettled Cause = "unsettled"
	// CauseLock: the database doesn't keep other imports away any more.
	CauseLock Cause = "lock"
)

// Error is the reason.
func (e *UnavailableError) Error() string { return e.Reason }

// adding is the error with a sentence more.
func (e *UnavailableError) adding(sentence string) *UnavailableError {
	told := *e
	told.Reason += ". " + sentence
	return &told
}

// Stored is what became of events that were to be published.
type Stored int

const (
	// NotStored says that nothing has happened, or nothing more than the reason
	// says.
	NotStored Stored = iota
	// PerhapsStored says that the broker hasn't answered in time.
	PerhapsStored
	// StoredSafely says that the events take effect, and that the read models
	// don't show it yet.
	StoredSafely
)

func (s Stored) String() string {
	return [...]string{"not stored", "perhaps stored", "stored safely"}[s]
}

// A StoppedError says how far an import came that ended before its file did.
type StoppedError struct {
	Created, Updated int
	Err              error
}

// Error is the reason, and how far the import came.
func (e *StoppedError) Error() string { return e.Err.Error() + ". " + e.Sentence() }

// Sentence says how far the import came.
func (e *StoppedError) Sentence() string {
	return fmt.Sprintf("%d users were made and %d changed until then; importing the file again leaves these alone", e.Created, e.Updated)
}

// Unwrap is what has stopped the import.
func (e *StoppedError) Unwrap() error { return e.Err }
