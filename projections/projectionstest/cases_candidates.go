// This file has the cases about candidates, which are compared before they may
// take the live one's place, and about what is given up.

package projectionstest

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/projections"
)

// candidate enters a candidate and has it built.
func (h *house) candidate(config projections.Config, name string) projections.Generation {
	h.t.Helper()
	runner := h.idle(config)
	g, err := runner.AddCandidate(h.t.Context(), name)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := runner.Build(h.t.Context(), g.Number); err != nil {
		h.t.Fatal(err)
	}
	return g
}

func candidateWaits(t *testing.T, database Database) {
	m := newMaker(t, 77)
	h := newHouse(t, database)
	h.append(m.history(10)...)
	h.project(h.quick())
	was := h.live()
	built := h.candidate(h.quick(), "built")
	begun, err := h.idle(h.quick()).AddCandidate(t.Context(), "begun")
	if err != nil {
		t.Fatal(err)
	}
	// Restarts, an erasure and more events: none adopts a candidate.
	config := h.quick()
	config.Grace = time.Microsecond
	for range 3 {
		h.append(m.event(domain.UserRegistered, "one more", start+domain.Instant(m.made)*second, nil))
		h.project(config)
	}
	if h.live() != was {
		t.Errorf("live is %s and was %s", h.live(), was)
	}
	for _, number := range []int{built.Number, begun.Number} {
		if g := h.generation(number); g.Kind != projections.KindCandidate {
			t.Errorf("the candidate is %+v", g)
		}
	}
	if err := h.idle(h.quick()).Choose(t.Context(), "built"); !errors.Is(err, projections.ErrNotCompared) {
		t.Errorf("a candidate that nobody compared is chosen: %v", err)
	}
	if err := h.idle(h.quick()).Choose(t.Context(), "nobody"); !errors.Is(err, projections.ErrNoGeneration) {
		t.Errorf("a candidate that isn't there is chosen: %v", err)
	}

	// Of another time zone they can't be compared with what is live any more.
	config.TimeZone = paris
	h.start(config)
	h.eventually("the candidates are dropped", func() bool {
		return !h.there(h.part(built.Number)) && h.named("built").Number == 0 && h.named("begun").Number == 0
	})
}

func candidateChosen(t *testing.T, database Database) {
	m := newMaker(t, 78)
	events := m.history(15)
	h := newHouse(t, database)
	h.append(events[:100]...)
	config := h.quick()
	config.BatchEvents, config.Grace = 10, time.Microsecond
	r := h.start(config)
	h.caughtUp(r)
	was := h.live()
	c := h.candidate(h.filling(), "rebuild")
	h.append(events[100:]...)

	live, candidate := h.compare(config, "rebuild")
	if diff := cmp.Diff(live, candidate); diff != "" {
		t.Errorf("the candidate differs (-live +candidate):\n%s", diff)
	}
	if h.live() != was || h.generation(c.Number).ComparedTo != candidate.Position {
		t.Errorf("compared, it is %+v, and live is %s", h.generation(c.Number), h.live())
	}
	if err := h.idle(config).Choose(t.Context(), "rebuild"); err != nil {
		t.Fatal(err)
	}
	reader := projections.NewReader(h.models, sessionTimeout)
	var last eventstore.Position
	h.eventually("it is live, and the other dropped", func() bool {
		h.append(m.event(domain.UserRegistered, "one more", start+domain.Instant(m.made)*second, nil))
		status, err := reader.Status(t.Context())
		if err != nil || status.Position < last {
			t.Fatalf("answers go back from %d to %d: %v", last, status.Position, err)
		}
		last = status.Position
		return h.live() == h.part(c.Number) && !h.there(was)
	})
	h.caughtUp(r)
	if s := r.Status(); s.Generation != c.Number {
		t.Errorf("the runner follows %d", s.Generation)
	}
	if len(h.dump()["users"]) != 16 {
		t.Errorf("there are %d users", len(h.dump()["users"]))
	}
}

// compare compares a candidate with the live generation.
func (h *house) compare(config projections.Config, name string) (live, candidate projections.Digest) {
	h.t.Helper()
	live, candidate, err := h.idle(config).Compare(h.t.Context(), name)
	if err != nil {
		h.t.Fatal(err)
	}
	return live, candidate
}

func candidateOutdated(t *testing.T, database Database) {
	h := newHouse(t, database)
	h.append(newMaker(t, 81).history(10)...)
	h.project(h.quick())
	was := h.live()
	c := h.candidate(h.quick(), "rebuild")
	h.compare(h.quick(), "rebuild")
	config := h.quick()
	config.TimeZone = paris
	if err := h.idle(config).Choose(t.Context(), "rebuild"); !errors.Is(err, projections.ErrOutdated) {
		t.Errorf("a candidate of another time zone is chosen: %v", err)
	}
	h.registry("UPDATE generations SET fold_version = fold_version - 1 WHERE number = "+strconv.Itoa(c.Number), h.part(c.Number))
	if err := h.idle(h.quick()).Choose(t.Context(), "rebuild"); !errors.Is(err, projections.ErrOutdated) {
		t.Errorf("a candidate of older code is chosen: %v", err)
	}
	if g := h.generation(c.Number); g.Kind != projections.KindCandidate || h.live() != was {
		t.Errorf("it is %+v, and live is %s", g, h.live())
	}
}

