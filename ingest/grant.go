// This file is what a publisher may do on the embedded server: which subjects
// the types of an API key stand for.

package ingest

import (
	"slices"

	"boxoffice/domain"
	"boxoffice/wire"
)

// A Grant is what a publisher may publish. A subject that Deny has is denied
// whatever Allow has. A Grant without Allow permits nothing.
type Grant struct {
	Allow []string
	Deny  []string
}

// GrantAll permits every type, user.erased too: what an administrator may do.
func GrantAll() Grant { return Grant{Allow: []string{wire.Subjects}} }

// GrantTypes permits the types that patterns name, such as "playback.*" or
// "user.updated"; no pattern at all stands for every type. Nobody may publish
// user.erased whose patterns don't name it as such.
func GrantTypes(patterns ...string) Grant {
	g := Grant{Allow: []string{wire.Subjects}}
	if len(patterns) > 0 {
		g.Allow = make([]string, len(patterns))
		for i, pattern := range patterns {
			g.Allow[i] = wire.SubjectPattern(pattern)
		}
	}
	if !slices.Contains(patterns, string(domain.UserErased)) {
		g.Deny = []string{wire.Subject(domain.UserErased)}
	}
	return g
}
