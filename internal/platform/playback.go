// This file is viewing: when people watch, what, and the reports that their
// players send.

package platform

// A session is one viewing that is going on. Lengths are in milliseconds.
type session struct {
	id       uint64
	content  int32
	last     int64 // when the player began to play what it hasn't reported yet, µs
	lag      int64 // how much later than it happened it is published, µs
	interval int64 // between reports, µs
	pos      int64 // the playhead
	leaves   int64 // where the viewer drops off
	played   int64 // how long the player has been playing
	from     int64 // where the range began that is being played
	ranges   []stretch
	sofar    bool // the player sends all that it has played, not only the latest
	lengths  bool // the player names title and length in every report
}

// A stretch is a range of content that was played, in milliseconds.
type stretch struct{ from, to int64 }

// sources of playback events, as each device's player names itself.
var players = []string{
	"https://play.example.tv/tv", "https://play.example.tv/web", "https://play.example.tv/ios", "https://play.example.tv/android",
}

// access says that a person has something to watch at the present.
func (p *Platform) access(u *person) bool {
	return u.sub.running && p.now < u.sub.end || p.now < u.rental.until || p.now < u.copy.until
}

// wake queues the next viewing of a person who has something to watch now.
func (p *Platform) wake(i int32) {
	u := &p.people[i]
	if u.watchAt > p.now || u.session != nil || u.appetite <= 0 {
		return
	}
	p.watchLater(i, p.nextViewing(u))
}

// watchLater queues a viewing, where this person's player reports them.
func (p *Platform) watchLater(i int32, at int64) {
	if p.people[i].appetite <= 0 {
		return
	}
	p.people[i].watchAt = at
	p.later(i, at, actWatch)
}

// nextViewing chooses when a person watches next: in the evening mostly, and
// more on weekends.
func (p *Platform) nextViewing(u *person) int64 {
	r := &u.rng
	offset := countries[u.country].offset
	local := p.now + offset + r.wait(int64(7*float64(day)/float64(u.appetite)))
	midnight := local - local%day
	if !weekend(midnight) && r.chance(.25) {
		midnight += int64(6-timeOf(midnight).Weekday()) * day
	}
	at := midnight + r.timeOfDay() - offset
	if at <= p.now {
		at = p.now + r.between(10*minute, 5*hour)
	}
	return at
}

// watch begins a viewing session, if there still is something to watch.
func (p *Platform) watch(i int32) []byte {
	u := &p.people[i]
	if u.watchAt != p.now || u.session != nil || !p.access(u) {
		return nil
	}
	r := &u.rng
	s := &session{id: r.next(), content: p.choose(u), interval: 60 * second, last: p.now}
	switch x := r.float(); {
	case p.live || x < .08:
		s.interval = 10 * second
	case x < .25:
		s.interval = 30 * second
	}
	s.sofar, s.lengths = u.device == 1, r.chance(.3)
	if !p.live && r.chance(.01) && p.now-3*day > p.joins[i] { // was offline
		s.lag = r.between(hour, 3*day)
	}
	s.leaves = p.dropOff(r, &p.contents[s.content])
	u.session = s
	p.watching++
	p.begin(players[u.device], "playback.started", u, p.now-s.lag)
	p.viewing(s)
	p.about(s)
	p.text("device", devices[u.device])
	p.text("platform", platforms[u.device])
	p.later(i, p.now+s.interval+r.below(second), actReport)
	return p.end()
}

// dropOff chooses how far somebody watches: a third only look in.
func (p *Platform) dropOff(r *random, c *content) int64 {
	length := c.length
	if length == 0 {
		length = 1000 * r.between(300, 7200)
	}
	switch x := r.float(); {
	case x < .3:
		return int64(float64(length) * (.005 + .15*r.float()))
	case x < .5:
		return int64(float64(length) * r.float())
	}
	return int64(float64(length) * (.93 + .07*r.float()))
}

