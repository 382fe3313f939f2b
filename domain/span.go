// This file is about sets of spans of time and of ranges of content: how they
// unite, and how a set is kept as the few disjoint ones that cover it.

package domain

import (
	"cmp"
	"slices"
	"sort"
)

// Unite returns the union of the spans as disjoint, non-empty spans in ascending
// order. Spans that overlap or touch become one. The argument is left as it is.
func Unite(spans []Span) []Span {
	united := make([]Span, 0, len(spans))
	for _, s := range spans {
		if !s.Empty() {
			united = append(united, s)
		}
	}
	slices.SortFunc(united, func(a, b Span) int { return cmp.Compare(a.From, b.From) })
	n := 0
	for _, s := range united {
		if n > 0 && s.From <= united[n-1].To {
			united[n-1].To = max(united[n-1].To, s.To)
			continue
		}
		united[n] = s
		n++
	}
	return united[:n]
}

// Trial returns the trial's span, which is empty where there is no trial.
func (p Period) Trial() Span {
	if p.TrialEnd == nil {
		return Span{From: p.From, To: p.From}
	}
	return Span{From: p.From, To: min(*p.TrialEnd, p.To)}
}

// UniteRanges returns the union of the ranges as disjoint, non-empty ranges in
// ascending order. Ranges that overlap or touch become one. The argument is
// left as it is.
func UniteRanges(ranges []Range) []Range {
	var united []Range
	for _, r := range ranges {
		united = addRange(united, r)
	}
	return united
}

// addRange adds r to a union of ranges, in place where there is room. It is
// quick where the union is short or r lies at its end, as with reports of one
// viewing.
func addRange(union []Range, r Range) []Range {
	if r.To <= r.From {
		return union
	}
	// Those from i up to j overlap or touch r.
	i := sort.Search(len(union), func(k int) bool { return union[k].To >= r.From })
	j := i
	for j < len(union) && union[j].From <= r.To {
		j++
	}
	if i == j {
		return slices.Insert(union, i, r)
	}
	r.From = min(r.From, union[i].From)
	r.To = max(r.To, union[j-1].To)
	union[i] = r
	return slices.Delete(union, i+1, j)
}

// rangesLength returns the length of a union of ranges, cut to a content's
// length where one is given.
func rangesLength(union []Range, length *int64) int64 {
	var sum int64
	for _, r := range union {
		to := r.To
		if length != nil {
			to = min(to, *length)
		}
		if to <= r.From {
			break
		}
		sum += to - r.From
	}
	return sum
}
