// This file reads rows ahead of writing them.

package export

import "iter"

const (
	// rowsAhead is how many rows are handed over at a time, fewer where they
	// have more than cellsAhead cells or bytesAhead bytes of text; and
	// batchesAhead is how many such batches may wait.
	rowsAhead    = 256
	cellsAhead   = 1 << 14
	bytesAhead   = 1 << 18
	batchesAhead = 4
)

// A batch is some rows as cells, or why there are no more.
type batch struct {
	rows [][]any
	err  error
}

// gather writes the rows of all items. The items are read, and turned into
// cells, by a goroutine of their own, which has ended when gather returns.
func gather[T any](e *exporter, items iter.Seq2[*T, error], cells func(*T, []any) error) error {
	batches, stop := readAhead(items, len(e.columns), cells)
	defer stop()
	for b := range batches {
		if b.err != nil {
			return b.err
		}
		for _, row := range b.rows {
			if err := e.row(row); err != nil {
				return err
			}
		}
		e.result.Rows += int64(len(b.rows))
		if e.options.Progress != nil {
			e.options.Progress(e.result.Rows)
		}
	}
	return e.ctx.Err()
}

// readAhead sends the rows of items in batches. stop has to be called; it waits
// until nothing is read any more.
func readAhead[T any](items iter.Seq2[*T, error], width int, cells func(*T, []any) error) (_ <-chan batch, stop func()) {
	batches := make(chan batch, batchesAhead)
	enough := make(chan struct{})
	atOnce := max(1, min(rowsAhead, cellsAhead/width))
	go func() {
		defer close(batches)
		send := func(b batch) bool {
			select {
			case batches <- b:
				return true
			case <-enough:
				return false
			}
		}
		var b batch
		size := 0
		for item, err := range items {
			row := make([]any, width)
			if err == nil {
				err = cells(item, row)
			}
			if err != nil {
				send(batch{err: err})
				return
			}
			b.rows = append(b.rows, row)
			if size += textSize(row); len(b.rows) == atOnce || size >= bytesAhead {
				if !send(b) {
					return
				}
				b, size = batch{rows: make([][]any, 0, atOnce)}, 0
			}
		}
		send(b)
	}()
	return batches, func() {
		close(enough)
		for range batches { // until it is closed
		}
	}
}

// textSize returns how many bytes the texts of a row have.
func textSize(row []any) (n int) {
	for _, cell := range row {
		if text, ok := cell.(string); ok {
			n += len(text)
		}
	}
	return n
}
