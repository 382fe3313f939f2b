package domain_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"boxoffice/domain"
)

// A breaker makes an event break the rule of one reason.
type breaker struct {
	reason domain.Reason
	draft  func(draft) draft
	after  func(*domain.Message)
}

func unchanged(d draft) draft        { return d }
func untouched(*domain.Message)      {}
func padded(m *domain.Message)       { m.Body = append(m.Body, strings.Repeat(" ", 256<<10)...) }
func misdirected(m *domain.Message)  { m.NATSSubject = "boxoffice.events.other" }
func unclosed(m *domain.Message)     { m.Body = m.Body[:len(m.Body)-1] }
func keyGivenTwice(d draft) draft    { return d.with("twice", `1,"twice":1`) }
func dotsAsSubject(d draft) draft    { return d.set("subject", `".."`) }
func unheardOfType(d draft) draft    { return d.set("type", `"playback.paused"`) }
func tooFarAhead(d draft) draft      { return d.set("time", `"2026-11-23T12:05:00.000001Z"`) }
func withoutASession(d draft) draft  { return d.with("session_id", "") }
func sixteenMegabytes(d draft) draft { return d.with("pad", `"`+strings.Repeat("x", 16<<20)+`"`) }

// TestPrecedence defends: reasons are given in a fixed order, the first that
// applies.
func TestPrecedence(t *testing.T) {
	breakers := []breaker{
		{domain.TooLarge, unchanged, padded},
		{domain.Malformed, keyGivenTwice, untouched},
		{domain.InvalidAttribute, dotsAsSubject, untouched},
		{domain.UnknownType, unheardOfType, untouched},
		{domain.SubjectMismatch, unchanged, misdirected},
		{domain.InFuture, tooFarAhead, untouched},
		{domain.InvalidData, withoutASession, untouched},
	}
	modes := map[string]func(draft) *domain.Message{"structured": draft.structured, "binary": draft.binary}
	for mode, message := range modes {
		for i, first := range breakers {
			for _, second := range breakers[i:] {
				t.Run(mode+"/"+string(first.reason)+"/"+string(second.reason), func(t *testing.T) {
					m := message(second.draft(first.draft(progressDraft())))
					first.after(m)
					second.after(m)
					refused(t, m, first.reason)
				})
			}
		}
	}
}

// TestRefusedInForm defends the reasons too_large and malformed.
func TestRefusedInForm(t *testing.T) {
	const envelope = `{"specversion":"1.0","id":"e-1","source":"/platform","type":"user.updated","subject":"ana","time":"2026-11-23T11:00:00Z","data":`
	deep := strings.Repeat("[", 63) + strings.Repeat("]", 63) // and two objects around it
	cases := []struct {
		name   string
		body   string
		reason domain.Reason
	}{
		{"empty", "", domain.Malformed},
		{"white space", " \n", domain.Malformed},
		{"no JSON", "SECRET", domain.Malformed},
		{"a byte order mark", "\ufeff" + envelope + "{}}", domain.Malformed},
		{"an array", "[" + envelope + "{}}]", domain.Malformed},
		{"a text", `"SECRET"`, domain.Malformed},
		{"a number", `1`, domain.Malformed},
		{"null", `null`, domain.Malformed},
		{"cut off", envelope + `{"email":"SECRET"`, domain.Malformed},
		{"something after it", envelope + "{}} {}", domain.Malformed},
		{"a comment", envelope + "{/* SECRET */}}", domain.Malformed},
		{"a comma too many", envelope + `{"email":"SECRET",}}`, domain.Malformed},
		{"a number with a leading zero", envelope + `{"n":01}}`, domain.Malformed},
		{"NaN", envelope + `{"n":NaN}}`, domain.Malformed},
		{"a control character in a text", envelope + "{\"email\":\"SECRET\n\"}}", domain.Malformed},
		{"an attribute twice", `{"SECRET":1,"SECRET":1}`, domain.Malformed},
		{"a key twice in data", envelope + `{"SECRET":1,"SECRET":1}}`, domain.Malformed},
		{"a key twice, once with an escape", envelope + `{"a":1,"\u0061":1}}`, domain.Malformed},
		{"a key twice, deep", envelope + `{"x":[{"y":{"a":1,"a":1}}]}}`, domain.Malformed},
		{"invalid UTF-8 in a value", envelope + "{\"email\":\"SECRET\xff\"}}", domain.Malformed},
		{"invalid UTF-8 in a key", envelope + "{\"SECRET\xc0\xaf\":1}}", domain.Malformed},
		{"a high surrogate alone", envelope + `{"email":"\ud83d"}}`, domain.Malformed},
		{"a low surrogate alone", envelope + `{"email":"\ude00SECRET"}}`, domain.Malformed},
		{"a raw surrogate", envelope + "{\"email\":\"\xed\xa0\x80\"}}", domain.Malformed},
		{"too deep", envelope + `{"x":` + deep + "}}", domain.Malformed},
		{"a byte too large", envelope + "{}}" + strings.Repeat(" ", 256<<10-len(envelope)-2), domain.TooLarge},
		{"too large and no JSON", strings.Repeat("S", 256<<10+1), domain.TooLarge},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := refused(t, raw(c.body), c.reason)
			if strings.Contains(r.Message, "SECRET") {
				t.Errorf("the message quotes the event: %s", r.Message)
			}
		})
	}
}

