// This file tests that the platform is one that a product team would believe:
// what they know of their own has to be found in it.

package platform

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

// A story is what is counted of a year.
type story struct {
	trials     int
	converted  int
	left       [12]map[string]int // cancellations by month and reason
	hours      [24]int            // viewings by local hour
	days       [7]int             // viewings by day of the week
	kinds      map[string]int     // viewings of films, series and live channels
	binges     int                // an episode right after the one before
	lastSeen   map[string]string  // content by user
	lengths    map[string]float64 // of what is watched, by session
	played     map[string]float64 // in seconds, by session
	wallClock  map[string]time.Duration
	begins     map[string]time.Time
	late       int
	corrected  int
	renewals   map[string]time.Time
	resumed    int
	comebacks  int
	subscribed map[string]int
}

type told struct {
	envelope
	Data struct {
		SubscriptionID string  `json:"subscription_id"`
		TrialEndsAt    *string `json:"trial_ends_at"`
		Reason         string  `json:"reason"`
		SessionID      string  `json:"session_id"`
		ContentID      string  `json:"content_id"`
		Length         float64 `json:"content_length_s"`
		PlayTime       float64 `json:"play_time_s"`
	} `json:"data"`
}

func tell(t *testing.T, p *Platform) *story {
	t.Helper()
	s := &story{
		kinds: map[string]int{}, lastSeen: map[string]string{}, lengths: map[string]float64{},
		played: map[string]float64{}, wallClock: map[string]time.Duration{}, begins: map[string]time.Time{},
		renewals: map[string]time.Time{}, subscribed: map[string]int{},
	}
	for i := range s.left {
		s.left[i] = map[string]int{}
	}
	offsets := map[string]time.Duration{}
	inTrial := map[string]bool{}
	var last time.Time
	for e := range p.History() {
		var v told
		if err := json.Unmarshal(e, &v); err != nil {
			t.Fatalf("%v: %s", err, e)
		}
		if v.Time.Before(last) {
			s.late++
		} else {
			last = v.Time
		}
		s.subscription(&v, inTrial)
		if strings.HasPrefix(v.Type, "playback.") {
			if _, ok := offsets[v.Subject]; !ok {
				offsets[v.Subject] = offsetOf(p, v.Subject)
			}
			s.playback(&v, offsets[v.Subject])
		}
	}
	return s
}

// offsetOf returns by how much a person's clock is ahead of UTC.
func offsetOf(p *Platform, id string) time.Duration {
	i := slices.IndexFunc(p.people, func(u *person) bool { return u.id == id })
	return time.Duration(p.people[i].country.offset) * time.Microsecond
}

func (s *story) subscription(v *told, inTrial map[string]bool) {
	id := v.Data.SubscriptionID
	switch v.Type {
	case "subscription.started":
		if s.subscribed[v.Subject]++; s.subscribed[v.Subject] > 1 {
			s.comebacks++
		}
		if inTrial[id] = v.Data.TrialEndsAt != nil; inTrial[id] {
			s.trials++
		}
	case "subscription.renewed":
		if inTrial[id] {
			s.converted++
			inTrial[id] = false
		}
		if before, ok := s.renewals[id]; ok && v.Time.Sub(before) < 48*time.Hour {
			s.corrected++
		}
		s.renewals[id] = v.Time
	case "subscription.canceled":
		s.left[v.Time.Month()-1][v.Data.Reason]++
	case "subscription.resumed":
		s.resumed++
	}
}

func (s *story) playback(v *told, offset time.Duration) {
	d := &v.Data
	if v.Type == "playback.started" {
		local := v.Time.Add(offset)
		s.hours[local.Hour()]++
		s.days[local.Weekday()]++
		kind, _, _ := strings.Cut(d.ContentID, "-")
		s.kinds[kind]++
		if before := s.lastSeen[v.Subject]; kind == "series" && before != "" && follows(before, d.ContentID) {
			s.binges++
		}
		s.lastSeen[v.Subject] = d.ContentID
		s.begins[d.SessionID] = v.Time
	}
	if d.Length > 0 {
		s.lengths[d.SessionID] = d.Length
	}
	s.played[d.SessionID] = max(s.played[d.SessionID], d.PlayTime)
	s.wallClock[d.SessionID] = max(s.wallClock[d.SessionID], v.Time.Sub(s.begins[d.SessionID]))
}

