// This file tests what has to be taken care of on a server that isn't our own.

package ingest_test

import (
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"

	"boxoffice/ingest"
	"boxoffice/ingest/natstest"
	"boxoffice/internal/eventually"
	"boxoffice/wire"
)

// TestDeliveriesArentHeardOnTheUsualInbox: publishers of the same account may
// listen on _INBOX.>, and must not hear there what the service receives.
func TestDeliveriesArentHeardOnTheUsualInbox(t *testing.T) {
	server := natstest.Start(t, natstest.Options{})
	b := withStream(t, connect(t, ingest.Config{URL: server.URL()}))
	spy, err := nats.Connect(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer spy.Close()
	var heard atomic.Int64
	if _, err := spy.Subscribe("_INBOX.>", func(*nats.Msg) { heard.Add(1) }); err != nil {
		t.Fatal(err)
	}
	if err := spy.Flush(); err != nil {
		t.Fatal(err)
	}
	publish(t, b, progresses(0, 100)...)
	subscriber := ingest.NewSubscriber(b, ingest.SubscriberConfig{})
	messages, err := subscriber.Subscribe(t.Context(), wire.Subjects)
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		(<-messages).Ack()
	}
	if err := subscriber.Close(); err != nil {
		t.Fatal(err)
	}
	if err := spy.Flush(); err != nil {
		t.Fatal(err)
	}
	if n := heard.Load(); n != 0 {
		t.Errorf("%d of the service's messages were heard", n)
	}
}

// accounts is how docs tell operators to keep publishers apart.
const accounts = `
accounts {
  BOXOFFICE: {
    jetstream: enabled
    users: [ { user: boxoffice, password: service } ]
    exports: [ { service: "boxoffice.events.>", accounts: [PUBLISHERS] } ]
  }
  PUBLISHERS: {
    users: [ { user: publisher, password: secret, permissions: { publish: "boxoffice.events.>", subscribe: "_INBOX.>" } } ]
    imports: [ { service: { account: BOXOFFICE, subject: "boxoffice.events.>" } } ]
  }
}`

// TestPublishersInAnAccountOfTheirOwn can publish, in atomic batches too, and
// can do no more, whatever they name as the subject to reply to.
func TestPublishersInAnAccountOfTheirOwn(t *testing.T) {
	server := natstest.Start(t, natstest.Options{Config: accounts})
	at := func(user string) string { return "nats://" + user + "@" + server.URL()[len("nats://"):] }
	b := withStream(t, connect(t, ingest.Config{URL: at("boxoffice:service")}))
	publisher := connect(t, ingest.Config{URL: at("publisher:secret"), Publisher: true})
	publish(t, publisher, progresses(0, 3000)...)
	publish(t, publisher, progress(3000))
	conn, err := nats.Connect(at("publisher:secret"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	event := progress(3001)
	if err := conn.PublishMsg(&nats.Msg{Subject: event.Subject, Reply: "$JS.API.STREAM.PURGE.BOXOFFICE", Data: event.Data}); err != nil {
		t.Fatal(err)
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	eventually.Holds(t, "everything is stored", func() bool { return stored(t, b) == 3002 })
	publish(t, b, progress(3002))
	if n := stored(t, b); n != 3003 {
		t.Errorf("%d messages are stored, want 3003", n)
	}
}
