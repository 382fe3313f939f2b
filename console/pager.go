// This file is lists that are shown a page at a time.

package console

import (
	"boxoffice/domain"
	"boxoffice/internal/cursor"
)

// pageRows is how many rows a page has.
const pageRows = 50

// A pager says which rows of a list a page has, and leads to others.
type pager struct {
	First, Last int
	Total       int64 // 0 where that isn't known
	More        bool  // Total is a lower bound
	ToFirst     string
	Next        string
	NextRows    int
}

// A paging is a page of a list: where it begins, and how many rows it has at most.
// C is the list's keyset cursor.
type paging[C any] struct {
	visit *visit
	list  cursor.Listing
	size  int
	place[C]
}

// A place is where in a list a page begins, as the list is at an instant.
type place[C any] struct {
	At    domain.Instant
	After *C
	// Row is how many rows come before.
	Row int
}

// openPage reads which page of a list the address means; at is the instant of a
// list that is begun.
func openPage[C any](v *visit, q *query, list cursor.Listing, at domain.Instant, size int) (paging[C], error) {
	p := paging[C]{visit: v, list: list, size: size, place: place[C]{At: at}}
	if text := q.Get("cursor"); text != "" && !v.Cursors.Open(list, text, &p.place) {
		return p, errInput
	}
	return p, q.err()
}

// pager leads from a page with that many rows to the list's first one, and to the
// one after next, which is nil on the last.
func (p *paging[C]) pager(rows int, next *C) pager {
	shown := pager{First: p.Row + 1, Last: p.Row + rows, NextRows: p.size}
	if p.Row > 0 {
		shown.ToFirst = p.visit.listAddress()
	}
	if next != nil {
		shown.Next = p.visit.address("cursor", p.visit.Cursors.Seal(p.list, place[C]{p.At, next, shown.Last}))
	}
	return shown
}

// of is the pager with how many rows there are in all; more says that there are
// more than that.
func (p pager) of(total int64, more bool) pager {
	p.Total, p.More = total, more
	if left := total - int64(p.Last); !more && left > 0 && left < int64(p.NextRows) {
		p.NextRows = int(left)
	}
	return p
}

// at is the pager with links that lead to a part of the page.
func (p pager) at(id string) pager {
	for _, href := range []*string{&p.ToFirst, &p.Next} {
		if *href != "" {
			*href += "#" + id
		}
	}
	return p
}

// listAddress is the list's own address with some parameters changed, from its beginning.
func (v *visit) listAddress(pairs ...string) string {
	return v.address(append(pairs, "cursor", "")...)
}

// nonZero is a pointer to a number; nil for 0.
func nonZero(n int64) *int64 {
	if n == 0 {
		return nil
	}
	return &n
}
