package domain_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"boxoffice/domain"
)

// FuzzDecode defends: nothing panics, exactly one of an event and a refusal
// comes out, and an accepted event is written as one that is read as the same.
func FuzzDecode(f *testing.F) {
	for _, kind := range domain.Types() {
		f.Add(minimalDraft(kind).structured().Body, "", false)
		f.Add([]byte(object(minimalDraft(kind).data)), string(kind), true)
	}
	f.Add(draftOf(domain.UserRegistered, "email", `"\u0041\ud83d\ude00"`, "custom", `{"a":["b"],"c":null}`).set("ext", `-0`).structured().Body, "", false)
	f.Add(progressDraft().with("played", `[[0,1.5],[1e1,20]]`).with("x", `{"y":[1.0]}`).structured().Body, "", false)
	f.Add([]byte(`{"subject":"a","subject":"b"`), "", false)
	f.Fuzz(func(t *testing.T, body []byte, header string, binary bool) {
		m := &domain.Message{Body: body, Binary: binary}
		if binary {
			m = progressDraft().binary()
			m.Body = body
			m.Attributes[3].Value = header
			m.Attributes = append(m.Attributes, domain.Attribute{Name: "ext", Value: header}, domain.Attribute{Name: header, Value: "x"})
		}
		domain.RenderStructured(m)
		e, refusal := domain.Decode(m, judgedAt)
		if (e == nil) == (refusal == nil) {
			t.Fatalf("an event %v and a refusal %v", e, refusal)
		}
		if refusal != nil {
			if refusal.Message == "" || refusal.Reason == "" {
				t.Errorf("a refusal that says nothing: %+v", refusal)
			}
			return
		}
		written := e.MarshalCloudEvent()
		if len(written) > domain.MaxEventBytes { // it was a header's shorter spelling that fitted
			return
		}
		again := accepted(t, &domain.Message{Body: written})
		if diff := cmp.Diff(e, again); diff != "" {
			t.Error(diff)
		}
		if !bytes.Equal(e.Content(), again.Content()) {
			t.Errorf("the content changed:\n%s\n%s", e.Content(), again.Content())
		}
		restored, err := domain.Restore(e.Type, e.Stamp, e.Subject, e.Public, e.Personal)
		if diff := cmp.Diff(e, restored); err != nil || diff != "" {
			t.Errorf("restored: %v %s", err, diff)
		}
	})
}

// FuzzMessagesQuoteNothing defends: nothing that a publisher sends stands in the
// message of a refusal, wherever in the event it was. What stands for it is a
// word that no rule has, put wherever the fuzzer has put a Q.
func FuzzMessagesQuoteNothing(f *testing.F) {
	const word = "zx7qk"
	for _, kind := range domain.Types() {
		f.Add([]byte(strings.ReplaceAll(string(minimalDraft(kind).set("Q", `{}`).structured().Body), "ana", "Q")), "Q", "Q", false)
		f.Add([]byte(`{"Q":1e31}`), "Q", string(kind), true)
	}
	f.Add(draftOf(domain.UserUpdated, "custom", `{"Q":{}}`).structured().Body, "", "", false)
	f.Add(draftOf(domain.UserUpdated, "Q", `1e31`).structured().Body, "", "", false)
	f.Add([]byte(`{"Q":1,"Q":2}`), "", "", false)
	f.Add([]byte(`{}`), "Q", "50%", true)
	f.Add([]byte(`{}`), "Q_", "x", true)
	f.Add([]byte(`{}`), "subject", "Q", true)
	f.Fuzz(func(t *testing.T, body []byte, name, value string, binary bool) {
		if bytes.Contains(body, []byte(word)) || strings.Contains(name+value, word) {
			return
		}
		put := func(text string) string { return strings.ReplaceAll(text, "Q", word) }
		m := &domain.Message{Body: []byte(put(string(body))), Binary: binary}
		if binary {
			m.Attributes = progressDraft().binary().Attributes
			for i := range m.Attributes {
				if m.Attributes[i].Name == "type" && slices.Contains(domain.Types(), domain.Type(value)) {
					m.Attributes[i].Value = value
				}
			}
			m.Attributes = append(m.Attributes, domain.Attribute{Name: put(name), Value: put(value)}, domain.Attribute{Name: "ext", Value: put(value)})
		}
		if _, refusal := domain.Decode(m, judgedAt); refusal != nil && strings.Contains(strings.ToLower(refusal.Message), word) {
			t.Errorf("the message quotes the event: %s", refusal.Message)
		}
	})
}

// FuzzRestore defends: a row that was damaged is an error or an event, and never
// a panic.
func FuzzRestore(f *testing.F) {
	for i, kind := range domain.Types() {
		e, refusal := domain.Decode(minimalDraft(kind).set("ext", `5`).with("x", `{"y":"z"}`).structured(), judgedAt)
		if refusal != nil {
			f.Fatal(refusal)
		}
		f.Add(uint8(i), e.Public, e.Personal)
	}
	f.Add(uint8(12), []byte(`{"session_id":"`), []byte(`{"data":`))
	f.Fuzz(func(t *testing.T, kind uint8, public, personal []byte) {
		types := domain.Types()
		e, err := domain.Restore(types[int(kind)%len(types)], domain.Stamp{}, "ana", public, personal)
		if err != nil {
			return
		}
		e.MarshalCloudEvent()
		e.Content()
		e.Data()
	})
}

// TestRestoreRefuses defends: parts that Decode doesn't make are an error.
func TestRestoreRefuses(t *testing.T) {
	for _, c := range []struct{ kind, public, personal, want string }{
		{"user.unheard", `{}`, ``, "type"},
		{"playback.started", ``, ``, "object"},
		{"playback.started", `[]`, ``, "object"},
		{"playback.started", `{}`, ``, "session_id"},
		{"user.updated", `{}`, `{"data":{"email":5}}`, "email"},
	} {
		_, err := domain.Restore(domain.Type(c.kind), domain.Stamp{}, "", []byte(c.public), []byte(c.personal))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s %s: %v", c.kind, c.public, c.personal, err)
		}
	}
}

// TestRestoreByPart defends: a member has an effect only in the part where the
// catalogue has it, so that no erasure changes what isn't personal.
func TestRestoreByPart(t *testing.T) {
	e, err := domain.Restore(domain.PlaybackStarted, domain.Stamp{}, "ana",
		[]byte(`{"session_id":"s","content_id":"c"}`), []byte(`{"data":{"title":"t"}}`))
	if err != nil || e.Playback.Title.Carried {
		t.Errorf("%v, %+v", err, e.Playback)
	}
}
