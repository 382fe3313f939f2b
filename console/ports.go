// This file is what the console needs from the rest of the house.

package console

import (
	"context"

	"boxoffice/access/apikeys"
	"boxoffice/access/trail"
	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/projections"
)

// A Reader answers from the read models. Each call is one snapshot of them. It
// is used by many requests at a time.
type Reader interface {
	// KPIs returns the figures of the months from first to last, both inclusive.
	KPIs(ctx context.Context, first, last domain.Month, at domain.Instant) ([]projections.MonthKPI, error)
	// Days returns how many users registered on each local day of a month, up to
	// an instant: the days that have begun by then.
	Days(ctx context.Context, m domain.Month, at domain.Instant) (projections.MonthDays, error)
	// Members returns a page of the users whom a figure counts.
	Members(ctx context.Context, q projections.MembersQuery) (projections.MembersPage, error)
	// AllMembers hands all of them, of one moment, to f.
	AllMembers(ctx context.Context, q projections.MembersQuery, f func(*projections.UserList) error) error
	// CustomKeys returns the keys of the platform's own fields that users have, sorted;
	// of more than limit only that many. It goes through all users.
	CustomKeys(ctx context.Context, at domain.Instant, limit int) ([]string, error)
	// Users returns a page of the list of users.
	Users(ctx context.Context, q projections.UsersQuery) (projections.UsersPage, error)
	// CountUsers returns how many users a filter finds, at most q.Limit.
	CountUsers(ctx context.Context, q projections.UsersQuery) (int64, error)
	// UserCounts returns the numbers of users of each status.
	UserCounts(ctx context.Context, at domain.Instant) (projections.UserCounts, error)
	// User returns one user; false where there is none at that instant.
	User(ctx context.Context, id string, at domain.Instant) (projections.UserDetail, bool, error)
	// FindUsers returns the users of ids and of e-mails as they are at an instant.
	FindUsers(ctx context.Context, ids, emails []string, at domain.Instant) (projections.FoundUsers, error)
	// Sessions returns a page of viewing sessions; projections.ErrNoUser where
	// those are asked for of a user who isn't there.
	Sessions(ctx context.Context, q projections.SessionsQuery) (projections.SessionsPage, error)
	// UserContents returns what one user viewed in sessions that started in
	// [from, to), the latest first; nil is no bound.
	UserContents(ctx context.Context, id string, from, to *domain.Instant) ([]projections.Content, eventstore.Position, error)
	// Contents returns a page of what all users viewed in sessions that started in
	// [from, to), most sessions first; nil is no bound.
	Contents(ctx context.Context, from, to *domain.Instant, after *projections.ContentCursor, limit int) (projections.ContentsPage, error)
	// Content returns one of them; false where no session in the period is of it.
	Content(ctx context.Context, id string, from, to *domain.Instant) (projections.Content, bool, eventstore.Position, error)
	// Without returns what the log says of a user at an instant, and what it would
	// say if one more event of theirs were retracted.
	Without(ctx context.Context, log projections.HistoryLog, user eventstore.UserKey, event domain.Retraction, at domain.Instant) (with, without projections.FoldedUser, err error)
	// Status says how far the read models that answer have come.
	Status(ctx context.Context) (projections.ReaderStatus, error)
}

// A Log has what is recorded, and what was refused. It is used by many requests
// at a time.
type Log interface {
	projections.HistoryLog
	// Wait returns when the log has grown past the position, or with the
	// context's error.
	Wait(ctx context.Context, after eventstore.Position) error
	// Head says where the log stands.
	Head(ctx context.Context) (eventstore.Head, error)
	// LastErasure says where the log stood at the last erasure; its position is 0
	// where there was none.
	LastErasure(ctx context.Context) (eventstore.Head, error)
	// ReadSealed returns a page of the recorded events, as they stand in the log.
	ReadSealed(ctx context.Context, q eventstore.SealedQuery) (eventstore.SealedPage, error)
	// Unseal returns the events of rows in readable form, in the same order; those
	// whose user's key has been destroyed say so.
	Unseal(ctx context.Context, rows []eventstore.SealedRecord) ([]eventstore.Record, error)
	// Refused returns a page of the refused events, and the id to go on from: 0
	// on the last page.
	Refused(ctx context.Context, q eventstore.RefusedQuery) (events []eventstore.RefusedEvent, next int64, err error)
	// RefusedEvent returns one refused event; false where it isn't in the list.
	RefusedEvent(ctx context.Context, id int64) (eventstore.RefusedEvent, bool, error)
	// DeleteRefused removes a refused event; false where it isn't there.
	DeleteRefused(ctx context.Context, id int64) (bool, error)
	// CountRefused returns how many refused events are kept, by reason.
	CountRefused(ctx context.Context) (map[domain.Reason]int64, error)
}

// A Trail is who saw or changed personal data. It is used by many requests at a time.
type Trail interface {
	// Entries returns a page of the trail, the latest first, and the Before of the
	// next page, 0 on the last.
	Entries(ctx context.Context, q trail.Query) (entries []trail.Entry, next int64, err error)
}

// Keys are the API keys that the service has made. It is used by many requests at
// a time.
type Keys interface {
	// List returns all keys, good or not, in the order of their making.
	List(ctx context.Context) ([]apikeys.Key, error)
	// Make makes a key, which it returns this once; an error that is
	// apikeys.ErrNameTaken where the name is.
	Make(ctx context.Context, k apikeys.Key) (key string, made apikeys.Key, err error)
	// Revoke makes a key good for nothing, at once; false where there is none of
	// that name that isn't revoked yet.
	Revoke(ctx context.Context, name string) (bool, error)
}
