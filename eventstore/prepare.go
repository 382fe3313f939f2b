// This file is what is done to a batch before anything is locked: hashes,
// users, ciphertext.

package eventstore

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"boxoffice/domain"
	"boxoffice/eventstore/vault"
)

// An entry is one message on its way into the log.
type entry struct {
	sequence uint64
	received domain.Instant
	raw      []byte
	event    *domain.Event
	refusal  *domain.Refusal
	// mustBeNew says to refuse it where there is a user of its subject.
	mustBeNew bool

	// subject is the keyed hash of the user's id, where there is one.
	subject    vault.Hash
	hasSubject bool
	// identity is the keyed hash of source and id, where both are there.
	identity    vault.Hash
	hasIdentity bool

	// user is the user for whom content and sealed have been made.
	user    *vault.User
	content vault.Hash
	sealed  []byte
}

// A Prepared is a batch with all that could be found out before the lock. It is
// for one goroutine at a time.
type Prepared struct {
	stream  string
	entries []entry
	// subjects are the subjects of the entries, each once.
	subjects []vault.Hash
	// states are what the vault knew of subjects at that number of erasures.
	states   map[vault.Hash]vault.SubjectState
	erasures int64
	// fresh are the users who will be made for subjects of whom nothing was
	// known, should that still be so under the lock.
	fresh map[vault.Hash]*vault.User
	// erases says that there is an erasure in the batch.
	erases bool
	// scratch is room for the canonical content of one event.
	scratch []byte
}

// Prepare does what can be done for a batch before the log is locked: hashing,
// encrypting, looking users up. While [Store.AppendPrepared] appends one batch,
// the next can be prepared, which is what makes the log's work a pipeline. It
// changes nothing in the database, and however late the batch is appended,
// what has changed since is taken into account. The events and what they hold
// must not be changed until then.
func (s *Store) Prepare(ctx context.Context, b Batch) (*Prepared, error) {
	p, err := s.prepare(ctx, &b)
	if err != nil {
		return nil, fmt.Errorf("prepare a batch for the log: %w", err)
	}
	return p, nil
}

func (s *Store) prepare(ctx context.Context, b *Batch) (*Prepared, error) {
	if b.Stream == "" {
		return nil, errors.New("the batch has no stream")
	}
	p := &Prepared{stream: b.Stream, entries: make([]entry, len(b.Messages)), fresh: map[vault.Hash]*vault.User{}}
	seen := make(map[vault.Hash]struct{}, len(b.Messages))
	for i := range b.Messages {
		e := &p.entries[i]
		if err := s.prepareEntry(e, &b.Messages[i]); err != nil {
			return nil, fmt.Errorf("message %d: %w", i, err)
		}
		if _, ok := seen[e.subject]; e.hasSubject && !ok {
			seen[e.subject] = struct{}{}
			p.subjects = append(p.subjects, e.subject)
		}
		p.erases = p.erases || e.event != nil && e.event.Type == domain.UserErased
	}
	p.erasures = s.erasures.Load()
	var err error
	if p.states, err = s.vault.SubjectStates(ctx, s.db.SQL(), p.erasures, p.subjects); err != nil {
		return nil, err
	}
	p.bind(s)
	return p, nil
}

// prepareEntry takes a message over and hashes what it can be known by.
func (s *Store) prepareEntry(e *entry, m *Incoming) error {
	if m.Sequence == 0 || m.Sequence > math.MaxInt64 {
		return errors.New("its sequence number isn't one of a stream")
	}
	if (m.Event == nil) == (m.Refusal == nil) {
		return errors.New("it isn't either an event or a refusal")
	}
	*e = entry{sequence: m.Sequence, received: m.ReceivedAt, raw: m.Raw, event: m.Event, refusal: m.Refusal, mustBeNew: m.MustBeNew}
	if e.event != nil && !storable(e.event) {
		e.refusal = &domain.Refusal{Reason: domain.InvalidAttribute, Message: "a text attribute has to be UTF-8 without U+0000 and line feeds"}
		e.event = nil
	}
	var source, id, subject string
	if e.event != nil {
		source, id, subject = e.event.Source, e.event.ID, e.event.Subject
	} else {
		source, id, subject = e.refusal.Source, e.refusal.ID, e.refusal.Subject
	}
	if e.hasSubject = subject != ""; e.hasSubject {
		e.subject = s.vault.SubjectHash(subject)
	}
	if e.hasIdentity = source != "" && id != ""; e.hasIdentity {
		e.identity = s.vault.Identity(source, id)
	}
	return nil
}

// storable says whether the engines can store an event's texts, and its audit
// entry can hold them as lines. Events that domain has decoded always are; this
// keeps one that somebody made otherwise from failing its batch.
func storable(e *domain.Event) bool {
	for _, text := range []string{e.Source, e.ID, e.Subject, string(e.Type)} {
		if text == "" || !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\n") {
			return false
		}
	}
	return true
}

// bind encrypts and hashes for the users whom the events will most likely have.
func (p *Prepared) bind(s *Store) {
	for i := range p.entries {
		e := &p.entries[i]
		if e.event == nil {
			continue
		}
		state := p.states[e.subject]
		switch {
		case state.User != nil:
			e.bindTo(state.User, &p.scratch)
		case state.ErasedAt == nil:
			e.bindTo(p.freshUser(s, e, domain.Always), &p.scratch)
		}
	}
}

// freshUser returns the user who will be made for the subject of an event, the
// same for all of its events.
func (p *Prepared) freshUser(s *Store, e *entry, after domain.Instant) *vault.User {
	u := p.fresh[e.subject]
	if u == nil || u.After != after {
		u = s.vault.NewUser(e.event.Subject, after)
		p.fresh[e.subject] = u
	}
	return u
}

// bindTo makes an event's content hash and ciphertext for a user.
func (e *entry) bindTo(u *vault.User, scratch *[]byte) {
	if e.user == u {
		return
	}
	e.user = u
	e.content = contentHash(u, e.event, scratch)
	e.sealed = nil
	if len(e.event.Personal) > 0 && e.event.Type != domain.UserErased {
		e.sealed = u.Seal(e.identity, e.event.Personal)
	}
}

// contentHash hashes an event's canonical content, which it writes to scratch.
func contentHash(u *vault.User, e *domain.Event, scratch *[]byte) vault.Hash {
	*scratch = e.AppendContent(append((*scratch)[:0], vault.ContentRoom[:]...))
	return u.ContentHash(*scratch)
}
