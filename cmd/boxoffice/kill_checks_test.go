// This file publishes while things are killed, and checks what is there
// afterwards.

package main

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"boxoffice/internal/eventually"
	"boxoffice/internal/oracle"
	"boxoffice/internal/platform"
)

// A published is what was acknowledged to the publisher.
type published struct {
	events [][]byte // each once
	ids    map[string]bool
	// bad are the sequence numbers of messages that are refused; badTries is how
	// often such a one was sent, acknowledged or not.
	bad      map[uint64]bool
	badTries int
	// last is the broker's last sequence number.
	last           uint64
	again, retried int
}

func (p *published) String() string {
	return fmt.Sprintf("%d events and %d bad messages acknowledged, %d sent once more, %d tried again", len(p.events), len(p.bad), p.again, p.retried)
}

// A publishing publishes the history of a platform, message after message,
// each until it is acknowledged.
type publishing struct {
	cancel context.CancelFunc
	done   chan error
	got    published
	js     jetstream.JetStream
}

// eventsAKill is how many events there are at least for each kill.
const eventsAKill = 1500

func startPublishing(t *testing.T, url string, kills int) *publishing {
	conn, err := nats.Connect(url, nats.Token("admin-key"), nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond), nats.ReconnectJitter(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := &publishing{cancel: cancel, done: make(chan error, 1), js: js}
	p.got.ids, p.got.bad = map[string]bool{}, map[uint64]bool{}
	next, stop := iter.Pull(platform.New(platform.Options{Seed: uint64(kills), Users: kills * eventsAKill / 35, Until: yearEnd}).History())
	go func() {
		defer stop()
		p.done <- p.publishAll(ctx, next)
	}()
	t.Cleanup(cancel)
	return p
}

func (p *publishing) stop(t *testing.T) *published {
	p.cancel()
	if err := <-p.done; err != nil {
		t.Fatal(err)
	}
	return &p.got
}

// publishAll publishes until ctx ends or the history does.
func (p *publishing) publishAll(ctx context.Context, next func() ([]byte, bool)) error {
	var sent [][]byte
	for ctx.Err() == nil {
		var batch [][]byte
		for len(batch) < 1+rand.IntN(100) {
			event, ok := next()
			if !ok {
				return nil
			}
			if !strings.Contains(string(event), "user.erased") { // who is erased depends on the order, which may change here
				batch = append(batch, append([]byte(nil), event...))
			}
		}
		sent = append(sent, batch...)
		if rand.IntN(4) == 0 {
			batch = append(batch, sent[rand.IntN(len(sent))])
		}
		if rand.IntN(4) == 0 {
			batch = append(batch, fmt.Appendf(nil, `{"bad":%d}`, len(sent)))
		}
		if err := p.publishBatch(batch); err != nil {
			return err
		}
		time.Sleep(rand.N(100 * time.Millisecond))
	}
	return nil
}

// publishBatch publishes messages until the last is acknowledged. What isn't
// within a second is sent again: nobody knows what became of it.
func (p *publishing) publishBatch(messages [][]byte) error {
	deadline := time.Now().Add(2 * time.Minute)
	for len(messages) > 0 {
		if time.Now().After(deadline) {
			return fmt.Errorf("%d messages aren't acknowledged after two minutes", len(messages))
		}
		messages = p.tryBatch(messages)
		p.got.retried += len(messages)
	}
	return nil
}

// tryBatch sends messages and returns those that weren't acknowledged.
func (p *publishing) tryBatch(messages [][]byte) (rest [][]byte) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	futures := make([]jetstream.PubAckFuture, len(messages))
	for i, m := range messages {
		if isBad(m) {
			p.got.badTries++
		}
		if future, err := p.js.PublishMsgAsync(&nats.Msg{Subject: subjectOf(m), Data: m}, jetstream.WithRetryAttempts(0)); err == nil {
			futures[i] = future
		}
	}
	within, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	for i, future := range futures {
		if future == nil || !p.acknowledged(within, messages[i], future) {
			rest = append(rest, messages[i])
		}
	}
	if len(rest) > 0 {
		time.Sleep(50 * time.Millisecond)
	}
	return rest
}

func (p *publishing) acknowledged(ctx context.Context, message []byte, future jetstream.PubAckFuture) bool {
	select {
	case ack := <-future.Ok():
		p.got.note(message, ack.Sequence)
		return true
	case <-future.Err(): // whatever it is, it is sent again
	case <-ctx.Done():
	}
	return false
}

