// This file is a platform in memory, for tests that import a great many small
// files: a log and read models of what importing needs, without a database.

package accounts

import (
	"context"
	"strings"
	"sync"
	"testing"

	"boxoffice/accounts/accountstest"
	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/projections"
	"boxoffice/wire"
)

// A memoryPlatform takes events and shows the users that they make, at once.
type memoryPlatform struct {
	Reader
	Log
	t         testing.TB
	importing sync.Mutex
	mu        sync.Mutex
	users     map[string]*domain.UserFacts
	known     map[eventstore.EventID]eventstore.Verdict
	last      eventstore.Position
}

// service is a service over a platform in memory.
func (p *memoryPlatform) service() caller {
	return caller{p.t, mustNew(p.t, Config{Reader: p, Log: p, Publisher: p, Locks: p, Clock: clock})}
}

func (p *memoryPlatform) PublishBatch(_ context.Context, messages []wire.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.users == nil {
		p.users, p.known = map[string]*domain.UserFacts{}, map[eventstore.EventID]eventstore.Verdict{}
	}
	for _, o := range messages {
		a := accountstest.Received(o)
		if a.Refusal != nil {
			p.t.Fatalf("what is published is refused: %v", a.Refusal)
		}
		e := a.Event
		id := eventstore.EventID{Source: e.Source, ID: e.ID}
		if p.users[e.Subject] != nil && a.MustBeNew {
			p.known[id] = eventstore.Verdict{Refused: &eventstore.RefusedEvent{Reason: domain.Conflict}}
			continue
		}
		if p.users[e.Subject] == nil {
			p.users[e.Subject] = &domain.UserFacts{}
		}
		p.users[e.Subject].Add(e)
		if e.Type == domain.UserErased {
			delete(p.users, e.Subject)
		}
		p.last++
		p.known[id] = eventstore.Verdict{Position: p.last}
	}
	return nil
}

func (p *memoryPlatform) TryLock(context.Context, string) (Lock, bool, error) {
	return memoryLock{&p.importing}, p.importing.TryLock(), nil
}

type memoryLock struct{ *sync.Mutex }

func (memoryLock) Check(context.Context) error { return nil }
func (l memoryLock) Unlock() error             { l.Mutex.Unlock(); return nil }

func (p *memoryPlatform) Head(context.Context) (eventstore.Head, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return eventstore.Head{Position: p.last}, nil
}

func (p *memoryPlatform) Status(context.Context) (projections.ReaderStatus, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return projections.ReaderStatus{Position: p.last}, nil
}

func (p *memoryPlatform) Verdicts(_ context.Context, ids []eventstore.EventID) ([]eventstore.Verdict, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	verdicts := make([]eventstore.Verdict, len(ids))
	for i, id := range ids {
		verdicts[i] = p.known[id]
	}
	return verdicts, nil
}

func (p *memoryPlatform) SubjectStates(_ context.Context, ids []string) ([]eventstore.SubjectState, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	states := make([]eventstore.SubjectState, len(ids))
	for i, id := range ids {
		states[i].Taken = p.users[id] != nil
	}
	return states, nil
}

func (p *memoryPlatform) FindUsers(_ context.Context, ids, emails []string, _ domain.Instant) (projections.FoundUsers, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	found := projections.FoundUsers{ByID: map[string]*projections.User{}, ByEmail: map[string]projections.EmailMatch{}}
	for _, id := range ids {
		if f := p.users[id]; f != nil {
			found.ByID[id] = userOf(id, f)
		}
	}
	for _, email := range emails {
		var m projections.EmailMatch
		for id, f := range p.users {
			if there := f.Profile().Email; there != nil && domain.EmailKey(*there) == domain.EmailKey(email) {
				m.Users++
				m.User = userOf(id, f)
			}
		}
		if m.Users > 1 {
			m.User = nil
		}
		if m.Users > 0 {
			found.ByEmail[email] = m
		}
	}
	return found, nil
}

func userOf(id string, f *domain.UserFacts) *projections.User {
	return &projections.User{ID: strings.Clone(id), RegisteredAt: f.RegisteredAt(), UpdatedAt: f.UpdatedAt(), Profile: f.Profile()}
}

func (p *memoryPlatform) User(_ context.Context, id string, _ domain.Instant) (projections.UserDetail, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.users[id]
	if f == nil {
		return projections.UserDetail{}, false, nil
	}
	return projections.UserDetail{User: *userOf(id, f)}, true, nil
}

func (p *memoryPlatform) LastErasure(context.Context) (eventstore.Head, error) {
	return eventstore.Head{}, nil
}

func (p *memoryPlatform) Forgotten(context.Context, eventstore.Head) (bool, error) { return true, nil }
