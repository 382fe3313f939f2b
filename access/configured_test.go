package access

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestConfiguredKeys(t *testing.T) {
	var keys configuredKeys
	for key, identity := range map[string]Identity{
		"one": {Role: Admin},
		"two": {Role: Publisher, Types: []string{"playback.*"}},
	} {
		if err := keys.Add(key, identity); err != nil {
			t.Fatal(err)
		}
	}
	for key, role := range map[string]Role{"one": Admin, "two": Publisher, "": "", "on": "", "onee": "", "One": ""} {
		got, err := keys.Lookup(context.Background(), key)
		refusal, _ := errors.AsType[*Refusal](err)
		if got.Role != role || (err == nil) != (role != "") || err != nil && (refusal == nil || refusal.Kind != BadKey) {
			t.Errorf("Lookup(%q) = %v, %v", key, got, err)
		}
	}
	for key, identity := range map[string]Identity{"": {Role: Admin}, "secret": {Role: "root"}, "one": {Role: Viewer}} {
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
