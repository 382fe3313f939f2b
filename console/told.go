// This file says in the reader's language why something can't be done.

package console

import (
	"errors"
	"html/template"

	"boxoffice/access"
	"boxoffice/accounts"
)

// told is what an error says to people, in their language; empty where it is none
// for people.
func (v *visit) told(err error) template.HTML {
	if unavailable, ok := errors.AsType[*accounts.UnavailableError](err); ok {
		key := "unavailable." + string(unavailable.Cause)
		if unavailable.Cause == accounts.CauseUnsettled && unavailable.Stored == accounts.PerhapsStored {
			key += ".perhaps"
		}
		if v.Has(key) {
			return v.H(key)
		}
		return v.english(unavailable.Reason)
	}
	if refusal, ok := errors.AsType[*access.Refusal](err); ok {
		if refusal.Kind == access.Unavailable {
			return v.H("unavailable.trail")
		}
		return v.english(refusal.Reason)
	}
	return ""
}

// english is a text that is there in English only, marked as that where the page is
// in another language.
func (v *visit) english(text string) template.HTML {
	if v.Tag == "en" || text == "" {
		return said(text)
	}
	return `<span lang="en">` + said(text) + `</span>`
}

// said is a text in the reader's language.
func said(text string) template.HTML {
	return template.HTML(template.HTMLEscapeString(text)) //nolint:gosec // escaped
}

// wrong is what is wrong with a field; own says that it is in the reader's language.
func (v *visit) wrong(text string, own bool) template.HTML {
	if own {
		return said(text)
	}
	return v.english(text)
}
