// This file is about events that no longer count, since another event has
// retracted them.

package domain

// A Retraction is what event.retracted says: the event of this source and id,
// about the same user, no longer counts.
type Retraction struct{ Source, ID string }

// Retractions are the identities that the event.retracted about one user name.
// An event may be added to them before the one that it retracts comes, or after.
// The zero value is that of none, and can be asked but not added to.
type Retractions map[Retraction]struct{}

// Retract takes up what an event.retracted says.
func (r Retractions) Retract(named Retraction) { r[named] = struct{}{} }

// Counts says whether an event about the user counts. An event.retracted never
// does: it says nothing of the user.
func (r Retractions) Counts(e *Event) bool {
	if e.Type == EventRetracted {
		return false
	}
	if len(r) == 0 || !CanBeRetracted(e.Type) {
		return true
	}
	_, retracted := r[Retraction{e.Source, e.ID}]
	return !retracted
}

// CanBeRetracted says whether events of a type can be retracted: what was erased
// is gone, and what no longer counts doesn't come to count again.
func CanBeRetracted(t Type) bool { return t != UserErased && t != EventRetracted }
