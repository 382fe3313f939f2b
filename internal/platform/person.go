// This file is the people: who they are, and how they register, change their
// profile and are erased.

package platform

import (
	"strconv"
	"strings"
)

const accounts = "https://accounts.example.tv"

// A person is one user of the platform.
type person struct {
	id       string
	rng      random
	country  uint8
	first    uint8
	last     uint8
	device   uint8
	life     uint8 // goes up with each erasure
	gone     bool  // erased, and not registered again
	erasedBy bool  // is among those who are to be erased
	returns  bool
	appetite float32 // viewing sessions a week while there is something to watch; 0: not reported
	sub      subscription
	rental   rental
	copy     freeCopy
	watchAt  int64 // when a viewing session is queued to begin
	next     int32 // the episode to watch next, 0 for none
	session  *session
}

// reporting is the share of people whose player reports what they watch. The
// others have older ones, or haven't agreed to it; so a year has its whole
// business and still a size that fits a laptop.
const reporting = .105

// A country is where people live, with what follows from it.
type country struct {
	code, locale, currency string
	offset                 int64 // of local time, near enough for people's habits
	weight                 int
	first, last            []string
}

var countries = []country{
	{"FR", "fr-FR", "EUR", 1 * hour, 34, []string{"Camille", "Hugo", "Léa", "Louis", "Manon", "Jules", "Chloé", "Inès"}, []string{"Martin", "Bernard", "Petit", "Lefèvre", "Moreau", "Garnier", "D'Angelo"}},
	{"DE", "de-DE", "EUR", 1 * hour, 18, []string{"Anna", "Jonas", "Lena", "Paul", "Sofie", "Jürgen"}, []string{"Müller", "Schmidt", "Weiß", "Fischer", "Krüger"}},
	{"GB", "en-GB", "GBP", 0, 14, []string{"Olivia", "Jack", "Amelia", "Harry", "Isla", "Siân"}, []string{"Smith", "O'Brien", "Taylor", "Evans", "Clarke"}},
	{"US", "en-US", "USD", -6 * hour, 12, []string{"Emma", "Liam", "Ava", "Noah", "Mia"}, []string{"Johnson", "Garcia", "Davis", "Nguyen", "Brown"}},
	{"ES", "es-ES", "EUR", 1 * hour, 9, []string{"Lucía", "Hugo", "María", "Pablo", "Iñaki"}, []string{"García", "Muñoz", "Sánchez", "López"}},
	{"CA", "fr-CA", "CAD", -5 * hour, 6, []string{"Émile", "Florence", "Zoé", "Noah"}, []string{"Tremblay", "Gagnon", "Roy", "Côté"}},
	{"CH", "de-CH", "CHF", 1 * hour, 4, []string{"Luca", "Mia", "Elin", "Nora"}, []string{"Meier", "Keller", "Huber"}},
	{"JP", "ja-JP", "JPY", 9 * hour, 3, []string{"陽菜", "蓮", "結衣", "大翔"}, []string{"佐藤", "鈴木", "高橋"}},
}

var (
	devices      = []string{"tv", "desktop", "phone", "tablet"}
	platforms    = []string{"android-tv", "web", "ios", "android"}
	finders      = []string{"tv-ad", "friend", "search", "social", "operator"}
	ages         = []string{"18-24", "25-34", "35-49", "50-64", "65+"}
	genres       = []string{"drama", "comedy", "documentary", "crime", "animation", "sport"}
	foundByShare = []float64{.3, .55, .7, .85, 1}
)

func chooseCountry(r *random) uint8 {
	n := r.below(100)
	for i, c := range countries {
		if n -= int64(c.weight); n < 0 {
			return uint8(i)
		}
	}
	return 0
}

// born makes the person of that number.
func (p *Platform) born(i int32) {
	u := &p.people[i]
	u.rng = newRandom(p.opts.Seed, uint64(i)+1)
	r := &u.rng
	u.country = chooseCountry(r)
	c := &countries[u.country]
	u.first, u.last = uint8(r.below(int64(len(c.first)))), uint8(r.below(int64(len(c.last))))
	u.device = uint8(r.below(int64(len(devices))))
	if appetite := 0.12 + r.float()*r.float(); r.chance(reporting) {
		u.appetite = float32(appetite * p.opts.Viewing)
	}
	switch n := r.below(40); n {
	case 0: // carried over from an older system
		u.id = strconv.Itoa(10000 + int(i))
	case 1:
		u.id = "user." + strconv.Itoa(int(i)) + "@example.org"
	default:
		u.id = "auth0|" + string(appendHex(nil, r.next(), 16)) + string(appendHex(nil, uint64(i), 8))
	}
}