// TestLargest defends: an event is at most 256 KiB, in binary mode headers and
// body together.
func TestLargest(t *testing.T) {
	m := progressDraft().structured()
	m.Body = append(m.Body, strings.Repeat(" ", 256<<10-len(m.Body))...)
	accepted(t, m)

	m = progressDraft().binary()
	m.Body = append(m.Body, strings.Repeat(" ", 256<<10-len(m.Body)-m.HeaderBytes)...)
	accepted(t, m)
	m.HeaderBytes++
	refused(t, m, domain.TooLarge)
}

// TestDeep defends: arrays and objects may stand 64 deep in one another, the
// event's own object the first, whichever the mode; and what does comes out again.
func TestDeep(t *testing.T) {
	in := func(depth int) string { return strings.Repeat(`[`, depth) + strings.Repeat("]", depth) }
	for _, message := range []func(draft) *domain.Message{draft.structured, draft.binary} {
		e := accepted(t, message(progressDraft().with("x", in(62))))
		if again := accepted(t, raw(string(e.MarshalCloudEvent()))); !cmp.Equal(e, again) {
			t.Error("the event changed on its way")
		}
		r := refused(t, message(progressDraft().with("x", in(63))), domain.Malformed)
		if !strings.Contains(r.Message, "64 deep") {
			t.Errorf("the message doesn't say what is wrong: %s", r.Message)
		}
	}
	accepted(t, progressDraft().with("x", `"`+in(100)+`"`).structured())
}

// TestByteOrderMark defends: a byte order mark makes an event malformed in either
// mode, the message says so, and what else it says can be read.
func TestByteOrderMark(t *testing.T) {
	structured, binary := progressDraft().structured(), progressDraft().binary()
	for _, m := range []*domain.Message{structured, binary} {
		m.Body = append([]byte("\ufeff"), m.Body...)
		r := refused(t, m, domain.Malformed)
		if !strings.Contains(r.Message, "byte order mark") || r.Subject != "ana" {
			t.Errorf("the refusal is %+v", r)
		}
	}
}

// TestDeepAndLarge defends: an event as deep and as large as one may be is read.
func TestDeepAndLarge(t *testing.T) {
	inner := `"` + strings.Repeat("x", 200_000) + `"`
	deep := strings.Repeat(`{"a":0,"b":`, 30) + strings.Repeat(`[`, 30) + inner + strings.Repeat("]", 30) + strings.Repeat("}", 30)
	e := accepted(t, progressDraft().with("x", deep).structured())
	for range 100 {
		e.Content()
	}
}

// TestSubjectMismatch defends: the NATS subject is compared where there is one.
func TestSubjectMismatch(t *testing.T) {
	cases := map[string]bool{
		"": true, "boxoffice.events.playback.progressed": true,
		"boxoffice.events.playback.ended": false, "boxoffice.events.": false, "boxoffice.events": false,
		"playback.progressed": false, "boxoffice.events.playback.progressed.x": false, "boxoffice.events.Playback.progressed": false,
	}
	for subject, ok := range cases {
		m := progressDraft().structured()
		m.NATSSubject = subject
		if ok {
			accepted(t, m)
		} else {
			refused(t, m, domain.SubjectMismatch)
		}
	}
}

// TestClockSkew defends: five minutes ahead is skew, a microsecond more isn't;
// what is finer is cut off first.
func TestClockSkew(t *testing.T) {
	accepted(t, progressDraft().set("time", `"2026-11-23T12:05:00Z"`).structured())
	accepted(t, progressDraft().set("time", `"2026-11-23T13:05:00.0000009+01:00"`).structured())
	r := refused(t, progressDraft().set("time", `"2026-11-23T12:05:00.000001Z"`).structured(), domain.InFuture)
	if r.Time == nil || *r.Time != judgedAt+300_000_001 {
		t.Errorf("the refusal has the time %v", r.Time)
	}
	accepted(t, progressDraft().set("time", `"1900-01-01T00:00:00Z"`).structured())
}

