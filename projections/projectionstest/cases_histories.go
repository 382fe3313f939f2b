// This file has the cases about histories, which stop at a position.

package projectionstest

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/projections"
)

// history enters a history and has it built.
func (h *house) history(config projections.Config, name string, at eventstore.Position) projections.Generation {
	h.t.Helper()
	runner := h.idle(config)
	g, err := runner.AddHistory(h.t.Context(), name, at)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := runner.Build(h.t.Context(), g.Number); err != nil {
		h.t.Fatal(err)
	}
	return h.generation(g.Number)
}

func historyStops(t *testing.T, database Database) {
	events := newMaker(t, 70).history(20)
	h := newHouse(t, database)
	h.append(events...)
	r := h.start(h.quick())
	h.caughtUp(r)
	h.clock.Store(int64(now + 40*day)) // rows hold the status of when the history's last event was recorded
	for name, config := range map[string]projections.Config{"followed": h.quick(), "filled": h.filling()} {
		for _, at := range []int{1, 77, len(events)} {
			g := h.history(config, name+strconv.Itoa(at), eventstore.Position(at))
			if g.Kind != projections.KindHistory || g.FinishedAt == nil || g.StopAt != eventstore.Position(at) {
				t.Errorf("%s to %d it is %+v", name, at, g)
			}
			if position := h.positionOf(h.part(g.Number)); position != g.StopAt {
				t.Errorf("%s to %d it stands at %d", name, at, position)
			}
			wantSame(t, name+" to "+strconv.Itoa(at), uninterrupted(t, database, events[:at]), h.dumpOf(h.part(g.Number)))
		}
	}
	if _, err := h.idle(h.quick()).AddHistory(t.Context(), "beyond", h.head()+1); !errors.Is(err, projections.ErrBeyondLog) {
		t.Errorf("a history beyond the log: %v", err)
	}
}

func historyByRunner(t *testing.T, database Database) {
	m := newMaker(t, 71)
	events := m.history(20)
	h := newHouse(t, database)
	h.append(events...)
	r := h.start(h.quick())
	h.caughtUp(r)
	const at = 100
	g, err := r.AddHistory(t.Context(), "march", at)
	if err != nil {
		t.Fatal(err)
	}
	h.append(m.user("late")...)
	h.eventually("the history is finished", func() bool { return h.generation(g.Number).FinishedAt != nil })
	h.caughtUp(r)
	wantSame(t, "built beside", uninterrupted(t, database, events[:at]), h.dumpOf(h.part(g.Number)))

	again, err := r.AddHistory(t.Context(), "march", at)
	if err != nil || again.Number != g.Number {
		t.Errorf("entered again it is %d and was %d: %v", again.Number, g.Number, err)
	}
	if _, err := r.AddHistory(t.Context(), "march", at+1); !errors.Is(err, projections.ErrNameTaken) {
		t.Errorf("another of the name: %v", err)
	}
	if _, err := r.AddCandidate(t.Context(), "march"); !errors.Is(err, projections.ErrNameTaken) {
		t.Errorf("a candidate of the name: %v", err)
	}
}

func historyKept(t *testing.T, database Database) {
	m := newMaker(t, 72)
	h := newHouse(t, database)
	h.append(m.history(10)...)
	h.project(h.quick())
	history := h.history(h.quick(), "kept", 50)
	unfinished, err := h.idle(h.quick()).AddHistory(t.Context(), "unfinished", 60)
	if err != nil {
		t.Fatal(err)
	}
	before, was := h.dumpOf(h.part(history.Number)), h.live()

	config := h.quick()
	config.TimeZone, config.Grace = paris, time.Microsecond
	r := h.start(config)
	h.caughtUp(r)
	h.eventually("what was live is dropped", func() bool { return !h.there(was) })
	h.eventually("the other history is built", func() bool { return h.generation(unfinished.Number).FinishedAt != nil })
	wantSame(t, "after a change of zone", before, h.dumpOf(h.part(history.Number)))
	if g := h.generation(history.Number); g.TimeZone != "UTC" || h.live() == h.part(g.Number) {
		t.Errorf("after a change of zone: %+v, live is %s", g, h.live())
	}
	r.stop()

	h.candidate(config, "rebuilt")
	h.compare(config, "rebuilt")
	if err := h.idle(config).Choose(t.Context(), "rebuilt"); err != nil {
		t.Fatal(err)
	}
	was = h.live()
	h.start(config)
	h.eventually("the candidate is live", func() bool { return h.live() != was })
	h.eventually("what was live is dropped", func() bool { return !h.there(was) })
	wantSame(t, "after a rebuild", before, h.dumpOf(h.part(history.Number)))
}

