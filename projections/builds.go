// This file is about the generations that are built because somebody asked for
// them: candidates, which are compared with the live one and may then take its
// place, and histories, which stop at a position and are kept.

package projections

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/pause"
	"boxoffice/internal/sqldb"
)

var (
	// ErrNoGeneration is the error of naming read models that aren't there.
	ErrNoGeneration = errors.New("there are no such read models")
	// ErrNameTaken is the error of entering read models under a name that
	// others have.
	ErrNameTaken = errors.New("the name is taken by other read models")
	// ErrBeyondLog is the error of asking for a history that stops where the log
	// has not come yet.
	ErrBeyondLog = errors.New("the log ends before that position")
	// ErrNotCompared is the error of choosing a candidate that nobody compared.
	ErrNotCompared = errors.New("the candidate has not been compared with the live read models")
	// ErrDropped is the error of building read models that somebody dropped.
	ErrDropped = errors.New("the read models were dropped while they were built")
	// ErrOutdated is the error of building or choosing read models that were
	// begun by another version of the program, of another log, or of another
	// time zone than is asked for now.
	ErrOutdated = errors.New("the read models were begun by another version of the program, in another time zone or from another log")
)

// AddHistory enters a history: read models as they were when the log ended at a
// position. Every runner builds what is entered, one after the other; to wait
// for it, or to build it where none runs, call [Runner.Build]. A history of that
// name and position that is there already is the answer; where the name is
// taken otherwise, the error is [ErrNameTaken].
func (r *Runner) AddHistory(ctx context.Context, name string, at eventstore.Position) (Generation, error) {
	head, err := r.log.Head(ctx)
	if err != nil {
		return Generation{}, fmt.Errorf("read the log's head: %w", err)
	}
	if at < 1 || at > head.Position {
		return Generation{}, fmt.Errorf("a history at position %d: %w", at, ErrBeyondLog)
	}
	return r.models.add(ctx, KindHistory, name, r.spec(head), at)
}

// AddCandidate enters a candidate: read models that are built beside the live
// ones to be compared with them. Nobody builds it but [Runner.Build]. One of that
// name that is there already is the answer, so a build that was interrupted goes
// on; one that is outdated is dropped for it.
func (r *Runner) AddCandidate(ctx context.Context, name string) (Generation, error) {
	head, err := r.log.Head(ctx)
	if err != nil {
		return Generation{}, fmt.Errorf("read the log's head: %w", err)
	}
	return r.models.add(ctx, KindCandidate, name, r.spec(head), 0)
}

// add enters a generation under a name, unless it is there.
func (m *Models) add(ctx context.Context, kind Kind, name string, spec buildSpec, at eventstore.Position) (g Generation, err error) {
	if name == "" {
		return Generation{}, errors.New("projections: a candidate or history needs a name")
	}
	err = m.change(ctx, fmt.Sprintf("enter read models %q", name), func(tx *sqldb.Tx, _ sql.NullInt64) error {
		named, err := generationsWhere(ctx, tx, "name = $1 AND retired_at IS NULL", name)
		if err != nil {
			return err
		}
		for i := range named {
			g = named[i]
			if g.Kind != kind || g.StopAt != at {
				return ErrNameTaken
			}
			alike := g.TimeZone == spec.timeZone && g.RenewalGrace == spec.renewalGrace
			if g.spec() == spec || g.FinishedAt != nil && alike {
				return nil
			}
			if kind == KindHistory && !alike {
				return ErrNameTaken
			}
		}
		for i := range named {
			if err := retire(ctx, tx, named[i].Number); err != nil {
				return err
			}
		}
		g, err = enterNamed(ctx, tx, kind, name, spec, at)
		return err
	})
	return g, err
}

func enterNamed(ctx context.Context, tx *sqldb.Tx, kind Kind, name string, spec buildSpec, at eventstore.Position) (Generation, error) {
	var stopAt *eventstore.Position
	if kind == KindHistory {
		stopAt = &at
	}
	number, err := enter(ctx, tx, kind, name, spec, stopAt)
	if err != nil {
		return Generation{}, err
	}
	entered, err := generationsWhere(ctx, tx, "number = $1", number)
	if err != nil {
		return Generation{}, err
	}
	return entered[0], nil
}

// Build builds a candidate up to where the log ends at the time of the call, or
// a history up to its position, and returns when that is done, by this process
// or by another. What was built before an interruption isn't built again.
func (r *Runner) Build(ctx context.Context, number int) error {
	g, err := r.models.lookUp(ctx, number)
	if err != nil {
		return err
	}
	head, err := r.log.Head(ctx)
	if err != nil {
		return fmt.Errorf("read the log's head: %w", err)
	}
	switch {
	case g.retired:
		return ErrDropped
	case g.FinishedAt != nil:
		return nil
	case g.Kind == KindCandidate:
		return r.buildTo(ctx, &g, head)
	case g.Kind == KindHistory:
		return r.buildHistory(ctx, &g, head)
	}
	return fmt.Errorf("projections: generation %d is built by whoever follows the log", number)
}

