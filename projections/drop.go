// This file drops the generations that are no longer needed.

package projections

import (
	"context"
	"fmt"
	"time"
)

// dropRetired drops the generations that were retired more than grace ago,
// which is longer than any answer takes. One that is in use is left for later.
func (m *Models) dropRetired(ctx context.Context, grace time.Duration) error {
	clock := clockOf(m.registry.Dialect())
	retired, err := generationsWhere(ctx, m.registry.SQL(),
		"dropped_at IS NULL AND retired_at < "+clock.earlier("$1"), grace.Microseconds())
	if err != nil {
		return err
	}
	for i := range retired {
		if err := m.drop(ctx, retired[i].Number); err != nil {
			return fmt.Errorf("drop generation %d of the read models: %w", retired[i].Number, err)
		}
	}
	return nil
}

// drop removes the tables of a retired generation. Its entry stays, so that no
// number is used twice, and is marked afterwards, so that a drop that was
// interrupted is found again.
func (m *Models) drop(ctx context.Context, number int) error {
	unused, err := m.forget(number)
	if err != nil || !unused {
		return err
	}
	if err := m.db.DropSchema(ctx, generationSchema(m.db.Dialect(), number)); err != nil {
		return err
	}
	_, err = m.registry.SQL().ExecContext(ctx,
		"UPDATE generations SET dropped_at = "+clockOf(m.registry.Dialect()).now+" WHERE number = $1", number)
	return err
}
