// This file is which events a publisher may publish. One rule decides for HTTP,
// event by event, and for NATS, by subjects.

package access

import (
	"slices"
	"strings"
)

// onlyByName are types that a publisher's key has to name whole: no pattern
// stands for them, nor does a key without a limit.
var onlyByName = []string{"user.erased", "event.retracted"}

// MayPublish says whether the identity may publish events of the type.
func (i Identity) MayPublish(eventType string) bool {
	switch {
	case !i.May(PublishEvents):
		return false
	case i.Role == Admin:
		return true
	case slices.Contains(onlyByName, eventType):
		return slices.Contains(i.Types, eventType)
	}
	return i.Types == nil || slices.ContainsFunc(i.Types, func(pattern string) bool { return matches(pattern, eventType) })
}

// matches says whether a type is one that a pattern stands for: the type
// itself, a prefix with ".*" after it, or "*" for every type.
func matches(pattern, eventType string) bool {
	prefix, open := strings.CutSuffix(pattern, "*")
	return pattern == eventType || open && isPrefix(prefix) && strings.HasPrefix(eventType, prefix)
}

// isPrefix says that what stands before the star is nothing, or ends a word.
func isPrefix(text string) bool { return text == "" || strings.HasSuffix(text, ".") }

// Subjects returns the NATS subjects that stand for the types that the identity
// may publish, where an event's subject is prefix and its type. deny goes before
// allow. Without allow nothing may be published.
func (i Identity) Subjects(prefix string) (allow, deny []string) {
	if !i.May(PublishEvents) {
		return nil, nil
	}
	if i.Role == Admin {
		return []string{prefix + ">"}, nil
	}
	patterns := i.Types
	if patterns == nil {
		patterns = []string{"*"}
	}
	for _, pattern := range patterns {
		// A star of NATS is one word; types have several.
		if before, open := strings.CutSuffix(pattern, "*"); open && isPrefix(before) {
			pattern = before + ">"
		}
		allow = append(allow, prefix+pattern)
	}
	for _, name := range onlyByName {
		if !slices.Contains(i.Types, name) {
			deny = append(deny, prefix+name)
		}
	}
	return allow, deny
}
