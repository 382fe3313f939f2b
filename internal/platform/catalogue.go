// This file is what there is to watch: films, series and live channels.

package platform

import "strconv"

// A content is a film, an episode or a live channel.
type content struct {
	id      string
	title   string
	length  int64 // milliseconds; 0 for live content
	follows bool  // is an episode that comes after the content before it
}

const (
	films    = 160
	seasons  = 36
	channels = 6
	filmsEnd = films // films come first, then episodes, then channels
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
		all = append(all, content{
			id:     "film-" + strconv.Itoa(1000+i),
			title:  name(i),
			length: r.between(78*60, 151*60) * 1000,
		})
	}
	for i := range seasons {
		length := pick(&r, []int64{22, 26, 42, 48, 55}) * 60_000
		for e := range int(r.between(6, 13)) {
			all = append(all, content{
				id:      "series-" + strconv.Itoa(100+i) + "-e" + strconv.Itoa(e+1),
				title:   name(films+i) + ", episode " + strconv.Itoa(e+1),
				length:  length + r.between(-60_000, 120_000),
				follows: e > 0,
			})
		}
	}
	for i := range channels {
		all = append(all, content{id: "live-" + strconv.Itoa(i+1), title: "Channel " + strconv.Itoa(i+1)})
	}
	return all
}

// chooseFilm chooses a film, the first of the catalogue far more often.
func (p *Platform) chooseFilm(r *random) int32 {
	x := r.float()
	return int32(x * x * filmsEnd)
}

// choose chooses what a person watches now: the next episode of what they have
// begun, what they have rented, or something that others watch too.
func (p *Platform) choose(u *person) int32 {
	r := &u.rng
	if next := u.next; next != 0 {
		u.next = 0
		return next
	}
	if !u.sub.running || p.now >= u.sub.end {
		if p.now < u.rental.until {
			return u.rental.content
		}
		return u.copy.content
	}
	switch x := r.float(); {
	case x < .3:
		return p.chooseFilm(r)
	case x < .94:
		x := r.float()
		return filmsEnd + int32(x*x*float64(len(p.contents)-filmsEnd-channels))
	}
	return int32(len(p.contents)-channels) + int32(r.below(channels))
}
