package vault

import (
	"encoding/binary"
	"testing"
)

// BenchmarkCache looks users up as appends do, in batches of 5,000 of whom all are
// in memory, and as a process does that has more users than fit.
func BenchmarkCache(b *testing.B) {
	const bound, batch = 1 << 17, 5000
	users := make([]*User, 2*bound)
	for i := range users {
		u := &User{}
		binary.BigEndian.PutUint64(u.Pseudonym[:], uint64(i)*0x9E3779B97F4A7C15)
		u.Subject = Hash(u.Pseudonym)
		users[i] = u
	}
	for name, among := range map[string]int{"hits": bound / 2, "misses": 2 * bound} {
		b.Run(name, func(b *testing.B) {
			c := newCache(bound)
			c.put(0, users[:among])
			subjects := make([]Hash, batch)
			next, at := 0, make(map[Hash]*User, len(users))
			for b.Loop() {
				for i := range subjects {
					at[users[next%among].Subject] = users[next%among]
					subjects[i] = users[next%among].Subject
					next += 7919
				}
				found := make(map[Hash]*User, batch)
				missing := c.subjects(0, subjects, found)
				var read []*User
				for _, s := range missing {
					read = append(read, at[s])
				}
				c.put(0, read)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batch, "ns/user")
		})
	}
}
