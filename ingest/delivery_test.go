// This file tests the register of messages in flight.

package ingest

import (
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

// copies of one message as the broker delivers it, told apart by their address.
type copyOf struct{ jetstream.Msg }

// TestARedeliveryOfWhatIsInHand takes no memory and is settled with it: the
// broker only hears an answer to what it delivered last.
func TestARedeliveryOfWhatIsInHand(t *testing.T) {
	f := newFlight()
	delivered := func(stream string, sequence uint64) *delivery {
		m := &copyOf{}
		return &delivery{arrival: arrival{streamSequence: streamSequence{stream, sequence}}, msg: m}
	}
	first, again, other := delivered("a", 1), delivered("a", 1), delivered("b", 1)
	if !f.add(first) {
		t.Error("a message isn't taken")
	}
	for range 1000 {
		if f.add(again) {
			t.Fatal("a message that is in hand is taken again")
		}
	}
	if !f.add(other) {
		t.Error("the message with this number of another stream isn't taken")
	}
	n := 0
	f.each(func(jetstream.Msg) { n++ })
	if n != 2 {
		t.Errorf("%d messages are in flight, want 2", n)
	}
	if got := f.remove(first); got != again.msg {
		t.Error("it isn't settled by what the broker delivered last")
	}
	if !f.add(again) {
		t.Error("a message that was settled isn't taken again")
	}
}
