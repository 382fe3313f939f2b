// This file makes the events that are measured with: of 20 events 17 are about
// playback, two about subscriptions, one about a profile, each of 300 to 500
// bytes.

package bench

import (
	"fmt"
	"time"

	"boxoffice/domain"
	"boxoffice/wire"
)

const (
	// block is after how many events the kinds of events come again.
	block            = 20
	playbackInBlock  = 17
	viewers          = 2000 // who watch at the same time
	reportsInSession = 30
	mixUsers         = 20_000
)

// mixStart is the time of the first event. It is long past: events measured
// with aren't in anybody's future.
var mixStart = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// A mix is a platform's events in their order. The same seed gives the same
// events, any of which can be made without those before it.
type mix struct{ seed uint64 }

// event returns the k-th event, from 0 on, ready to be published.
func (m mix) event(k int64) wire.Message {
	kind, user, data := m.content(k)
	body := fmt.Appendf(make([]byte, 0, 480),
		`{"specversion":"1.0","id":"%016x-%09d","source":"https://platform.example/events/eu-west","type":%q,"subject":"auth0|%016x",`+
			`"time":%q,"datacontenttype":"application/json","data":%s}`,
		m.number(k, 1), k, kind, mixed(uint64(user)), m.time(k).Format("2006-01-02T15:04:05.000Z"), data)
	return wire.Message{Subject: wire.Subject(kind), Data: body}
}

// time returns an event's time: as many come a second as that many viewers send.
func (m mix) time(k int64) time.Time { return mixStart.Add(time.Duration(k) * 4250 * time.Microsecond) }

func (m mix) content(k int64) (kind domain.Type, user int64, data []byte) {
	nth, place := k/block, k%block
	switch {
	case place < playbackInBlock:
		return m.playback(nth*playbackInBlock + place)
	case place < block-1:
		return m.subscription(k)
	default:
		return m.profile(nth, k)
	}
}

// playback returns the n-th event about playback: every viewer's turn comes after
// that of all others, and a session ends after its reports.
func (m mix) playback(n int64) (domain.Type, int64, []byte) {
	viewer, turn := n%viewers, n/viewers+n%viewers%reportsInSession
	session := m.number(viewer<<32|turn/reportsInSession, 2)
	report := turn % reportsInSession
	kind := domain.PlaybackProgressed
	switch report {
	case 0:
		kind = domain.PlaybackStarted
	case reportsInSession - 1:
		kind = domain.PlaybackEnded
	}
	data := fmt.Appendf(nil, `{"session_id":"%016x","content_id":"film-%05d","title":"The film of number %05d",`+
		`"content_length_s":5400,"device":"tv","platform":"android-tv"`, session, session%5000, session%5000)
	if report > 0 {
		data = fmt.Appendf(data, `,"position_s":%d.25,"played":[[%d,%d.25]],"play_time_s":%d`, report*10, report*10-10, report*10, report*10)
	}
	return kind, int64(session>>8) % mixUsers, append(data, '}')
}

func (m mix) subscription(k int64) (domain.Type, int64, []byte) {
	x := m.number(k, 3)
	user := int64(x>>8) % mixUsers
	id := fmt.Sprintf(`{"subscription_id":"sub-%012x"`, mixed(uint64(user))>>16)
	end := m.time(k).AddDate(0, 1, 0).Format(time.RFC3339)
	price := `"offer_id":"premium-monthly","offer_name":"Premium, by the month","amount":1299,"currency":"EUR","interval":"month","payment_interface":"card"`
	switch c := x % 10; {
	case c < 5:
		return domain.SubscriptionRenewed, user, fmt.Appendf(nil, `%s,"ends_at":%q,%s}`, id, end, price)
	case c < 8:
		return domain.SubscriptionStarted, user, fmt.Appendf(nil, `%s,"ends_at":%q,%s}`, id, end, price)
	default:
		return domain.SubscriptionCanceled, user, fmt.Appendf(nil,
			`%s,"ends_at":%q,"reason":"voluntary","comment":"It was all well, but there is too little time for it now"}`, id, end)
	}
}

// profile returns an event about a profile: one in five is a new user's.
func (m mix) profile(nth, k int64) (domain.Type, int64, []byte) {
	kind, user := domain.UserUpdated, int64(m.number(k, 4)>>8)%mixUsers
	if nth%5 == 0 {
		kind, user = domain.UserRegistered, mixUsers+nth/5
	}
	return kind, user, fmt.Appendf(nil, `{"email":"user-%d@mail.example","first_name":"Ana","last_name":"Lovelace-%d",`+
		`"locale":"fr-FR","country":"FR","platform":"web","custom":{"newsletter":true}}`, user, user)
}

// number returns a number that follows from the seed, n and what it is for.
func (m mix) number(n int64, purpose uint64) uint64 {
	return mixed(mixed(m.seed^purpose<<56) ^ uint64(n))
}

// mixed scatters a number over all numbers (SplitMix64).
func mixed(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
