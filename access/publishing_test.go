package access

import (
	"slices"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
)

func TestMayPublish(t *testing.T) {
	for _, c := range []struct {
		who  Identity
		what string
		want bool
	}{
		{Identity{Role: Admin}, "user.erased", true},
		{Identity{Role: Admin}, "user.updated", true},
		{Identity{Role: Publisher}, "user.updated", true},
		{Identity{Role: Publisher}, "not.known", true},
		{Identity{Role: Publisher}, "user.erased", false},
		{Identity{Role: Publisher, Types: []string{"playback.*"}}, "playback.started", true},
		{Identity{Role: Publisher, Types: []string{"playback.*"}}, "playbackstarted", false},
		{Identity{Role: Publisher, Types: []string{"playback.*"}}, "user.updated", false},
		{Identity{Role: Publisher, Types: []string{"user.updated"}}, "user.updated", true},
		{Identity{Role: Publisher, Types: []string{"user.updated"}}, "user.updated.more", false},
		{Identity{Role: Publisher, Types: []string{"user.*"}}, "user.erased", false},
		{Identity{Role: Publisher, Types: []string{"*"}}, "user.erased", false},
		{Identity{Role: Publisher, Types: []string{"*"}}, "rental.started", true},
		{Identity{Role: Publisher, Types: []string{"*", "user.erased"}}, "user.erased", true},
		{Identity{Role: Admin}, "event.retracted", true},
		{Identity{Role: Publisher}, "event.retracted", false},
		{Identity{Role: Publisher, Types: []string{"*"}}, "event.retracted", false},
		{Identity{Role: Publisher, Types: []string{"event.*"}}, "event.retracted", false},
		{Identity{Role: Publisher, Types: []string{"*", "user.erased"}}, "event.retracted", false},
		{Identity{Role: Publisher, Types: []string{"playback.*", "event.retracted"}}, "event.retracted", true},
		{Identity{Role: Publisher, Types: []string{"event.retracted"}}, "user.erased", false},
		{Identity{Role: Support}, "event.retracted", false},
		{Identity{Role: Publisher, Types: []string{}}, "user.updated", false},
		{Identity{Role: Viewer}, "user.updated", false},
		{Identity{Role: Support}, "user.updated", false},
		{Identity{Role: Auditor}, "user.updated", false},
		{Identity{}, "user.updated", false},
	} {
		if got := c.who.MayPublish(c.what); got != c.want {
			t.Errorf("%+v may publish %s: %v", c.who, c.what, got)
		}
	}
}

// NATS lets a publisher publish exactly what HTTP does, whatever the key names.
func TestSubjectsAreWhatMayBePublished(t *testing.T) {
	const prefix = "events."
	types := []string{"user.erased", "event.retracted", "user.updated", "user.updated.more", "user", "playback.started", "playback.a.b", "playbackstarted", "rental.started"}
	limits := [][]string{
		nil, {}, {"*"}, {"user.*"}, {"playback.*"}, {"user.updated"}, {"user.erased"}, {"*", "user.erased"}, {"user.*", "playback.started"}, {"play*"},
		{"event.*"}, {"event.retracted"}, {"*", "event.retracted"}, {"playback.*", "user.erased", "event.retracted"},
	}
	for _, role := range Roles {
		for _, limit := range limits {
			who := Identity{Role: role, Types: limit}
			allow, deny := who.Subjects(prefix)
			for _, eventType := range types {
				subject := prefix + eventType
				onNATS := collides(allow, subject) && !collides(deny, subject)
				if want := who.MayPublish(eventType); onNATS != want {
					t.Errorf("%s with %q: %s over NATS: %v, over HTTP: %v (allow %q, deny %q)", role, limit, eventType, onNATS, want, allow, deny)
				}
			}
		}
	}
}

func TestSubjects(t *testing.T) {
	for _, c := range []struct {
		types       []string
		allow, deny []string
	}{
		{nil, []string{"events.>"}, []string{"events.user.erased", "events.event.retracted"}},
		{[]string{"*"}, []string{"events.>"}, []string{"events.user.erased", "events.event.retracted"}},
		{[]string{"playback.*", "user.updated"}, []string{"events.playback.>", "events.user.updated"},
			[]string{"events.user.erased", "events.event.retracted"}},
		{[]string{"user.erased"}, []string{"events.user.erased"}, []string{"events.event.retracted"}},
		{[]string{"event.retracted", "user.erased"}, []string{"events.event.retracted", "events.user.erased"}, nil},
		{[]string{}, nil, []string{"events.user.erased", "events.event.retracted"}},
	} {
		allow, deny := Identity{Role: Publisher, Types: c.types}.Subjects("events.")
		if !slices.Equal(allow, c.allow) || !slices.Equal(deny, c.deny) {
			t.Errorf("%q: allow %q, deny %q", c.types, allow, deny)
		}
	}
}

func collides(patterns []string, subject string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return server.SubjectsCollide(pattern, subject) })
}