func candidateCatchesUp(t *testing.T, database Database) {
	m := newMaker(t, 82)
	h := newHouse(t, database)
	h.append(m.history(10)...)
	config := h.quick()
	config.BatchEvents = 5
	r := h.start(config)
	h.caughtUp(r)

	building, goOn := make(chan struct{}), make(chan struct{})
	begun := sync.OnceFunc(func() { close(building) })
	slow := &gatedLog{Log: h.log}
	slow.read = func(ctx context.Context, after eventstore.Position, limit int) ([]eventstore.Record, error) {
		if after == 0 {
			begun()
			<-goOn
		}
		return h.log.Read(ctx, after, limit)
	}
	runner, err := projections.NewRunner(h.models, slow, config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := runner.AddCandidate(t.Context(), "rebuild"); err != nil {
		t.Fatal(err)
	}
	var live, candidate projections.Digest
	ended := make(chan error)
	go func() {
		var err error
		live, candidate, err = runner.Compare(context.Background(), "rebuild")
		ended <- err
	}()
	h.happens("the candidate is being built", building)
	h.append(m.user("late")...)
	h.caughtUp(r)
	close(goOn)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if live.Position != h.head() || cmp.Diff(live, candidate) != "" {
		t.Errorf("they are compared at %d and %d, and the live one stands at %d", live.Position, candidate.Position, h.head())
	}
}

func candidateDiffers(t *testing.T, database Database) {
	m := newMaker(t, 79)
	h := newHouse(t, database)
	h.append(m.history(10)...)
	r := h.start(h.quick())
	h.caughtUp(r)
	c := h.candidate(h.quick(), "rebuild")
	db, err := h.db.Schema(t.Context(), h.part(c.Number))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.SQL().ExecContext(t.Context(), "UPDATE users SET locale = 'xx' WHERE id = 'user-004'"); err != nil {
		t.Fatal(err)
	}
	live, candidate := h.compare(h.quick(), "rebuild")
	for i := range live.Tables {
		if same := live.Tables[i] == candidate.Tables[i]; same != (live.Tables[i].Table != "users") {
			t.Errorf("%s: %t, one value of users differs", live.Tables[i].Table, same)
		}
	}
	if live.Sum() == candidate.Sum() {
		t.Error("the digests of the whole are the same")
	}
}

func givenUp(t *testing.T, database Database) {
	m := newMaker(t, 80)
	h := newHouse(t, database)
	h.append(m.history(10)...)
	h.project(h.quick())
	was := h.live()

	// The time zone is changed, and changed back before anything has come of it.
	config := h.quick()
	config.TimeZone = paris
	stuck, known := &gatedLog{Log: h.log}, h.head()
	stuck.read = func(ctx context.Context, after eventstore.Position, limit int) ([]eventstore.Record, error) {
		if after < known {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return h.log.Read(ctx, after, limit)
	}
	r := h.startOn(h.models, stuck, config)
	h.eventually("another is begun", func() bool { return r.Status().Projecting })
	number := r.Status().Generation
	h.eventually("its tables are there", func() bool { return h.there(h.part(number)) })
	config = h.quick()
	config.Grace = time.Microsecond
	other := h.start(config)
	for range 3 { // while somebody builds it, it stays
		h.append(m.event(domain.UserRegistered, "one more", start+domain.Instant(m.made)*second, nil))
		h.eventually("the live generation has followed", func() bool { return h.position() == h.head() })
	}
	if !h.there(h.part(number)) {
		t.Error("what another process builds is dropped")
	}
	r.stop()
	h.eventually("what was given up is dropped", func() bool { return !h.there(h.part(number)) })
	if h.live() != was {
		t.Error("another is live")
	}

	other.stop()

	// A history is dropped while it is being built.
	building := make(chan struct{})
	slow := &gatedLog{Log: h.log}
	slow.read = func(ctx context.Context, after eventstore.Position, limit int) ([]eventstore.Record, error) {
		if limit > 1 {
			select {
			case <-building:
			default:
				close(building)
			}
			time.Sleep(10 * time.Millisecond)
		}
		return h.log.Read(ctx, after, limit)
	}
	config = h.quick()
	config.BatchEvents = 2
	runner, err := projections.NewRunner(h.models, slow, config)
	if err != nil {
		t.Fatal(err)
	}
	g, err := runner.AddHistory(t.Context(), "dropped", h.head())
	if err != nil {
		t.Fatal(err)
	}
	built := make(chan error)
	go func() { built <- runner.Build(context.Background(), g.Number) }()
	h.happens("it is being built", building)
	if err := h.models.Drop(t.Context(), "dropped"); err != nil {
		t.Fatal(err)
	}
	if err := <-built; !errors.Is(err, projections.ErrDropped) {
		t.Errorf("dropped while it is being built: %v", err)
	}
	config.Grace = time.Microsecond
	h.start(config)
	h.eventually("it is gone", func() bool { return !h.there(h.part(g.Number)) })
}
