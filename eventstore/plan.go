// This file decides what becomes of each message of a batch, in order. It is
// pure: what it has to know of the log has been read before, under the lock.

package eventstore

import (
	"boxoffice/domain"
	"boxoffice/eventstore/vault"
	"boxoffice/internal/sqldb"
)

// A plan is what a batch writes.
type plan struct {
	appended   []*entry
	duplicates int
	// ends say what becomes of each message.
	ends []outcome
	// refused is how many messages are refused; rows are what is kept of them.
	refused int
	rows    []refusal
	// excluded says that a good event is refused because its user is erased, or
	// there already.
	excluded bool
	newUsers []*vault.User
	erasures []vault.Erasure
	// erasedUsers are those who were in the vault or came in this batch and
	// are erased by it.
	erasedUsers map[sqldb.UUID]bool
}

// An outcome is what becomes of a message.
type outcome int

const (
	appended outcome = iota
	duplicate
	refusedMessage
	outcomes = iota
)

// A refusal is a message that is refused, with what is kept of it.
type refusal struct {
	*entry
	reason domain.Reason
	// bare says that the event is about an erased user, or was to make one who
	// is there: nothing of it is kept but time, type and reason.
	bare bool
	// message names the field and the rule.
	message string
}

// A recorded is an event that is in the log already, or earlier in the batch.
type recorded struct {
	user sqldb.UUID
	// owner is the user, nil where they have no key any more.
	owner   *vault.User
	content vault.Hash
}

// A planner holds what the decisions rest on, and moves it along as the batch
// is gone through.
type planner struct {
	store  *Store
	batch  *Prepared
	states map[vault.Hash]vault.SubjectState
	// known are the events of the batch's identities that are recorded.
	known map[vault.Hash]recorded
	plan  plan
}

// decide decides about every message.
func (pl *planner) decide() *plan {
	pl.plan.erasedUsers = map[sqldb.UUID]bool{}
	pl.plan.appended = make([]*entry, 0, len(pl.batch.entries))
	pl.plan.ends = make([]outcome, len(pl.batch.entries))
	for i := range pl.batch.entries {
		pl.plan.ends[i] = pl.decideEntry(&pl.batch.entries[i])
	}
	return &pl.plan
}

func (pl *planner) decideEntry(e *entry) outcome {
	if e.refusal != nil {
		return pl.refuse(e, e.refusal.Reason, e.refusal.Message)
	}
	return pl.decideEvent(e)
}

// decideEvent decides about a good event: a duplicate first of all, then one
// about an erased user, then a conflict, with another event or with another user.
func (pl *planner) decideEvent(e *entry) outcome {
	before, known := pl.known[e.identity]
	if known && pl.same(e, before) {
		pl.plan.duplicates++
		return duplicate
	}
	if excludes(pl.states[e.subject], string(e.event.Type), &e.event.Time) {
		pl.plan.excluded = true
		return pl.refuse(e, domain.Erased, "")
	}
	if known {
		return pl.refuse(e, domain.Conflict, "an event of this source and id is recorded already, with other content")
	}
	if e.mustBeNew && pl.states[e.subject].User != nil {
		return pl.refuseMaker(e)
	}
	pl.append(e)
	return appended
}

// same says whether an event is the one that is recorded under its identity.
// Of a user who is erased nobody can tell any more, and it is taken for it.
func (pl *planner) same(e *entry, before recorded) bool {
	owner := before.owner
	if owner == nil || pl.plan.erasedUsers[before.user] {
		return true
	}
	if e.user == owner {
		return e.content == before.content
	}
	return contentHash(owner, e.event, &pl.batch.scratch) == before.content
}

// excludes says whether an event about a subject is one about a user who was
// erased, and not about a new one: all that didn't happen after the erasure
// are, and until a new user is registered all but that registration. An event
// without a time can't be told to be the new user's.
func excludes(s vault.SubjectState, eventType string, at *domain.Instant) bool {
	if s.ErasedAt == nil {
		return false
	}
	if at == nil || *at <= *s.ErasedAt {
		return true
	}
	return s.User == nil && eventType != string(domain.UserRegistered)
}

// append takes an event into the log, with its user where they are new.
func (pl *planner) append(e *entry) {
	state := pl.states[e.subject]
	u := state.User
	if u == nil {
		after := domain.Always
		if state.ErasedAt != nil {
			after = *state.ErasedAt
		}
		u = pl.newUser(e, after)
		pl.plan.newUsers = append(pl.plan.newUsers, u)
		state.User = u
		pl.states[e.subject] = state
	}
	e.bindTo(u, &pl.batch.scratch)
	pl.known[e.identity] = recorded{user: u.Pseudonym, owner: u, content: e.content}
	pl.plan.appended = append(pl.plan.appended, e)
	if e.event.Type == domain.UserErased {
		pl.erase(e, u)
	}
}

// newUser returns the user who was prepared, unless they were erased earlier in
// the batch.
func (pl *planner) newUser(e *entry, after domain.Instant) *vault.User {
	u := pl.batch.freshUser(pl.store, e, after)
	if pl.plan.erasedUsers[u.Pseudonym] {
		u = pl.store.vault.NewUser(e.event.Subject, after)
		pl.batch.fresh[e.subject] = u
	}
	return u
}

// erase takes an erasure into account: the user's key goes, or is never stored
// where the user came in this very batch, and so does what was refused of them.
func (pl *planner) erase(e *entry, u *vault.User) {
	at := e.event.Time
	erasure := vault.Erasure{Subject: e.subject, At: at, Pseudonym: &u.Pseudonym}
	for i, n := range pl.plan.newUsers {
		if n == u {
			pl.plan.newUsers = append(pl.plan.newUsers[:i], pl.plan.newUsers[i+1:]...)
			erasure.Pseudonym = nil
			break
		}
	}
	pl.plan.erasures = append(pl.plan.erasures, erasure)
	pl.plan.erasedUsers[u.Pseudonym] = true
	pl.states[e.subject] = vault.SubjectState{ErasedAt: &at}
	kept := pl.plan.rows[:0]
	for _, r := range pl.plan.rows {
		if !r.hasSubject || r.subject != e.subject || r.bare {
			kept = append(kept, r)
		}
	}
	pl.plan.rows = kept
}

// refuse counts a message as refused and keeps what may be kept of it.
func (pl *planner) refuse(e *entry, reason domain.Reason, message string) outcome {
	r := refusal{entry: e, reason: reason, message: message}
	r.bare = reason == domain.Erased
	if e.refusal != nil && e.hasSubject {
		r.bare = excludes(pl.states[e.subject], e.refusal.Type, e.refusal.Time)
	}
	return pl.keep(r)
}

// refuseMaker refuses an event that was to make a user who is there. Its sender
// has its verdict, and there is nothing to repair: what was entered isn't kept,
// since sent again it would overwrite the profile of the user who is there.
func (pl *planner) refuseMaker(e *entry) outcome {
	pl.plan.excluded = true
	return pl.keep(refusal{entry: e, reason: domain.Conflict, bare: true})
}

func (pl *planner) keep(r refusal) outcome {
	pl.plan.refused++
	pl.plan.rows = append(pl.plan.rows, r)
	return refusedMessage
}
