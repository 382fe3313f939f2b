// This file is what a publisher may do on the embedded server: which subjects
// the types of an API key stand for.

package ingest

import (
	"slices"
	"strings"

	"boxoffice/domain"
)

// A Grant is what a publisher may publish. A subject that Deny has is denied
// whatever Allow has. A Grant without Allow permits nothing.
type Grant struct {
	Allow []string
	Deny  []string
}

// GrantAll permits every type, user.erased too: what an administrator may do.
func GrantAll() Grant { return Grant{Allow: []string{Subjects}} }

// GrantTypes permits the types that patterns name, such as "playback.*" or
// "user.updated"; no pattern at all stands for every type. Nobody may publish
// user.erased whose patterns don't name it as such.
func GrantTypes(patterns ...string) Grant {
	g := Grant{Allow: []string{Subjects}}
	if len(patterns) > 0 {
		g.Allow = make([]string, len(patterns))
		for i, pattern := range patterns {
			g.Allow[i] = SubjectPrefix + subjectPattern(pattern)
		}
	}
	if !slices.Contains(patterns, string(domain.UserErased)) {
		g.Deny = []string{EventSubject(domain.UserErased)}
	}
	return g
}

// subjectPattern reads a lone star as every type: as a NATS wildcard it would
// stand for one word, and types have several.
func subjectPattern(pattern string) string {
	if pattern == "*" {
		return ">"
	}
	return strings.TrimSpace(pattern)
}
