// This file reads the log as it stands, ciphertext and pseudonyms, for those
// who look at history.

package eventstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"boxoffice/eventstore/vault"
	"boxoffice/internal/sqldb"
)

const (
	// positionsAtOnce is how many positions one statement looks at, and maxLooked
	// how many one call.
	positionsAtOnce = 20_000
	maxLooked       = 200_000
	// keysAtOnce is how many of the positions that the index names one statement
	// looks at.
	minKeysAtOnce, maxKeysAtOnce = 16, 256
)

// ReadSealed returns a page of the log as it stands there. Its memory is bounded
// by the limit, and its work by how many positions one call looks at.
func (s *Store) ReadSealed(ctx context.Context, q SealedQuery) (SealedPage, error) {
	if q.Limit < 1 {
		return SealedPage{}, errors.New("read history: the limit isn't positive")
	}
	head, err := s.Head(ctx)
	if err != nil {
		return SealedPage{}, err
	}
	scan := &sealedScan{store: s, query: &q, head: head.Position, at: max(q.After, 0)}
	if err := scan.run(ctx); err != nil {
		return SealedPage{}, fmt.Errorf("read history after %d: %w", q.After, err)
	}
	return SealedPage{Records: scan.found, Next: scan.at, End: scan.at >= scan.head}, nil
}

// A sealedScan goes through the log until it has a page.
type sealedScan struct {
	store *Store
	query *SealedQuery
	head  Position
	// at is the last position that has been looked at.
	at    Position
	user  *UserKey
	found []SealedRecord
}

func (c *sealedScan) run(ctx context.Context) error {
	if c.user == nil && c.query.UserID != "" {
		state, err := c.store.subjectState(ctx, c.query.UserID)
		if err != nil {
			return err
		}
		if !state.Taken {
			c.at = max(c.at, c.head)
			return nil
		}
		c.user = &state.User
	}
	if c.user == nil {
		return c.walk(ctx, c.store.db.SQL())
	}
	return c.store.db.ReadTx(ctx, func(tx *sql.Tx) error {
		if err := c.byIndex(ctx, tx); err != nil {
			return err
		}
		return c.walk(ctx, tx)
	})
}

func (c *sealedScan) left() int { return c.query.Limit - len(c.found) }

// walk looks at all positions, a range of them at a time.
func (c *sealedScan) walk(ctx context.Context, q vault.Querier) error {
	for end := c.at + maxLooked; c.at < min(c.head, end) && c.left() > 0; {
		last := min(c.at+positionsAtOnce, c.head)
		where, args := c.filters("position > $1 AND position <= $2", c.at, last)
		args = append(args, c.left())
		if err := c.read(ctx, q, last, fmt.Sprintf("%s ORDER BY position LIMIT $%d", where, len(args)), args); err != nil {
			return err
		}
	}
	return nil
}

// byIndex looks at the positions at which the user's events may be, as far as the
// index goes.
func (c *sealedScan) byIndex(ctx context.Context, tx *sql.Tx) error {
	indexed, err := indexedTo(ctx, tx)
	if err != nil {
		return err
	}
	for end := min(indexed, c.head); c.at < end && c.left() > 0; {
		positions, looked, err := c.store.indexedPositions(ctx, tx, *c.user, c.at, indexed, c.left())
		if err != nil {
			return err
		}
		beyond, _ := slices.BinarySearch(positions, c.head+1)
		if err := c.lookAt(ctx, tx, positions[:beyond]); err != nil {
			return err
		}
		if c.left() > 0 {
			c.at = min(looked, c.head)
		}
	}
	return nil
}

// lookAt looks at single positions, ascending, until the page is full.
func (c *sealedScan) lookAt(ctx context.Context, tx *sql.Tx, positions []Position) error {
	for len(positions) > 0 && c.left() > 0 {
		n := min(len(positions), max(minKeysAtOnce, min(c.left(), maxKeysAtOnce)))
		keys := make([]int64, n)
		for i, p := range positions[:n] {
			keys[i] = int64(p)
		}
		where, args := c.filters("position <= $1", positions[n-1])
		condition, more := sqldb.In(c.store.db.Dialect(), "position", len(args)+1, keys)
		if err := c.read(ctx, tx, positions[n-1], where+" AND "+condition+" ORDER BY position", append(args, more...)); err != nil {
			return err
		}
		positions = positions[n:]
	}
	return nil
}

// filters adds the query's filters to a condition.
func (c *sealedScan) filters(where string, args ...any) (string, []any) {
	filter := func(condition string, value any) {
		args = append(args, value)
		where += fmt.Sprintf(" AND %s $%d", condition, len(args))
	}
	if c.user != nil {
		filter("user_key =", sqldb.UUID(*c.user))
	}
	if c.query.Type != "" {
		filter("type =", string(c.query.Type))
	}
	if c.query.From != nil {
		filter("time >=", sqldb.Micros(*c.query.From))
	}
	if c.query.To != nil {
		filter("time <", sqldb.Micros(*c.query.To))
	}
	return where, args
}

// read adds the rows of a statement to the page, which has looked at all positions
// up to last unless there are more rows than the page has room for.
func (c *sealedScan) read(ctx context.Context, q vault.Querier, last Position, where string, args []any) error {
	rows, err := readRows(ctx, q, c.left(), where, args...)
	if err != nil {
		return err
	}
	c.at = last
	if left := c.left(); len(rows) >= left {
		rows = rows[:left]
		c.at = rows[left-1].Position
	}
	c.found = append(c.found, rows...)
	return nil
}
