// This file keeps unwrapped keys in memory, within bounds, and drops them when
// there has been an erasure.

package vault

import (
	"sync"

	"boxoffice/internal/sqldb"
)

// A cache keeps users as they were at a number of erasures. Of what was used
// last it keeps at least half its bound, and forgets the older half at once.
type cache struct {
	mu       sync.Mutex
	half     int
	erasures int64
	young    generation
	old      generation
}

type generation struct {
	bySubject   map[Hash]*User
	byPseudonym map[sqldb.UUID]*User
}

func newGeneration() generation {
	return generation{bySubject: map[Hash]*User{}, byPseudonym: map[sqldb.UUID]*User{}}
}

func newCache(bound int) *cache {
	return &cache{half: max(bound/2, 1), young: newGeneration(), old: newGeneration()}
}

// at tells the cache the number of erasures that the caller has read, and
// says whether the caller may use it: not where it read an older state of the
// database than the cache is of.
func (c *cache) at(erasures int64) bool {
	if erasures > c.erasures {
		c.erasures = erasures
		c.young, c.old = newGeneration(), newGeneration()
	}
	return erasures == c.erasures
}

// noticed drops what is older than a number of erasures.
func (c *cache) noticed(erasures int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at(erasures)
}

// drop forgets everybody.
func (c *cache) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.young, c.old = newGeneration(), newGeneration()
}

// len is how many users are in memory.
func (c *cache) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.young.byPseudonym)
	for p := range c.old.byPseudonym {
		if c.young.byPseudonym[p] == nil {
			n++
		}
	}
	return n
}

// subjects looks for users by subject, and returns those that aren't there.
func (c *cache) subjects(erasures int64, subjects []Hash, found map[Hash]*User) (missing []Hash) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.at(erasures) {
		return subjects
	}
	for _, s := range subjects {
		u := c.young.bySubject[s]
		if u == nil {
			if u = c.old.bySubject[s]; u != nil {
				c.keep(u)
			}
		}
		if u == nil {
			missing = append(missing, s)
		} else {
			found[s] = u
		}
	}
	return missing
}

// pseudonyms looks for users by pseudonym, and returns those that aren't there.
func (c *cache) pseudonyms(erasures int64, pseudonyms []sqldb.UUID, found map[sqldb.UUID]*User) (missing []sqldb.UUID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.at(erasures) {
		return pseudonyms
	}
	for _, p := range pseudonyms {
		u := c.young.byPseudonym[p]
		if u == nil {
			if u = c.old.byPseudonym[p]; u != nil {
				c.keep(u)
			}
		}
		if u == nil {
			missing = append(missing, p)
		} else {
			found[p] = u
		}
	}
	return missing
}

// put adds users as they were at a number of erasures.
func (c *cache) put(erasures int64, users []*User) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.at(erasures) {
		return
	}
	for _, u := range users {
		c.keep(u)
	}
}

// keep makes a user one of those that were used last.
func (c *cache) keep(u *User) {
	if len(c.young.byPseudonym) >= c.half {
		c.old, c.young = c.young, newGeneration()
	}
	c.young.bySubject[u.Subject] = u
	c.young.byPseudonym[u.Pseudonym] = u
}
