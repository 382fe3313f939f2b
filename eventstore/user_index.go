// This file extends the index of users over what has been appended, and finds one
// user's events by it.

package eventstore

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"slices"

	"boxoffice/internal/sqldb"
)

// indexedTo is the position up to which the index goes.
func indexedTo(ctx context.Context, q interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}) (to Position, err error) {
	if err = q.QueryRowContext(ctx, "SELECT indexed_to FROM compaction").Scan(&to); err != nil {
		err = fmt.Errorf("look up how far users are indexed: %w", err)
	}
	return to, err
}

// extendIndex adds one block to the index, which the blocks that it completes
// become a part of; false where the log hasn't a block's worth more. Blocks don't
// change, so they are read before the transaction: where another process was
// quicker, nothing is written.
func (s *Store) extendIndex(ctx context.Context) (bool, error) {
	from, err := indexedTo(ctx, s.db.SQL())
	if err != nil {
		return false, err
	}
	head, err := s.Head(ctx)
	if err != nil {
		return false, err
	}
	to, block, ok := s.shape.next(from, head.Position)
	if !ok {
		return false, nil
	}
	entries, parts, err := s.completedParts(ctx, from, block)
	if err != nil {
		return false, fmt.Errorf("read blocks of users: %w", err)
	}
	if entries, err = s.newEntries(ctx, from, to, block, entries); err != nil {
		return false, fmt.Errorf("read the users of events: %w", err)
	}
	rows := s.shape.rows(block.bits, entries)
	err = s.db.InTx(ctx, func(tx *sqldb.Tx) error {
		if moved, err := s.moveCompaction(ctx, tx, "indexed_to", int64(from), int64(to)); err != nil || !moved {
			return err
		}
		return writeBlock(ctx, tx, block, rows, parts)
	})
	if err != nil {
		return false, fmt.Errorf("index the users of the events %d to %d: %w", from+1, to, err)
	}
	return true, nil
}

// moveCompaction moves a column of compaction; false where another process has.
func (s *Store) moveCompaction(ctx context.Context, tx *sqldb.Tx, column string, from, to int64) (bool, error) {
	n, err := sqldb.Change(ctx, tx, "UPDATE compaction SET "+column+" = $1 WHERE "+column+" = $2", to, from)
	return n == 1, err
}

// completedParts reads the entries of the blocks that are there and become a part
// of a larger one, as the entries of that.
func (s *Store) completedParts(ctx context.Context, to Position, whole userBlock) (entries []blockEntry, parts []userBlock, err error) {
	for _, part := range s.shape.blocks(to) {
		if part.bits >= whole.bits || part.before() < whole.before() {
			continue
		}
		shift := int64(part.before() - whole.before())
		parts = append(parts, part)
		err = s.db.Scan(ctx, "SELECT entries FROM user_blocks WHERE bits = $1 AND block = $2", []any{int64(part.bits), part.number},
			func(row *sqldb.RawRow) error {
				b := row.Bytes(0)
				for i := range len(b) / entryBytes {
					e := entryAt(b, i)
					entries = append(entries, newBlockEntry(e.prefix(), shift+e.offset()))
				}
				return nil
			})
		if err != nil {
			return nil, nil, err
		}
	}
	return entries, parts, nil
}

// newEntries appends the entries of events that aren't in any block yet. Positions
// have no holes, so the events are counted and their positions not read.
func (s *Store) newEntries(ctx context.Context, from, to Position, whole userBlock, entries []blockEntry) ([]blockEntry, error) {
	offset := int64(from - whole.before())
	end := offset + int64(to-from)
	entries = slices.Grow(entries, int(end-offset))
	err := s.db.Scan(ctx, "SELECT user_key FROM events WHERE position > $1 AND position <= $2 ORDER BY position", []any{int64(from), int64(to)},
		func(row *sqldb.RawRow) error {
			entries = append(entries, newBlockEntry(binary.BigEndian.Uint32(row.Bytes(0)), offset))
			offset++
			return nil
		})
	if err == nil && offset != end {
		err = fmt.Errorf("%d of %d events are there", int64(to-from)-end+offset, to-from)
	}
	return entries, err
}

// writeBlock writes a block and removes those that are a part of it now.
func writeBlock(ctx context.Context, tx *sqldb.Tx, block userBlock, rows []bucketRow, parts []userBlock) error {
	for _, part := range parts {
		if _, err := tx.ExecContext(ctx, "DELETE FROM user_blocks WHERE bits = $1 AND block = $2", int64(part.bits), part.number); err != nil {
			return err
		}
	}
	columns := []string{"bits", "block", "bucket", "entries"}
	_, err := tx.CopyIn(ctx, "user_blocks", columns, sqldb.RowsOf(len(rows), len(columns), func(i int, row []any) {
		row[0], row[1], row[2], row[3] = int64(block.bits), block.number, rows[i].bucket, rows[i].entries
	}))
	return err
}

// blocksAtOnce is how many blocks are looked into by one statement.
const blocksAtOnce = 16

// indexedPositions returns positions after a position at which a user's events may
// be, ascending, and up to where the index was looked at: until at least enough
// were found, or the index ends.
func (s *Store) indexedPositions(ctx context.Context, tx *sql.Tx, user UserKey, after, indexed Position, enough int) (found []Position, looked Position, err error) {
	blocks := s.shape.blocks(indexed)
	for len(blocks) > 0 && blocks[0].last() <= after {
		blocks = blocks[1:]
	}
	for looked = after; len(blocks) > 0 && len(found) < enough; {
		n := 1
		for n < min(len(blocks), blocksAtOnce) && blocks[n].bits == blocks[0].bits {
			n++
		}
		if found, err = s.lookIntoBlocks(ctx, tx, blocks[:n], user, found); err != nil {
			return nil, 0, fmt.Errorf("look into blocks of users: %w", err)
		}
		looked = blocks[n-1].last()
		for len(found) > 0 && found[0] <= after {
			found = found[1:]
		}
		blocks = blocks[n:]
	}
	return found, looked, nil
}

// lookIntoBlocks appends where a user's events may be in blocks of one size.
func (s *Store) lookIntoBlocks(ctx context.Context, tx *sql.Tx, blocks []userBlock, user UserKey, found []Position) ([]Position, error) {
	bits, prefix := blocks[0].bits, prefixOf(user)
	numbers := make([]int64, len(blocks))
	for i, b := range blocks {
		numbers[i] = b.number
	}
	condition, args := sqldb.In(s.db.Dialect(), "block", 3, numbers)
	rows, err := tx.QueryContext(ctx, "SELECT block, entries FROM user_blocks WHERE bits = $1 AND bucket = $2 AND "+condition+" ORDER BY block",
		append([]any{int64(bits), s.shape.bucket(bits, prefix)}, args...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var entries sql.RawBytes
	for rows.Next() {
		block := userBlock{bits: bits}
		if err := rows.Scan(&block.number, &entries); err != nil {
			return nil, err
		}
		found = block.appendPositions(found, entries, prefix)
	}
	return found, rows.Err()
}
