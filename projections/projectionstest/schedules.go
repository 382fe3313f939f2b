// This file runs random schedules over the whole way from the broker's messages
// to the rows of the read models: messages are delivered again and in other
// batches, statements fail, connections break, processes die and are started
// again, leases are lost and the time zone changes. Whatever happens, the log
// holds what a model of a few lines says, and the read models what follows.

package projectionstest

import (
	"flag"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/eventstore/storetest"
	"boxoffice/internal/sqldb"
	"boxoffice/projections"
)

// runsBy is how many schedules the suite runs on an engine, where the flag
// -rapid.checks doesn't say. A database on a server takes longer to make.
var runsBy = map[sqldb.Engine]string{sqldb.SQLite: "60", sqldb.Postgres: "8"}

func schedules(t *testing.T, database Database) {
	oneSchedule.Lock() // how many runs there are is said by a flag, of which there is one
	defer oneSchedule.Unlock()
	if !runsAreGiven() {
		before := flag.Lookup(runsFlag).Value.String()
		setFlag(t, runsFlag, runsBy[database(t)().Dialect().Name])
		defer setFlag(t, runsFlag, before)
	}
	rapid.Check(t, func(rt *rapid.T) { Schedule(t, rt, database) })
}

var oneSchedule sync.Mutex

const runsFlag = "rapid.checks"

// runsAreGiven says whether the command line says how many runs there are. It is
// asked once: a flag that was set and set back would count as given.
var runsAreGiven = sync.OnceValue(func() (given bool) {
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == runsFlag })
	return given
})

func setFlag(t *testing.T, name, value string) {
	if err := flag.Set(name, value); err != nil {
		t.Fatal(err)
	}
}

// processes is how many processes append, and how many project.
const processes = 2

// A schedule is one installation, what it was made to do, and what it should
// hold.
type schedule struct {
	*house
	t     *iteration
	model *storetest.Model
	// messages are the broker's; the number of one is its place, from 1.
	messages []storetest.Draft
	// waiting are the numbers of those that aren't acknowledged.
	waiting []uint64

	stores     [processes]*eventstore.Store
	projectors [processes]*projections.Models
	zone       int // of zones
}

var zones = []string{"UTC", paris}

// Schedule runs one schedule, which is drawn from rt, in a database of its own.
// It is exported to be run for longer than a test may take, and by fuzzing.
func Schedule(t testing.TB, rt *rapid.T, database Database) {
	it := &iteration{TB: t, rt: rt}
	defer it.end()
	h := newHouse(it, database)
	s := &schedule{house: h, t: it, model: storetest.NewModel()}
	for i := range processes {
		s.stores[i] = h.openStore(h.open())
		s.projectors[i] = h.openModels(h.open())
	}
	steps := map[string]func(){
		"publish": s.publish, "ingest": s.ingest, "ingest and lose the answer": s.loseAnswer, "deliver again": s.redeliver,
		"restart": s.restart, "project some": s.projectSome, "fail projecting": s.projectFailing,
		"kill a projector": s.projectKilled, "rob a projector": s.projectRobbed, "change the zone": s.changeZone,
	}
	for range rapid.IntRange(1, 12).Draw(rt, "steps") {
		steps[rapid.SampledFrom(stepsDrawn).Draw(rt, "step")]()
		s.compareLog()
		if at, head := s.livePosition(), s.head(); at > head {
			s.t.Fatalf("the read models are at position %d and the log at %d", at, head)
		}
	}
	s.finish()
}

// stepsDrawn are the steps as often as they are wanted.
var stepsDrawn = []string{"publish", "publish", "ingest", "ingest", "ingest", "ingest and lose the answer", "deliver again", "restart",
	"project some", "fail projecting", "kill a projector", "rob a projector", "change the zone"}

// An iteration is a test within a test: it fails through rapid, which shrinks
// what failed, and cleans up behind itself when it ends.
type iteration struct {
	testing.TB // for what isn't below
	rt         *rapid.T
	cleanups   []func()
}

func (it *iteration) end() {
	for i := len(it.cleanups) - 1; i >= 0; i-- {
		it.cleanups[i]()
	}
}

