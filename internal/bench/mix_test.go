package bench

import (
	"strings"
	"testing"
	"time"

	"boxoffice/domain"
)

// The mix is what the figures are stated for: 85 % playback, 10 % subscriptions,
// 5 % profiles, 300 to 500 bytes an event, all good and no two the same.
func TestMix(t *testing.T) {
	const n = 20_000
	now := domain.InstantOf(time.Now())
	kinds, ids, users := map[string]int{}, map[string]bool{}, map[string]bool{}
	for k := range int64(n) {
		message := mix{1}.event(k)
		event, refusal := domain.Decode(&domain.Message{NATSSubject: message.Subject, Body: message.Data}, now)
		if refusal != nil {
			t.Fatalf("%s: %v", message.Data, refusal)
		}
		if len(message.Data) < 300 || len(message.Data) > 500 {
			t.Fatalf("%d bytes: %s", len(message.Data), message.Data)
		}
		kind, _, _ := strings.Cut(string(event.Type), ".")
		kinds[kind]++
		ids[event.ID], users[event.Subject] = true, true
	}
	if kinds["playback"] != n*85/100 || kinds["subscription"] != n*10/100 || kinds["user"] != n*5/100 {
		t.Errorf("of %d events there are %v", n, kinds)
	}
	if len(ids) != n || len(users) < 2000 {
		t.Errorf("%d different events of %d users", len(ids), len(users))
	}
}

// The same seed gives the same events, another one others.
func TestMixIsRepeatable(t *testing.T) {
	for k := range int64(100) {
		a, b, other := mix{1}.event(k), mix{1}.event(k), mix{2}.event(k)
		if string(a.Data) != string(b.Data) {
			t.Fatalf("%s and %s", a.Data, b.Data)
		}
		if string(a.Data) == string(other.Data) {
			t.Fatalf("with another seed %s too", a.Data)
		}
	}
}
