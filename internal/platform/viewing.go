// This file is viewing: when people watch, what, and the reports that their
// players send.

package platform

// players are the sources of playback events, as each device's player names
// itself.
var players = []string{
	"https://play.example.tv/tv", "https://play.example.tv/web", "https://play.example.tv/ios", "https://play.example.tv/android",
}

// planViewing chooses when a person watches next after an instant, if their
// player reports it and there will be something to watch.
func (p *Platform) planViewing(u *person, after int64) {
	u.watches, u.episode = never, 0
	for from := after; u.appetite > 0 && from < never; {
		at := p.nextViewing(u, from)
		if u.hasAccess(at) {
			u.watches = at
			return
		}
		from = never
		for _, a := range u.access {
			if a.from > at {
				from = min(from, a.from)
			}
		}
	}
}

// nextViewing chooses when a person who has something to watch does so next: in
// the evening mostly, and more on weekends.
func (p *Platform) nextViewing(u *person, after int64) int64 {
	r := u.rng
	local := after + u.country.offset + r.wait(int64(7*float64(day)/u.appetite))
	midnight := local - local%day
	if !weekend(midnight) && r.chance(.25) {
		midnight += int64(6-timeOf(midnight).Weekday()) * day
	}
	at := midnight + r.timeOfDay() - u.country.offset
	if at <= after {
		at = after + r.between(10*minute, 5*hour)
	}
	return at
}

// watch makes what a person's player reports of a viewing session that begins
// at an instant, and plans the next.
func (p *Platform) watch(u *person, at int64) {
	r, begun, lag := u.rng, at, int64(0)
	watched := p.choose(u, at)
	c := &p.contents[watched]
	if !p.live && r.chance(.01) && at-3*day > u.joined { // was offline
		lag = r.between(hour, 3*day)
	}
	session := []any{"session_id", newID(r, ""), "content_id", c.id}
	report := func(typ string, data ...any) {
		if u.erasedAt <= begun || at < u.erasedAt {
			u.viewing = append(u.viewing, event{at, p.write(u, at-lag, players[u.device], typ, append(session[:4:4], data...)...)})
		}
	}
	about := []any{"title", c.title}
	if c.length > 0 {
		about = append(about, "content_length_s", seconds(c.length))
	}
	report("playback.started", append(about[:len(about):len(about)], "device", devices[u.device], "platform", platforms[u.device])...)

	s := playhead{interval: p.reportInterval(r), sofar: u.device == 1, leaves: p.dropOff(r, c)}
	said := about
	if !r.chance(.3) {
		said = nil
	}
	for at = s.play(r, at); s.at < s.leaves; at = s.play(r, at) {
		report("playback.progressed", append(s.progress(), said...)...)
	}
	if r.chance(.88) {
		report("playback.ended", append(s.progress(), about...)...)
	}
	p.planViewing(u, at)
	if next := watched + 1; next < len(p.contents) && p.contents[next].follows && s.at*10 > c.length*9 && r.chance(.5) {
		u.watches, u.episode = at+r.between(5*second, minute), next
	}
}

// reportInterval chooses how often a player reports, in µs.
func (p *Platform) reportInterval(r random) int64 {
	switch x := r.Float64(); {
	case p.live || x < .08:
		return 10 * second
	case x < .25:
		return 30 * second
	}
	return minute
}

// dropOff chooses how far somebody watches: a third only look in.
func (p *Platform) dropOff(r random, c *content) int64 {
	length := c.length
	if length == 0 {
		length = 1000 * r.between(300, 7200)
	}
	switch x := r.Float64(); {
	case x < .3:
		return int64(float64(length) * (.005 + .15*r.Float64()))
	case x < .5:
		return int64(float64(length) * r.Float64())
	}
	return int64(float64(length) * (.93 + .07*r.Float64()))
}

// A playhead is where a session is, in milliseconds.
type playhead struct {
	interval int64 // between reports, µs
	at       int64
	leaves   int64 // where the viewer drops off
	played   int64 // how long the player has been playing
	sofar    bool  // the player sends all that it has played, not only the latest
	ranges   [][2]int64
}

// play plays on until the next report, and returns its instant.
func (s *playhead) play(r random, at int64) int64 {
	switch x := r.Float64(); {
	case x < .03: // pauses
		at += r.between(10*second, 20*minute)
	case x < .045 && s.at > 30_000: // looks at it again
		s.at -= r.between(5_000, 30_000)
	case x < .06 && s.leaves-s.at > 120_000: // skips
		s.at += r.between(10_000, 90_000)
	}
	passed := s.interval + r.Int64N(second)
	playing := passed / 1000
	if r.chance(.03) {
		playing -= r.Int64N(playing/2 + 1) // the network stalls
	}
	playing = min(playing, s.leaves-s.at)
	s.add(s.at, s.at+playing)
	s.at += playing
	s.played += playing
	return at + passed
}

// add notes what was played. A player keeps only the latest few of its ranges;
// nothing of this is lost, as it has reported them.
func (s *playhead) add(from, to int64) {
	n := len(s.ranges)
	switch {
	case from == to:
	case s.sofar && n > 0 && s.ranges[n-1][1] == from:
		s.ranges[n-1][1] = to
	case s.sofar:
		s.ranges = append(s.ranges[max(0, n-7):], [2]int64{from, to})
	default:
		s.ranges = [][2]int64{{from, to}}
	}
}

// progress returns where the playhead is and what has been played.
func (s *playhead) progress() []any {
	played := []byte{'['}
	for i, r := range s.ranges {
		if i > 0 {
			played = append(played, ',')
		}
		played = appendSeconds(append(played, '['), r[0])
		played = append(appendSeconds(append(played, ','), r[1]), ']')
	}
	return []any{"position_s", seconds(s.at), "played", raw(append(played, ']')), "play_time_s", seconds(s.played)}
}
