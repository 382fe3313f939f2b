// This file holds that a range of the one instant is listed in the order of the
// other without passing over many users, wherever in that order its users stand.

package projections

import (
	"fmt"
	"testing"
	"time"

	"boxoffice/domain"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// TestRangesFarFromTheStart asks where everybody's profile changed soon after
// they registered, so that the users of a range stand together in the order of
// the other instant too, and mostly far from its start: nine tenths of all
// 20,000 come before. Each page looks at what a page needs and at the buckets at
// the range's ends, which have some hundred users; PostgreSQL may sort buckets that
// are as small as here.
func TestRangesFarFromTheStart(t *testing.T) {
	t.Parallel()
	const users, most = 20_000, 8_000
	now := domain.InstantOf(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC))
	ago := func(days domain.Instant) *domain.Instant { i := now - days*day; return &i }
	filters := map[string]UserFilter{
		"updated from":               {UpdatedFrom: ago(100)},
		"updated to":                 {UpdatedTo: ago(1000)},
		"updated in a range":         {UpdatedFrom: ago(600), UpdatedTo: ago(500)},
		"registered from":            {RegisteredFrom: ago(100)},
		"registered to":              {RegisteredTo: ago(1000)},
		"registered in a range":      {RegisteredFrom: ago(600), RegisteredTo: ago(500)},
		"both in a range":            {RegisteredFrom: ago(600), RegisteredTo: ago(500), UpdatedFrom: ago(550), UpdatedTo: ago(450)},
		"updated before registering": {RegisteredFrom: ago(500), UpdatedTo: ago(500)},
	}
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		reader := openPlatformOf(t, open, &platformLog{users: users, now: now, soon: true})
		for _, sort := range []UserSort{ByRegisteredDesc, ByRegisteredAsc, ByUpdatedDesc, ByUpdatedAsc} {
			for _, status := range []Status{"", domain.StatusActive, domain.StatusCanceled, domain.StatusRegistered} {
				for name, filter := range filters {
					filter.Status = status
					q := UsersQuery{Filter: filter, Sort: sort, At: now + 1, Limit: 50}
					askWatched(t, reader, userPages(fmt.Sprintf("users %s %s %s", sort, status, name), q), most)
				}
			}
		}
	})
}