// report sends what has been played since the last report, and chooses what
// the viewer does next.
func (p *Platform) report(i int32) []byte {
	u := &p.people[i]
	s, r := u.session, &u.rng
	if s == nil {
		return nil
	}
	elapsed := (p.now - s.last) / 1000
	if r.chance(.03) {
		elapsed -= r.below(elapsed/2 + 1) // the network stalls
	}
	played := max(min(elapsed, s.leaves-s.pos), 0)
	s.pos += played
	s.played += played
	s.last = p.now
	if s.pos >= s.leaves {
		return p.leave(i)
	}
	p.begin(players[u.device], "playback.progressed", u, p.now-s.lag)
	p.viewing(s)
	p.progress(s)
	if s.lengths {
		p.about(s)
	}
	p.play(i)
	return p.end()
}

// play chooses what happens until the next report: playing on, mostly.
func (p *Platform) play(i int32) {
	u := &p.people[i]
	s, r := u.session, &u.rng
	switch x := r.float(); {
	case x < .03: // pauses
		s.last = p.now + r.between(10*second, 20*minute)
	case x < .045 && s.pos > 30_000: // looks at it again
		p.seek(s, s.pos-r.between(5_000, 30_000))
	case x < .06 && s.leaves-s.pos > 120_000: // skips
		p.seek(s, s.pos+r.between(10_000, 90_000))
	}
	p.later(i, s.last+s.interval+r.below(second), actReport)
}

// seek moves the playhead, which begins another range.
func (p *Platform) seek(s *session, to int64) {
	s.keepRange()
	s.pos, s.from = to, to
}

// keepRange notes what was played up to the playhead. A player keeps only the
// latest few of its ranges; nothing of this is lost, as it has reported them.
func (s *session) keepRange() {
	if s.pos <= s.from {
		return
	}
	if len(s.ranges) == 8 {
		s.ranges = append(s.ranges[:0], s.ranges[1:]...)
	}
	s.ranges = append(s.ranges, stretch{s.from, s.pos})
}

// leave ends a session, with an event for most and silently for some, and
// queues the next one.
func (p *Platform) leave(i int32) []byte {
	u := &p.people[i]
	s, r := u.session, &u.rng
	ends := r.chance(.88)
	if ends {
		p.begin(players[u.device], "playback.ended", u, p.now-s.lag)
		p.viewing(s)
		p.progress(s)
		p.about(s)
	}
	u.session = nil
	p.watching--
	u.next = 0
	at := p.now
	if u.appetite > 0 {
		at = p.nextViewing(u)
	}
	if n := s.content + 1; int(n) < len(p.contents) && p.contents[n].follows && s.pos*10 > p.contents[s.content].length*9 && r.chance(.5) {
		u.next = n
		at = p.now + r.between(5*second, minute)
	}
	p.watchLater(i, at)
	if !ends {
		return nil
	}
	return p.end()
}

// viewing writes the ids of a session.
func (p *Platform) viewing(s *session) {
	p.hexText("session_id", "", s.id)
	p.text("content_id", p.contents[s.content].id)
}

// about writes what is being watched.
func (p *Platform) about(s *session) {
	c := &p.contents[s.content]
	p.text("title", c.title)
	if c.length > 0 {
		p.seconds("content_length_s", c.length)
	}
}

// progress writes where the playhead is and what has been played.
func (p *Platform) progress(s *session) {
	p.seconds("position_s", s.pos)
	p.name("played")
	p.buf = append(p.buf, '[')
	if s.sofar {
		for _, x := range s.ranges {
			p.appendRange(x)
		}
	}
	if s.pos > s.from {
		p.appendRange(stretch{s.from, s.pos})
	}
	p.buf = append(p.buf, ']')
	p.seconds("play_time_s", s.played)
	if !s.sofar {
		s.from = s.pos
	}
}

func (p *Platform) appendRange(x stretch) {
	if p.buf[len(p.buf)-1] != '[' {
		p.buf = append(p.buf, ',')
	}
	p.buf = append(p.buf, '[')
	p.buf = appendSeconds(p.buf, x.from)
	p.buf = append(p.buf, ',')
	p.buf = appendSeconds(p.buf, x.to)
	p.buf = append(p.buf, ']')
}
