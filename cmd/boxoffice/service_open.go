// This file opens the parts of the service that are outside of the process, and
// waits for those that can't be reached yet.

package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"boxoffice/api"
	"boxoffice/eventstore"
	"boxoffice/eventstore/vault"
	"boxoffice/internal/pause"
	"boxoffice/internal/sqldb"
	"boxoffice/projections"
)

// connectWithin is how long one try to connect to the database may take.
const connectWithin = 10 * time.Second

// A step opens one part, or something of it. It is tried again where something
// outside of the process that it needs can't be reached.
type step struct {
	part string // as /readyz calls it
	role role   // the role that needs it; empty is every process
	open func(context.Context) error
}

func (s *service) steps(migrate bool) []step {
	steps := []step{
		{"database", "", s.connectDatabase},
		{"database", "", func(ctx context.Context) error { return s.openLog(ctx, migrate) }},
		{"database", "", s.openModels},
		{"database", "", s.openKeys},
		{"database", roleAPI, s.openTrail},
		{"database", roleAPI, s.openBrowser},
		{"broker", "", s.openBroker},
		{"ingest", roleIngest, s.prepareIngest},
		{"projections", roleProject, s.prepareProjecting},
		{"api", roleAPI, s.prepareAPI},
		{"database", "", s.openFirstKey},
	}
	return slices.DeleteFunc(steps, func(st step) bool { return !s.does(st.role) })
}

// open takes the steps one after the other.
func (s *service) open(ctx context.Context) error {
	for i, st := range s.opening.steps {
		s.opening.at(i, nil)
		if err := s.take(ctx, i, st); err != nil {
			return err
		}
	}
	return nil
}

// take takes one step, as often as it needs. What a try has opened before it
// failed is closed again.
func (s *service) take(ctx context.Context, i int, st step) error {
	pauses := pause.New(minRestart, maxRestart)
	for {
		opened := len(s.closers)
		err := st.open(ctx)
		if err == nil {
			return nil
		}
		err = errors.Join(err, s.closeFrom(opened))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !sqldb.IsAway(err) {
			return err
		}
		s.opening.at(i, err)
		next := pauses.NextBackOff()
		s.log.Warn("waiting for the "+awaited(st.part, err), "error", oneLine(err.Error()), "pause_s", next.Seconds())
		if err := pause.Wait(ctx, next); err != nil {
			return err
		}
	}
}

// awaited names what can't be reached where a part fails with err. Every part but
// the broker is in the database; what that holds of users is opened by a key that
// may be outside of it.
func awaited(part string, err error) string {
	switch {
	case errors.Is(err, vault.ErrKMS):
		return "key management service"
	case part == "broker":
		return part
	}
	return "database"
}

// An opening is how far the steps have come. It is safe for concurrent use.
type opening struct {
	steps []step
	done  chan struct{} // closed when all are taken

	mu     sync.Mutex
	taken  int   // how many are
	failed error // why the next one couldn't be yet; nil where it is being tried first
}

func newOpening(steps []step) *opening { return &opening{steps: steps, done: make(chan struct{})} }

// at notes which step is being taken, and why it failed so far.
func (o *opening) at(i int, failed error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.taken, o.failed = i, failed
}

// checks are what /readyz says of the parts until all steps are taken.
func (o *opening) checks() []api.Check {
	o.mu.Lock()
	defer o.mu.Unlock()
	current := o.steps[o.taken].part
	states := map[string]api.CheckResult{}
	for i, st := range o.steps {
		switch {
		case i < o.taken && st.part != current:
			states[st.part] = api.CheckResult{Ready: true}
		case st.part != current:
			states[st.part] = api.CheckResult{Detail: "waits for the " + current}
		case o.failed != nil:
			states[st.part] = api.CheckResult{Detail: unreached(current, awaited(current, o.failed))}
		default:
			states[st.part] = api.CheckResult{Detail: "is being opened"}
		}
	}
	var checks []api.Check
	for part, state := range states {
		checks = append(checks, api.Check{Name: part, Run: func(context.Context) api.CheckResult { return state }})
	}
	return checks
}

// unreached says why a part isn't open: it, or something that it needs, can't be
// reached.
func unreached(part, what string) string {
	if part == what {
		return "can't be reached, and is tried again"
	}
	return "is tried again, since the " + what + " can't be reached"
}

// connectDatabase opens the database, once the key that is needed for it is
// known to be there.
func (s *service) connectDatabase(ctx context.Context) (err error) {
	if err := s.config.needMasterKey(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, connectWithin)
	defer cancel()
	if s.database, err = openDatabase(ctx, s.config); err != nil {
		return err
	}
	s.onClose(s.database.Close)
	return nil
}

// openLog brings the schemas up to date, where it may, and opens the log.
func (s *service) openLog(ctx context.Context, migrate bool) (err error) {
	if migrate {
		if err := migrateAll(ctx, s.database); err != nil {
			return err
		}
	}
	if s.store, err = eventstore.Open(ctx, s.database, s.config.masterKey(), nil); err != nil {
		return nameMasterKey(err)
	}
	s.onClose(s.store.Close)
	return nil
}

func (s *service) openModels(ctx context.Context) (err error) {
	if s.models, err = projections.Open(ctx, s.database); err != nil {
		return err
	}
	s.onClose(s.models.Close)
	s.reader = projections.NewReader(s.models, s.config.SessionTimeout)
	return nil
}