func historyAnswers(t *testing.T, database Database) {
	m := newMaker(t, 73)
	events := m.history(15)
	h := newHouse(t, database)
	h.append(events...)
	r := h.start(h.quick())
	h.caughtUp(r)
	const at = 90
	reader := projections.NewReader(h.models, sessionTimeout)
	want := answersOf(t, h, reader, len(events))
	if diff := cmp.Diff(want, answersOf(t, h, reader.At(h.head()), len(events))); diff != "" {
		t.Errorf("at the head (-live +at):\n%s", diff)
	}
	first := newHouse(t, database)
	first.append(events[:at]...)
	first.project(first.quick())
	want = answersOf(t, first, projections.NewReader(first.models, sessionTimeout), at)

	entered, err := r.AddHistory(t.Context(), "then", at)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Build(t.Context(), entered.Number); err != nil {
		t.Fatal(err)
	}
	// The log goes on for a while, and the live generation is replaced.
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 30 { // without an end it might outrun who follows it
			select {
			case <-stop:
				return
			default:
				h.append(m.user("later-" + strconv.Itoa(i))...)
			}
		}
	}()
	config := h.quick()
	config.TimeZone = paris
	was := h.live()
	r.stop()
	r = h.start(config)
	for h.live() == was {
		for name, of := range map[string]*projections.Reader{"position": reader.At(at), "name": reader.History("then"),
			"number": reader.Generation(entered.Number)} {
			if diff := cmp.Diff(want, answersOf(t, h, of, at)); diff != "" {
				t.Fatalf("by its %s (-want +got):\n%s", name, diff)
			}
		}
	}
	close(stop)
	<-done
	h.caughtUp(r)

	var none *projections.NoHistoryError
	_, err = reader.At(at + 1).Status(t.Context())
	if !errors.As(err, &none) || !slices.Equal(none.Positions, []eventstore.Position{at, h.head()}) {
		t.Errorf("where no history is: %v, %+v", err, none)
	}
	if _, err := reader.History("now").Status(t.Context()); !errors.Is(err, projections.ErrNoGeneration) {
		t.Errorf("a name that there isn't: %v", err)
	}
	if err := h.models.Drop(t.Context(), "then"); err != nil {
		t.Fatal(err)
	}
	for name, of := range map[string]*projections.Reader{"position": reader.At(at), "name": reader.History("then")} {
		if _, err := of.Status(t.Context()); !errors.Is(err, projections.ErrNoGeneration) {
			t.Errorf("by its %s after it was dropped: %v", name, err)
		}
	}
}

// answersOf asks about everything, and checks that all answers are of one position.
func answersOf(t *testing.T, h *house, r *projections.Reader, at int) []string {
	t.Helper()
	status, err := r.Status(t.Context())
	if err != nil || status.Position != eventstore.Position(at) {
		t.Fatalf("it stands at %d, want %d: %v", status.Position, at, err)
	}
	return answers(t, r, now)
}

