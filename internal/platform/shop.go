// This file is what people watch without a subscription: rentals, purchases
// and free copies.

package platform

const (
	shop    = "https://shop.example.tv"
	support = "https://support.example.tv"
)

// rent plans the rentals and purchases of a person from an instant on.
func (p *Platform) rent(u *person, at int64) {
	r := u.rng
	for again := true; again && at < u.leaves; again = r.chance(.6) {
		id, film := newID(r, "rent-"), r.popular(films)
		kind, cents, until := "rental", 399, at+30*day
		if r.chance(.25) {
			kind, cents, until = "purchase", 1199, never
		}
		c := &p.contents[film]
		p.publish(u, at, shop, "rental.started", "rental_id", id, "content_id", c.id, "title", c.title, "kind", kind, "amount", cents,
			"expires_at", instant(until), "currency", u.country.currency, "payment_interface", pick(r, payments))
		begun := at
		if at += r.wait(2 * day); kind == "rental" && at < until && r.chance(.9) { // the first play opens 48 hours
			until = min(until, at+48*hour)
			p.publish(u, at, shop, "rental.activated", "rental_id", id, "expires_at", instant(until))
		}
		if at += r.wait(day); at < until && r.chance(.03) {
			until = at
			p.publish(u, at, shop, "rental.revoked", "rental_id", id, "reason", pick(r, []string{"refunded", "refunded", "refunded", ""}))
		}
		u.mayWatch(begun, until, film)
		at += r.wait(50 * day)
	}
}

// giveCopy plans that support gives a person a copy, and maybe takes it back.
func (p *Platform) giveCopy(u *person, at int64) {
	r := u.rng
	id, film, until := newID(r, "copy-"), r.popular(films), int64(never)
	if r.chance(.8) {
		until = at + r.between(7, 90)*day
	}
	what := []any{"free_copy_id", id, "expires_at", instant(until)}
	if r.chance(.7) {
		what = append(what, "content_id", p.contents[film].id, "title", p.contents[film].title)
	} else {
		what = append(what, "offer_id", offers[0].id)
	}
	p.publish(u, at, support, "free_copy.granted", what...)
	if taken := at + r.wait(20*day); taken < until && r.chance(.15) {
		until = taken
		p.publish(u, taken, support, "free_copy.revoked", "free_copy_id", id, "reason", "given by mistake")
	}
	u.mayWatch(at, until, film)
}
