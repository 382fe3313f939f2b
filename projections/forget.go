// This file makes erasures hold in every generation. One that follows the log
// forgets a person when it comes to the erasure. Others are there too: histories,
// candidates that wait for a decision, those that were retired a moment ago and
// are kept for answers that are under way, or made by another version of the code. They are told whom to forget.

package projections

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/pause"
	"boxoffice/internal/sqldb"
)

// An ErasureLog tells who was erased.
type ErasureLog interface {
	// LastErasure says where the log stood at the last erasure; its position is
	// 0 where there was none.
	LastErasure(ctx context.Context) (eventstore.Head, error)
	// ErasedUsers returns those who were erased by events after a position, in
	// order, at most limit, and the position of the last of these events.
	ErasedUsers(ctx context.Context, after eventstore.Position, limit int) ([]eventstore.UserKey, eventstore.Position, error)
}

// Forgotten says whether every generation that there is has forgotten who was
// erased up to a position of the log, which is that of an erasure: generations
// that don't follow the log are only told of those.
func (m *Models) Forgotten(ctx context.Context, erasure eventstore.Head) (bool, error) {
	generations, err := m.kept(ctx)
	if err != nil {
		return false, err
	}
	for i := range generations {
		if done, err := m.hasForgotten(ctx, &generations[i], erasure); err != nil || !done {
			return false, err
		}
	}
	return true, nil
}

// Forgotten is [Models.Forgotten].
func (r *Reader) Forgotten(ctx context.Context, head eventstore.Head) (bool, error) {
	return r.models.Forgotten(ctx, head)
}

// hasForgotten says whether a generation has forgotten who was erased up to a
// position: because it has come that far itself, or because it was told.
func (m *Models) hasForgotten(ctx context.Context, k *Generation, head eventstore.Head) (bool, error) {
	if k.forgottenEpoch == head.Epoch && k.forgottenTo >= head.Position {
		return true, nil
	}
	done := false
	err := m.with(ctx, k.Number, func(g *generation) error {
		begun, err := g.begun(ctx)
		if err != nil || !begun {
			done = true // it holds nothing yet
			return err
		}
		h, err := readHeader(ctx, g.db.SQL())
		done = h.epoch == head.Epoch && h.position >= head.Position
		return err
	})
	return done, err
}

// with runs f on a generation.
func (m *Models) with(ctx context.Context, number int, f func(*generation) error) error {
	g, err := m.acquire(ctx, number)
	if err != nil {
		return err
	}
	defer m.release(g)
	return f(g)
}

// begun says whether the generation's tables have been made.
func (g *generation) begun(ctx context.Context) (bool, error) {
	query := "SELECT count(*) FROM sqlite_master WHERE name = 'generation'"
	if g.db.Dialect().Name == sqldb.Postgres {
		query = "SELECT count(to_regclass('generation'))"
	}
	var n int
	if err := g.db.SQL().QueryRowContext(ctx, query).Scan(&n); err != nil {
		return false, fmt.Errorf("look up generation %d of the read models: %w", g.number, err)
	}
	return n > 0, nil
}

// forgetLoop tells the generations that nothing follows whom to forget, as soon
// as somebody is erased, until ctx ends. Several processes may do that.
func (r *Runner) forgetLoop(ctx context.Context) {
	var seen eventstore.Head
	for ctx.Err() == nil {
		head, err := r.log.LastErasure(ctx)
		if err == nil && head.Position > 0 && (head.Erasures != seen.Erasures || head.Epoch != seen.Epoch) {
			var done bool
			if done, err = r.forgetElsewhere(ctx, head); done {
				seen = head
			}
		}
		if err != nil && ctx.Err() == nil {
			r.config.Logger.Error("an erasure could not be carried out in all read models yet", "error", err)
		}
		_ = pause.Wait(ctx, r.config.Tick)
	}
}

// forgetElsewhere tells every generation that nothing follows whom to forget,
// and says whether all have forgotten, those that are followed too.
func (r *Runner) forgetElsewhere(ctx context.Context, head eventstore.Head) (bool, error) {
	generations, err := r.models.kept(ctx)
	if err != nil {
		return false, err
	}
	all := true
	var errs []error
	for i := range generations {
		k := &generations[i]
		done, err := r.models.hasForgotten(ctx, k, head)
		if err == nil && !done {
			err = r.models.with(ctx, k.Number, func(g *generation) error {
				done, err = r.forgetIn(ctx, g, k, head)
				return err
			})
		}
		all = all && done
		errs = append(errs, err)
	}
	err = errors.Join(errs...)
	return all && err == nil, err
}

// forgetAtOnce is how many erasures are carried out in one transaction.
const forgetAtOnce = 1000

// errFollowed says that a projector is at work in a generation: it forgets by
// itself when it comes to the erasure.
var errFollowed = errors.New("the generation follows the log")

// forgetIn makes a generation that nothing follows forget who was erased up to
// head. It says that it hasn't where a projector is at work there.
func (r *Runner) forgetIn(ctx context.Context, g *generation, k *Generation, head eventstore.Head) (bool, error) {
	h, err := readHeader(ctx, g.db.SQL())
	if err != nil {
		return false, err
	}
	var after eventstore.Position
	if k.forgottenEpoch == head.Epoch {
		after = k.forgottenTo
	}
	if h.epoch == head.Epoch {
		after = max(after, h.position)
	}
	for {
		users, last, err := r.log.ErasedUsers(ctx, after, forgetAtOnce)
		if err != nil {
			return false, err
		}
		err = r.forgetUsers(ctx, g, k.Kind, users)
		if errors.Is(err, errFollowed) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("forget users in generation %d of the read models: %w", g.number, err)
		}
		after = last
		if len(users) < forgetAtOnce {
			break
		}
	}
	to := max(after, head.Position)
	_, err = r.models.registry.SQL().ExecContext(ctx,
		"UPDATE generations SET forgotten_to = $1, forgotten_epoch = $2 WHERE number = $3", to, head.Epoch, g.number)
	if err != nil {
		return false, fmt.Errorf("note whom generation %d of the read models has forgotten: %w", g.number, err)
	}
	return true, nil
}

