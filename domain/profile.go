// This file is about what is known of a person: each field and each key of
// custom as the latest event that carries it says, whatever the order in which
// the events come.

package domain

import (
	"maps"
	"slices"
)

// The facts that decide a profile: the latest of each field, and of each key
// of custom that isn't older than the latest event that removed all of them.
type profileFacts struct {
	email, firstName, lastName latest[string]
	locale, country, platform  latest[string]

	customCleared latest[struct{}]
	custom        map[string]latest[string] // compact JSON; null where the key was removed
}

// add takes what one event says.
func (f *profileFacts) add(at Stamp, p *ProfileChange) {
	f.email.offer(at, p.Email)
	f.firstName.offer(at, p.FirstName)
	f.lastName.offer(at, p.LastName)
	f.locale.offer(at, p.Locale)
	f.country.offer(at, p.Country)
	f.platform.offer(at, p.Platform)
	if p.CustomCleared {
		f.clearCustom(at)
	}
	for key, value := range p.Custom {
		f.addCustom(at, key, value)
	}
}

// clearCustom removes the keys that came before.
func (f *profileFacts) clearCustom(at Stamp) {
	f.customCleared.offer(at, Some(struct{}{}))
	maps.DeleteFunc(f.custom, func(_ string, l latest[string]) bool { return f.cleared(l.at) })
}

// addCustom takes one key, nil where it is removed.
func (f *profileFacts) addCustom(at Stamp, key string, value []byte) {
	if f.cleared(at) {
		return
	}
	l := f.custom[key]
	if value == nil {
		l.offer(at, Cleared[string]())
	} else {
		l.offer(at, Some(string(value)))
	}
	if f.custom == nil {
		f.custom = make(map[string]latest[string])
	}
	f.custom[key] = l
}

// cleared says that custom was removed as a whole after the stamp.
func (f *profileFacts) cleared(at Stamp) bool {
	return f.customCleared.field.Carried && at.Compare(f.customCleared.at) < 0
}

// profile returns the profile that the facts make.
func (f *profileFacts) profile() Profile {
	return Profile{
		Email:     f.email.pointer(),
		FirstName: f.firstName.pointer(),
		LastName:  f.lastName.pointer(),
		Locale:    f.locale.pointer(),
		Country:   f.country.pointer(),
		Platform:  f.platform.pointer(),
		Custom:    f.customJSON(),
	}
}

// customJSON writes custom as a compact object with its keys sorted as bytes.
func (f *profileFacts) customJSON() []byte {
	object := []byte{'{'}
	for _, key := range slices.Sorted(maps.Keys(f.custom)) {
		l := f.custom[key]
		value, ok := l.field.Get()
		if !ok {
			continue
		}
		if len(object) > 1 {
			object = append(object, ',')
		}
		object = quote(object, key)
		object = append(append(object, ':'), value...)
	}
	return append(object, '}')
}
