// This file builds read models out of events for the tests of questions, with
// the projector that fills them in service.

package projections

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"testing"
	"time"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/sqldb"
)

// A testLog is a log that is held in memory and complete.
type testLog struct {
	records []eventstore.Record
}

func (l *testLog) Read(_ context.Context, after eventstore.Position, limit int) ([]eventstore.Record, error) {
	return l.records[after:min(len(l.records), int(after)+limit)], nil
}

func (l *testLog) Head(context.Context) (eventstore.Head, error) {
	return eventstore.Head{Position: eventstore.Position(len(l.records)), Epoch: "test"}, nil
}

func (l *testLog) LastErasure(ctx context.Context) (eventstore.Head, error) {
	return eventstore.Head{Epoch: "test"}, nil // nothing that doesn't follow this log is asked
}

func (l *testLog) ErasedUsers(context.Context, eventstore.Position, int) ([]eventstore.UserKey, eventstore.Position, error) {
	return nil, 0, nil
}

func (l *testLog) Wait(context.Context, eventstore.Position) error {
	return errors.New("nothing comes after what is there")
}

// A sent is an event as a publisher sends it.
type sent struct {
	user string
	typ  domain.Type
	at   domain.Instant
	data map[string]any
}

// event returns the event that was sent as the n-th.
func (s *sent) event(n int) (*domain.Event, error) {
	body, err := json.Marshal(map[string]any{
		"specversion": "1.0", "source": "test", "id": strconv.Itoa(n),
		"type": s.typ, "subject": s.user, "time": s.at.String(), "data": s.data,
	})
	if err != nil {
		return nil, err
	}
	e, refusal := domain.Decode(&domain.Message{Body: body}, s.at)
	if refusal != nil {
		return nil, refusal
	}
	return e, nil
}

// withoutPerson returns the event as it is read after its user's erasure.
func withoutPerson(e *domain.Event) (*domain.Event, error) {
	return domain.Restore(e.Type, e.Stamp, "", e.Public, nil)
}

// keyOf returns the pseudonym of the n-th person.
func keyOf(n int) eventstore.UserKey { return eventstore.UserKey{0: byte(n + 1), 15: byte(n >> 8)} }

// openModels opens the read models of a fresh database.
func openModels(t testing.TB, open func() *sqldb.DB) *Models {
	t.Helper()
	db := open()
	m, err := Open(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	if err := Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	return m
}

// build projects a log into the live generation, with the status that users
// have at now. What was there before is gone.
func build(m *Models, l Log, zone *time.Location, now domain.Instant, batch int) error {
	return buildFor(m, l, platform{calendar: domain.Calendar{Zone: zone}}, now, batch)
}

func buildFor(m *Models, l Log, of platform, now domain.Instant, batch int) error {
	number, ok, err := m.live(context.Background())
	if err != nil {
		return err
	}
	if !ok {
		return buildBeside(m, l, of, now, batch)
	}
	return project(m, number, l, of, now, batch)
}

// buildBeside projects a log into a new generation and makes it the live one.
// What was live before is dropped.
func buildBeside(m *Models, l Log, of platform, now domain.Instant, batch int) error {
	ctx := context.Background()
	head, err := l.Head(ctx)
	if err != nil {
		return err
	}
	number, err := m.acquireBuild(ctx, specOf(of, head), 0)
	if err != nil {
		return err
	}
	if err := project(m, number, l, of, now, batch); err != nil {
		return err
	}
	if err := m.switchTo(ctx, number); err != nil {
		return err
	}
	return m.dropRetired(ctx, 0)
}

// project fills a generation from the log's beginning to its end.
func project(m *Models, number int, l Log, of platform, now domain.Instant, batch int) error {
	ctx := context.Background()
	g, err := m.acquire(ctx, number)
	if err != nil {
		return err
	}
	defer m.release(g)
	g.renewalGrace = of.renewalGrace // that of whoever filled it before may be another
	head, err := l.Head(ctx)
	if err != nil {
		return err
	}
	p := &projector{
		gen: g, log: l, platform: of,
		spec:   specOf(of, head),
		now:    func() domain.Instant { return now },
		lease:  &lease{gen: g, token: newToken(), holder: "test", length: time.Hour},
		limits: batchLimits{events: batch, bytes: 32 << 20},
	}
	if err := g.create(ctx, p.spec); err != nil {
		return err
	}
	if err := empty(ctx, g, p.spec); err != nil {
		return err
	}
	if _, err := p.lease.take(ctx); err != nil {
		return err
	}
	return projectAll(ctx, p)
}

func specOf(of platform, head eventstore.Head) buildSpec {
	return buildSpec{timeZone: of.calendar.Zone.String(), renewalGrace: of.renewalGrace, foldVersion: FoldVersion, epoch: head.Epoch}
}

// empty brings a generation back to how it began, in a time zone.
func empty(ctx context.Context, g *generation, made buildSpec) error {
	return g.db.InTx(ctx, func(tx *sqldb.Tx) error {
		for _, t := range rowTables {
			if _, err := tx.ExecContext(ctx, "DELETE FROM "+t.name); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `UPDATE generation SET position = 0, recorded_at = NULL, time_zone = $1,
			lease_token = NULL, lease_until = NULL`, made.timeZone)
		return err
	})
}

func projectAll(ctx context.Context, p *projector) error {
	for {
		b, err := p.read(ctx, p.position, p.limits)
		if b == nil || err != nil {
			return err
		}
		if err := p.save(ctx, b); err != nil {
			return err
		}
	}
}