// TestRefusalSaysWhatCanBeRead defends: what is kept of a refused event can be
// found by its subject, so that it goes when its user does.
func TestRefusalSaysWhatCanBeRead(t *testing.T) {
	eleven := judgedAt - 3_600_000_000
	whole := domain.Refusal{ID: "e-1", Source: "/platform", Type: "playback.progressed", Subject: "ana", Time: &eleven}
	without := func(change func(*domain.Refusal)) domain.Refusal {
		r := whole
		change(&r)
		return r
	}
	cutOff := progressDraft().structured()
	unclosed(cutOff)
	large := progressDraft().structured()
	padded(large)
	largeBinary := progressDraft().binary()
	padded(largeBinary)
	twice := progressDraft().binary()
	twice.Attributes = append(twice.Attributes, domain.Attribute{Name: "Subject", Value: "bob"})
	body := func(d draft) string { return string(d.structured().Body) }

	cases := []struct {
		name    string
		message *domain.Message
		want    domain.Refusal
	}{
		{"bad data", withoutASession(progressDraft()).structured(), whole},
		{"bad data, binary", withoutASession(progressDraft()).binary(), whole},
		{"key twice", keyGivenTwice(progressDraft()).structured(), whole},
		{"key twice, binary", keyGivenTwice(progressDraft()).binary(), whole},
		{"not closed", cutOff, whole},
		{"something after it", raw(body(progressDraft()) + "x"), whole},
		{"too large", large, whole},
		{"too large and malformed", sixteenMegabytes(keyGivenTwice(progressDraft())).structured(), whole},
		{"too large, binary", largeBinary, whole},
		{"invalid UTF-8 elsewhere", raw(strings.Replace(body(progressDraft()), `"s-1"`, "\"\xff\"", 1)), whole},
		{"invalid UTF-8 in the subject", raw(strings.Replace(body(progressDraft()), `"ana"`, "\"ana\xff\"", 1)),
			without(func(r *domain.Refusal) { r.Subject = "" })},
		{"invalid UTF-8 in the id", raw(strings.Replace(body(progressDraft()), `"e-1"`, "\"\xff\"", 1)),
			without(func(r *domain.Refusal) { r.ID = "" })},
		{"the same subject twice", progressDraft().set("subject", `"ana","subject":"ana"`).structured(), whole},
		{"two subjects", progressDraft().set("subject", `"ana","subject":"bob"`).structured(),
			without(func(r *domain.Refusal) { r.Subject = "" })},
		{"two subjects and back", progressDraft().set("subject", `"ana","subject":"bob","subject":"ana"`).structured(),
			without(func(r *domain.Refusal) { r.Subject = "" })},
		{"two subjects, binary", twice, without(func(r *domain.Refusal) { r.Subject = "" })},
		{"no id", progressDraft().set("id", `""`).structured(), without(func(r *domain.Refusal) { r.ID = "" })},
		{"no source", progressDraft().set("source", `"a b"`).structured(), without(func(r *domain.Refusal) { r.Source = "" })},
		{"no type", progressDraft().set("type", `5`).structured(), without(func(r *domain.Refusal) { r.Type = "" })},
		{"no time", progressDraft().set("time", `"now"`).structured(), without(func(r *domain.Refusal) { r.Time = nil })},
		{"no subject", progressDraft().set("subject", `"a\nb"`).structured(), without(func(r *domain.Refusal) { r.Subject = "" })},
		{"unknown type", unheardOfType(progressDraft()).structured(),
			without(func(r *domain.Refusal) { r.Type = "playback.paused" })},
		{"no object", raw("[" + body(progressDraft()) + "]"), domain.Refusal{}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, got := domain.Decode(c.message, judgedAt)
			if got == nil {
				t.Fatal("accepted")
			}
			got.Reason, got.Message = "", ""
			if diff := cmp.Diff(&c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestDecodeKeepsNoMemory defends: the event is its own, whatever becomes of
// the message's memory.
func TestDecodeKeepsNoMemory(t *testing.T) {
	for _, m := range []*domain.Message{
		draftOf(domain.UserRegistered, "email", `"ana@example.org"`, "custom", `{"plan":"x","n":[ "a" ]}`).set("ext", `"v"`).structured(),
		draftOf(domain.UserRegistered, "email", `"ana@example.org"`).set("ext", `"v"`).binary(),
		progressDraft().with("title", `"A"`).with("played", `[[0,1]]`).with("x", `{"y":"z"}`).structured(),
	} {
		e := accepted(t, m)
		want := string(e.MarshalCloudEvent()) + string(e.Content())
		for i := range m.Body {
			m.Body[i] = 'x'
		}
		if got := string(e.MarshalCloudEvent()) + string(e.Content()); got != want {
			t.Errorf("the event changed with the message:\n%s\n%s", got, want)
		}
		if e.Profile != nil && (e.Profile.Email.Value != "ana@example.org" || len(e.Profile.Custom) == 2 && string(e.Profile.Custom["n"]) != `["a"]`) {
			t.Errorf("the profile changed with the message: %+v", e.Profile)
		}
	}
}
