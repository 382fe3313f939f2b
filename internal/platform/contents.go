// This file is what there is to watch: films, series and live channels.

package platform

import (
	"slices"
	"strconv"
)

// A content is a film, an episode or a live channel.
type content struct {
	id      string
	title   string
	length  int64 // milliseconds; 0 for live content
	follows bool  // is an episode that comes after the content before it
}

// Films come first, then episodes, then channels.
const (
	films    = 160
	seasons  = 36
	channels = 6
)

var (
	adjectives = []string{"Quiet", "Last", "Golden", "Broken", "Distant", "Wild", "Paper", "Winter", "Secret", "Electric", "Hollow", "Crimson"}
	nouns      = []string{"River", "Letters", "Harbour", "Summer", "Machine", "Garden", "Witness", "Orchard", "Signal", "Mountain", "Theatre", "Tide", "Empire", "Café"}
)

// catalogue makes what a platform has.
func catalogue(seed uint64) []content {
	r := newRandom(seed, 1<<40)
	var all []content
	name := func(i int) string {
		return "The " + adjectives[i%len(adjectives)] + " " + nouns[i/len(adjectives)%len(nouns)]
	}
	for i := range films {
		all = append(all, content{"film-" + strconv.Itoa(1000+i), name(i), r.between(78*60, 151*60) * 1000, false})
	}
	for i := range seasons {
		length := pick(r, []int64{22, 26, 42, 48, 55}) * 60_000
		for e := range int(r.between(6, 13)) {
			episode := strconv.Itoa(e + 1)
			all = append(all, content{"series-" + strconv.Itoa(100+i) + "-e" + episode, name(films+i) + ", episode " + episode,
				length + r.between(-60_000, 120_000), e > 0})
		}
	}
	for i := range channels {
		all = append(all, content{id: "live-" + strconv.Itoa(i+1), title: "Channel " + strconv.Itoa(i+1)})
	}
	return all
}

// choose chooses what a person watches at an instant: the next episode of what
// they have begun, what they have rented, or something that others watch too.
func (p *Platform) choose(u *person, at int64) int {
	if u.episode != 0 {
		return u.episode
	}
	subscribed := func(a access) bool { return a.content == everything && a.contains(at) }
	if i := slices.IndexFunc(u.access, func(a access) bool { return a.contains(at) }); i >= 0 && !slices.ContainsFunc(u.access, subscribed) {
		return u.access[i].content
	}
	r, episodes := u.rng, len(p.contents)-films-channels
	switch x := r.Float64(); {
	case x < .3:
		return r.popular(films)
	case x < .94:
		return films + r.popular(episodes)
	}
	return films + episodes + r.IntN(channels)
}
