// This file renders a user, an entitlement, a session and a content as the API
// does.

package oracle

import (
	"cmp"
	"encoding/json"
	"sort"
)

// answer returns a user as the lists have them at t.
func (u *user) answer(t Instant) User {
	u.fold()
	status, since := u.status(t)
	f := u.profile.fields
	return User{
		ID: u.id, Status: status, StatusSince: since, RegisteredAt: u.registeredAt, UpdatedAt: u.updatedAt,
		Email: f["email"], FirstName: f["first_name"], LastName: f["last_name"],
		Locale: f["locale"], Country: f["country"], Platform: f["platform"], Custom: u.profile.custom,
	}
}

// Detail returns a user with everything they have: entitlements that began by t,
// latest first, then by id, and the sum of their viewing, whatever t is. ok is
// false where there is no such user at t.
func (o *Oracle) Detail(id string, t Instant) (d Detail, ok bool) {
	u := o.users[id]
	if u == nil || !u.present(t) {
		return Detail{}, false
	}
	d = Detail{User: u.answer(t), Subscriptions: []Subscription{}, Rentals: []Rental{}, FreeCopies: []FreeCopy{}}
	for _, x := range u.begun(t) {
		switch x.kind {
		case "subscription":
			d.Subscriptions = append(d.Subscriptions, x.subscription(t))
		case "rental":
			d.Rentals = append(d.Rentals, x.rental(t))
		case "free_copy":
			d.FreeCopies = append(d.FreeCopies, x.freeCopy(t))
		}
	}
	for _, s := range u.sessions {
		d.Viewing.Sessions++
		d.Viewing.Duration += Seconds(s.duration())
		if d.Viewing.LastViewedAt == nil || s.last > *d.Viewing.LastViewedAt {
			d.Viewing.LastViewedAt = &s.last
		}
	}
	return d, true
}

// begun returns the entitlements that have a period that starts by t, by the
// start of the latest such period, latest first, then by id.
func (u *user) begun(t Instant) (list []*entitlement) {
	for _, x := range u.entitlements {
		if len(x.at(t)) > 0 {
			list = append(list, x)
		}
	}
	sort.SliceStable(list, func(i, j int) bool {
		a, b := list[i], list[j]
		p, _ := a.looked(t)
		q, _ := b.looked(t)
		return cmp.Or(-cmp.Compare(p.from, q.from), cmp.Compare(a.id, b.id)) < 0
	})
	return list
}

// field returns a descriptive field, null where there is none.
func (x *entitlement) field(name string) json.RawMessage {
	if raw, ok := x.fields[name]; ok {
		return raw
	}
	return json.RawMessage("null")
}

func (x *entitlement) amount() *int64 { return must(whole(x.fields["amount"])) }

func (x *entitlement) subscription(t Instant) Subscription {
	p, of := x.looked(t)
	s := Subscription{
		SubscriptionID: x.id, Status: x.status(of, t),
		OfferID: x.field("offer_id"), OfferName: x.field("offer_name"),
		StartedAt: p.from, TrialEndsAt: p.trialEnd, EndsAt: p.to,
		Amount: x.amount(), Currency: x.field("currency"), Interval: x.field("interval"),
		IntervalCount:    must(whole(x.fields["interval_count"])),
		PaymentInterface: x.field("payment_interface"),
		Periods:          []Period{},
	}
	s.Reason, s.Comment = p.because()
	if p.canceled != nil {
		s.CanceledAt = &p.canceled.at
	}
	if p.paused != nil {
		s.ResumesAt = p.paused.resumesAt
	}
	for _, p := range x.at(t) {
		row := Period{From: p.from, To: p.to}
		if trial := p.trial(); !trial.empty() {
			row.TrialTo = &trial.to
		}
		row.Reason, _ = p.because()
		if p.canceled != nil {
			row.CanceledAt = &p.canceled.at
		}
		s.Periods = append(s.Periods, row)
	}
	return s
}

func (x *entitlement) rental(t Instant) Rental {
	p := x.at(t)[0]
	kind := "rental" // where no event carries one
	if v := must(text(x.fields["kind"])); v != nil {
		kind = *v
	}
	r := Rental{
		RentalID: x.id, Status: x.status(p, t), Kind: kind,
		ContentID: x.field("content_id"), Title: x.field("title"), StartedAt: p.from, ExpiresAt: p.to,
		Amount: x.amount(), Currency: x.field("currency"), PaymentInterface: x.field("payment_interface"),
	}
	if p.canceled != nil {
		r.RevokedAt, r.Reason = &p.canceled.at, p.canceled.reason
	}
	return r
}

func (x *entitlement) freeCopy(t Instant) FreeCopy {
	p := x.at(t)[0]
	c := FreeCopy{
		FreeCopyID: x.id, Status: x.status(p, t),
		OfferID: x.field("offer_id"), ContentID: x.field("content_id"), Title: x.field("title"),
		GrantedAt: p.from, ExpiresAt: p.to,
	}
	if p.canceled != nil {
		c.RevokedAt, c.Reason = &p.canceled.at, p.canceled.reason
	}
	return c
}

// answer returns a session as it is at t.
func (s *session) answer(t, timeout Instant) Session {
	played := watched(s.ranges, s.length)
	a := Session{
		SessionID: s.id, ContentID: s.content, Title: s.title, State: s.state(t, timeout),
		StartedAt: s.startedAt, LastEventAt: s.last, Duration: Seconds(s.duration()), Watched: Seconds(played),
		ContentLength: seconds(s.length), CompletionRate: rate(completion(played, s.length)),
		Position: seconds(s.position), Device: s.device, Platform: s.platform,
	}
	if a.CompletionRate != nil {
		completed := *a.CompletionRate >= 9000
		a.Completed = &completed
	}
	return a
}

// answer returns a viewed content, but for its completion rate.
func (v *viewed) answer() Content {
	return Content{
		ContentID: v.content, Title: v.title(), Sessions: len(v.sessions), Duration: Seconds(v.duration()),
		Watched: Seconds(v.watched()), ContentLength: seconds(v.length()),
		FirstStartedAt: v.firstStarted(), LastEventAt: v.lastEvent(),
	}
}

func seconds(ms *int64) *Seconds { return (*Seconds)(ms) }

func rate(tenThousandths *int64) *Rate { return (*Rate)(tenThousandths) }
