// This file is what the read models answer: the rows that the API serves, free
// of JSON and of SQL.

package projections

import (
	"boxoffice/domain"
	"boxoffice/eventstore"
)

// A Status is a user's status at an instant.
type Status = domain.Status

// A User is a user as the lists have them.
type User struct {
	ID           string
	Status       Status
	StatusSince  domain.Instant
	RegisteredAt *domain.Instant
	UpdatedAt    *domain.Instant
	Profile      domain.Profile
}

// A UserSort is an order of the list of users. Nulls are last in each, and ties
// go by id, ascending, as bytes.
type UserSort string

// The orders of the list of users.
const (
	ByRegisteredAsc  UserSort = "registered_at"
	ByRegisteredDesc UserSort = "-registered_at"
	ByUpdatedAsc     UserSort = "updated_at"
	ByUpdatedDesc    UserSort = "-updated_at"
)

// A UserFilter says which users a list has; its zero value says all. From is
// inclusive and To exclusive; a user without the instant is in no range of it.
type UserFilter struct {
	Status         Status // empty: any
	RegisteredFrom *domain.Instant
	RegisteredTo   *domain.Instant
	UpdatedFrom    *domain.Instant
	UpdatedTo      *domain.Instant
	// Query is part of "first_name last_name", of the e-mail or of the id,
	// after Unicode case folding. Empty: any.
	Query string
}

// A UserCursor is the keyset of a user in a list, after which the next page
// begins. Key is the instant that the list is sorted by, nil where it is null.
type UserCursor struct {
	Key *domain.Instant
	ID  string
}

// A UsersQuery asks for a page of the list of users as it is at At.
type UsersQuery struct {
	Filter UserFilter
	Sort   UserSort
	At     domain.Instant
	After  *UserCursor
	Limit  int
}

// A UsersPage is one page of the list of users; Next is nil on the last.
type UsersPage struct {
	Users    []User
	Next     *UserCursor
	Position eventstore.Position
}

// A UserDetail is one user with everything they have.
type UserDetail struct {
	User
	// Entitlements are those that began by the instant asked about.
	Subscriptions []domain.EntitlementView
	Rentals       []domain.EntitlementView
	FreeCopies    []domain.EntitlementView
	Viewing       ViewingTotal
	Position      eventstore.Position
}

// A ViewingTotal sums a user's viewing sessions.
type ViewingTotal struct {
	Sessions     int64
	DurationMS   int64
	LastViewedAt *domain.Instant
}

// UserCounts are the numbers of users of each status.
type UserCounts struct {
	Registered int64
	Active     int64
	Canceled   int64
	Position   eventstore.Position
}

// A KPI names one of the monthly figures.
type KPI string

// The monthly figures.
const (
	KPIRegistered    KPI = "registered"
	KPIActive        KPI = "active"
	KPITrial         KPI = "trial"
	KPIUnsubscribed  KPI = "unsubscribed"
	KPICancellations KPI = "cancellations"
)

// MonthKPI holds the figures of one month as they are at At.
type MonthKPI struct {
	Month domain.Month
	At    domain.Instant
	// Begun is false in a month that starts after At, which has no figures.
	Begun bool

	Registered     int64
	PreviousMonth  int64 // the whole month before
	PreviousToDate int64 // up to the same local day and time of day as At
	Active         int64
	Trial          int64
	Unsubscribed   map[domain.ChurnReason]int64 // every reason is there, zero or not
	Cancellations  int64
	// CancellationsFor has every reason; a user who canceled for several is in each.
	CancellationsFor map[domain.ChurnReason]int64
	Position         eventstore.Position
	TimeZone         string
}

// A MembersQuery asks for a page of the users whom a figure counts.
type MembersQuery struct {
	Month  domain.Month
	KPI    KPI
	Reason domain.ChurnReason // of unsubscribed or cancellations; empty: any
	At     domain.Instant
	After  *UserCursor
	Limit  int
}

// A MembersPage is one page of the users whom a figure counts, in the default
// order of the list of users. Erased is how many more it counts who were erased.
type MembersPage struct {
	Users    []User
	Erased   int64
	Next     *UserCursor
	Position eventstore.Position
}

// A Session is one viewing session.
type Session struct {
	UserID *string // nil for an erased user's
	domain.SessionView
	// Played are the disjoint ranges that were played, where they were asked for.
	Played []domain.Range
}

// A SessionCursor is the keyset of a session in a list.
type SessionCursor struct {
	StartedAt domain.Instant
	SessionID string
	ContentID string
	UserID    *string
	// UserKey tells apart the sessions of erased users that tie in all else.
	UserKey eventstore.UserKey
}

// A SessionsQuery asks for a page of viewing sessions, latest first, then by
// session_id, content_id, user_id (null last). UserID empty: of all users;
// ContentID empty: of all contents.
type SessionsQuery struct {
	UserID    string
	ContentID string
	From, To  *domain.Instant // of started_at
	// Played asks for what was played of each, too.
	Played bool
	At     domain.Instant
	After  *SessionCursor
	Limit  int
}

// A SessionsPage is one page of viewing sessions.
type SessionsPage struct {
	Sessions []Session
	Next     *SessionCursor
	Position eventstore.Position
}

// A Content is what was viewed of one content, by one user or by all.
type Content struct {
	ContentID       string
	Title           *string
	Sessions        int64
	Users           int64
	DurationMS      int64
	WatchedMS       int64
	ContentLengthMS *int64
	// CompletionRate is in ten-thousandths: over the union of all that was
	// played for one user, the mean of the sessions' over all users.
	CompletionRate *int64
	FirstStartedAt domain.Instant
	LastEventAt    domain.Instant
}

// A ContentCursor is the keyset of a content in the list over all users.
type ContentCursor struct {
	Sessions  int64
	ContentID string
}

// A ContentsPage is one page of the contents over all users, most sessions
// first, then by content_id.
type ContentsPage struct {
	Contents []Content
	Next     *ContentCursor
	Position eventstore.Position
}
