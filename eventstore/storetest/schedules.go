// This file compares the log with the model over random schedules.

package storetest

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"boxoffice/domain"
	"boxoffice/eventstore"
)

var scheduleRules = []rule{
	{"any schedule", "whatever comes, in whatever batches, through whichever store, and however often again, ends as the rules say", testSchedules},
}

// runs tells the runs of one process apart, so that they can share a log.
var runs atomic.Int64

// A schedule is one run: a model and the part of a log that is compared with it.
type schedule struct {
	t      *rapid.T
	log    *Log
	stores []*eventstore.Store
	name   string
	model  *Model
	start  eventstore.Position
	// before is the last refused event that isn't of this run.
	before   int64
	sequence uint64
	given    [][]Draft
}

func testSchedules(t *testing.T, l *Log) {
	stores := []*eventstore.Store{l.Open(t), l.Open(t)}
	rapid.Check(t, func(rt *rapid.T) {
		s := &schedule{t: rt, log: l, stores: stores, name: fmt.Sprint("run ", runs.Add(1)), model: NewModel()}
		s.begin()
		for range rapid.IntRange(1, 8).Draw(rt, "batches") {
			s.step()
		}
		s.compare()
	})
}

func (s *schedule) begin() {
	head, err := s.stores[0].Head(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	s.start = head.Position
	last, _, err := s.stores[0].Refused(s.t.Context(), eventstore.RefusedQuery{Limit: 1})
	if err != nil {
		s.t.Fatal(err)
	}
	if len(last) > 0 {
		s.before = last[0].ID
	}
}

// step appends a batch: a new one or one that was appended before, as new messages.
func (s *schedule) step() {
	var drafts []Draft
	if len(s.given) > 0 && rapid.IntRange(0, 3).Draw(s.t, "again") == 0 {
		drafts = rapid.SampledFrom(s.given).Draw(s.t, "batch")
	} else {
		drafts = rapid.SliceOfN(rapid.Custom(s.draft), 1, 12).Draw(s.t, "messages")
		s.given = append(s.given, drafts)
	}
	want := map[Outcome]int{}
	b := eventstore.Batch{Stream: s.name}
	for _, d := range drafts {
		s.sequence++
		want[s.model.Take(s.sequence, d)]++
		in := d.Incoming(s.sequence, Now)
		if (in.Refusal != nil) != (d.Bad || d.Broken) {
			s.t.Fatalf("the schedule's own event: %v", in.Refusal)
		}
		b.Messages = append(b.Messages, in)
	}
	store := s.stores[rapid.IntRange(0, len(s.stores)-1).Draw(s.t, "store")]
	a, err := store.Append(s.t.Context(), b)
	if err != nil {
		s.t.Fatal(err)
	}
	got := map[Outcome]int{Appended: a.Appended, Duplicate: a.Duplicates, Refused: a.Refused}
	for end, n := range got {
		if want[end] != n {
			s.t.Fatalf("%v of the batch, want %v", got, want)
		}
	}
}

// draft draws a message from so few that they meet.
func (s *schedule) draft(t *rapid.T) Draft {
	d := Draft{
		Kind:    rapid.SampledFrom([]domain.Type{domain.UserRegistered, domain.UserUpdated, domain.UserUpdated, domain.PlaybackProgressed, domain.UserErased}).Draw(t, "type"),
		Subject: s.name + rapid.SampledFrom([]string{" ana", " bo"}).Draw(t, "subject"),
		ID:      fmt.Sprint(s.name, " ", rapid.IntRange(1, 14).Draw(t, "id")),
		At:      Now - domain.Instant(rapid.IntRange(1, 5).Draw(t, "time"))*1e6,
	}
	variant := rapid.IntRange(0, 1).Draw(t, "variant")
	switch {
	case d.Kind == domain.UserErased: // nothing of its data is read
	case d.Kind == domain.PlaybackProgressed:
		d.Data = fmt.Sprintf(`{"session_id":"s","content_id":"c","position_s":%d}`, variant)
	case rapid.IntRange(0, 9).Draw(t, "goodness") == 0:
		d.Bad, d.Data = true, `{"email":7}`
	default:
		d.Data = fmt.Sprintf(`{"email":"%d@example.org"}`, variant)
	}
	d.Broken = rapid.IntRange(0, 19).Draw(t, "brokenness") == 0
	return d
}

// compare holds the log to the model, through both stores.
func (s *schedule) compare() {
	for _, store := range s.stores {
		records, err := store.Read(s.t.Context(), s.start, 1000)
		if err != nil {
			s.t.Fatal(err)
		}
		if diff := cmp.Diff(s.wantEvents(), s.gotEvents(records)); diff != "" {
			s.t.Fatal(diff)
		}
		if diff := cmp.Diff(s.wantRefused(), s.gotRefused(store)); diff != "" {
			s.t.Fatal(diff)
		}
	}
}

// wantEvents says of each event its position, who it is about, as the number of
// the first event about them, and what is left of it.
func (s *schedule) wantEvents() []string {
	first := map[*ModelUser]int{}
	lines := make([]string, len(s.model.Events))
	for i, e := range s.model.Events {
		if _, ok := first[e.User]; !ok {
			first[e.User] = i
		}
		event := e.Draft.Incoming(1, Now).Event
		subject, email := event.Subject, ""
		if event.Profile != nil {
			email = event.Profile.Email.Value
		}
		if e.User.Erased {
			subject, email = "", ""
		}
		lines[i] = eventLine(i+1, event.ID, first[e.User], subject, email)
	}
	return lines
}

func (s *schedule) gotEvents(records []eventstore.Record) []string {
	first := map[eventstore.UserKey]int{}
	lines := make([]string, len(records))
	for i, r := range records {
		if _, ok := first[r.User]; !ok {
			first[r.User] = i
		}
		email := ""
		if r.Event.Profile != nil {
			email = r.Event.Profile.Email.Value
		}
		lines[i] = eventLine(int(r.Position-s.start), r.Event.ID, first[r.User], r.Event.Subject, email)
	}
	return lines
}

func eventLine(position int, id string, user int, subject, email string) string {
	return fmt.Sprintf("%d %s user %d %q %q", position, id, user, subject, email)
}

func (s *schedule) wantRefused() []string {
	lines := make([]string, len(s.model.Refused))
	for i, r := range s.model.Refused {
		body, subject := string(r.Draft.Text()), r.Draft.Subject
		if r.Draft.Broken {
			subject = ""
		}
		if r.Bare {
			body, subject = "", ""
		}
		lines[i] = fmt.Sprint(r.Reason, " ", subject, " ", body)
	}
	return lines
}

func (s *schedule) gotRefused(store *eventstore.Store) []string {
	events, _, err := store.Refused(s.t.Context(), eventstore.RefusedQuery{Limit: 1000})
	if err != nil {
		s.t.Fatal(err)
	}
	lines := []string{}
	for _, e := range slices.Backward(events) {
		if e.ID <= s.before {
			continue
		}
		subject := ""
		if e.Subject != nil {
			subject = *e.Subject
		}
		lines = append(lines, fmt.Sprint(e.Reason, " ", subject, " ", string(e.Body)))
	}
	return lines
}
