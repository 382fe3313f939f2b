// This file makes messages for the cases, through the same decoding as real
// ones.

package storetest

import (
	"fmt"
	"testing"

	"boxoffice/domain"
	"boxoffice/eventstore"
)

// A message is one event, as a case writes it down.
type message struct {
	kind    domain.Type
	subject string
	id      string
	at      string // RFC 3339
	data    string // JSON; empty: what the type needs
	more    string // further attributes, as JSON members with a comma before
}

// Text returns the event as structured CloudEvents JSON.
func (m message) text() []byte {
	data := ""
	switch {
	case m.kind == domain.UserErased:
	case m.data == "":
		data = `,"data":` + enough[m.kind]
	default:
		data = `,"data":` + m.data
	}
	at := m.at
	if at == "" {
		at = "2026-11-01T10:00:00Z"
	}
	return fmt.Appendf(nil, `{"specversion":"1.0","source":"//platform","id":%q,"type":%q,"subject":%q,"time":%q%s%s}`,
		m.id, m.kind, m.subject, at, m.more, data)
}

// enough is data that is good for a type.
var enough = map[domain.Type]string{
	domain.UserRegistered:       `{"email":"ana@example.org","first_name":"Ana","custom":{"shoe":"38"}}`,
	domain.UserUpdated:          `{"last_name":"Lovelace"}`,
	domain.EventRetracted:       `{"source":"//platform","id":"e-1"}`,
	domain.SubscriptionStarted:  `{"subscription_id":"s-1","offer_id":"gold","amount":999,"currency":"EUR"}`,
	domain.SubscriptionCanceled: `{"subscription_id":"s-1","reason":"other","comment":"as Ana wished"}`,
	domain.PlaybackProgressed:   `{"session_id":"v-1","content_id":"c-1","position_s":12.5,"played":[[0,12.5]],"play_time_s":13}`,
}

// event decodes a message that has to be good.
func event(m message) eventstore.Incoming {
	in := judged(m.text())
	if in.Event == nil {
		panic(fmt.Sprint("the case's own event is refused: ", in.Refusal))
	}
	return in
}

// judged decodes an event as it came.
func judged(text []byte) eventstore.Incoming {
	e, refusal := domain.Decode(&domain.Message{Body: text}, Now)
	return eventstore.Incoming{Event: e, Refusal: refusal, Raw: text, ReceivedAt: Now}
}

// stream is the stream of a batch that doesn't say which.
const stream = "BOXOFFICE@2026-01-01T00:00:00Z"

// batch numbers messages from first on.
func batch(first uint64, messages ...eventstore.Incoming) eventstore.Batch {
	for i := range messages {
		messages[i].Sequence = first + uint64(i)
	}
	return eventstore.Batch{Stream: stream, Messages: messages}
}

// mustAppend appends messages and checks the account.
func mustAppend(t *testing.T, s *eventstore.Store, b eventstore.Batch, appended, duplicates, refused int) eventstore.Account {
	t.Helper()
	a, err := s.Append(t.Context(), b)
	if err != nil {
		t.Error(err)
		return a
	}
	if a.Appended != appended || a.Duplicates != duplicates || a.Refused != refused {
		t.Errorf("%d appended, %d duplicates, %d refused; want %d, %d, %d", a.Appended, a.Duplicates, a.Refused, appended, duplicates, refused)
	}
	return a
}

// readAll reads the log from its beginning and checks that no position is
// missing.
func readAll(t *testing.T, s *eventstore.Store) []eventstore.Record {
	t.Helper()
	var all []eventstore.Record
	for {
		records, err := s.Read(t.Context(), eventstore.Position(len(all)), 7)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			if r.Position != eventstore.Position(len(all)+1) {
				t.Fatalf("position %d follows %d", r.Position, len(all))
			}
			all = append(all, r)
		}
		if len(records) < 7 {
			return all
		}
	}
}

// ids returns the ids of events, in order.
func ids(records []eventstore.Record) []string {
	found := make([]string, len(records))
	for i, r := range records {
		found[i] = r.Event.ID
	}
	return found
}

// refused reads what is kept as refused, the latest first, and returns reasons.
func refused(t *testing.T, s *eventstore.Store) []eventstore.RefusedEvent {
	t.Helper()
	var all []eventstore.RefusedEvent
	for before := int64(0); ; {
		events, next, err := s.Refused(t.Context(), eventstore.RefusedQuery{Before: before, Limit: 3})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, events...)
		if next == 0 {
			return all
		}
		before = next
	}
}

func reasons(events []eventstore.RefusedEvent) []domain.Reason {
	found := make([]domain.Reason, len(events))
	for i, e := range events {
		found[i] = e.Reason
	}
	return found
}

// subjectState returns what is known of an id.
func subjectState(t *testing.T, s *eventstore.Store, id string) eventstore.SubjectState {
	t.Helper()
	states, err := s.SubjectStates(t.Context(), []string{id})
	if err != nil {
		t.Fatal(err)
	}
	return states[0]
}

// verdict returns where the message of an id ended.
func verdict(t *testing.T, s *eventstore.Store, id string) eventstore.Verdict {
	t.Helper()
	verdicts, err := s.Verdicts(t.Context(), []eventstore.EventID{{Source: "//platform", ID: id}})
	if err != nil {
		t.Fatal(err)
	}
	return verdicts[0]
}
