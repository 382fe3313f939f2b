// These tests hold what publishing an event of the service's own comes to: the
// log's verdict, and read models that show it.

package accounts

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/wire"
)

// composed makes an event that keeps the rules.
func (c caller) composed(eventType domain.Type, user, data string) *composedEvent {
	c.t.Helper()
	e, refusal := c.service.compose(ownEvent{eventType: eventType, userID: user, time: c.service.now(), data: json.RawMessage(data)})
	if refusal != nil {
		c.t.Fatal(refusal)
	}
	return e
}

func TestVerdicts(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.Happen(happened("2026-11-01T00:00:00Z", "bob", "user.registered", `{}`),
			happened("2026-11-02T00:00:00Z", "bob", "user.erased", `{}`))
		ana := w.composed(domain.UserRegistered, "ana", `{"email":"ana@example.org"}`)
		got, err := w.service.settle(t.Context(), []*composedEvent{
			ana, w.composed(domain.UserUpdated, "bob", `{"email":"bob@example.org"}`), w.composed(domain.UserUpdated, "ana", `{"first_name":"Ana"}`),
		}, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if got[0] != (verdict{Position: 3}) || got[2] != (verdict{Position: 4}) || got[1].Refused == nil || got[1].Refused.Reason != domain.Erased {
			t.Errorf("the verdicts are %+v", got)
		}
		// No waiting here: the read models show it already.
		if user, ok := w.user("ana"); !ok || *user.Profile.Email != "ana@example.org" || *user.Profile.FirstName != "Ana" {
			t.Errorf("the user is %+v", user)
		}
		if again, err := w.service.settleOne(t.Context(), ana); err != nil || again != (verdict{Position: 3, Duplicate: true}) {
			t.Errorf("published again, it is %+v, %v", again, err)
		}
		gone := w.composed(domain.UserUpdated, "bob", `{}`)
		if one, err := w.service.settleOne(t.Context(), gone); err != nil || one.Refused == nil {
			t.Errorf("of an erased user it is %+v, %v", one, err)
		}
	})
}

// An event that isn't judged in time is safe, and the answer says when to look
// again; one that the broker doesn't take is not.
func TestVerdictTakesTooLong(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.patience(20 * time.Millisecond)
		ingest := w.broker.take
		w.broker.take = func(context.Context, []wire.Message) error { return nil } // stored, and nobody ingests
		e := w.composed(domain.UserRegistered, "ana", `{}`)
		if _, err := w.service.settle(t.Context(), []*composedEvent{e}, 20*time.Millisecond); !errors.Is(err, errNotSettled) {
			t.Errorf("settled: %v", err)
		}
		_, err := w.service.settleOne(t.Context(), e)
		if u := w.unavailable(err); u.Stored != StoredSafely {
			t.Errorf("the event is %v: %s", u.Stored, u.Reason)
		}
		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := w.service.settle(canceled, []*composedEvent{e}, time.Minute); !errors.Is(err, context.Canceled) {
			t.Errorf("with nobody there, settled: %v", err)
		}
		w.broker.take = func(context.Context, []wire.Message) error { return errBroken }
		_, err = w.service.settleOne(t.Context(), e)
		if u := w.unavailable(err); u.Stored != NotStored || strings.Contains(u.Reason, "secret") {
			t.Errorf("the event is %v: %s", u.Stored, u.Reason)
		}
		w.broker.take = ingest
		if v, err := w.service.settle(t.Context(), []*composedEvent{e}, time.Minute); err != nil || v[0] != (verdict{Position: 1}) {
			t.Errorf("the verdict is %+v, %v", v, err)
		}
	})
}

// A broker that doesn't answer in time may have stored the event, so nobody is
// told to send it again.
func TestBrokerTakesTooLong(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.Happen(happened("2026-11-01T00:00:00Z", "ana", "user.registered", `{}`))
		w.patience(2 * time.Second) // the log has to answer within it, on a machine with other work too
		w.broker.take = func(ctx context.Context, _ []wire.Message) error {
			<-ctx.Done()
			return ctx.Err()
		}
		for _, call := range []func() error{
			func() error { _, err := w.create(`{"id":"ben"}`); return err },
			func() error { _, err := w.edit("ana", `{"country":"FR"}`); return err },
			func() error { _, err := w.service.Erase(t.Context(), []string{"ana"}); return err },
		} {
			if u := w.unavailable(call()); u.Stored != PerhapsStored || !strings.Contains(u.Reason, "perhaps stored") || strings.Contains(u.Reason, "try again") {
				t.Error(u.Reason)
			}
		}
	})
}

// A timedLog notes until when it is waited for.
type timedLog struct {
	Log
	until []time.Time
}

func (l *timedLog) note(ctx context.Context) {
	if until, ok := ctx.Deadline(); ok {
		l.until = append(l.until, until)
	}
}

func (l *timedLog) SubjectStates(ctx context.Context, ids []string) ([]eventstore.SubjectState, error) {
	l.note(ctx)
	return l.Log.SubjectStates(ctx, ids)
}

func (l *timedLog) Head(ctx context.Context) (eventstore.Head, error) {
	l.note(ctx)
	return l.Log.Head(ctx)
}

func (l *timedLog) LastErasure(ctx context.Context) (eventstore.Head, error) {
	l.note(ctx)
	return l.Log.LastErasure(ctx)
}

// What one answer waits for has one deadline, however many waits there are.
func TestOneDeadlineForOneAnswer(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.patience(15 * time.Second)
		for name, ask := range map[string]func() error{
			"create": func() error { _, err := w.create(`{}`); return err },
			"edit":   func() error { _, err := w.edit("ana", `{"country":"FR"}`); return err },
			"erase":  func() error { _, err := w.service.Erase(t.Context(), []string{"ben"}); return err },
		} {
			w.Happen(happened("2026-11-01T00:00:00Z", "ana", "user.registered", `{}`), happened("2026-11-01T00:00:00Z", "ben", "user.registered", `{}`))
			log := &timedLog{Log: w.Store}
			w.service.config.Log = log
			if err := ask(); err != nil {
				t.Fatal(err)
			}
			if len(log.until) < 2 {
				t.Errorf("%s asks the log %d times", name, len(log.until))
			}
			patience := time.Now().Add(w.service.config.VerdictWithin)
			for _, until := range log.until {
				if until.After(log.until[0]) || until.After(patience) {
					t.Errorf("%s waits until %v, and then until %v", name, log.until[0], until)
				}
			}
		}
	})
}

func TestVerdictsOnManyEvents(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		events := make([]*composedEvent, maxSettled)
		for i := range events {
			events[i] = w.composed(domain.UserUpdated, "ana", `{}`)
		}
		verdicts, err := w.service.settle(t.Context(), events, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range verdicts {
			if v != (verdict{Position: eventstore.Position(i + 1)}) {
				t.Fatalf("the verdict on %d is %+v", i, v)
			}
		}
		if _, err := w.service.settle(t.Context(), append(events, events[0]), time.Minute); err == nil {
			t.Error("more were taken than the broker stores as a whole")
		}
		if none, err := w.service.settle(t.Context(), nil, time.Minute); len(none) != 0 || err != nil {
			t.Errorf("of none there are %v, %v", none, err)
		}
	})
}