func (it *iteration) Helper()                      {}
func (it *iteration) Cleanup(f func())             { it.cleanups = append(it.cleanups, f) }
func (it *iteration) Log(args ...any)              { it.rt.Log(args...) }
func (it *iteration) Logf(f string, args ...any)   { it.rt.Logf(f, args...) }
func (it *iteration) Error(args ...any)            { it.rt.Error(args...) }
func (it *iteration) Errorf(f string, args ...any) { it.rt.Errorf(f, args...) }
func (it *iteration) Fatal(args ...any)            { it.rt.Fatal(args...) }
func (it *iteration) Fatalf(f string, args ...any) { it.rt.Fatalf(f, args...) }
func (it *iteration) Failed() bool                 { return it.rt.Failed() }

func (it *iteration) TempDir() string {
	dir, err := os.MkdirTemp("", "boxoffice-schedule")
	if err != nil {
		it.Fatal(err)
	}
	it.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// publish adds some messages to what the broker has.
func (s *schedule) publish() {
	for range rapid.IntRange(1, 10).Draw(s.t.rt, "messages") {
		s.messages = append(s.messages, rapid.Custom(drawMessage).Draw(s.t.rt, "message"))
		s.waiting = append(s.waiting, uint64(len(s.messages)))
	}
}

// drawMessage draws a message from so few that they meet: the same again, the
// same identity with other content, and events of the same user and session.
func drawMessage(t *rapid.T) storetest.Draft {
	user := rapid.SampledFrom([]string{"ana", "bo", "cy"}).Draw(t, "user")
	d := storetest.Draft{
		Kind:    rapid.SampledFrom(kindsDrawn).Draw(t, "type"),
		Subject: user,
		ID:      fmt.Sprint(rapid.IntRange(1, idsDrawn).Draw(t, "id")),
		At:      start + domain.Instant(rapid.IntRange(0, 27).Draw(t, "time"))*5*day,
	}
	variants := dataDrawn[d.Kind]
	d.Data = rapid.SampledFrom(variants(user, d.At)).Draw(t, "data")
	if d.Kind != domain.UserErased && rapid.IntRange(0, 14).Draw(t, "goodness") == 0 {
		d.Bad, d.Data = true, `{"session_id":true,"content_id":true,"email":true,"subscription_id":true,"rental_id":true,"free_copy_id":true}`
	}
	d.Broken = rapid.IntRange(0, 24).Draw(t, "brokenness") == 0
	return d
}

// idsDrawn is how many ids of events there are.
const idsDrawn = 60

var kindsDrawn = []domain.Type{domain.UserRegistered, domain.UserRegistered, domain.UserUpdated, domain.UserErased,
	domain.SubscriptionStarted, domain.SubscriptionStarted, domain.SubscriptionRenewed, domain.SubscriptionCanceled,
	domain.SubscriptionChanged, domain.SubscriptionPaused, domain.SubscriptionPaymentFailed,
	domain.RentalStarted, domain.FreeCopyGranted, domain.PlaybackStarted, domain.PlaybackProgressed, domain.PlaybackEnded,
	domain.EventRetracted, domain.EventRetracted}

// dataDrawn has the data that a type's events have, of a user at an instant.
var dataDrawn = map[domain.Type]func(user string, at domain.Instant) []string{
	domain.UserRegistered: profilesDrawn,
	domain.UserUpdated:    profilesDrawn,
	domain.UserErased:     func(string, domain.Instant) []string { return []string{`{}`} },
	domain.EventRetracted: func(string, domain.Instant) []string { return retractionsDrawn },
	domain.SubscriptionStarted: func(user string, at domain.Instant) []string {
		return []string{
			fmt.Sprintf(`{"subscription_id":"s-%s","offer_id":"month","ends_at":"%s"}`, user, at+30*day),
			fmt.Sprintf(`{"subscription_id":"s-%s","offer_id":"ever","trial_ends_at":"%s"}`, user, at+7*day),
			fmt.Sprintf(`{"subscription_id":"t-%s","offer_id":"month","ends_at":"%s"}`, user, at+10*day),
		}
	},
	domain.SubscriptionRenewed: func(user string, at domain.Instant) []string {
		return []string{fmt.Sprintf(`{"subscription_id":"s-%s","ends_at":"%s"}`, user, at+30*day)}
	},
	domain.SubscriptionCanceled: func(user string, at domain.Instant) []string {
		return []string{
			fmt.Sprintf(`{"subscription_id":"s-%s","reason":"non_payment"}`, user),
			fmt.Sprintf(`{"subscription_id":"s-%s","reason":"switched","ends_at":"%s"}`, user, at+4*day), // within the renewal grace before others
		}
	},
	domain.SubscriptionChanged: func(user string, at domain.Instant) []string {
		return []string{fmt.Sprintf(`{"subscription_id":"s-%s","offer_id":"year","interval":"year","trial_ends_at":"%s"}`, user, at+2*day)}
	},
	domain.SubscriptionPaused: func(user string, at domain.Instant) []string {
		return []string{
			fmt.Sprintf(`{"subscription_id":"s-%s","resumes_at":"%s"}`, user, at+20*day),
			fmt.Sprintf(`{"subscription_id":"s-%s","ends_at":"%s","comment":"away"}`, user, at+4*day),
		}
	},
	domain.SubscriptionPaymentFailed: func(user string, at domain.Instant) []string {
		return []string{
			fmt.Sprintf(`{"subscription_id":"s-%s","comment":"no money"}`, user),
			fmt.Sprintf(`{"subscription_id":"s-%s","grace_ends_at":"%s"}`, user, at+9*day),
		}
	},
	domain.RentalStarted: func(user string, at domain.Instant) []string {
		return []string{fmt.Sprintf(`{"rental_id":"r-%s","content_id":"film","expires_at":"%s"}`, user, at+2*day)}
	},
	domain.FreeCopyGranted: func(user string, _ domain.Instant) []string {
		return []string{fmt.Sprintf(`{"free_copy_id":"f-%s","content_id":"film"}`, user)}
	},
	domain.PlaybackStarted:    playbackDrawn,
	domain.PlaybackProgressed: playbackDrawn,
	domain.PlaybackEnded:      playbackDrawn,
}

// retractionsDrawn name any event of the schedule, about the same user or another.
var retractionsDrawn = func() (all []string) {
	for id := range idsDrawn {
		all = append(all, fmt.Sprintf(`{"source":"//platform","id":"%d"}`, id+1))
	}
	return all
}()

func profilesDrawn(user string, _ domain.Instant) []string {
	return []string{
		fmt.Sprintf(`{"email":"%s@example.org","custom":{"plan":"a"}}`, user),
		fmt.Sprintf(`{"email":null,"first_name":"%s","custom":{"plan":null,"n":1}}`, user),
	}
}

func playbackDrawn(user string, _ domain.Instant) []string {
	return []string{
		fmt.Sprintf(`{"session_id":"v-%s","content_id":"film","content_length_s":100,"position_s":10,"played":[[0,10]],"play_time_s":10}`, user),
		fmt.Sprintf(`{"session_id":"v-%s","content_id":"film","content_length_s":100,"position_s":95,"played":[[5,95]],"play_time_s":60}`, user),
		fmt.Sprintf(`{"session_id":"w-%s","content_id":"series","title":"One","position_s":3}`, user),
	}
}

// changeZone has those who project from now on do it for another time zone,
// which takes a new generation.
func (s *schedule) changeZone() { s.zone = 1 - s.zone }

// restart starts one of the processes again.
func (s *schedule) restart() {
	i := rapid.IntRange(0, processes-1).Draw(s.t.rt, "process")
	if rapid.Bool().Draw(s.t.rt, "appends") {
		s.stores[i].Close()
		s.stores[i] = s.openStore(s.open())
	} else {
		s.projectors[i].Close()
		s.projectors[i] = s.openModels(s.open())
	}
}

// finish has all that waits taken in and projected, and compares what is there
// with the model, with what the rules say by plain counting, and with read
// models that are rebuilt.
func (s *schedule) finish() {
	for len(s.waiting) > 0 {
		s.deliver(s.stores[0], s.waiting[:min(len(s.waiting), 7)], noFault)
		s.compareLog()
	}
	s.projectAll(3)
	s.compareAnswers()
	followed := s.dump()
	s.changeZone()
	s.projectAll(1000)
	s.compareAnswers()
	s.changeZone()
	s.projectAll(1000)
	if diff := cmp.Diff(followed, s.dump()); diff != "" {
		s.t.Fatalf("rebuilt (-followed +built):\n%s", diff)
	}
}