// buildTo brings a candidate to where the log ended.
func (r *Runner) buildTo(ctx context.Context, g *Generation, end eventstore.Head) error {
	if !g.madeLike(r.spec(end)) {
		return ErrOutdated
	}
	if end.Position == 0 {
		return nil
	}
	return r.follow(ctx, course{number: g.Number, spec: g.spec(), stop: end.Position, status: &statusBoard{}})
}

// buildHistory brings a history to its position. Its users' rows hold the status
// of the instant at which that position was recorded, since that is what is
// asked for most.
func (r *Runner) buildHistory(ctx context.Context, g *Generation, head eventstore.Head) error {
	if !g.madeLike(r.spec(head)) {
		return ErrOutdated
	}
	last, err := r.log.Read(ctx, g.StopAt-1, 1)
	if err != nil {
		return fmt.Errorf("read the log: %w", err)
	}
	if len(last) == 0 {
		return ErrBeyondLog
	}
	at := last[0].RecordedAt
	err = r.follow(ctx, course{number: g.Number, spec: g.spec(), stop: g.StopAt, status: &statusBoard{},
		now: func() domain.Instant { return at }})
	if err != nil {
		return fmt.Errorf("build history %q: %w", g.Name, err)
	}
	return r.models.finish(ctx, g)
}

// madeLike says whether code and log are what a spec says.
func (g *Generation) madeLike(spec buildSpec) bool {
	return g.FoldVersion == spec.foldVersion && g.epoch == spec.epoch
}

// finish notes that a history has come to its position. It takes the place of
// those of its name.
func (m *Models) finish(ctx context.Context, g *Generation) error {
	return m.change(ctx, fmt.Sprintf("finish history %q", g.Name), func(tx *sqldb.Tx, _ sql.NullInt64) error {
		now := clockOf(tx.Dialect()).now
		if err := mustChange(ctx, tx, ErrDropped, `
			UPDATE generations SET finished_at = COALESCE(finished_at, `+now+`) WHERE number = $1 AND retired_at IS NULL`, g.Number); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `
			UPDATE generations SET retired_at = `+now+`
			WHERE kind = 'history' AND name = $1 AND number < $2 AND retired_at IS NULL`, g.Name, g.Number)
		return err
	})
}

// Compare brings a candidate to where the live generation stands and computes
// the digests of both. They are of one position: the live one is looked at in a
// snapshot, once the candidate has all but caught up, and goes on meanwhile. Where
// it is behind the candidate, it is waited for. From then on the candidate may be
// chosen, whatever came out.
func (r *Runner) Compare(ctx context.Context, name string) (live, candidate Digest, err error) {
	c, err := r.models.candidate(ctx, name)
	if err != nil {
		return Digest{}, Digest{}, err
	}
	for {
		if err = r.catchUp(ctx, &c); err == nil {
			live, candidate, err = r.compareOnce(ctx, &c)
		}
		if !errors.Is(err, errNotComparable) {
			break
		}
		if err := pause.Wait(ctx, r.config.Tick); err != nil {
			return Digest{}, Digest{}, err
		}
	}
	if err == nil {
		err = r.models.noteCompared(ctx, &c, candidate.Position)
	}
	if err != nil {
		return Digest{}, Digest{}, fmt.Errorf("compare candidate %q: %w", name, err)
	}
	return live, candidate, nil
}

// errNotComparable says that two generations can't be compared at this moment.
var errNotComparable = errors.New("the read models can't be compared yet")

// catchUp brings a candidate to within a batch of where the live generation
// stands, or as near as it comes where that moves as fast. It holds no snapshot,
// for which a database would have to keep what is changed all the while.
func (r *Runner) catchUp(ctx context.Context, c *Generation) error {
	for least := eventstore.Position(math.MaxInt64); ; {
		var live header
		err := NewReader(r.models, 0).read(ctx, func(s *snapshot) (err error) {
			live, err = readHeader(ctx, s.tx)
			return err
		})
		if err != nil {
			return err
		}
		at, err := r.models.positionOf(ctx, c.Number)
		if err != nil {
			return err
		}
		behind := live.position - at
		if behind <= eventstore.Position(r.config.BatchEvents) || behind >= least {
			return nil
		}
		least = behind
		if err := r.buildTo(ctx, c, eventstore.Head{Position: live.position, Epoch: live.epoch}); err != nil {
			return err
		}
	}
}

