// This file makes histories of events for property tests: small ones, in which
// everything meets everything else.

package oracle

import (
	"encoding/json"
	"fmt"
	"time"

	"pgregory.net/rapid"
)

// A History is a drawn one.
type History struct {
	Zone *time.Location
	// Grace is a renewal grace that makes a difference to it, or none.
	Grace time.Duration
	// Months are those around which everything happens ("2026-11").
	Months []string
	// Events are structured CloudEvents, each with an identity of its own, in
	// an arbitrary order.
	Events [][]byte
	// Instants are the times and ends that the events name, the edges of the
	// months, and others at which answers may change.
	Instants []Instant
}

// AnyInstant returns an instant of the history, or one a microsecond beside it.
func (h History) AnyInstant(t *rapid.T, label string) Instant {
	return rapid.SampledFrom(h.Instants).Draw(t, label) + Instant(rapid.SampledFrom([]int{0, 0, -1, 1}).Draw(t, label+" ±1 µs"))
}

// places are time zones with a month in which their clocks do something that
// is worth a test.
var places = []struct {
	zone        string
	year, month int
}{
	{"UTC", 2026, 2},
	{"Europe/Paris", 2026, 3},         // an hour is skipped
	{"Europe/Paris", 2026, 10},        // an hour comes twice
	{"America/New_York", 2025, 11},    // an hour comes twice, on the 2nd
	{"America/Asuncion", 2017, 10},    // the month's first hour is skipped
	{"America/Havana", 2020, 11},      // the month's first hour comes twice
	{"America/St_Johns", 2009, 11},    // back from the 1st into the month before
	{"Australia/Lord_Howe", 2026, 4},  // half an hour
	{"Pacific/Apia", 2011, 12},        // the 30th is skipped
	{"Asia/Kathmandu", 2026, 1},       // no whole number of hours
	{"America/Sao_Paulo", 2018, 11},   // a midnight is skipped
	{"Antarctica/Troll", 2024, 3},     // two hours
	{"Pacific/Kiritimati", 2024, 2},   // the greatest offset, a leap year
	{"Africa/Casablanca", 2026, 2},    // DST ends for Ramadan
	{"Atlantic/Azores", 2026, 10},     // an hour comes twice, at midnight
	{"America/Scoresbysund", 2024, 3}, // changes its offset for good
}

// A drawer draws a history.
type drawer struct {
	t        *rapid.T
	instants []Instant // the few that everything uses
	users    []string
	kinds    []func() (string, map[string]any) // what happens in this history
	made     []identity                        // of the events so far
}

type identity struct{ source, id string }

// Histories draws histories: of one or two users, with few ids of everything
// and few instants, so that times are equal to the microsecond, spans touch,
// ends lie before starts and edges of months and of clock changes are hit.
func Histories() *rapid.Generator[History] {
	return rapid.Custom(func(t *rapid.T) History {
		place := rapid.SampledFrom(places).Draw(t, "place")
		zone, err := time.LoadLocation(place.zone)
		if err != nil {
			t.Fatal(err)
		}
		h := History{Zone: zone, Grace: rapid.SampledFrom([]time.Duration{
			0, time.Microsecond, 30 * time.Minute, time.Hour, 36 * time.Hour, 31 * 24 * time.Hour,
		}).Draw(t, "renewal grace")}
		around := time.Date(place.year, time.Month(place.month), 15, 12, 0, 0, 0, zone)
		for i := -2; i <= 3; i++ {
			h.Months = append(h.Months, around.AddDate(0, i, 0).Format("2006-01"))
		}
		edges := edgesAround(around)
		d := &drawer{t: t, users: []string{"u", "ü|2"}[:rapid.IntRange(1, 2).Draw(t, "users")]}
		d.kinds = rapid.SampledFrom([][]func() (string, map[string]any){
			{d.profile, d.subscription, d.subscription, d.subscription, d.rental, d.freeCopy, d.playback, d.playback},
			{d.profile, d.subscription, d.subscription, d.rental, d.freeCopy, d.playback, d.retraction, d.retraction},
			{d.subscription}, {d.rental, d.freeCopy}, {d.playback}, {d.subscription, d.rental, d.profile},
			{d.playback, d.playback, d.retraction}, {d.subscription, d.subscription, d.retraction},
		}).Draw(t, "kinds")
		d.instants = rapid.SliceOfN(rapid.SampledFrom(edges), 2, 9).Draw(t, "instants")
		for range rapid.IntRange(0, 24).Draw(t, "events") {
			h.Events = append(h.Events, d.event())
		}
		h.Instants = append(append(h.Instants, d.instants...), edges...)
		return h
	})
}