func (p *published) note(message []byte, sequence uint64) {
	p.last = max(p.last, sequence)
	switch id := member(message, "id"); {
	case isBad(message):
		p.bad[sequence] = true
	case p.ids[id]:
		p.again++
	default:
		p.ids[id] = true
		p.events = append(p.events, message)
	}
}

func isBad(message []byte) bool { return strings.HasPrefix(string(message), `{"bad"`) }

func subjectOf(message []byte) string {
	if isBad(message) {
		return "boxoffice.events.bad"
	}
	return "boxoffice.events." + member(message, "type")
}

// member returns a text member of an event as the simulated platform writes it.
func member(event []byte, name string) string {
	_, after, _ := strings.Cut(string(event), `"`+name+`":"`)
	text, _, _ := strings.Cut(after, `"`)
	return text
}

// checkLog holds the log against itself, which is right at every moment.
func (k *killing) checkLog(t *testing.T) {
	t.Helper()
	k.query(t, k.schema, `SELECT position, (SELECT COUNT(*) FROM events), (SELECT COALESCE(MAX(position), 0) FROM events),
		(SELECT COUNT(*) FROM (SELECT DISTINCT source, id FROM events) AS each_one), (SELECT COALESCE(SUM(appended), 0) FROM accounts) FROM log_head`,
		func(rows *sql.Rows) error {
			var head, events, last, identities, appended int64
			if err := rows.Scan(&head, &events, &last, &identities, &appended); err != nil {
				return err
			}
			if events != head || last != head || identities != head || appended != head {
				t.Fatalf("the log's head is %d: it has %d events up to position %d, %d identities, and the accounts say %d", head, events, last, identities, appended)
			}
			return nil
		})
}

// checkEvents holds the set of events in the log against what was acknowledged.
func (k *killing) checkEvents(t *testing.T, p *published) {
	t.Helper()
	missing := map[string]bool{}
	for id := range p.ids {
		missing[id] = true
	}
	k.query(t, k.schema, "SELECT id FROM events", func(rows *sql.Rows) error {
		var id string
		if err := rows.Scan(&id); err != nil {
			return err
		}
		if !p.ids[id] {
			t.Errorf("event %s is in the log, and nobody published it", id)
		}
		delete(missing, id)
		return nil
	})
	if len(missing) > 0 {
		t.Errorf("%d acknowledged events aren't in the log", len(missing))
	}
}

// checkAccounts holds the accounts against the broker's sequence numbers, each
// of which comes to be in one, and what is refused against what was bad.
func (k *killing) checkAccounts(t *testing.T, p *published) {
	t.Helper()
	// Of a message that was delivered to one who died, the broker thinks for a
	// while that it is being worked on. Such a one may be the second of an event.
	eventually.Succeeds(t, "every message is accounted for", func() error {
		if n := k.unaccounted(t, p.last); n != 0 {
			return fmt.Errorf("of message %d (of %d) no account says what became of it", n, p.last)
		}
		return nil
	})
	missing, kept := len(p.bad), 0
	k.query(t, k.schema, "SELECT sequence FROM refused", func(rows *sql.Rows) error {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return err
		}
		kept++
		if p.bad[uint64(n)] {
			missing--
		}
		return nil
	})
	if missing != 0 || kept > p.badTries {
		t.Errorf("%d refused messages are kept of %d that were sent; %d acknowledged ones are missing", kept, p.badTries, missing)
	}
}

// unaccounted returns the first message up to the last that is in no account, or 0.
func (k *killing) unaccounted(t *testing.T, last uint64) uint64 {
	t.Helper()
	covered := map[uint64]bool{}
	k.query(t, k.schema, "SELECT first_sequence, last_sequence FROM accounts", func(rows *sql.Rows) error {
		var first, end uint64
		if err := rows.Scan(&first, &end); err != nil {
			return err
		}
		for n := first; n <= end; n++ {
			covered[n] = true
		}
		return nil
	})
	for n := range last {
		if !covered[n+1] {
			return n + 1
		}
	}
	return 0
}

// checkAnswers holds what the API answers against a plain count of what was
// acknowledged.
func (k *killing) checkAnswers(t *testing.T, p *published) {
	zone, err := time.LoadLocation(historyZone)
	if err != nil {
		t.Fatal(err)
	}
	model := oracle.New(oracle.Options{Zone: zone, RenewalGrace: historyGrace})
	for _, event := range p.events {
		if outcome, err := model.Add(event); err != nil || outcome != oracle.Recorded {
			t.Fatalf("the plain count: %s, %v", outcome, err)
		}
	}
	compareAnswers(t, k.on, yearQuestions(model))
}
