// This file is the part of a schedule that projects, undisturbed or not.

package projectionstest

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"pgregory.net/rapid"

	"boxoffice/eventstore"
	"boxoffice/projections"
)

// config is how the schedule projects, in batches of at most so many events.
// The lease is so short that who waits for a dead one's doesn't wait for long.
func (s *schedule) config(batch int) projections.Config {
	c := s.quick()
	c.TimeZone, c.BatchEvents, c.Lease = zones[s.zone], batch, 300*time.Millisecond
	return c
}

func (s *schedule) drawConfig() projections.Config {
	return s.config(rapid.IntRange(1, 9).Draw(s.t.rt, "batch"))
}

// projectSome has several processes project until they have come so far, and
// then stops them.
func (s *schedule) projectSome() {
	target := eventstore.Position(rapid.IntRange(0, int(s.head())).Draw(s.t.rt, "target"))
	var runners []*running
	for i := range rapid.IntRange(1, processes).Draw(s.t.rt, "projectors") {
		runners = append(runners, s.startOn(s.projectors[i], s.stores[i], s.drawConfig()))
	}
	s.eventually("somebody has projected so far", func() bool {
		for _, r := range runners {
			if status := r.Status(); status.Projecting && status.Position >= target {
				return true
			}
		}
		return false
	})
	for _, r := range runners {
		r.stop()
	}
}

// projectFailing projects while a statement fails, until the failure has been
// noticed or there was no such statement.
func (s *schedule) projectFailing() {
	f := s.drawFault(s.liveName())
	s.install(f)
	errs := &errorLog{}
	config := s.drawConfig()
	config.Logger = slog.New(errs)
	r := s.startOn(s.projectors[0], s.stores[0], config)
	s.eventually("the failure is noticed, or nothing fails", func() bool {
		return errs.count(func(error) bool { return true }) > 0 || s.isThrough(r)
	})
	r.stop()
	s.remove(f) // the generation is there, live or retired: none is dropped so soon
}

// projectKilled has a projector die after some batches: it loses its database
// at once and can't even give back its lease, which somebody finds run out.
func (s *schedule) projectKilled() {
	batches := int64(rapid.IntRange(0, 3).Draw(s.t.rt, "batches"))
	dying := make(chan struct{})
	var reads atomic.Int64
	log := &gatedLog{Log: s.stores[0]}
	log.read = func(ctx context.Context, after eventstore.Position, limit int) ([]eventstore.Record, error) {
		if n := reads.Add(1); n > batches {
			if n == batches+1 {
				close(dying)
			}
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return s.stores[0].Read(ctx, after, limit)
	}
	victim := s.startOn(s.projectors[0], log, s.drawConfig())
	s.eventually("it is time to die", func() bool {
		return isClosed(dying) || s.isThrough(victim)
	})
	s.projectors[0].Close()
	victim.stop()
	s.expireLeases()
	s.projectors[0] = s.openModels(s.open())
}

// projectRobbed has a projector sleep between reading and saving, while its
// lease runs out and another goes on in its place. When it awakes, it can't save
// what it read.
func (s *schedule) projectRobbed() {
	nth := int64(rapid.IntRange(1, 3).Draw(s.t.rt, "batches"))
	asleep, awake := make(chan struct{}), make(chan struct{})
	var reads atomic.Int64
	log := &gatedLog{Log: s.stores[0]}
	log.read = func(ctx context.Context, after eventstore.Position, limit int) ([]eventstore.Record, error) {
		records, err := s.stores[0].Read(ctx, after, limit)
		if len(records) > 0 && reads.Add(1) == nth {
			close(asleep)
			select {
			case <-awake:
			case <-ctx.Done():
			}
		}
		return records, err
	}
	errs := &errorLog{}
	config, others := s.drawConfig(), s.drawConfig()
	config.Logger = slog.New(errs)
	building := s.liveName() != "" && s.liveZone() != config.TimeZone
	sleeper := s.startOn(s.projectors[0], log, config)
	s.eventually("it sleeps, or never does", func() bool { return isClosed(asleep) || s.isThrough(sleeper) })
	s.expireLeases()
	other := s.startOn(s.projectors[1], s.stores[1], others)
	// The sleeper may be so too, where it sleeps over the live generation and builds another.
	s.eventually("one of them is through", func() bool { return s.isThrough(other) || s.isThrough(sleeper) })
	guard := fault{schema: s.liveName(), table: "generation", op: "UPDATE", how: failing, when: "NEW.position < OLD.position"}
	s.install(guard)
	slept := isClosed(asleep)
	close(awake)
	if slept && !building { // else it may have been the live generation that it slept over, of which it reports nothing
		s.eventually("the sleeper can't save", func() bool {
			return errs.count(func(err error) bool { return errors.Is(err, projections.ErrLeaseLost) || isInjected(err) }) > 0
		})
	}
	if errs.count(isInjected) > 0 {
		s.t.Fatal("a projector without the lease has saved what another had saved before")
	}
	other.stop()
	sleeper.stop()
	s.remove(guard)
}

// isInjected says that an error is that of a fault.
func isInjected(err error) bool { return strings.Contains(err.Error(), "injected") }

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// expireLeases ends the lease of the live generation, whoever holds it.
func (s *schedule) expireLeases() {
	name := s.liveName()
	if name == "" {
		return
	}
	s.execute(name, "UPDATE generation SET lease_token = NULL, lease_holder = NULL, lease_until = NULL")
}

// isThrough says that a runner has projected the whole log into a generation
// that is live.
func (s *schedule) isThrough(r *running) bool {
	status := r.Status()
	return status.Live && status.Projecting && status.Position >= s.head()
}

// projectAll projects the whole log, in batches of at most so many events.
func (s *schedule) projectAll(batch int) {
	s.expireLeases()
	r := s.startOn(s.projectors[1], s.stores[1], s.config(batch))
	s.eventually("everything is projected", func() bool { return s.isThrough(r) })
	r.stop()
}

// liveName returns the name of the live generation, empty where there is none.
func (s *schedule) liveName() string {
	name, err := s.models.Live(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return name
}

// livePosition returns the position of the live generation, 0 where there is none.
func (s *schedule) livePosition() (at eventstore.Position) {
	s.readLive("position", &at)
	return at
}

// liveZone returns the time zone of the live generation, none where there is none.
func (s *schedule) liveZone() (zone string) {
	s.readLive("time_zone", &zone)
	return zone
}

func (s *schedule) readLive(column string, into any) {
	name := s.liveName()
	if name == "" {
		return
	}
	db := s.schema(name)
	defer db.Close()
	if err := db.SQL().QueryRowContext(s.t.Context(), "SELECT "+column+" FROM generation").Scan(into); err != nil {
		s.t.Fatal(err)
	}
}