// edgesAround returns instants at which something may change in the months
// around: their edges, clock changes, days that not every month has, the same
// time a month before and after each, and an hour or so beside them.
func edgesAround(around time.Time) []Instant {
	zone := around.Location()
	var bases []time.Time
	for i := -1; i <= 2; i++ {
		first := time.Date(around.Year(), around.Month()+time.Month(i), 1, 0, 0, 0, 0, zone)
		bases = append(bases, first, first.AddDate(0, 0, 27).Add(150*time.Minute),
			first.AddDate(0, 1, -1).Add(23*time.Hour+45*time.Minute), first.AddDate(0, 0, 14).Add(15*time.Minute))
		if _, change := first.ZoneBounds(); !change.IsZero() && change.Before(first.AddDate(0, 1, 2)) {
			local := change.Add(-30 * time.Minute).In(zone)
			skipped := time.Date(local.Year(), local.Month(), local.Day(), local.Hour()+1, local.Minute(), 0, 0, time.UTC)
			next := skipped.AddDate(0, 1, 0)
			bases = append(bases, change,
				time.Date(next.Year(), next.Month(), next.Day(), next.Hour(), next.Minute(), 0, 0, zone),
				time.Date(next.Year(), next.Month(), next.Day(), next.Hour()-1, next.Minute(), 0, 0, zone))
		}
	}
	var edges []Instant
	for _, b := range bases {
		for _, by := range []time.Duration{0, -time.Microsecond, time.Microsecond, -time.Hour, time.Hour, -30 * time.Minute, 30 * time.Minute} {
			edges = append(edges, Of(b.Add(by)))
		}
	}
	return edges
}

func (d *drawer) instant() Instant {
	return rapid.SampledFrom(d.instants).Draw(d.t, "instant")
}

// time writes an instant with any offset, and with finer digits or not.
func (d *drawer) time(at Instant) string {
	offset := rapid.SampledFrom([]int{0, 0, 2 * 3600, -12600}).Draw(d.t, "offset")
	t := time.UnixMicro(int64(at)).In(time.FixedZone("", offset))
	if rapid.IntRange(0, 5).Draw(d.t, "finer digits") == 0 {
		t = t.Add(999)
	}
	return t.Format(time.RFC3339Nano)
}