// follows says that an episode comes after another of the same season.
func follows(a, b string) bool {
	seriesA, episodeA, _ := strings.Cut(a, "-e")
	seriesB, episodeB, _ := strings.Cut(b, "-e")
	return seriesA == seriesB && len(episodeB) >= len(episodeA) && episodeA < episodeB
}

// TestBelievable looks in a year for what is true of every such platform. The
// simulation is the same each time, so no number of it is left to chance.
func TestBelievable(t *testing.T) {
	s := tell(t, New(Options{Seed: 7, Until: until}))
	between := func(what string, value, low, high float64) {
		t.Helper()
		t.Logf("%s: %.3f", what, value)
		if value < low || value > high {
			t.Errorf("%s: %.3f, want %.2f to %.2f", what, value, low, high)
		}
	}
	share := func(part, whole int) float64 { return float64(part) / float64(whole) }

	between("trials that convert", share(s.converted, s.trials), .5, .75)
	s.checkChurn(t, between)
	if s.resumed == 0 || s.comebacks == 0 || s.corrected == 0 || s.late == 0 {
		t.Errorf("%d withdraw a cancellation, %d come back, %d renewals are corrected, %d events are late; want some of each",
			s.resumed, s.comebacks, s.corrected, s.late)
	}

	viewings := 0
	for _, n := range s.hours {
		viewings += n
	}
	between("viewings from 18 to 23", share(sum(s.hours[18:23]), viewings), .4, .7)
	between("viewings from 2 to 6", share(sum(s.hours[2:6]), viewings), 0, .05)
	between("a day of the weekend against a weekday", float64(s.days[0]+s.days[6])/2/(float64(sum(s.days[1:6]))/5), 1.2, 3)
	between("films", share(s.kinds["film"], viewings), .15, .5)
	between("episodes", share(s.kinds["series"], viewings), .4, .8)
	between("live", share(s.kinds["live"], viewings), .01, .15)
	between("episodes right after the one before", share(s.binges, s.kinds["series"]), .1, .6)
	s.checkSessions(between)
}

// checkChurn looks at who left, by month and reason.
func (s *story) checkChurn(t *testing.T, between func(string, float64, float64, float64)) {
	t.Helper()
	var months []float64
	for m, reasons := range s.left {
		n := 0
		for _, reason := range []string{"voluntary", "non_payment", "other"} {
			if reasons[reason] == 0 {
				t.Errorf("nobody left in month %d for the reason %s", m+1, reason)
			}
			n += reasons[reason]
		}
		months = append(months, float64(n))
	}
	between("the month in which most left against the one with fewest", slices.Max(months)/slices.Min(months), 1.3, 6)
}

// checkSessions looks at how far people watch, and whether they pause.
func (s *story) checkSessions(between func(string, float64, float64, float64)) {
	looked, finished, paused, all := 0, 0, 0, 0
	for id, length := range s.lengths {
		played := s.played[id]
		all++
		if played < .2*length {
			looked++
		}
		if played >= .9*length {
			finished++
		}
		if s.wallClock[id].Seconds() > played+120 {
			paused++
		}
	}
	share := func(n int) float64 { return float64(n) / float64(all) }
	between("sessions of those who only look in", share(looked), .2, .5)
	between("sessions that are watched to the end", share(finished), .3, .65)
	between("sessions with a pause of two minutes and more", share(paused), .05, .6)
}

func sum(all []int) int {
	n := 0
	for _, v := range all {
		n += v
	}
	return n
}
