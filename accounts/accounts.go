// This file is the service, and what it needs from the rest of the house:
// interfaces beside their consumer.

package accounts

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"log/slog"
	"time"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/projections"
	"boxoffice/wire"
)

// A Reader answers from the read models. Each call is one snapshot of them. It
// is used by many goroutines at a time.
type Reader interface {
	// User is one user as they are at an instant; false where there is none then.
	User(ctx context.Context, id string, at domain.Instant) (projections.UserDetail, bool, error)
	// FindUsers finds the users of ids and of e-mails as they are at an instant,
	// be it before their first event.
	FindUsers(ctx context.Context, ids, emails []string, at domain.Instant) (projections.FoundUsers, error)
	// WholeUser hands all that the read models have about a user to f, of one
	// moment; projections.ErrNoUser where there is no such user.
	WholeUser(ctx context.Context, id string, at domain.Instant, f func(*projections.UserWhole) error) error
	// Forgotten says whether no read model, those that don't answer included,
	// has anything of who was erased up to a position of the log, which is that
	// of an erasure.
	Forgotten(ctx context.Context, erasure eventstore.Head) (bool, error)
	// Status says how far the read models that answer have come.
	Status(ctx context.Context) (projections.ReaderStatus, error)
}

// A Log is asked what is recorded and what was refused. It is used by many
// goroutines at a time.
type Log interface {
	// Head says where the log stands.
	Head(ctx context.Context) (eventstore.Head, error)
	// Wait returns when the log has grown past the position, or with the
	// context's error.
	Wait(ctx context.Context, after eventstore.Position) error
	// LastErasure says where the log stood at the last erasure.
	LastErasure(ctx context.Context) (eventstore.Head, error)
	// SubjectStates tells, for each of the users' ids, whether there is a user and
	// when an earlier one was erased.
	SubjectStates(ctx context.Context, ids []string) ([]eventstore.SubjectState, error)
	// Verdicts tells where events ended, by their identities and in their order;
	// the zero verdict is that of an event that hasn't been judged yet.
	Verdicts(ctx context.Context, ids []eventstore.EventID) ([]eventstore.Verdict, error)
	// UserEvents are the recorded events about a user, readable; they end with
	// eventstore.ErrUserGone where the user is erased before the last.
	UserEvents(ctx context.Context, id string) iter.Seq2[*eventstore.Record, error]
	// RefusedAbout are the refused events about a user's id.
	RefusedAbout(ctx context.Context, id string) iter.Seq2[*eventstore.RefusedEvent, error]
	// RefusedEvent is one refused event; false where it isn't in the list.
	RefusedEvent(ctx context.Context, id int64) (eventstore.RefusedEvent, bool, error)
	// Recorded is the position of the event of a source and an id; 0 where none is
	// recorded.
	Recorded(ctx context.Context, source, id string) (eventstore.Position, error)
	// MarkRetried notes that a refused event is sent again as the event of that
	// source and id: it leaves the list once that is recorded.
	MarkRetried(ctx context.Context, id int64, source, eventID string) (bool, error)
}

// A Publisher hands events to the broker. It is used by many goroutines at a
// time.
type Publisher interface {
	// PublishBatch hands the messages to the broker, in order, and returns nil only
	// when the broker has stored every one of them durably. After an error some
	// of them may be stored; publishing all of them again is safe.
	PublishBatch(ctx context.Context, messages []wire.Message) error
}

// A Locker lets one of all processes do something at a time.
type Locker interface {
	// TryLock takes the lock of a name; false where another has it. It ends with
	// Unlock, or with the process.
	TryLock(ctx context.Context, name string) (lock Lock, ok bool, err error)
}

// A Lock is one that has been taken. It is an alias, so that a database's own lock
// is one.
type Lock = interface {
	// Check returns an error where somebody else may have the lock by now.
	Check(ctx context.Context) error
	// Unlock releases the lock.
	Unlock() error
}

// A Config says what a [Service] works with.
type Config struct {
	// Reader answers from the read models. Required.
	Reader Reader
	// Log has the recorded events and the refused ones. Required.
	Log Log
	// Publisher takes events for the broker. Required.
	Publisher Publisher
	// Locks keep imports apart, whichever process they run in. Required.
	Locks Locker

	// Zone is the platform's time zone, in which a date alone is read.
	// Default: UTC.
	Zone *time.Location
	// VerdictWithin is how long one call waits for the log's verdict and for the
	// read models to show it; an import waits longer. Default: 10 s.
	VerdictWithin time.Duration
	// Clock tells the present. Default: the system's clock.
	Clock func() time.Time
	// Logger takes what goes wrong beside the answers; it never gets personal
	// data. Default: slog.Default().
	Logger *slog.Logger
}

// A Service does things to people. It is used by many goroutines at a time.
type Service struct{ config Config }

// New makes a service of its parts.
func New(c Config) (*Service, error) {
	switch {
	case c.Reader == nil:
		return nil, errors.New("accounts: Config.Reader is missing")
	case c.Log == nil:
		return nil, errors.New("accounts: Config.Log is missing")
	case c.Publisher == nil:
		return nil, errors.New("accounts: Config.Publisher is missing")
	case c.Locks == nil:
		return nil, errors.New("accounts: Config.Locks is missing")
	}
	c.Zone = cmp.Or(c.Zone, time.UTC)
	c.VerdictWithin = cmp.Or(c.VerdictWithin, 10*time.Second)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	if c.Clock == nil {
		c.Clock = time.Now
	}
	return &Service{c}, nil
}

func (s *Service) now() domain.Instant { return domain.InstantOf(s.config.Clock()) }

func (s *Service) calendar() domain.Calendar { return domain.Calendar{Zone: s.config.Zone} }
