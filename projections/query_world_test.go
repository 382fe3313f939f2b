// This file is a small platform for tests: a history that is drawn at random,
// with what it says of each user in memory.

package projections

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"boxoffice/domain"
	"boxoffice/eventstore"
)

// A world is a platform's history.
type world struct {
	log      testLog
	sent     []*domain.Event // as they were before anybody was erased
	calendar domain.Calendar
	grace    domain.Grace     // renewal grace
	instants []domain.Instant // at which something happens
	people   []*person
}

// A person is one user; one who was erased has no id.
type person struct {
	key      eventstore.UserKey
	id       string
	was      string // the id that an erased user had
	facts    domain.UserFacts
	sessions map[[2]string]*domain.SessionFacts
}

var (
	worldIDs   = []string{"a", "B", "ba", "é", `z|%_\x`, "ß", "10293", "ana@example.org"}
	worldNames = []string{"Ana", "ANA", "Straße", "STRASSE", "İpek", "Σίσυφος", "%", "_", `o'\`, ""}
	worldZones = []string{"UTC", "Europe/Paris", "America/St_Johns", "Pacific/Apia"}
)

// drawWorld draws a platform of a few users over a few months.
func drawWorld(t *rapid.T) *world {
	zone, err := time.LoadLocation(rapid.SampledFrom(worldZones).Draw(t, "zone"))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{calendar: domain.Calendar{Zone: zone},
		grace: domain.Grace(rapid.SampledFrom([]domain.Instant{0, 1, hour, 5 * 24 * hour}).Draw(t, "renewal grace"))}
	w.drawInstants(t)
	n := rapid.IntRange(1, 10).Draw(t, "users")
	living := rapid.IntRange(0, min(n, len(worldIDs))).Draw(t, "living")
	for i := range n {
		p := &person{key: keyOf(i), was: fmt.Sprint("gone ", i), sessions: map[[2]string]*domain.SessionFacts{}}
		if i < living {
			p.id = worldIDs[i]
		}
		w.people = append(w.people, p)
	}
	for range rapid.IntRange(0, 12*n).Draw(t, "events") {
		p := rapid.SampledFrom(w.people).Draw(t, "user")
		w.happen(t, p, w.drawEvent(t))
	}
	for _, p := range w.people[living:] {
		w.happen(t, p, sent{typ: domain.UserErased, at: w.drawInstant(t, "erased at")})
	}
	return w
}

// drawInstants draws few instants, so that many things tie, and some of them at
// the ends of months.
func (w *world) drawInstants(t *rapid.T) {
	for m, i := (domain.Month{Year: 2026, Month: 2}), 0; i < 4; m, i = m.Next(), i+1 {
		start := w.calendar.Start(m)
		w.instants = append(w.instants, start-1, start)
		for range 4 {
			w.instants = append(w.instants, start+domain.Instant(rapid.IntRange(0, 31*48).Draw(t, "half hour"))*hour/2)
		}
	}
	slices.Sort(w.instants)
}

func (w *world) drawInstant(t *rapid.T, label string) domain.Instant {
	return rapid.SampledFrom(w.instants).Draw(t, label)
}

// drawAround draws an instant at which something happens, or one next to it.
func (w *world) drawAround(t *rapid.T, label string) domain.Instant {
	return w.drawInstant(t, label) + domain.Instant(rapid.IntRange(-1, 1).Draw(t, label+" beside"))
}

// happen records an event of a person.
func (w *world) happen(t rapid.TB, p *person, s sent) {
	s.user = cmp.Or(p.id, p.was)
	e, err := s.event(len(w.log.records))
	w.sent = append(w.sent, e)
	if err == nil && p.id == "" {
		e, err = withoutPerson(e)
	}
	if err != nil {
		t.Fatal(err)
	}
	recordedAt := e.Time
	if n := len(w.log.records); n > 0 {
		recordedAt = max(recordedAt, w.log.records[n-1].RecordedAt)
	}
	w.log.records = append(w.log.records, eventstore.Record{
		Position: eventstore.Position(len(w.log.records) + 1), RecordedAt: recordedAt,
		User: p.key, Erased: p.id == "", Event: *e,
	})
	p.facts.Add(e)
	if p.id == "" {
		p.facts.Forget()
	}
	if e.Playback == nil {
		return
	}
	key := [2]string{e.Playback.SessionID, e.Playback.ContentID}
	if p.sessions[key] == nil {
		p.sessions[key] = &domain.SessionFacts{}
	}
	p.sessions[key].Add(e)
}

// drawEvent draws an event of any kind but erasure.
func (w *world) drawEvent(t *rapid.T) sent {
	s := sent{at: w.drawInstant(t, "at"), data: map[string]any{}}
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		w.drawProfile(t, &s)
	case 1:
		w.drawPlayback(t, &s)
	default:
		w.drawEntitlement(t, &s)
	}
	return s
}

func (w *world) drawProfile(t *rapid.T, s *sent) {
	s.typ = rapid.SampledFrom([]domain.Type{domain.UserRegistered, domain.UserUpdated}).Draw(t, "type")
	for _, field := range []string{"first_name", "last_name", "email"} {
		if rapid.Bool().Draw(t, field+" is there") {
			s.data[field] = rapid.SampledFrom(worldNames).Draw(t, field)
		}
	}
	s.data["custom"] = map[string]any{rapid.SampledFrom([]string{"k", "é"}).Draw(t, "custom"): 1.5}
}

func (w *world) drawPlayback(t *rapid.T, s *sent) {
	s.typ = rapid.SampledFrom([]domain.Type{
		domain.PlaybackStarted, domain.PlaybackProgressed, domain.PlaybackProgressed, domain.PlaybackEnded,
	}).Draw(t, "type")
	s.data["session_id"] = rapid.SampledFrom([]string{"s1", "S2", "é"}).Draw(t, "session")
	s.data["content_id"] = rapid.SampledFrom([]string{"c1", "C2"}).Draw(t, "content")
	if rapid.Bool().Draw(t, "described") {
		s.data["title"] = rapid.SampledFrom(worldNames).Draw(t, "title")
		s.data["content_length_s"] = rapid.IntRange(1, 40).Draw(t, "length")
	}
	if s.typ != domain.PlaybackStarted {
		from := rapid.IntRange(0, 40).Draw(t, "from")
		s.data["played"] = [][2]int{{from, from + rapid.IntRange(1, 20).Draw(t, "played")}}
		if rapid.Bool().Draw(t, "timed") {
			s.data["play_time_s"] = rapid.IntRange(0, 100).Draw(t, "play time")
		}
	}
}

func (w *world) drawEntitlement(t *rapid.T, s *sent) {
	s.typ = rapid.SampledFrom([]domain.Type{
		domain.SubscriptionStarted, domain.SubscriptionStarted, domain.SubscriptionRenewed, domain.SubscriptionCanceled,
		domain.SubscriptionCanceled, domain.SubscriptionResumed, domain.RentalStarted, domain.RentalRevoked,
		domain.FreeCopyGranted, domain.SubscriptionChanged, domain.SubscriptionPaused, domain.SubscriptionPaymentFailed,
	}).Draw(t, "type")
	end := "ends_at"
	id := rapid.SampledFrom([]string{"1", "2"}).Draw(t, "id")
	switch s.typ {
	case domain.RentalStarted, domain.RentalRevoked:
		s.data["rental_id"], s.data["content_id"], end = id, "c1", "expires_at"
	case domain.FreeCopyGranted:
		s.data["free_copy_id"], s.data["content_id"], end = id, "c1", "expires_at"
	default:
		s.data["subscription_id"], s.data["offer_id"] = id, "o1"
	}
	switch s.typ {
	case domain.SubscriptionPaymentFailed:
		end = "grace_ends_at"
	case domain.SubscriptionPaused:
		s.data["comment"], s.data["resumes_at"] = rapid.SampledFrom(worldNames).Draw(t, "comment"), w.drawInstant(t, "resumes at").String()
	case domain.SubscriptionChanged:
		s.data["interval"], s.data["interval_count"] = "month", rapid.IntRange(1, 3).Draw(t, "months")
	}
	if (s.typ == domain.SubscriptionStarted || s.typ == domain.SubscriptionChanged) && rapid.Bool().Draw(t, "trial") {
		s.data["trial_ends_at"] = w.drawInstant(t, "trial end").String()
	}
	if s.typ == domain.SubscriptionCanceled && rapid.Bool().Draw(t, "reasoned") {
		s.data["reason"] = rapid.SampledFrom([]string{"voluntary", "non_payment", "switched", "other"}).Draw(t, "reason")
	}
	if rapid.IntRange(0, 3).Draw(t, "bounded") > 0 {
		s.data[end] = w.drawInstant(t, "end").String()
	}
}
