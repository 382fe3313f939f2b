// This file is about cursors: the row of a list after which the next page
// begins, and the instant that the first page was asked about. How they are
// sealed is in package cursor.

package api

import (
	"boxoffice/domain"
	"boxoffice/internal/cursor"
)

// A keyset is what a cursor holds.
type keyset[Row any] struct {
	At    domain.Instant
	After Row
}

// cursorFor returns the cursor after a row; nil where there is none.
func cursorFor[Row any](c *cursor.Sealer, l cursor.Listing, at domain.Instant, after *Row) *string {
	if after == nil {
		return nil
	}
	sealed := c.Seal(l, keyset[Row]{at, *after})
	return &sealed
}

// openPage finds out which page of a list is asked for: the instant, and the
// row after which it begins, nil for the first page. The first page's instant
// is asOf, or now; the pages after it keep that.
func openPage[Row any](s *service, l cursor.Listing, sealed string, asOf *domain.Instant) (domain.Instant, *Row, error) {
	if sealed == "" {
		if asOf != nil {
			return *asOf, nil, nil
		}
		return s.now(), nil, nil
	}
	var k keyset[Row]
	if !s.cursors.Open(l, sealed, &k) || asOf != nil && *asOf != k.At {
		return 0, nil, invalidCursor()
	}
	return k.At, &k.After, nil
}