// register makes a person register, for the first time or after an erasure.
func (p *Platform) register(i int32) []byte {
	u := &p.people[i]
	if u.id == "" {
		p.born(i)
	}
	u.gone = false
	r := &u.rng
	p.begin(accounts, "user.registered", u, p.now)
	p.profile(i)
	p.plan(i)
	p.raw("custom", registrationFields(r))
	return p.end()
}

// profile writes the fields of the profile, e-mail and names included.
func (p *Platform) profile(i int32) {
	u := &p.people[i]
	c := &countries[u.country]
	p.name("email")
	p.buf = append(p.buf, "\"viewer"...)
	p.buf = strconv.AppendInt(p.buf, int64(i), 10)
	p.buf = append(p.buf, "@example."...)
	p.buf = append(p.buf, strings.ToLower(c.code)...)
	p.buf = append(p.buf, '"')
	p.text("first_name", c.first[u.first])
	p.text("last_name", c.last[u.last])
	p.text("locale", c.locale)
	p.text("country", c.code)
	p.text("platform", platforms[u.device])
}

// registrationFields are the fields of a registration form, as JSON.
func registrationFields(r *random) string {
	b := append(make([]byte, 0, 96), `{"newsletter":`...)
	b = strconv.AppendBool(b, r.chance(.4))
	if r.chance(.8) {
		found := r.float()
		n := 0
		for found >= foundByShare[n] {
			n++
		}
		b = append(append(append(b, `,"found_by":"`...), finders[n]...), '"')
	}
	if r.chance(.6) {
		b = append(append(append(b, `,"age":"`...), pick(r, ages)...), '"')
	}
	if r.chance(.5) {
		b = append(append(append(b, `,"genres":["`...), pick(r, genres)...), '"')
		if r.chance(.5) {
			b = append(append(append(b, `,"`...), pick(r, genres)...), '"')
		}
		b = append(b, ']')
	}
	if r.chance(.1) {
		b = append(b, `,"household":`...)
		b = strconv.AppendInt(b, r.between(1, 7), 10)
	}
	return string(append(b, '}'))
}

// plan queues what a person who has just registered will do of their own accord.
func (p *Platform) plan(i int32) {
	u := &p.people[i]
	r := &u.rng
	switch {
	case r.chance(.55):
		p.later(i, p.now+r.between(minute, 40*minute), actSubscribe)
	case r.chance(.4):
		p.later(i, p.now+r.wait(12*day), actSubscribe)
	}
	if r.chance(.12) {
		p.later(i, p.now+r.wait(50*day), actRent)
	}
	if r.chance(.03) {
		p.later(i, p.now+r.wait(60*day), actGrant)
	}
	if r.chance(.35) {
		p.later(i, p.now+r.wait(90*day), actUpdate)
	}
	if u.erasedBy && u.life == 0 {
		p.later(i, p.now+r.below(max(p.until-p.now, 1)), actErase)
	}
}

// update makes a person, or support for them, change the profile.
func (p *Platform) update(i int32) []byte {
	u := &p.people[i]
	r := &u.rng
	p.begin(accounts, "user.updated", u, p.now)
	switch r.below(6) {
	case 0: // moves
		u.country = chooseCountry(r)
		c := &countries[u.country]
		u.first, u.last = u.first%uint8(len(c.first)), u.last%uint8(len(c.last))
		p.text("country", c.code)
		p.text("locale", c.locale)
	case 1:
		p.name("email")
		p.buf = append(p.buf, "\"v"...)
		p.buf = appendHex(p.buf, r.next(), 6)
		p.buf = append(p.buf, "@mail.example\""...)
	case 2:
		p.raw("custom", `{"newsletter":false}`)
	case 3:
		p.raw("custom", `{"age":null,"genres":["`+pick(r, genres)+`"]}`)
	case 4:
		u.last = uint8(r.below(int64(len(countries[u.country].last))))
		p.text("last_name", countries[u.country].last[u.last])
	default:
		p.raw("platform", "null")
	}
	if r.chance(.5) {
		p.later(i, p.now+r.wait(90*day), actUpdate)
	}
	return p.end()
}

// planErasures chooses who will be erased.
func (p *Platform) planErasures() {
	n := min(p.opts.Erasures, len(p.people))
	for n > 0 {
		if u := &p.people[p.rng.below(int64(len(p.people)))]; !u.erasedBy {
			u.erasedBy, u.returns = true, n%4 == 0
			n--
		}
	}
}

// erase ends what is known of a person. Whatever is queued for them lapses.
func (p *Platform) erase(i int32) []byte {
	u := &p.people[i]
	p.begin(accounts, "user.erased", u, p.now)
	u.gone, u.watchAt, u.next = true, 0, 0
	if u.session != nil {
		u.session, p.watching = nil, p.watching-1
	}
	u.sub, u.rental, u.copy = subscription{turn: u.sub.turn}, rental{}, freeCopy{}
	u.life++
	if u.returns {
		p.later(i, p.now+day+u.rng.wait(30*day), actReturn)
	}
	return p.end()
}
