// This file says which generation a Reader answers from.

package projections

import (
	"context"
	"fmt"
	"slices"

	"boxoffice/eventstore"
)

// A choice names the generation that an answer comes from. It is asked for each
// answer again, since one may have taken another's place.
type choice func(ctx context.Context, m *Models) (number int, err error)

// At makes a Reader that answers as the read models were when the log ended at
// a position: from the history that stops there, or from the live generation
// while it is there. Where there is neither, the error is a [*NoHistoryError].
func (r *Reader) At(position eventstore.Position) *Reader {
	other := *r
	other.choose, other.only = historyAt(position), position
	return &other
}

// History makes a Reader that answers from the history of a name. Its error is
// [ErrNoGeneration] where there is none, and [ErrNotBuilt] until it is finished.
func (r *Reader) History(name string) *Reader {
	other := *r
	other.choose, other.only = historyNamed(name), 0
	return &other
}

// Generation makes a Reader that answers from the generation of a number, of
// whatever kind, wherever it stands. Its error is [ErrNoGeneration] where there
// is none, and [ErrNotBuilt] where it hasn't come so far that it can be asked.
func (r *Reader) Generation(number int) *Reader {
	other := *r
	other.choose, other.only = numbered(number), 0
	return &other
}

// A NoHistoryError says that no read models stand at a position. It wraps
// [ErrNoGeneration].
type NoHistoryError struct {
	Position eventstore.Position
	// Positions are those of the histories and of the live generation, ascending.
	Positions []eventstore.Position
}

func (e *NoHistoryError) Error() string {
	return fmt.Sprintf("no read models stand at position %d", e.Position)
}

func (e *NoHistoryError) Unwrap() error { return ErrNoGeneration }

// live chooses the live generation.
func live(ctx context.Context, m *Models) (int, error) {
	number, ok, err := m.live(ctx)
	if err == nil && !ok {
		err = ErrNotBuilt
	}
	return number, err
}

func historyNamed(name string) choice {
	return func(ctx context.Context, m *Models) (int, error) {
		named, err := generationsWhere(ctx, m.registry.SQL(), "kind = 'history' AND name = $1 AND retired_at IS NULL", name)
		if err != nil {
			return 0, err
		}
		for i := range named {
			if named[i].FinishedAt != nil {
				return named[i].Number, nil
			}
		}
		err = ErrNoGeneration
		if len(named) > 0 {
			err = ErrNotBuilt
		}
		return 0, fmt.Errorf("history %q: %w", name, err)
	}
}

// historyAt chooses the newest history at a position, else the live generation,
// which has to be there then.
func historyAt(position eventstore.Position) choice {
	return func(ctx context.Context, m *Models) (int, error) {
		found, err := m.histories(ctx)
		if err != nil {
			return 0, err
		}
		for _, g := range slices.Backward(found) {
			if g.StopAt == position {
				return g.Number, nil
			}
		}
		return live(ctx, m)
	}
}

func numbered(number int) choice {
	return func(ctx context.Context, m *Models) (int, error) {
		g, err := m.lookUp(ctx, number)
		if err != nil {
			return 0, err
		}
		if g.dropped {
			return 0, fmt.Errorf("generation %d: %w", number, ErrNoGeneration)
		}
		return number, m.with(ctx, number, func(g *generation) error {
			can, err := g.begun(ctx)
			if err == nil && can {
				can, err = g.indexed(ctx)
			}
			if err == nil && !can {
				err = fmt.Errorf("generation %d: %w", number, ErrNotBuilt)
			}
			return err
		})
	}
}

// histories lists those that are finished.
func (m *Models) histories(ctx context.Context) ([]Generation, error) {
	return generationsWhere(ctx, m.registry.SQL(), "kind = 'history' AND finished_at IS NOT NULL AND retired_at IS NULL")
}

// noHistory says which positions there are instead of the one asked for.
func (m *Models) noHistory(ctx context.Context, asked, live eventstore.Position) error {
	found, err := m.histories(ctx)
	if err != nil {
		return err
	}
	there := []eventstore.Position{live}
	for i := range found {
		there = append(there, found[i].StopAt)
	}
	slices.Sort(there)
	return &NoHistoryError{Position: asked, Positions: slices.Compact(there)}
}
