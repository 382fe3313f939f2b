// This file takes down who did what with personal data: which operations that
// concerns, and what is written before and after them. What the trail is, is in
// package trail; reading it is in trail.go.
//
// Package access says by which operations somebody sees or changes people's data.
// Operations say whom they were about with [about].

package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5/middleware"

	"boxoffice/access"
	"boxoffice/access/trail"
)

// toldByThemselves are operations that change something and write down
// themselves what they are about to do, once they have read about whom it is:
// afterwards nobody could tell. See [service.tellBefore].
var toldByThemselves = []string{"erase-users"}

// longRead is after how long a read that isn't over yet is taken down.
const longRead = time.Second

// A deed is one request that concerns people.
type deed struct {
	trail trail.Entry
	to    Trail
	// changes says that it changes something, or publishes.
	changes bool

	mu    sync.Mutex
	begun int64 // the number that the trail gave; 0: not begun
	ended bool
}

type deedKey struct{}

// about notes whom a request is about, by their ids. What changes something has
// the pseudonyms looked up at once.
func about(ctx context.Context, ids ...string) {
	d, _ := ctx.Value(deedKey{}).(*deed)
	if d == nil {
		return
	}
	n := int64(len(ids))
	var found []trail.Subject
	if d.changes {
		var err error
		if found, err = d.to.Pseudonyms(ctx, ids); err == nil {
			ids = nil
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.trail.Subjects = append(d.trail.Subjects, found...)
	d.trail.IDs = append(d.trail.IDs, ids...)
	d.count(n)
}

// tellBefore writes down, durably, whom a request is about to change, by their
// ids. After an error the change must not be made.
func (s *service) tellBefore(ctx context.Context, ids ...string) error {
	d, _ := ctx.Value(deedKey{}).(*deed)
	if d == nil {
		return nil
	}
	found, err := d.to.Pseudonyms(ctx, ids)
	if err == nil {
		d.mu.Lock()
		d.trail.Subjects = append(d.trail.Subjects, found...)
		d.count(int64(len(ids)))
		d.mu.Unlock()
		err = d.begin(ctx)
	}
	if err != nil {
		return s.untold(ctx, err)
	}
	return nil
}

// untold is the answer where a change can't be written down, so isn't made.
func (s *service) untold(ctx context.Context, err error) *Problem {
	s.Logger.ErrorContext(ctx, "the trail can't be written, so nothing is changed", "error", err)
	return unavailable("who does this can't be taken down at the moment, so it isn't done; try again")
}

// aboutMany notes how many people or records a request is about, where they
// are too many to be told one by one.
func aboutMany(ctx context.Context, n int) {
	if d, _ := ctx.Value(deedKey{}).(*deed); d != nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.count(int64(n))
	}
}

func (d *deed) count(n int64) {
	if d.trail.People != nil {
		n += *d.trail.People
	}
	d.trail.People = &n
}

// takeDown puts what concerns people into the trail. What changes something is
// written there before it is done, and isn't done where that can't be written.
// What is read is written soon after, and whoever reads doesn't wait for it.
func (s *service) takeDown(ctx huma.Context, next func(huma.Context)) {
	op := ctx.Operation()
	caller := access.From(ctx.Context())
	if s.Trail == nil || !caller.Audited(op.OperationID) {
		next(ctx)
		return
	}
	d := &deed{to: s.Trail, changes: op.Method != http.MethodGet, trail: trail.Entry{
		At: s.Clock(), Actor: caller.Name, Role: string(caller.Role), Action: op.OperationID, Parameters: parameterNames(ctx),
	}}
	if strings.HasPrefix(op.Path, "/v1/users/{id}") {
		one := int64(1)
		d.trail.IDs, d.trail.People = []string{ctx.Param("id")}, &one
	}
	switch {
	case slices.Contains(toldByThemselves, op.OperationID):
	// Publishing is what a platform does all day, and what it publishes is in
	// the log: it is taken down like a read.
	case d.changes && op.OperationID != "publish-events":
		if err := d.begin(ctx.Context()); err != nil {
			s.writeProblem(ctx, s.untold(ctx.Context(), err))
			return
		}
	default:
		defer time.AfterFunc(longRead, func() { _ = d.begin(context.WithoutCancel(ctx.Context())) }).Stop()
	}
	defer func() { d.end(statusOf(ctx)) }()
	next(huma.WithValue(ctx, deedKey{}, d))
}

// begin writes down what is about to be done, or goes on for long.
func (d *deed) begin(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ended {
		return nil
	}
	var err error
	d.begun, err = d.to.Begin(ctx, d.trail)
	return err
}

// end writes down how it ended; status is 0 where nobody can tell.
func (d *deed) end(status int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended = true
	d.trail.Status = status
	if d.begun != 0 {
		d.to.End(d.begun, d.trail)
		return
	}
	d.to.Note(d.trail)
}

// statusOf gives the status of an answer; 0 where there was none.
func statusOf(ctx huma.Context) int {
	_, w := request(ctx)
	if ww, ok := w.(middleware.WrapResponseWriter); ok && ctx.Status() == 0 {
		return ww.Status() // what a stream wrote, which needn't say
	}
	return ctx.Status()
}

// parameterNames gives the names of what was given, sorted. strictQuery has
// seen that the operation knows them.
func parameterNames(ctx huma.Context) []string {
	u := ctx.URL()
	return slices.Sorted(mapKeys(u.Query()))
}