// event draws one.
func (d *drawer) event() []byte {
	typ, data := rapid.SampledFrom(d.kinds).Draw(d.t, "kind")()
	of := identity{
		source: rapid.SampledFrom([]string{"/a", "/b", "/B"}).Draw(d.t, "source"),
		id:     fmt.Sprintf("%s%d", rapid.SampledFrom([]string{"a", "b", "Z", "é"}).Draw(d.t, "id"), len(d.made)+1),
	}
	d.made = append(d.made, of)
	e, err := json.Marshal(map[string]any{
		"specversion": "1.0",
		"id":          of.id,
		"source":      of.source,
		"type":        typ,
		"subject":     rapid.SampledFrom(d.users).Draw(d.t, "user"),
		"time":        d.time(d.instant()),
		"data":        data,
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return e
}

// maybe lets data carry a field or not, or carry it as null.
func (d *drawer) maybe(data map[string]any, name string, value func() any) {
	switch rapid.IntRange(0, 3).Draw(d.t, name+" carried") {
	case 0:
		data[name] = nil
	case 1, 2:
		data[name] = value()
	}
}

// words returns a value out of a few.
func (d *drawer) words(of ...string) func() any {
	return func() any { return rapid.SampledFrom(of).Draw(d.t, "word") }
}

// id returns one of a few ids: a text, or an integer that is the same id.
func (d *drawer) id(of ...any) any { return rapid.SampledFrom(of).Draw(d.t, "id of something") }

func (d *drawer) anyTime() any { return d.time(d.instant()) }

func (d *drawer) profile() (string, map[string]any) {
	data := map[string]any{}
	for _, name := range profileFields {
		if rapid.Bool().Draw(d.t, name) {
			d.maybe(data, name, d.words("x", "Ÿ", "straße"))
		}
	}
	d.maybe(data, "custom", func() any {
		custom := map[string]any{}
		for _, k := range []string{"k", "l", "m"} {
			d.maybe(custom, k, func() any {
				return rapid.SampledFrom([]any{"v", 1.5, true, []string{"b", "a"}, []string{}, "", []any{nil, 1}, map[string]any{"k": nil, "l": []int{2}}}).
					Draw(d.t, "value")
			})
		}
		return custom
	})
	return rapid.SampledFrom([]string{"user.registered", "user.updated"}).Draw(d.t, "type"), data
}

func (d *drawer) price(data map[string]any) {
	switch rapid.IntRange(0, 3).Draw(d.t, "price") {
	case 0:
		data["amount"], data["currency"] = rapid.SampledFrom([]int64{0, 999, 9007199254740991}).Draw(d.t, "amount"), d.words("EUR", "eur", "Eur")()
	case 1:
		data["amount"], data["currency"] = nil, nil
	case 2:
		d.maybe(data, "currency", d.words("EUR", "jpY"))
	}
}

func (d *drawer) subscription() (string, map[string]any) {
	data := map[string]any{"subscription_id": d.id("1", 1, json.Number("10e-1"), "2", json.Number("2.0"), "é")}
	d.maybe(data, "ends_at", d.anyTime)
	typ := rapid.SampledFrom([]string{
		"subscription.started", "subscription.started", "subscription.renewed", "subscription.canceled",
		"subscription.canceled", "subscription.resumed", "subscription.changed", "subscription.paused", "subscription.payment_failed",
	}).Draw(d.t, "type")
	switch typ {
	case "subscription.canceled":
		d.maybe(data, "reason", d.words("voluntary", "non_payment", "switched", "other"))
		d.maybe(data, "comment", d.words("", "why"))
		return typ, data
	case "subscription.paused", "subscription.payment_failed":
		d.maybe(data, "resumes_at", d.anyTime)    // no effect on the latter
		d.maybe(data, "grace_ends_at", d.anyTime) // nor this on the former
		d.maybe(data, "reason", d.words("other")) // nor this on either
		d.maybe(data, "comment", d.words("", "why", "card"))
		return typ, data
	case "subscription.started":
		data["offer_id"] = d.id("o", "7", 7)
	default:
		if rapid.Bool().Draw(d.t, "offer") {
			data["offer_id"] = d.words("q")()
		}
	}
	d.maybe(data, "trial_ends_at", d.anyTime) // no effect on others than started and changed
	d.maybe(data, "offer_name", d.words("O", "P"))
	d.maybe(data, "interval", d.words("day", "quarter"))
	d.maybe(data, "interval_count", func() any { return rapid.SampledFrom([]any{1, 3, json.Number("1e3")}).Draw(d.t, "count") })
	d.maybe(data, "payment_interface", d.words("card", ""))
	d.price(data)
	if data["trial_ends_at"] != nil && typ != "subscription.started" && typ != "subscription.changed" {
		data["expires_at"] = data["trial_ends_at"] // names nothing here either
	}
	return typ, data
}

func (d *drawer) rental() (string, map[string]any) {
	data := map[string]any{"rental_id": d.id("1", 1, "-2", json.Number("-2.0"))}
	typ := rapid.SampledFrom([]string{"rental.started", "rental.started", "rental.activated", "rental.revoked"}).Draw(d.t, "type")
	switch typ {
	case "rental.started":
		data["content_id"] = d.words("c", "d")()
		d.maybe(data, "title", d.words("C", "D"))
		d.maybe(data, "kind", d.words("rental", "purchase"))
		d.maybe(data, "expires_at", d.anyTime)
		d.maybe(data, "payment_interface", d.words("card"))
		d.price(data)
	case "rental.activated":
		data["expires_at"] = d.anyTime()
		d.maybe(data, "title", d.words("no effect"))
	case "rental.revoked":
		d.maybe(data, "reason", d.words("refunded", ""))
		d.maybe(data, "ends_at", d.anyTime) // no effect
	}
	return typ, data
}

func (d *drawer) freeCopy() (string, map[string]any) {
	data := map[string]any{"free_copy_id": d.words("1", "2")()}
	if rapid.IntRange(0, 2).Draw(d.t, "type") == 0 {
		d.maybe(data, "reason", d.words("mistake"))
		d.maybe(data, "expires_at", d.anyTime) // no effect
		return "free_copy.revoked", data
	}
	d.maybe(data, "content_id", d.words("c"))
	if d.maybe(data, "offer_id", d.words("o")); data["content_id"] == nil {
		data["offer_id"] = "o"
	}
	d.maybe(data, "title", d.words("C"))
	d.maybe(data, "expires_at", d.anyTime)
	return "free_copy.granted", data
}

// seconds returns a number of seconds up to 30, as a publisher may write it; or a
// negative one, as players have it before they know.
func (d *drawer) seconds() json.Number {
	return d.decimals(rapid.IntRange(-3, 30).Draw(d.t, "seconds"))
}

// playhead returns seconds of a content; of a live one they are counted from 1970.
func (d *drawer) playhead() json.Number {
	if rapid.IntRange(0, 9).Draw(d.t, "live") == 0 {
		return d.decimals(99_999_999_900 + rapid.IntRange(0, 30).Draw(d.t, "seconds"))
	}
	return d.seconds()
}

func (d *drawer) decimals(seconds int) json.Number {
	return json.Number(fmt.Sprint(seconds) + rapid.SampledFrom([]string{
		"", "", "", ".5", ".0005", ".0004999", ".4994", ".4995", ".49949", ".9995", ".25e0", ".00e-1", ".499999999999",
	}).Draw(d.t, "decimals"))
}

func (d *drawer) playback() (string, map[string]any) {
	data := map[string]any{"session_id": d.id("s", "8", 8), "content_id": d.id("c", "d", "9", json.Number("9e0"))}
	d.maybe(data, "title", d.words("C", "D"))
	d.maybe(data, "device", d.words("tv"))
	d.maybe(data, "platform", d.words("web"))
	d.maybe(data, "content_length_s", func() any {
		return json.Number(rapid.SampledFrom([]string{"-1", "0", "0.0004", "0.001", "0.0005", "1", "10", "12.3455", "19.9994", "20", "30.5", "1e9"}).Draw(d.t, "length"))
	})
	d.maybe(data, "position_s", func() any { return d.playhead() }) // no effect on started
	d.maybe(data, "play_time_s", func() any { return d.seconds() })
	d.maybe(data, "played", func() any {
		played := [][2]json.Number{}
		for range rapid.IntRange(0, 4).Draw(d.t, "ranges") {
			from, to := d.playhead(), d.playhead()
			a, _ := from.Float64()
			b, _ := to.Float64()
			if b < a {
				from, to = to, from
			}
			if a != b || from == to { // else which of the two is less isn't told here
				played = append(played, [2]json.Number{from, to})
			}
		}
		return played
	})
	return rapid.SampledFrom([]string{
		"playback.started", "playback.progressed", "playback.progressed", "playback.ended",
	}).Draw(d.t, "type"), data
}

// retraction names an event that is there, of whatever type and user, or none.
func (d *drawer) retraction() (string, map[string]any) {
	of := rapid.SampledFrom(append(d.made, identity{"/a", "nobody's"})).Draw(d.t, "retracted")
	return "event.retracted", map[string]any{"source": of.source, "id": of.id}
}
