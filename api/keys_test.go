package api

import (
	"context"
	"strings"
	"testing"
)

func TestStaticKeys(t *testing.T) {
	var keys StaticKeys
	for key, identity := range map[string]Identity{
		"one": {Role: RoleAdmin},
		"two": {Role: RolePublisher, Types: []string{"playback.*"}},
	} {
		if err := keys.Add(key, identity); err != nil {
			t.Fatal(err)
		}
	}
	for key, role := range map[string]Role{"one": RoleAdmin, "two": RolePublisher, "": "", "on": "", "onee": "", "One": ""} {
		got, ok, err := keys.Lookup(context.Background(), key)
		if err != nil || got.Role != role || ok != (role != "") {
			t.Errorf("Lookup(%q) = %v, %v, %v", key, got, ok, err)
		}
	}
	for key, identity := range map[string]Identity{"": {Role: RoleAdmin}, "secret": {Role: "root"}, "one": {Role: RoleViewer}} {
		err := keys.Add(key, identity)
		if err == nil {
			t.Errorf("Add(%q, %v) succeeded", key, identity)
			continue
		}
		if key != "" && strings.Contains(err.Error(), key) {
			t.Errorf("the error tells the key: %v", err)
		}
	}
}

func TestMayPublish(t *testing.T) {
	for _, c := range []struct {
		who  Identity
		what string
		want bool
	}{
		{Identity{Role: RoleAdmin}, "user.erased", true},
		{Identity{Role: RoleAdmin}, "user.updated", true},
		{Identity{Role: RolePublisher}, "user.updated", true},
		{Identity{Role: RolePublisher}, "not.known", true},
		{Identity{Role: RolePublisher}, "user.erased", false},
		{Identity{Role: RolePublisher, Types: []string{"playback.*"}}, "playback.started", true},
		{Identity{Role: RolePublisher, Types: []string{"playback.*"}}, "playbackstarted", false},
		{Identity{Role: RolePublisher, Types: []string{"playback.*"}}, "user.updated", false},
		{Identity{Role: RolePublisher, Types: []string{"user.updated"}}, "user.updated", true},
		{Identity{Role: RolePublisher, Types: []string{"user.updated"}}, "user.updated.more", false},
		{Identity{Role: RolePublisher, Types: []string{"user.*"}}, "user.erased", false},
		{Identity{Role: RolePublisher, Types: []string{"*"}}, "user.erased", false},
		{Identity{Role: RolePublisher, Types: []string{"*"}}, "rental.started", true},
		{Identity{Role: RolePublisher, Types: []string{"*", "user.erased"}}, "user.erased", true},
		{Identity{Role: RolePublisher, Types: []string{}}, "user.updated", false},
		{Identity{Role: RoleViewer}, "user.updated", false},
		{Identity{Role: RoleSupport}, "user.updated", false},
		{Identity{Role: RoleAuditor}, "user.updated", false},
		{Identity{}, "user.updated", false},
	} {
		if got := c.who.MayPublish(c.what); got != c.want {
			t.Errorf("%+v may publish %s: %v", c.who, c.what, got)
		}
	}
}

func TestBearer(t *testing.T) {
	for header, want := range map[string]string{
		"Bearer abc": "abc", "bearer abc": "abc", "BEARER  abc ": "abc",
		"": "", "abc": "", "Basic abc": "", "Bearer": "", "Bearer ": "",
	} {
		if got, ok := bearer(header); ok && got != want || ok != (want != "") {
			t.Errorf("bearer(%q) = %q, %v", header, got, ok)
		}
	}
}
