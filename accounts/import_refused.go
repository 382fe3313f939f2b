// This file keeps the rows that an import refuses: as many as the file has, so
// each takes a few bytes.

package accounts

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
)

// A RefusedRow is a row that changed nothing, for what is wrong with it.
type RefusedRow struct {
	// Row is its number, as a spreadsheet program shows it: the first row of the
	// file is 1.
	Row int
	// Reason says which column, and which rule it breaks.
	Reason string
}

// RefusedRows are the rows that changed nothing, in the order of the file.
type RefusedRows struct {
	// lots have the rows of each window that has been imported, and rows those of
	// the one that is: none is copied when there are more.
	lots [][]keptRefusal
	rows []keptRefusal
	n    int
	// reasons are the texts of the rows' reasons, each once, and index where.
	reasons []string
	index   map[string]int32
}

// A keptRefusal is a refused row with the number of its reason, and of the row
// that this is about, 0 for none.
type keptRefusal struct{ row, reason, about int32 }

// Len is how many there are.
func (r *RefusedRows) Len() int { return r.n }

// All are the rows, one after the other.
func (r *RefusedRows) All() iter.Seq[RefusedRow] {
	return func(yield func(RefusedRow) bool) {
		for _, lot := range append(slices.Clip(r.lots), r.rows) {
			for _, kept := range lot {
				because := reason{r.reasons[kept.reason], int(kept.about)}
				if !yield(RefusedRow{int(kept.row), because.String()}) {
					return
				}
			}
		}
	}
}

// A reason is why a row is refused: a text, with a %d for the row that it is about
// where it is about one.
type reason struct {
	text  string
	about int
}

// String is the reason in words.
func (r reason) String() string {
	if r.about == 0 {
		return r.text
	}
	return fmt.Sprintf(r.text, r.about)
}

func (r *RefusedRows) add(row int, because reason) {
	n, ok := r.index[because.text]
	if !ok {
		if r.index == nil {
			r.index = map[string]int32{}
		}
		n = int32(len(r.reasons))
		r.reasons, r.index[because.text] = append(r.reasons, because.text), n
	}
	r.rows = append(r.rows, keptRefusal{int32(row), n, int32(because.about)})
	r.n++
}

// endLot brings the rows of a window into the order of the file: one that the log
// refuses is refused after those that come later.
func (r *RefusedRows) endLot() {
	if len(r.rows) == 0 {
		return
	}
	slices.SortStableFunc(r.rows, func(a, b keptRefusal) int { return cmp.Compare(a.row, b.row) })
	r.lots, r.rows = append(r.lots, slices.Clone(r.rows)), r.rows[:0]
}
