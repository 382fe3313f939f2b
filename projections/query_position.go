// This file says where the read models that answer stand.

package projections

import (
	"context"

	"boxoffice/eventstore"
)

// A ReaderStatus says which read models answer, and how far they have come.
type ReaderStatus struct {
	// Position is the last event of the log that they hold.
	Position eventstore.Position
	// TimeZone is the one in which their months are counted.
	TimeZone string
}

// Status says where the live generation stands. Its error wraps [ErrNotBuilt]
// where there is none yet.
func (r *Reader) Status(ctx context.Context) (status ReaderStatus, err error) {
	err = r.read(ctx, func(s *snapshot) error {
		status = ReaderStatus{Position: s.Position, TimeZone: s.TimeZone}
		return nil
	})
	return status, err
}
