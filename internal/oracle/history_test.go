// This file is what the tests write their histories with.

package oracle_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"boxoffice/internal/oracle"
)

// history makes an oracle of events, one a line: time, type, user and data.
// Empty lines are left out.
func history(t *testing.T, zone, events string) *oracle.Oracle {
	t.Helper()
	location, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	return historyOf(t, oracle.Options{Zone: location}, events)
}

// historyOf makes one of a platform with options.
func historyOf(t *testing.T, options oracle.Options, events string) *oracle.Oracle {
	t.Helper()
	o := oracle.New(options)
	for i, line := range strings.Split(events, "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if outcome := add(t, o, fmt.Sprint("line ", i), line); outcome != oracle.Recorded {
			t.Fatalf("%s: %s", outcome, line)
		}
	}
	return o
}

// add records one such line under an id.
func add(t *testing.T, o *oracle.Oracle, id, line string) oracle.Outcome {
	t.Helper()
	part := strings.SplitN(line, " ", 4)
	outcome, err := o.Add(fmt.Appendf(nil, `{"specversion":"1.0","source":"/s","id":%q,"time":%q,"type":%q,"subject":%q,"data":%s}`,
		id, part[0], part[1], part[2], part[3]))
	if err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	return outcome
}

func at(t *testing.T, s string) oracle.Instant {
	t.Helper()
	i, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return oracle.Of(i)
}

// is fails where an answer isn't the JSON that is wanted; members that want
// doesn't name aren't looked at.
func is(t *testing.T, what string, answer any, want string) {
	t.Helper()
	b, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	var got, wanted any
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatalf("%v: %s", err, want)
	}
	if d := cmp.Diff(wanted, only(got, wanted)); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// only returns what of got wanted names.
func only(got, wanted any) any {
	switch w := wanted.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return got
		}
		some := map[string]any{}
		for k := range w {
			if v, ok := g[k]; ok {
				some[k] = only(v, w[k])
			}
		}
		return some
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return got
		}
		some := make([]any, len(g))
		for i := range g {
			some[i] = only(g[i], w[i])
		}
		return some
	}
	return got
}
