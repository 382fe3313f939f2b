// This file is what the API needs from the rest of the house: interfaces beside
// their consumer, so that each can be met by a real part or by another one.

package api

import (
	"context"

	"boxoffice/access"
	"boxoffice/access/trail"
	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/projections"
	"boxoffice/projections/export"
	"boxoffice/wire"
)

// A Reader answers from the read models. Each call is one snapshot of them. It
// is used by many requests at a time.
type Reader interface {
	// KPIs returns the figures of the months from first to last, both inclusive,
	// in order, as they are at the instant.
	KPIs(ctx context.Context, first, last domain.Month, at domain.Instant) ([]projections.MonthKPI, error)
	// Days returns how many users registered on each local day of a month: those
	// that have begun by the instant.
	Days(ctx context.Context, m domain.Month, at domain.Instant) (projections.MonthDays, error)
	// Members returns a page of the users whom a figure counts.
	Members(ctx context.Context, q projections.MembersQuery) (projections.MembersPage, error)
	// Users returns a page of the list of users.
	Users(ctx context.Context, q projections.UsersQuery) (projections.UsersPage, error)
	// UserCounts returns the numbers of users of each status.
	UserCounts(ctx context.Context, at domain.Instant) (projections.UserCounts, error)
	// User returns one user; false where there is none at that instant.
	User(ctx context.Context, id string, at domain.Instant) (projections.UserDetail, bool, error)
	// Sessions returns a page of viewing sessions; projections.ErrNoUser where
	// those are asked for of a user who isn't there.
	Sessions(ctx context.Context, q projections.SessionsQuery) (projections.SessionsPage, error)
	// UserContents returns what one user viewed in sessions that started in
	// [from, to), the latest first; nil is no bound. projections.ErrNoUser
	// where there is no such user.
	UserContents(ctx context.Context, id string, from, to *domain.Instant) ([]projections.Content, eventstore.Position, error)
	// Contents returns a page of what all users viewed in sessions that started
	// in [from, to), most sessions first; nil is no bound.
	Contents(ctx context.Context, from, to *domain.Instant, after *projections.ContentCursor, limit int) (projections.ContentsPage, error)
	// The whole lists of users and of sessions.
	export.Reader
	// Status says how far the read models that answer have come.
	Status(ctx context.Context) (projections.ReaderStatus, error)
}

// A Log has what is recorded, and what was refused. It is used by many
// requests at a time.
type Log interface {
	// ReadSealed returns a page of the recorded events, as they stand in the log.
	ReadSealed(ctx context.Context, q eventstore.SealedQuery) (eventstore.SealedPage, error)
	// Unseal returns the events of rows in readable form, in the same order; those
	// whose user's key has been destroyed say so.
	Unseal(ctx context.Context, rows []eventstore.SealedRecord) ([]eventstore.Record, error)
	// Wait returns when the log has grown past the position, or with the
	// context's error.
	Wait(ctx context.Context, after eventstore.Position) error
	// Refused returns a page of the refused events, and the id to go on from: 0
	// on the last page.
	Refused(ctx context.Context, q eventstore.RefusedQuery) (events []eventstore.RefusedEvent, next int64, err error)
	// RefusedEvent returns one refused event; false where it isn't in the list.
	RefusedEvent(ctx context.Context, id int64) (eventstore.RefusedEvent, bool, error)
	// CountRefused returns how many are in the list, by reason.
	CountRefused(ctx context.Context) (map[domain.Reason]int64, error)
	// DeleteRefused removes a refused event; false where it isn't there.
	DeleteRefused(ctx context.Context, id int64) (bool, error)
	// Head says where the log stands.
	Head(ctx context.Context) (eventstore.Head, error)
}

// A Trail records who did what with people's data, and tells it. It is used by
// many requests at a time.
type Trail interface {
	access.Trail
	// Entries returns a page of the trail, the latest first, and the Before of
	// the next page, 0 on the last.
	Entries(ctx context.Context, q trail.Query) (entries []trail.Entry, next int64, err error)
}

// A Publisher hands events to the broker. It is used by many requests at a time.
type Publisher interface {
	// PublishBatch hands the messages to the broker, in order, and returns nil only
	// when the broker has stored every one of them durably. After an error some
	// of them may be stored; publishing all of them again is safe.
	PublishBatch(ctx context.Context, messages []wire.Message) error
}

// A Check reports the state of one part of the service to /readyz.
type Check struct {
	// Name of the part, such as "database".
	Name string
	// Run looks up the part's state. It must return soon after its context ends.
	Run func(ctx context.Context) CheckResult
}

// A CheckResult is the state of one part. Whatever it says is served to
// anybody: no secrets, no addresses, no paths.
type CheckResult struct {
	// Ready says that the part does its work.
	Ready bool
	// Detail says in a few words what is wrong, or worth knowing.
	Detail string
	// Values are figures of the part, such as how far it is behind.
	Values map[string]any
}
