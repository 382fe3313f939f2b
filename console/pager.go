// This file is the pages of lists.

package console

import (
	"boxoffice/internal/cursor"
	"boxoffice/projections"
)

type pager struct {
	First, Last int
	Total       int64
	More        bool // Total is a lower bound
	ToFirst     string
	Next        string
	NextRows    int
}

// pageRows is how many rows a page has.
const pageRows = 50

// listAddress is the list's own address with some parameters changed, from its beginning.
func (v *visit) listAddress(pairs ...string) string {
	return v.address(append(pairs, "cursor", "")...)
}

func (v *visit) pager(list *userList, place userPlace, next *projections.UserCursor, bound cursor.Listing) pager {
	p := pager{First: place.Row + 1, Last: place.Row + len(list.Rows), Total: list.Found, More: list.More}
	if place.Row > 0 {
		p.ToFirst = v.listAddress()
	}
	if next != nil {
		p.NextRows = pageRows
		if left := list.Found - int64(p.Last); !list.More && left > 0 && left < pageRows {
			p.NextRows = int(left)
		}
		p.Next = v.address("cursor", v.Cursors.Seal(bound, userPlace{place.At, next, p.Last}))
	}
	return p
}

// open reads a cursor of a list into a place; an empty one leaves it as it is.
func (v *visit) open(l cursor.Listing, text string, place any) bool {
	return text == "" || v.Cursors.Open(l, text, place)
}
