package domain_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"boxoffice/domain"
)

// TestMarshalSealed defends the form of a row of the log that isn't opened.
func TestMarshalSealed(t *testing.T) {
	e := accepted(t, progressDraft().with("x", `"y"`).structured())
	got := string(domain.MarshalSealed(e.Type, e.Stamp, "6f1c", e.Public, []byte{0xff, 0xfe, 1, 2},
		domain.Attribute{Name: "position", Value: "7"}))
	want := `{"specversion":"1.0","id":"e-1","source":"/platform","type":"playback.progressed","subject":"6f1c","time":"2026-11-23T11:00:00Z",` +
		`"position":"7","sealed":"//4BAg==","data":{"session_id":"s-1","content_id":"c-1"}}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	got = string(domain.MarshalSealed(e.Type, e.Stamp, "6f1c", e.Public, nil))
	want = `{"specversion":"1.0","id":"e-1","source":"/platform","type":"playback.progressed","subject":"6f1c","time":"2026-11-23T11:00:00Z",` +
		`"data":{"session_id":"s-1","content_id":"c-1"}}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestMarshalAfterErasure defends: what is gone isn't rendered.
func TestMarshalAfterErasure(t *testing.T) {
	e := accepted(t, draftOf(domain.SubscriptionCanceled, "subscription_id", `"i"`, "comment", `"c"`).set("ext", `"x"`).structured())
	erased, err := domain.Restore(e.Type, e.Stamp, "", e.Public, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"specversion":"1.0","id":"e-1","source":"/platform","type":"subscription.canceled","time":"2026-11-23T11:00:00Z","data":{"subscription_id":"i"}}`
	if diff := cmp.Diff(want, string(erased.MarshalCloudEvent())); diff != "" {
		t.Error(diff)
	}
}

// TestRenderStructured defends: a refused binary message is kept as the
// structured event that it says.
func TestRenderStructured(t *testing.T) {
	header := func(pairs ...string) (all []domain.Attribute) {
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, domain.Attribute{Name: pairs[i], Value: pairs[i+1]})
		}
		return all
	}
	cases := []struct {
		name    string
		message *domain.Message
		want    string
	}{
		{"structured", raw("{no JSON"), "{no JSON"},
		{"binary", &domain.Message{Binary: true, Body: []byte(`{"a": 1}`), Attributes: header("Id", "a%20b", "subject", `"x"`)},
			`{"id":"a b","subject":"x","data":{"a": 1}}`},
		{"empty", &domain.Message{Binary: true}, `{}`},
		{"no headers", &domain.Message{Binary: true, Body: []byte(`1`)}, `{"data":1}`},
		{"no body", &domain.Message{Binary: true, Attributes: header("id", "1")}, `{"id":"1"}`},
		{"a body that isn't JSON", &domain.Message{Binary: true, Body: []byte(`a=b`), Attributes: header("id", "1")}, `{"id":"1","data_base64":"YT1i"}`},
		{"a body that isn't UTF-8", &domain.Message{Binary: true, Body: []byte("{\"a\":\"\xff\"}")}, `{"data_base64":"eyJhIjoi/yJ9"}`},
		{"a key twice", &domain.Message{Binary: true, Body: []byte(`{"a":1,"a":2}`)}, `{"data":{"a":1,"a":2}}`},
		{"a lone surrogate", &domain.Message{Binary: true, Body: []byte(`"\ud800"`)}, `{"data":"\ud800"}`},
		{"a header twice", &domain.Message{Binary: true, Attributes: header("id", "1", "Id", "2")}, `{"id":"1","id":"2"}`},
		{"not percent-encoded", &domain.Message{Binary: true, Attributes: header("id", "50%")}, `{"id":"50%"}`},
		{"invalid UTF-8 encoded", &domain.Message{Binary: true, Attributes: header("id", "%ff")}, `{"id":"%ff"}`},
		{"invalid UTF-8", &domain.Message{Binary: true, Attributes: header("id", "a\xff")}, `{"id":"a` + "\ufffd" + `"}`},
		{"two content types", &domain.Message{Binary: true, Attributes: header("datacontenttype", "application/json", "datacontenttype", "text/plain", "id", "1")},
			`{"id":"1","datacontenttype":"text/plain"}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, string(domain.RenderStructured(c.message))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestRenderStructuredCanBeSentAgain defends: a binary message that was refused
// for what time heals is accepted as it was kept, and is the same event.
func TestRenderStructuredCanBeSentAgain(t *testing.T) {
	m := progressDraft().set("ext", `"a%20b"`).set("n", `"7"`).binary()
	a := accepted(t, m)
	b := accepted(t, raw(string(domain.RenderStructured(m))))
	if !json.Valid(domain.RenderStructured(m)) || !bytes.Equal(a.Content(), b.Content()) {
		t.Errorf("%s\n%s", a.Content(), b.Content())
	}
}
