// This file tests the embedded server: who gets in, what they can do there, and
// how it starts and ends.

package ingest_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"boxoffice/access"
	"boxoffice/domain"
	"boxoffice/ingest"
	"boxoffice/internal/eventually"
	"boxoffice/wire"
)

// keys are the keys of the tests and what they may publish.
func keys(token string) (ingest.Grant, bool) {
	switch token {
	case "admin":
		return granted(access.Identity{Role: access.Admin}), true
	case "publisher":
		return granted(access.Identity{Role: access.Publisher}), true
	case "playback":
		return granted(access.Identity{Role: access.Publisher, Types: []string{"playback.*"}}), true
	case "eraser":
		return granted(access.Identity{Role: access.Publisher, Types: []string{"user.*", "user.erased"}}), true
	case "retracter":
		return granted(access.Identity{Role: access.Publisher, Types: []string{"playback.*", "event.retracted"}}), true
	case "nothing":
		return ingest.Grant{}, true
	}
	return ingest.Grant{}, false
}

// granted is what an identity may publish.
func granted(who access.Identity) ingest.Grant {
	allow, deny := who.Subjects(wire.SubjectPrefix)
	return ingest.Grant{Allow: allow, Deny: deny}
}

// dial connects as a publisher would, with whatever client.
func dial(t *testing.T, e *ingest.Embedded, opts ...nats.Option) (*nats.Conn, error) {
	t.Helper()
	conn, err := nats.Connect("nats://"+e.Addr().String(), append([]nats.Option{
		nats.NoReconnect(), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}),
	}, opts...)...)
	if err == nil {
		t.Cleanup(conn.Close)
	}
	return conn, err
}

func TestNobodyGetsInWithoutAKey(t *testing.T) {
	e := startEmbedded(t, keys)
	for name, opts := range map[string][]nats.Option{
		"no key":                     nil,
		"an unknown key":             {nats.Token("guessed")},
		"an empty key":               {nats.Token("")},
		"a key that permits nothing": {nats.Token("nothing")},
		"the service's name":         {nats.UserInfo("BOXOFFICE", "guessed")},
		"the service's name alone":   {nats.UserInfo("BOXOFFICE", "")},
		"a key as a password":        {nats.UserInfo("admin", "admin")},
	} {
		if _, err := dial(t, e, opts...); !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("%s: got %v, want an authorization violation", name, err)
		}
	}
}

// TestWhatKeysMayPublish publishes each type with each key, and looks at what
// the stream has then.
func TestWhatKeysMayPublish(t *testing.T) {
	subjects := []string{
		"boxoffice.events.user.registered", "boxoffice.events.user.erased", "boxoffice.events.event.retracted",
		"boxoffice.events.playback.started", "boxoffice.events.playback", "boxoffice.events.no.such.type",
		"boxoffice.other", "elsewhere", "$JS.API.STREAM.INFO.BOXOFFICE", "$JS.API.STREAM.PURGE.BOXOFFICE",
		"$JS.ACK.BOXOFFICE.boxoffice-ingest.1.1.1.1.0", "_INBOX.x", "_BOXOFFICE_INBOX.x",
	}
	events := []string{
		"boxoffice.events.user.registered", "boxoffice.events.playback.started",
		"boxoffice.events.playback", "boxoffice.events.no.such.type",
	}
	for key, want := range map[string][]string{
		"admin":     append([]string{"boxoffice.events.user.erased", "boxoffice.events.event.retracted"}, events...),
		"publisher": events,
		"playback":  {"boxoffice.events.playback.started"},
		"eraser":    {"boxoffice.events.user.registered", "boxoffice.events.user.erased"},
		"retracter": {"boxoffice.events.playback.started", "boxoffice.events.event.retracted"},
	} {
		t.Run(key, func(t *testing.T) {
			e := startEmbedded(t, keys)
			b := withStream(t, connect(t, ingest.Config{Embedded: e}))
			conn, err := dial(t, e, nats.Token(key))
			if err != nil {
				t.Fatal(err)
			}
			for _, subject := range subjects {
				if err := conn.PublishMsg(&nats.Msg{Subject: subject, Data: []byte("{}")}); err != nil {
					t.Fatal(err)
				}
			}
			if err := conn.Flush(); err != nil {
				t.Fatal(err)
			}
			eventually.Holds(t, "the permitted events are stored", func() bool { return stored(t, b) >= uint64(len(want)) })
			stream, err := b.JetStream().Stream(t.Context(), wire.Stream)
			if err != nil {
				t.Fatal(err)
			}
			info, err := stream.Info(t.Context(), jetstream.WithSubjectFilter(">"))
			if err != nil {
				t.Fatal(err)
			}
			for subject, n := range info.State.Subjects {
				if n != 1 || !slices.Contains(want, subject) {
					t.Errorf("%d messages were stored with the subject %s", n, subject)
				}
			}
			if len(info.State.Subjects) != len(want) {
				t.Errorf("stored %v, want %v", info.State.Subjects, want)
			}
		})
	}
}