func (r *Runner) compareOnce(ctx context.Context, c *Generation) (live, candidate Digest, err error) {
	erased, err := r.log.LastErasure(ctx)
	if err != nil {
		return Digest{}, Digest{}, fmt.Errorf("look up the last erasure: %w", err)
	}
	now := r.config.Now()
	reader := NewReader(r.models, 0)
	err = reader.read(ctx, func(s *snapshot) error {
		if err := r.bringTo(ctx, c, s, erased); err != nil {
			return err
		}
		live, err = s.digest(ctx, now)
		return err
	})
	if err == nil {
		candidate, err = reader.Generation(c.Number).Digest(ctx, now)
	}
	if err != nil {
		return Digest{}, Digest{}, err
	}
	// Who is erased is forgotten in the candidate at once, and in the snapshot
	// not at all.
	since, err := r.log.LastErasure(ctx)
	if err != nil {
		return Digest{}, Digest{}, fmt.Errorf("look up the last erasure: %w", err)
	}
	if since != erased || live.Position != candidate.Position {
		return Digest{}, Digest{}, errNotComparable
	}
	return live, candidate, nil
}

// bringTo brings a candidate to where a snapshot of the live generation stands,
// where that has come as far as the candidate and to the last erasure.
func (r *Runner) bringTo(ctx context.Context, c *Generation, live *snapshot, erased eventstore.Head) error {
	h, err := readHeader(ctx, live.tx)
	if err != nil {
		return err
	}
	if !c.madeLike(h.buildSpec) {
		return ErrOutdated
	}
	at, err := r.models.positionOf(ctx, c.Number)
	switch {
	case err != nil:
		return err
	case live.Position < at || live.Position < erased.Position || live.Position == 0:
		return errNotComparable
	}
	return r.buildTo(ctx, c, eventstore.Head{Position: live.Position, Epoch: h.epoch})
}

// positionOf returns where a generation stands; 0 where nobody has begun it.
func (m *Models) positionOf(ctx context.Context, number int) (at eventstore.Position, err error) {
	err = m.with(ctx, number, func(g *generation) error {
		if begun, err := g.begun(ctx); err != nil || !begun {
			return err
		}
		h, err := readHeader(ctx, g.db.SQL())
		at = h.position
		return err
	})
	return at, err
}

// candidate finds the candidate of a name.
func (m *Models) candidate(ctx context.Context, name string) (Generation, error) {
	return candidateIn(ctx, m.registry.SQL(), name)
}

func candidateIn(ctx context.Context, q querier, name string) (Generation, error) {
	found, err := generationsWhere(ctx, q, "kind = 'candidate' AND name = $1 AND retired_at IS NULL", name)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("candidate %q: %w", name, ErrNoGeneration)
	}
	if err != nil {
		return Generation{}, err
	}
	return found[0], nil
}

// noteCompared notes at which position a candidate was compared.
func (m *Models) noteCompared(ctx context.Context, c *Generation, at eventstore.Position) error {
	return mustChange(ctx, m.registry.SQL(), ErrDropped,
		"UPDATE generations SET compared_to = $1 WHERE number = $2 AND retired_at IS NULL", at, c.Number)
}

// Choose says that a candidate is to take the live generation's place. It must
// have been compared ([ErrNotCompared]), and built as this runner builds
// ([ErrOutdated]): no other would ever be followed. The runner that follows the
// log goes on with it and switches when it has caught up.
func (r *Runner) Choose(ctx context.Context, name string) error {
	head, err := r.log.Head(ctx)
	if err != nil {
		return fmt.Errorf("read the log's head: %w", err)
	}
	return r.models.change(ctx, fmt.Sprintf("choose candidate %q", name), func(tx *sqldb.Tx, _ sql.NullInt64) error {
		c, err := candidateIn(ctx, tx, name)
		if err != nil {
			return err
		}
		if c.ComparedTo == 0 {
			return ErrNotCompared
		}
		if c.spec() != r.spec(head) {
			return ErrOutdated
		}
		_, err = tx.ExecContext(ctx, "UPDATE generations SET kind = 'successor', name = NULL WHERE number = $1", c.Number)
		return err
	})
}

// Drop gives up a candidate or a history, finished or not. It isn't found from
// then on; its tables are dropped when nobody can be reading them any more.
func (m *Models) Drop(ctx context.Context, name string) error {
	return m.change(ctx, fmt.Sprintf("drop read models %q", name), func(tx *sqldb.Tx, _ sql.NullInt64) error {
		found, err := generationsWhere(ctx, tx, "name = $1 AND kind IN ('candidate', 'history') AND retired_at IS NULL", name)
		if err == nil && len(found) == 0 {
			err = ErrNoGeneration
		}
		for i := range found {
			err = errors.Join(err, retire(ctx, tx, found[i].Number))
		}
		return err
	})
}
