// This file is what people watch without a subscription: rentals, purchases
// and free copies.

package platform

const (
	shop    = "https://shop.example.tv"
	support = "https://support.example.tv"
)

// A rental is a person's latest one, or a purchase.
type rental struct {
	id      uint64
	content int32
	until   int64
}

// A freeCopy is a person's latest one.
type freeCopy struct {
	id      uint64
	content int32
	until   int64
}

// rent lets one step in the course of a rental happen.
func (p *Platform) rent(t task) []byte {
	u := &p.people[t.user]
	r, q := &u.rng, &u.rental
	switch t.act {
	case actRent:
		return p.startRental(t.user)
	case actActivate: // the first play opens 48 hours
		if q.until <= p.now {
			return nil
		}
		q.until = min(q.until, p.now+48*hour)
		p.begin(shop, "rental.activated", u, p.now)
		p.hexText("rental_id", "rent-", q.id)
		p.instant("expires_at", q.until)
	case actRefund:
		if q.until <= p.now {
			return nil
		}
		q.until = p.now
		p.begin(shop, "rental.revoked", u, p.now)
		p.hexText("rental_id", "rent-", q.id)
		if r.chance(.8) {
			p.text("reason", "refunded")
		}
	}
	return p.end()
}

func (p *Platform) startRental(i int32) []byte {
	u := &p.people[i]
	r := &u.rng
	u.rental = rental{id: r.next(), content: p.chooseFilm(r), until: p.now + 30*day}
	purchase := r.chance(.25)
	p.begin(shop, "rental.started", u, p.now)
	p.hexText("rental_id", "rent-", u.rental.id)
	c := &p.contents[u.rental.content]
	p.text("content_id", c.id)
	p.text("title", c.title)
	switch {
	case purchase:
		u.rental.until = never
		p.text("kind", "purchase")
		p.number("amount", 1199)
	default:
		p.text("kind", "rental")
		p.number("amount", 399)
		p.instant("expires_at", u.rental.until)
		if r.chance(.9) {
			p.later(i, p.now+r.wait(2*day), actActivate)
		}
	}
	p.text("currency", countries[u.country].currency)
	p.text("payment_interface", pick(r, payments))
	if r.chance(.03) {
		p.later(i, p.now+r.wait(day), actRefund)
	}
	if r.chance(.6) {
		p.later(i, p.now+day+r.wait(50*day), actRent)
	}
	p.wake(i)
	return p.end()
}

// freeCopy lets support give somebody a copy, or take it back.
func (p *Platform) freeCopy(t task) []byte {
	u := &p.people[t.user]
	r, c := &u.rng, &u.copy
	if t.act == actRevoke {
		if c.until <= p.now {
			return nil
		}
		c.until = p.now
		p.begin(support, "free_copy.revoked", u, p.now)
		p.hexText("free_copy_id", "copy-", c.id)
		p.text("reason", "given by mistake")
		return p.end()
	}
	*c = freeCopy{id: r.next(), content: p.chooseFilm(r), until: never}
	p.begin(support, "free_copy.granted", u, p.now)
	p.hexText("free_copy_id", "copy-", c.id)
	if r.chance(.7) {
		p.text("content_id", p.contents[c.content].id)
		p.text("title", p.contents[c.content].title)
	} else {
		p.text("offer_id", plans[0].id)
	}
	if r.chance(.8) {
		c.until = p.now + r.between(7, 90)*day
		p.instant("expires_at", c.until)
	}
	if r.chance(.15) {
		p.later(t.user, p.now+r.wait(20*day), actRevoke)
	}
	p.wake(t.user)
	return p.end()
}