// TestPublishersSeeOnlyTheirAnswers: a publisher may listen on _INBOX.> and
// nowhere else, and what the service receives doesn't pass there.
func TestPublishersSeeOnlyTheirAnswers(t *testing.T) {
	e := startEmbedded(t, keys)
	b := withStream(t, connect(t, ingest.Config{Embedded: e}))
	violations := make(chan error, 16)
	conn, err := dial(t, e, nats.Token("admin"), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		violations <- err
	}))
	if err != nil {
		t.Fatal(err)
	}
	for _, subject := range []string{">", "boxoffice.events.>", "_BOXOFFICE_INBOX.>", "$JS.>", "$SYS.>", "*.>"} {
		if _, err := conn.Subscribe(subject, func(*nats.Msg) {}); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-violations:
			if !errors.Is(err, nats.ErrPermissionViolation) {
				t.Errorf("listening on %s: %v", subject, err)
			}
		case <-time.After(patience):
			t.Errorf("a publisher may listen on %s", subject)
		}
	}
	var heard atomic.Int64
	if _, err := conn.Subscribe("_INBOX.>", func(*nats.Msg) { heard.Add(1) }); err != nil {
		t.Fatal(err)
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}

	publish(t, b, progresses(0, 100)...)
	messages, err := ingest.NewSubscriber(b, ingest.SubscriberConfig{}).Subscribe(t.Context(), wire.Subjects)
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		(<-messages).Ack()
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	if n := heard.Load(); n != 0 {
		t.Errorf("a publisher has heard %d of the service's messages", n)
	}
}

// TestRepliesReachNobodyElse: the broker answers to whatever subject a
// publisher names. None of them may be a command to JetStream or reach the
// service.
func TestRepliesReachNobodyElse(t *testing.T) {
	e := startEmbedded(t, keys)
	b := withStream(t, connect(t, ingest.Config{Embedded: e}))
	publish(t, b, progresses(0, 10)...)
	conn, err := dial(t, e, nats.Token("admin"))
	if err != nil {
		t.Fatal(err)
	}
	const tries = 4
	for n, reply := range []string{
		"$JS.API.STREAM.PURGE.BOXOFFICE", "$JS.API.STREAM.DELETE.BOXOFFICE",
		"$JS.API.CONSUMER.DELETE.BOXOFFICE.boxoffice-ingest", "boxoffice.events.user.erased",
	} {
		event := progress(100 + n)
		if err := conn.PublishMsg(&nats.Msg{Subject: event.Subject, Reply: reply, Data: event.Data}); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	eventually.Holds(t, "the events are stored", func() bool { return stored(t, b) == 10+tries })
	// The answers to these were sent before the answer to this one.
	publish(t, b, progress(200))
	if n := stored(t, b); n != 10+tries+1 {
		t.Errorf("%d messages are stored, want %d", n, 10+tries+1)
	}
}

// TestPublisherOverTheListener is the way of a publishing program of our own.
func TestPublisherOverTheListener(t *testing.T) {
	e := startEmbedded(t, keys)
	withStream(t, connect(t, ingest.Config{Embedded: e}))
	limited := ingest.NewPublisher(connect(t, ingest.Config{
		URL: "nats://" + e.Addr().String(), Token: "playback", Publisher: true,
	}))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := limited.PublishBatch(ctx, progresses(0, 2500)); err != nil {
		t.Fatal(err)
	}
	if err := limited.PublishBatch(ctx, progresses(0, 1)); err != nil {
		t.Fatal(err)
	}
	forbidden := progress(0)
	forbidden.Subject = wire.Subject(domain.UserUpdated)
	for name, messages := range map[string][]wire.Message{
		"one": {forbidden}, "the first": append([]wire.Message{forbidden}, progresses(0, 3)...),
		"the last": append(progresses(0, 3), forbidden),
	} {
		if err := limited.PublishBatch(ctx, messages); !errors.Is(err, ingest.ErrDenied) {
			t.Errorf("%s outside the key's types: got %v, want ErrDenied", name, err)
		}
	}
}

func TestReauthorizeDisconnects(t *testing.T) {
	var revoked atomic.Bool
	e := startEmbedded(t, func(token string) (ingest.Grant, bool) {
		return ingest.Grant{Allow: []string{wire.Subjects}}, token == "stays" || token == "goes" && !revoked.Load()
	})
	stays, err := dial(t, e, nats.Token("stays"))
	if err != nil {
		t.Fatal(err)
	}
	goes, err := dial(t, e, nats.Token("goes"))
	if err != nil {
		t.Fatal(err)
	}
	e.Reauthorize()
	if !goes.IsConnected() || !stays.IsConnected() {
		t.Fatal("a publisher with a good key was disconnected")
	}
	revoked.Store(true)
	e.Reauthorize()
	eventually.Holds(t, "the publisher with the revoked key is disconnected", goes.IsClosed)
	if err := stays.Flush(); err != nil {
		t.Errorf("the other publisher: %v", err)
	}
}

func TestEmbeddedSaysWhyItCannotStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for addr, want := range map[string]string{
		taken.Addr().String(): "address already in use",
		"localhost":           "address to listen on",
		"127.0.0.1:port":      "not a number from 0 to 65535",
		"127.0.0.1:70000":     "not a number from 0 to 65535",
	} {
		e, err := ingest.StartEmbedded(ingest.EmbeddedConfig{Dir: t.TempDir(), Addr: addr, Logger: quiet})
		if err == nil {
			e.Close()
			t.Errorf("%s: started", addr)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %q, want it to say %q", addr, err, want)
		}
	}
}

// TestEmbeddedKeepsEventsOverARestart, and takes no listener where none is
// asked for.
func TestEmbeddedKeepsEventsOverARestart(t *testing.T) {
	dir := t.TempDir()
	for run := range 3 {
		e, err := ingest.StartEmbedded(ingest.EmbeddedConfig{Dir: dir, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		if e.Addr() != nil {
			t.Errorf("it listens on %s", e.Addr())
		}
		b, err := ingest.Connect(t.Context(), ingest.Config{Embedded: e, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		withStream(t, b)
		if n := stored(t, b); n != uint64(10*run) {
			t.Errorf("run %d: %d messages, want %d", run, n, 10*run)
		}
		publish(t, b, progresses(0, 10)...)
		b.Close()
		e.Close()
	}
}
