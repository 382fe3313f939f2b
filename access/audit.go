// This file is the audit entry of a request: who sees or changes personal data
// by which operation stands in the trail, and about whom.

package access

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"boxoffice/access/trail"
)

// announced are operations that change something and have their entry written
// themselves before they do it, once they have read about whom it is:
// afterwards nobody could tell. See [Announce].
var announced = []string{"erase-users"}

// longRead is after how long a read that isn't over yet is written down.
const longRead = time.Second

// A Trail takes audit entries. It is used by many requests at a time.
type Trail interface {
	// Begin writes down, durably, what is about to be done, and returns a number
	// for End.
	Begin(ctx context.Context, e trail.Entry) (int64, error)
	// End records how it ended. It doesn't wait.
	End(id int64, e trail.Entry)
	// Note records what was read. It doesn't wait and doesn't fail.
	Note(e trail.Entry)
	// Pseudonyms looks up users' ids, those only that are found.
	Pseudonyms(ctx context.Context, ids []string) ([]trail.Subject, error)
}

// An Audit makes audit entries of requests. It is safe for concurrent use.
type Audit struct {
	// Trail takes them. Nil: none are made.
	Trail Trail
	Clock func() time.Time
	// Logger hears of entries that can't be written.
	Logger *slog.Logger
}

// A Call is what is asked for by a request.
type Call struct {
	// Operation is its name in the table of permissions.
	Operation string
	// Method is the method of HTTP: what isn't a read changes something.
	Method string
	// UserIDs are the users that the request itself names.
	UserIDs []string
	// Parameters are the names of its parameters; never their values.
	Parameters []string
}

// An auditEntry is the entry of a request that is under way.
type auditEntry struct {
	audit *Audit
	// changes says that the request changes something, or publishes.
	changes bool

	mu    sync.Mutex
	entry trail.Entry
	begun int64 // the number that the trail gave; 0: not begun
	ended bool
}

type auditKey struct{}

// Begin begins the audit entry of a request that a [Gate] has let through with
// ctx, where the operation concerns people. What changes something is written down
// before it is done: after an error, which is a [*Refusal], it must not be. What
// is read is written down soon after, and whoever reads doesn't wait for it. The
// operation is done with the context that is returned; end is told the status of
// the answer, 0 where there is none.
func (a *Audit) Begin(ctx context.Context, c Call) (_ context.Context, end func(status int), err error) {
	who := From(ctx)
	if a.Trail == nil || !who.Audited(c.Operation) {
		return ctx, func(int) {}, nil
	}
	e := &auditEntry{audit: a, changes: c.Method != http.MethodGet && c.Method != http.MethodHead, entry: trail.Entry{
		At: a.Clock(), Actor: who.Name, Role: string(who.Role), Action: c.Operation, Parameters: c.Parameters, IDs: c.UserIDs,
	}}
	if len(c.UserIDs) > 0 {
		e.count(len(c.UserIDs))
	}
	stop := func() bool { return true }
	switch {
	case slices.Contains(announced, c.Operation):
	// Publishing is what a platform does all day, and what it publishes is in
	// the log: it is recorded like a read.
	case e.changes && c.Operation != PublishEvents:
		if err := e.begin(ctx); err != nil {
			return nil, nil, a.untold(ctx, err)
		}
	default:
		// One that can't be written now is written when the read is over.
		stop = time.AfterFunc(longRead, func() { _ = e.begin(context.WithoutCancel(ctx)) }).Stop
	}
	return context.WithValue(ctx, auditKey{}, e), func(status int) { stop(); e.end(status) }, nil
}

// About notes whom a request is about, by their ids, where it is audited. What
// changes something has the pseudonyms looked up at once.
func About(ctx context.Context, ids ...string) {
	e, _ := ctx.Value(auditKey{}).(*auditEntry)
	if e == nil {
		return
	}
	n := len(ids)
	var found []trail.Subject
	if e.changes {
		var err error
		if found, err = e.audit.Trail.Pseudonyms(ctx, ids); err == nil {
			ids = nil
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.entry.Subjects = append(e.entry.Subjects, found...)
	e.entry.IDs = append(e.entry.IDs, ids...)
	e.count(n)
}

// AboutMany notes how many people or records a request is about, where they
// are too many to be told one by one.
func AboutMany(ctx context.Context, n int) {
	if e, _ := ctx.Value(auditKey{}).(*auditEntry); e != nil {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.count(n)
	}
}

// Announce writes down, durably, whom a request is about to change, by their
// ids, where it is audited. After an error, which is a [*Refusal], the change must
// not be made.
func Announce(ctx context.Context, ids ...string) error {
	e, _ := ctx.Value(auditKey{}).(*auditEntry)
	if e == nil {
		return nil
	}
	found, err := e.audit.Trail.Pseudonyms(ctx, ids)
	if err == nil {
		e.mu.Lock()
		e.entry.Subjects = append(e.entry.Subjects, found...)
		e.count(len(ids))
		e.mu.Unlock()
		err = e.begin(ctx)
	}
	if err != nil {
		return e.audit.untold(ctx, err)
	}
	return nil
}

// untold is the answer where a change can't be written down, so isn't made.
func (a *Audit) untold(ctx context.Context, err error) *Refusal {
	a.Logger.ErrorContext(ctx, "the trail can't be written, so nothing is changed", "error", err)
	return &Refusal{Kind: Unavailable, Reason: "who does this can't be taken down at the moment, so it isn't done; try again"}
}

// count adds to how many it is about. The caller has the lock, or the only reference.
func (e *auditEntry) count(more int) {
	n := int64(more)
	if e.entry.People != nil {
		n += *e.entry.People
	}
	e.entry.People = &n
}

// begin writes down what is about to be done, or goes on for long.
func (e *auditEntry) begin(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended {
		return nil
	}
	var err error
	e.begun, err = e.audit.Trail.Begin(ctx, e.entry)
	return err
}

// end writes down how it ended; status is 0 where nobody can tell.
func (e *auditEntry) end(status int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ended = true
	e.entry.Status = status
	if e.begun != 0 {
		e.audit.Trail.End(e.begun, e.entry)
		return
	}
	e.audit.Trail.Note(e.entry)
}