// forgetUsers forgets users in a generation without moving its position. Its
// header stays locked meanwhile, so that no projector begins.
func (r *Runner) forgetUsers(ctx context.Context, g *generation, kind Kind, users []eventstore.UserKey) error {
	if len(users) == 0 {
		return nil
	}
	return g.db.InTx(ctx, func(tx *sqldb.Tx) error {
		if err := lockUnfollowed(ctx, tx); err != nil {
			return err
		}
		h, err := readHeader(ctx, tx)
		if err != nil {
			return err
		}
		if h.position == 0 {
			return forgetAll(ctx, tx)
		}
		if h.foldVersion != FoldVersion {
			return forgetColumns(ctx, tx, users)
		}
		zone, err := zoneOf(h.timeZone)
		if err != nil {
			return err
		}
		now := r.config.Now()
		if kind == KindHistory {
			now = *h.recordedAt // as when it was built
		}
		return forgetFacts(ctx, tx, users, platform{domain.Calendar{Zone: zone}, g.renewalGrace}, now)
	})
}

// lockUnfollowed locks the header, unless a projector has the lease. One whose
// lease has run out and that nobody has replaced loses it for good: it may still
// be at work, and mustn't save what it made of the rows as they were.
func lockUnfollowed(ctx context.Context, tx *sqldb.Tx) error {
	return mustChange(ctx, tx, errFollowed, `UPDATE generation SET lease_token = NULL, lease_holder = NULL, lease_until = NULL
		WHERE lease_until IS NULL OR lease_until <= `+clockOf(tx.Dialect()).now)
}

// forgetAll empties a generation that was left before its first position: what
// it may hold counts for nothing, and whoever goes on with it begins again.
func forgetAll(ctx context.Context, tx *sqldb.Tx) error {
	for _, t := range personalTables() {
		if _, err := tx.ExecContext(ctx, "DELETE FROM "+t.name); err != nil {
			return err
		}
	}
	return nil
}

// forgetFacts folds erasures into what is known of the users.
func forgetFacts(ctx context.Context, tx *sqldb.Tx, users []eventstore.UserKey, p platform, now domain.Instant) error {
	f := &folding{tx: tx, dialect: tx.Dialect(), platform: p, now: now, writes: newWrites(ledger{})}
	known, err := f.loadUsers(ctx, users)
	if err != nil {
		return err
	}
	for key, facts := range known {
		if err := f.foldUser(eventstore.UserKey(key), &userEvents{erased: true}, facts); err != nil {
			return err
		}
	}
	return f.writes.flush(ctx, tx, f.calendar)
}

// forgetColumns empties what is personal in a generation whose facts this code
// can't fold: it was made by another version, and is replaced by one that will
// have everything right. Until then the counts of users may hold who was erased.
func forgetColumns(ctx context.Context, tx *sqldb.Tx, users []eventstore.UserKey) error {
	for _, t := range personalTables() {
		if err := ofUsers(ctx, tx, users, t.forgetText()); err != nil {
			return err
		}
	}
	return nil
}

// forgetText returns the statement, without its condition, that empties the
// personal columns of rows. Where one of them can't be empty, the rows go.
func (t *table) forgetText() string {
	var set []string
	for _, c := range t.personal() {
		switch {
		case !c.is(required):
			set = append(set, c.quoted()+" = NULL")
		case c.typ == jsonType:
			set = append(set, c.quoted()+" = '{}'")
		default:
			return "DELETE FROM " + t.name
		}
	}
	return "UPDATE " + t.name + " SET " + strings.Join(set, ", ")
}

// ofUsers runs a statement on the rows of users.
func ofUsers(ctx context.Context, tx *sqldb.Tx, users []eventstore.UserKey, statement string) error {
	in, args := sqldb.In(tx.Dialect(), "user_key", 1, uuids(users))
	_, err := tx.ExecContext(ctx, statement+" WHERE "+in, args...)
	return err
}

// personalTables are the tables of a generation that hold what is personal, or
// held it.
func personalTables() []*table {
	return slices.DeleteFunc(slices.Clone(rowTables), func(t *table) bool { return len(t.personal()) == 0 })
}

// Scrub rewrites what holds people's data in every generation, so that
// nothing of who was erased is left in its bytes, and gets rid of what
// write-ahead logs of a generation's own hold. Nobody can read or write a table
// while that is done. problem hears what can't be done now.
func (m *Models) Scrub(ctx context.Context, problem func(error)) error {
	generations, err := m.kept(ctx)
	if err != nil {
		return err
	}
	for i := range generations {
		err := m.with(ctx, generations[i].Number, func(g *generation) error { return g.scrub(ctx, problem) })
		if err != nil {
			return fmt.Errorf("scrub generation %d of the read models: %w", generations[i].Number, err)
		}
	}
	return nil
}

func (g *generation) scrub(ctx context.Context, problem func(error)) error {
	begun, err := g.begun(ctx)
	if err != nil || !begun {
		return err
	}
	for _, t := range personalTables() {
		if err := eventstore.TolerateTransient(g.db.Rewrite(ctx, t.name), problem); err != nil {
			return err
		}
	}
	if g.db.Dialect().Name == sqldb.Postgres {
		return nil // the server has one log, which is recycled once, at the end
	}
	return eventstore.TolerateTransient(g.db.RecycleLog(ctx), problem)
}
