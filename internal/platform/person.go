// This file is the people: who they are, and how they register, change their
// profile and are erased.

package platform

import (
	"cmp"
	"container/heap"
	"slices"
	"strconv"
	"strings"
)

const accounts = "https://accounts.example.tv"

// A person is one user of the platform.
type person struct {
	number   int
	slot     int // in the order of what is due
	id       string
	rng      random
	country  *country
	device   int
	appetite float64 // viewing sessions a week while there is something to watch; 0: not reported
	joined   int64   // when they registered, for the last time
	erasedAt int64   // 0: they aren't
	leaves   int64   // nothing is planned from there on

	life    []event  // what will be published of their accounts, in order
	access  []access // what they may watch
	sub     subscription
	viewing []event // what will be published of the present viewing session, in order
	watches int64   // when the next one begins
	episode int     // what is watched then, 0 for what comes to mind
}

// An event is a text and when it is published.
type event struct {
	at   int64
	text []byte
}

// An access is a span in which a person may watch a content, or everything.
type access struct {
	from, to int64
	content  int
}

const everything = -1

// reporting is the share of people whose player reports what they watch. The
// others have older ones, or haven't agreed to it; so a year has its whole
// business and still a size that fits a laptop.
const reporting = .106

// A country is where people live, with what follows from it.
type country struct {
	code, locale, currency string
	offset                 int64 // of local time, near enough for people's habits
	weight                 float64
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
	devices   = []string{"tv", "desktop", "phone", "tablet"}
	platforms = []string{"android-tv", "web", "ios", "android"}
	finders   = []string{"tv-ad", "tv-ad", "friend", "friend", "search", "social", "operator"}
	ages      = []string{"18-24", "25-34", "35-49", "50-64", "65+"}
	genres    = []string{"drama", "comedy", "documentary", "crime", "animation", "sport"}
)

func chooseCountry(r random) *country {
	var weights []float64
	for i := range countries {
		weights = append(weights, countries[i].weight)
	}
	return &countries[r.weighted(weights)]
}

// join makes a person who registers at an instant, with all that they will do
// of their own accord.
func (p *Platform) join(at int64, erased, returns bool) *person {
	i := len(p.people)
	u := &person{number: i, rng: newRandom(p.opts.Seed, uint64(i)+1), leaves: p.horizon}
	r := u.rng
	u.country, u.device = chooseCountry(r), r.IntN(len(devices))
	if appetite := 0.12 + r.Float64()*r.Float64(); r.chance(reporting) {
		u.appetite = appetite * p.opts.Viewing
	}
	switch r.IntN(40) {
	case 0: // carried over from an older system
		u.id = strconv.Itoa(10000 + i)
	case 1:
		u.id = "user." + strconv.Itoa(i) + "@example.org"
	default:
		u.id = "auth0|" + strconv.FormatUint(r.Uint64(), 16) + strconv.Itoa(i)
	}
	if erased {
		u.erasedAt = at + 1 + r.Int64N(max(p.until-at-1, 1))
		u.leaves = u.erasedAt
	}
	p.plan(u, at)
	if erased {
		u.leaves = p.horizon
		p.publish(u, u.erasedAt, accounts, "user.erased")
		if returns {
			p.plan(u, u.erasedAt+day+r.wait(30*day))
		}
	}
	u.sortLife()
	p.planViewing(u, 0)
	p.people = append(p.people, u)
	u.slot = len(p.due)
	heap.Push(&p.due, u)
	return u
}

// plan makes a person register, and plans what follows from it.
func (p *Platform) plan(u *person, at int64) {
	r := u.rng
	u.joined, u.sub = at, subscription{}
	p.register(u, at)
	switch {
	case r.chance(.55):
		p.subscribe(u, at+r.between(minute, 40*minute))
	case r.chance(.4):
		p.subscribe(u, at+r.wait(12*day))
	}
	if r.chance(.12) {
		p.rent(u, at+r.wait(50*day))
	}
	if r.chance(.03) {
		p.giveCopy(u, at+r.wait(60*day))
	}
	for r.chance(.4) {
		at += r.wait(90 * day)
		p.update(u, at)
	}
}

// publish plans an event that happens at an instant and is published then,
// unless the person has left by then.
func (p *Platform) publish(u *person, at int64, source, typ string, data ...any) {
	if at < u.leaves {
		u.life = append(u.life, event{at, p.write(u, at, source, typ, data...)})
	}
}

// sortLife brings what was planned into the order in which it is published.
func (u *person) sortLife() {
	slices.SortStableFunc(u.life, func(a, b event) int { return cmp.Compare(a.at, b.at) })
}

// next returns the instant at which the next event about the person is published.
func (u *person) next() int64 {
	at := u.watches
	if len(u.viewing) > 0 {
		at = u.viewing[0].at
	}
	if len(u.life) > 0 {
		at = min(at, u.life[0].at)
	}
	return at
}

// mayWatch notes that a person may watch something.
func (u *person) mayWatch(from, to int64, content int) {
	u.access = append(u.access, access{from, min(to, u.leaves), content})
}

func (a access) contains(at int64) bool { return a.from <= at && at < a.to }

func (u *person) hasAccess(at int64) bool {
	return slices.ContainsFunc(u.access, func(a access) bool { return a.contains(at) })
}

// register publishes the fields of the profile and of the registration form.
func (p *Platform) register(u *person, at int64) {
	r, c := u.rng, u.country
	p.publish(u, at, accounts, "user.registered",
		"email", "viewer"+strconv.Itoa(u.number)+"@example."+strings.ToLower(c.code),
		"first_name", pick(r, c.first), "last_name", pick(r, c.last),
		"locale", c.locale, "country", c.code, "platform", platforms[u.device], "custom", registrationForm(r))
}

// registrationForm returns the fields of a registration form.
func registrationForm(r random) raw {
	form := `{"newsletter":` + strconv.FormatBool(r.chance(.4))
	if r.chance(.8) {
		form += `,"found_by":"` + pick(r, finders) + `"`
	}
	if r.chance(.6) {
		form += `,"age":"` + pick(r, ages) + `"`
	}
	if r.chance(.5) {
		form += `,"genres":["` + pick(r, genres) + `","` + pick(r, genres) + `"]`
	}
	if r.chance(.1) {
		form += `,"household":` + strconv.Itoa(int(r.between(1, 7)))
	}
	return raw(form + "}")
}

// update makes a person, or support for them, change the profile.
func (p *Platform) update(u *person, at int64) {
	r := u.rng
	var change []any
	switch r.IntN(6) {
	case 0: // moves
		u.country = chooseCountry(r)
		change = []any{"country", u.country.code, "locale", u.country.locale}
	case 1:
		change = []any{"email", newID(r, "v") + "@mail.example"}
	case 2:
		change = []any{"custom", raw(`{"newsletter":false}`)}
	case 3:
		change = []any{"custom", raw(`{"age":null,"genres":["` + pick(r, genres) + `"]}`)}
	case 4:
		change = []any{"last_name", pick(r, u.country.last)}
	default:
		change = []any{"platform", raw("null")}
	}
	p.publish(u, at, accounts, "user.updated", change...)
}
