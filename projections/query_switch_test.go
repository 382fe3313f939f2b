// This file asks while the read models are rebuilt, switched and dropped.

package projections

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"boxoffice/domain"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// TestASwitchInTheMiddle asks on one handle, as one process does, while on
// another the read models are built in two time zones in turns, and each time
// those that were live before are dropped at once. Every answer is whole, and
// is that of the one zone or of the other.
func TestASwitchInTheMiddle(t *testing.T) {
	t.Parallel()
	now := domain.InstantOf(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC))
	var zones []*time.Location
	for _, name := range []string{"UTC", "Pacific/Apia"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		zones = append(zones, zone)
	}
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		writer := openModels(t, open)
		l := &platformLog{users: 300, now: now}
		expected := map[string][]MonthKPI{}
		for _, zone := range zones {
			if err := buildBeside(writer, l, platform{calendar: domain.Calendar{Zone: zone}}, now, 5000); err != nil {
				t.Fatal(err)
			}
			figures, err := figuresAt(t.Context(), NewReader(writer, plainTimeout), now)
			if err != nil {
				t.Fatal(err)
			}
			expected[zone.String()] = figures
		}
		if cmp.Equal(expected["UTC"], expected["Pacific/Apia"]) {
			t.Fatal("the zones can't be told apart")
		}

		reader := NewReader(openModels(t, open), plainTimeout)
		ctx, stop := context.WithCancel(t.Context())
		askers, _ := errgroup.WithContext(context.Background())
		for range 3 {
			askers.Go(func() error { return askUntil(ctx, reader, expected, now, l.users-l.users/100) })
		}
		for i := range 6 {
			if err := buildBeside(writer, l, platform{calendar: domain.Calendar{Zone: zones[i%2]}}, now, 5000); err != nil {
				t.Error(err)
			}
		}
		stop()
		if err := askers.Wait(); err != nil {
			t.Error(err)
		}
	})
}

func figuresAt(ctx context.Context, r *Reader, at domain.Instant) ([]MonthKPI, error) {
	return r.KPIs(ctx, domain.Month{Year: 2023, Month: 11}, domain.Month{Year: 2026, Month: 11}, at)
}

// askUntil asks until ctx ends, and returns what was wrong with an answer.
func askUntil(ctx context.Context, r *Reader, expected map[string][]MonthKPI, at domain.Instant, users int) error {
	whole := context.WithoutCancel(ctx)
	for ctx.Err() == nil {
		figures, err := figuresAt(whole, r, at)
		if err != nil {
			return err
		}
		if diff := cmp.Diff(expected[figures[0].TimeZone], figures); diff != "" {
			return fmt.Errorf("figures in %s (-want +got):\n%s", figures[0].TimeZone, diff)
		}
		n := 0
		err = r.AllUsers(whole, UsersQuery{At: at}, func(l *UserList) error {
			for _, err := range l.Users {
				if err != nil {
					return err
				}
				n++
			}
			return nil
		})
		if err != nil {
			return err
		}
		if n != users {
			return fmt.Errorf("the list has %d users, want %d", n, users)
		}
	}
	return nil
}
