// This file holds the rules of the envelope: what each attribute of an event
// must be, and what of a refused event's envelope can still be told.

package domain

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The attributes that have a rule of their own.
const (
	attrSpecVersion = iota
	attrID
	attrSource
	attrType
	attrSubject
	attrTime
	attrContentType
	attrSchema
	knownAttributes
)

// attributeNames has their names, in the order of the constants.
var attributeNames = [knownAttributes]string{
	"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema",
}

const (
	maxIDBytes     = 255
	maxSourceBytes = 255
	maxUserIDBytes = 128
)

// An attribute is the value of one of the known attributes.
type attribute struct {
	given  bool // and not null, which is as absent
	isText bool
	text   string
}

// An extension is one extension attribute, as it came.
type extension struct {
	name  string
	value []byte // a JSON string, boolean or number
}

// An envelope is what an event's attributes say, before and after they have
// been judged.
type envelope struct {
	known      [knownAttributes]attribute
	extensions []extension
	// headFlaw is the first rule that was seen to be broken while the attributes
	// were read: of a name, of an extension, of a header. Empty for none.
	headFlaw string
	time     Instant // set by check

	// data is the text of data, nil where there is none; base64 says that
	// data_base64 is there.
	data   []byte
	base64 bool
}

// check says which rule of an attribute is broken, "" for none.
func (env *envelope) check() string {
	if env.headFlaw != "" {
		return env.headFlaw
	}
	for i, name := range attributeNames {
		if rule := env.checkKnown(i); rule != nil {
			return name + " " + rule.Error()
		}
	}
	return ""
}

var (
	errMissing     = errors.New("is missing")
	errNotText     = errors.New("must be a text")
	errNotAnID     = errors.New("must be a text or an integer")
	errSpecVersion = errors.New("must be 1.0")
	errIDLength    = errors.New("must have 1 to 255 bytes")
	errEmpty       = errors.New("must not be empty")
	errNUL         = errors.New("must not have U+0000 in it")
	errContentType = errors.New("must be application/json")
)

// checkKnown returns the rule that a known attribute breaks.
func (env *envelope) checkKnown(i int) error {
	a := &env.known[i]
	switch {
	case !a.given && (i == attrContentType || i == attrSchema):
		return nil
	case !a.given:
		return errMissing
	case !a.isText:
		return errNotText
	case strings.IndexByte(a.text, 0) >= 0:
		return errNUL
	}
	var err error
	switch i {
	case attrSpecVersion:
		if a.text != "1.0" {
			err = errSpecVersion
		}
	case attrID:
		if a.text == "" || len(a.text) > maxIDBytes {
			err = errIDLength
		} else if strings.IndexFunc(a.text, unicode.IsControl) >= 0 {
			err = errControl
		}
	case attrSource:
		err = checkSource(a.text)
	case attrType:
		if a.text == "" {
			err = errEmpty
		}
	case attrSubject:
		err = ValidUserID(a.text)
	case attrTime:
		env.time, err = ParseInstant(a.text)
	case attrContentType:
		err = checkContentType(a.text)
	}
	return err
}

// text returns a known attribute that keeps its rule, "" for one that doesn't.
func (env *envelope) text(i int) string {
	if env.checkKnown(i) != nil {
		return ""
	}
	return env.known[i].text
}

// refuse makes a refusal of what can be told of the envelope.
func (env *envelope) refuse(reason Reason, message string) *Refusal {
	r := &Refusal{
		Reason:  reason,
		Message: message,
		ID:      env.text(attrID),
		Source:  env.text(attrSource),
		Type:    env.text(attrType),
		Subject: env.text(attrSubject),
	}
	if env.checkKnown(attrTime) == nil {
		t := env.time
		r.Time = &t
	}
	return r
}

var (
	errUserIDLength = errors.New("must have 1 to 128 bytes")
	errUserIDText   = errors.New("must be UTF-8")
	errControl      = errors.New("must have no control characters")
	errUserIDDots   = errors.New("must not be . or .., which no URL can carry")
)

// ValidUserID says which rule of a user's id on the platform s breaks, nil for
// none: 1 to 128 bytes of UTF-8, no control characters, and not "." or "..".
func ValidUserID(s string) error {
	switch {
	case s == "" || len(s) > maxUserIDBytes:
		return errUserIDLength
	case !utf8.ValidString(s):
		return errUserIDText
	case strings.IndexFunc(s, unicode.IsControl) >= 0:
		return errControl
	case s == "." || s == "..":
		return errUserIDDots
	}
	return nil
}

// checkContentType takes application/json, whatever its case and parameters.
func checkContentType(s string) error {
	mediaType, _, _ := strings.Cut(s, ";")
	if !strings.EqualFold(strings.Trim(mediaType, " \t"), "application/json") {
		return errContentType
	}
	return nil
}

// validAttributeName says that a name is of CloudEvents' alphabet for them.
func validAttributeName(name string) bool {
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// knownAttribute returns the constant of a known attribute's name.
func knownAttribute(name string) (int, bool) {
	for i, known := range attributeNames {
		if name == known {
			return i, true
		}
	}
	return 0, false
}

// extend takes an extension whose value is a JSON value; null is as absent.
func (env *envelope) extend(name string, value []byte) {
	if rule := extensionRule(value); rule != "" {
		env.flaw(attributeLabel(name) + " " + rule)
		return
	}
	if !isNull(value) {
		env.extensions = append(env.extensions, extension{name, value})
	}
}

// attributeLabel names an attribute in a message. The name of an extension is the
// publisher's text, and as personal as what stands under it.
func attributeLabel(name string) string {
	if _, known := knownAttribute(name); known {
		return name
	}
	return "an extension"
}

// extensionRule returns the rule that an extension's value breaks.
func extensionRule(value []byte) string {
	switch {
	case value[0] == '{' || value[0] == '[':
		return "must be a text, a boolean or an integer"
	case value[0] == '"' && hasNUL(value):
		return errNUL.Error()
	case isNumber(value) && !isInt32(value):
		return "must be an integer of 32 bits where it is a number"
	}
	return ""
}

// isInt32 says that a number is one of CloudEvents' integers, however written.
func isInt32(number []byte) bool {
	if !withinLimits(number) {
		return false
	}
	d := decimalOf(number)
	v, ok := d.integer()
	return ok && int64(int32(v)) == v
}

// flaw notes a rule that is broken; the first stays.
func (env *envelope) flaw(rule string) {
	if env.headFlaw == "" {
		env.headFlaw = rule
	}
}
