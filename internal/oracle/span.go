// This file is about spans: [from, to) of time or of a content.

package oracle

import "sort"

type span struct{ from, to Instant }

// empty: to ≤ from. Such a span counts for nothing.
func (s span) empty() bool { return s.to <= s.from }

func (s span) contains(i Instant) bool { return s.from <= i && i < s.to }

// unite returns spans as few as possible, in order: where two overlap or touch
// they become one. Empty ones drop out.
func unite(all []span) []span {
	var kept []span
	for _, s := range all {
		if !s.empty() {
			kept = append(kept, s)
		}
	}
	sort.Slice(kept, func(i, j int) bool { return kept[i].from < kept[j].from })
	var united []span
	for _, s := range kept {
		if n := len(united); n > 0 && s.from <= united[n-1].to {
			united[n-1].to = max(united[n-1].to, s.to)
		} else {
			united = append(united, s)
		}
	}
	return united
}