func historyUnfinished(t *testing.T, database Database) {
	m := newMaker(t, 74)
	h := newHouse(t, database)
	h.append(m.history(10)...)
	h.project(h.quick())
	reader := projections.NewReader(h.models, sessionTimeout)

	// It is killed in the middle; who comes then goes on.
	config := h.quick()
	config.BatchEvents = 20
	reading, killed := make(chan struct{}), make(chan error)
	log := &gatedLog{Log: h.log}
	log.read = func(ctx context.Context, after eventstore.Position, limit int) ([]eventstore.Record, error) {
		if after >= 40 && limit > 1 {
			close(reading)
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return h.log.Read(ctx, after, limit)
	}
	victim, err := projections.NewRunner(h.models, log, config)
	if err != nil {
		t.Fatal(err)
	}
	g, err := victim.AddHistory(t.Context(), "slow", 90)
	if err != nil {
		t.Fatal(err)
	}
	ctx, kill := context.WithCancel(t.Context())
	go func() { killed <- victim.Build(ctx, g.Number) }()
	h.happens("it has come to the middle", reading)
	for name, of := range map[string]*projections.Reader{"name": reader.History("slow"), "position": reader.At(90)} {
		if _, err := of.Status(t.Context()); !errors.Is(err, projections.ErrNotBuilt) && !errors.Is(err, projections.ErrNoGeneration) {
			t.Errorf("by its %s an unfinished history answers: %v", name, err)
		}
	}
	kill()
	if err := <-killed; !errors.Is(err, context.Canceled) {
		t.Errorf("killed: %v", err)
	}
	if err := h.idle(config).Build(t.Context(), g.Number); err != nil {
		t.Fatal(err)
	}
	if status, err := reader.History("slow").Status(t.Context()); err != nil || status.Position != 90 {
		t.Errorf("finished, it stands at %d: %v", status.Position, err)
	}
}

func historyErasure(t *testing.T, database Database) {
	m := newMaker(t, 75)
	events := append(m.history(10),
		m.event(domain.SubscriptionStarted, forgottenPerson, now-day, fields{"subscription_id": "x", "offer_id": "o"}),
		m.event(domain.SubscriptionCanceled, forgottenPerson, now-hour, fields{"subscription_id": "x", "comment": "known to " + forgottenPerson}))
	h := newHouse(t, database)
	h.append(events...)
	r := h.start(h.quick())
	h.caughtUp(r)
	at := eventstore.Position(len(events))
	history, candidate := h.history(h.quick(), "before", at), h.candidate(h.quick(), "candidate")
	h.append(m.user("late")...)
	if !h.dumpOf(h.part(history.Number)).contains(forgottenPerson) {
		t.Fatal("the person isn't there before the erasure")
	}
	h.append(m.event(domain.UserErased, forgottenPerson, now, nil))
	h.forgotten()
	for name, number := range map[string]int{"history": history.Number, "candidate": candidate.Number} {
		if h.dumpOf(h.part(number)).contains(forgottenPerson) {
			t.Errorf("the person can still be read in the %s", name)
		}
		if position := h.positionOf(h.part(number)); position != at {
			t.Errorf("the %s has moved from %d to %d", name, at, position)
		}
	}
	for name, config := range map[string]projections.Config{"followed": h.quick(), "filled": h.filling()} {
		after := h.history(config, name, at)
		wantSame(t, "told of the erasure, and "+name+" after it", h.dumpOf(h.part(after.Number)), h.dumpOf(h.part(history.Number)))
	}
}

func historyRenewed(t *testing.T, database Database) {
	m := newMaker(t, 76)
	h := newHouse(t, database)
	h.append(m.history(10)...)
	h.project(h.quick())
	old := h.history(h.quick(), "old", 80)
	before := h.dumpOf(h.part(old.Number))
	h.registry("UPDATE generations SET fold_version = fold_version - 1 WHERE number = "+strconv.Itoa(old.Number), h.part(old.Number))

	reader := projections.NewReader(h.models, sessionTimeout)
	h.start(h.quick())
	h.eventually("it was built again", func() bool {
		if status, err := reader.History("old").Status(t.Context()); err != nil || status.Position != 80 {
			t.Fatalf("while it is built again it stands at %d: %v", status.Position, err)
		}
		g := h.named("old")
		return g.Number != old.Number && g.FinishedAt != nil
	})
	g := h.named("old")
	wantSame(t, "built again", before, h.dumpOf(h.part(g.Number)))
	if _, there := h.find(func(g projections.Generation) bool { return g.Number == old.Number }); there {
		t.Error("the old one is still there")
	}
}
