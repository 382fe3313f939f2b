// This file has the case about the days of a month, in time zones whose clocks
// do something odd in it.

package projectionstest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"boxoffice/domain"
	"boxoffice/projections"
)

// oddMonths are months in which clocks are changed: by an hour, by half an hour,
// by a day, and across a midnight.
var oddMonths = []struct {
	zone   string
	months []domain.Month
}{
	{"Europe/Paris", []domain.Month{{Year: 2025, Month: 10}, {Year: 2026, Month: 3}}},
	{"Australia/Lord_Howe", []domain.Month{{Year: 2025, Month: 10}, {Year: 2026, Month: 4}}},
	{"Pacific/Apia", []domain.Month{{Year: 2011, Month: 12}}},
	{"America/St_Johns", []domain.Month{{Year: 2010, Month: 11}, {Year: 2026, Month: 3}}},
}

func daysOfMonths(t *testing.T, database Database) {
	m := newMaker(t, 11)
	h := newHouse(t, database)
	days := map[string][]clockDay{}
	var registered []domain.Instant
	for _, odd := range oddMonths {
		zone, err := time.LoadLocation(odd.zone)
		if err != nil {
			t.Fatal(err)
		}
		for _, month := range odd.months {
			shown := daysOnTheClock(zone, month)
			days[odd.zone+month.String()] = shown
			registered = append(registered, m.aroundDays(shown)...)
		}
	}
	var events []*domain.Event
	for i, at := range registered {
		events = append(events, m.event(domain.UserRegistered, fmt.Sprint("user-", i), at, nil))
	}
	h.append(m.shuffled(events)...)
	reader := projections.NewReader(h.models, sessionTimeout)
	for _, odd := range oddMonths {
		config := h.quick()
		config.TimeZone, config.BatchEvents = odd.zone, 500
		h.project(config)
		for _, month := range odd.months {
			t.Run(odd.zone+" "+month.String(), func(t *testing.T) {
				checkDays(t, reader, month, days[odd.zone+month.String()], registered, m)
			})
		}
	}
}

// checkDays asks for the days of a month at instants before, in and after it.
func checkDays(t *testing.T, reader *projections.Reader, month domain.Month, shown []clockDay, registered []domain.Instant, m *maker) {
	first, end := shown[0].from, shown[len(shown)-1].to
	instants := []domain.Instant{first - 30*day, first - 1, first, end - 1, end, end + 400*day}
	for range 4 {
		d := shown[m.rand.IntN(len(shown))]
		instants = append(instants, d.from-1, d.from, d.from+m.within(d.to-d.from))
	}
	for _, at := range instants {
		want, sum := []projections.DayRegistrations(nil), int64(0)
		for _, d := range shown {
			if d.from > at {
				break
			}
			n := int64(0)
			for _, r := range registered {
				if d.from <= r && r < d.to && r <= at {
					n++
				}
			}
			want, sum = append(want, projections.DayRegistrations{Day: d.number, Registered: n}), sum+n
		}
		got, err := reader.Days(t.Context(), month, at)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got.Days); diff != "" {
			t.Errorf("the days at %v (-want +got):\n%s", at, diff)
		}
		figures, err := reader.KPIs(t.Context(), month, month, at)
		if err != nil {
			t.Fatal(err)
		}
		if figures[0].Registered != sum || got.Position != figures[0].Position {
			t.Errorf("at %v the month has %d at position %d, its days together %d at %d", at, figures[0].Registered, figures[0].Position, sum, got.Position)
		}
	}
}

// A clockDay is a day of a month in [from, to).
type clockDay struct {
	number   int
	from, to domain.Instant
}

// daysOnTheClock looks at a clock minute by minute. A day begins when the clock
// shows it first, though the clock may be put back to the day before.
func daysOnTheClock(zone *time.Location, month domain.Month) (days []clockDay) {
	latest := ""
	for i := time.Date(month.Year, time.Month(month.Month), 1, -27, 0, 0, 0, time.UTC); ; i = i.Add(time.Minute) {
		date := i.In(zone).Format(time.DateOnly)
		if date <= latest {
			continue
		}
		latest = date
		if n := len(days); n > 0 {
			days[n-1].to = domain.InstantOf(i)
		}
		switch {
		case date[:7] == month.String():
			days = append(days, clockDay{number: i.In(zone).Day(), from: domain.InstantOf(i)})
		case len(days) > 0:
			return days
		}
	}
}

// aroundDays draws instants in days and at their very edges.
func (m *maker) aroundDays(days []clockDay) (at []domain.Instant) {
	for _, d := range days {
		for range m.rand.IntN(4) {
			at = append(at, d.from+m.within(d.to-d.from))
		}
		if m.rand.IntN(2) == 0 {
			at = append(at, d.from-1, d.from)
		}
	}
	return append(at, days[len(days)-1].to-1, days[len(days)-1].to)
}
