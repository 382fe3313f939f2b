// This file reads the log as it stands, ciphertext and pseudonyms, for those
// who look at history.

package eventstore

import (
	"context"
	"errors"
	"fmt"

	"boxoffice/internal/sqldb"
)

const (
	// stretch is how many positions one statement looks at.
	stretch = 20_000
	// maxLooked is how many positions one call looks at, and accountsLooked how
	// many accounts, when it asks for one user's.
	maxLooked      = 200_000
	accountsAtOnce = 100
	maxAccounts    = 2_000
)

// ReadSealed gives a page of the log as it stands there. Its memory is bounded
// by the limit, and its work by the stretch of the log that one call looks at.
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
	if c.user != nil {
		return c.oneUser(ctx)
	}
	if c.query.UserID == "" {
		return c.everybody(ctx)
	}
	state, err := c.store.subjectState(ctx, c.query.UserID)
	if err != nil {
		return err
	}
	if !state.Taken {
		c.at = max(c.at, c.head)
		return nil
	}
	c.user = &state.User
	return c.oneUser(ctx)
}

func (c *sealedScan) full() bool { return len(c.found) >= c.query.Limit }

func (c *sealedScan) everybody(ctx context.Context) error {
	for end := c.at + maxLooked; c.at < min(c.head, end) && !c.full(); {
		if err := c.look(ctx, min(c.at+stretch, c.head)); err != nil {
			return err
		}
	}
	return nil
}

// oneUser goes through the accounts, and looks only at batches in which the
// user may be.
func (c *sealedScan) oneUser(ctx context.Context) error {
	for looked := 0; c.at < c.head && looked < maxAccounts && !c.full(); looked += accountsAtOnce {
		batches, err := c.accounts(ctx)
		if err != nil {
			return err
		}
		for _, b := range batches {
			if c.full() {
				return nil
			}
			if b.first > c.head {
				c.at = c.head
				return nil
			}
			last := min(b.last, c.head)
			if !b.may {
				c.at = last
			} else if err := c.lookAt(ctx, b.first, last); err != nil {
				return err
			}
		}
		if len(batches) < accountsAtOnce && !c.full() {
			c.at = c.head
		}
	}
	return nil
}

// lookAt looks at a batch from its first position on, or from where it was
// left.
func (c *sealedScan) lookAt(ctx context.Context, first, last Position) error {
	c.at = max(c.at, first-1)
	return c.look(ctx, last)
}

// A batchRange is where a batch stands in the log, and whether the user may be
// in it.
type batchRange struct {
	first, last Position
	may         bool
}

// accounts reads the next accounts of batches that appended something.
func (c *sealedScan) accounts(ctx context.Context) ([]batchRange, error) {
	rows, err := c.store.db.SQL().QueryContext(ctx, `SELECT first_position, last_position, users FROM accounts
		WHERE last_position > $1 ORDER BY last_position LIMIT $2`, c.at, accountsAtOnce)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var batches []batchRange
	for rows.Next() {
		var b batchRange
		var prefixes []byte
		if err := rows.Scan(&b.first, &b.last, &prefixes); err != nil {
			return nil, err
		}
		b.may = hasPrefix(prefixes, *c.user)
		batches = append(batches, b)
	}
	return batches, rows.Err()
}

// look looks at the positions after at up to last, and stops where the page is
// full.
func (c *sealedScan) look(ctx context.Context, last Position) error {
	q := c.query
	where, args := "position > $1 AND position <= $2", []any{c.at, last}
	filter := func(condition string, value any) {
		args = append(args, value)
		where += fmt.Sprintf(" AND %s $%d", condition, len(args))
	}
	if q.Type != "" {
		filter("type =", string(q.Type))
	}
	if c.user != nil {
		filter("user_key =", sqldb.UUID(*c.user))
	}
	if q.From != nil {
		filter("time >=", sqldb.Micros(*q.From))
	}
	if q.To != nil {
		filter("time <", sqldb.Micros(*q.To))
	}
	left := q.Limit - len(c.found)
	args = append(args, left)
	where += fmt.Sprintf(" ORDER BY position LIMIT $%d", len(args))
	rows, err := readRows(ctx, c.store.db.SQL(), left, where, args...)
	if err != nil {
		return err
	}
	c.found = append(c.found, rows...)
	c.at = last
	if len(rows) == left {
		c.at = rows[left-1].Position
	}
	return nil
}
