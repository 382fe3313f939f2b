// This file is what an import knows of a user who is there already, and what a
// row changes about them.

package accounts

import (
	"encoding/json"

	"github.com/go-json-experiment/json/jsontext"

	"boxoffice/accounts/spreadsheet"
	"boxoffice/domain"
	"boxoffice/projections"
)

// A matchedUser is a user whom a row is about.
type matchedUser interface {
	registeredAt() *domain.Instant
	hasEmail() bool
	// says says that a field is already what a cell says.
	says(f importField, cell string) bool
	// value is the value of a field of custom, nil where there is none.
	value(f importField) jsontext.Value
}

// A foundUser is a user of the read models.
type foundUser struct {
	*projections.User
	columns *importColumns
	custom  map[string]jsontext.Value
}

func newFoundUser(u *projections.User, c *importColumns) (*foundUser, error) {
	f := &foundUser{User: u, columns: c}
	if len(u.Profile.Custom) == 0 {
		return f, nil
	}
	return f, json.Unmarshal(u.Profile.Custom, &f.custom)
}

func (u *foundUser) registeredAt() *domain.Instant      { return u.RegisteredAt }
func (u *foundUser) hasEmail() bool                     { return u.Profile.Email != nil }
func (u *foundUser) value(f importField) jsontext.Value { return u.custom[f.name] }

func (u *foundUser) says(f importField, cell string) bool {
	if f.custom {
		there, ok := u.custom[f.name]
		return ok && u.columns.sameValue(cell, there)
	}
	there := profileText(&u.Profile, f.name)
	return there != nil && u.columns.sameText(f, cell, *there)
}

// email is the user's e-mail as e-mails are compared, empty for none. u may be
// nil.
func (u *foundUser) email() string {
	if u == nil || u.Profile.Email == nil {
		return ""
	}
	return domain.EmailKey(*u.Profile.Email)
}

// emailAfter is the e-mail, as compared, that a user has after a row: their
// own where the row says no other. user is nil for one whom the row makes.
func (c *importColumns) emailAfter(r *importRow, user *foundUser) string {
	if user == nil {
		return r.email
	}
	cell := spreadsheet.TextAt(r.cells, c.email)
	if f, _ := c.field(c.email); cell == "" || user.says(f, cell) {
		return user.email()
	}
	return r.email
}

// profileText is a field of a profile.
func profileText(p *domain.Profile, name string) *string {
	switch name {
	case columnEmail:
		return p.Email
	case "first_name":
		return p.FirstName
	case "last_name":
		return p.LastName
	case "locale":
		return p.Locale
	case "country":
		return p.Country
	}
	return p.Platform
}

// changedData is what a row says that isn't so yet, as the data of an event;
// nil where there is nothing. user is nil for one who isn't there.
func (c *importColumns) changedData(cells []spreadsheet.Cell, user matchedUser) json.RawMessage {
	var own, custom []byte
	for _, cell := range cells {
		f, ok := c.field(cell.Column)
		if !ok || user != nil && user.says(f, cell.Text) {
			continue
		}
		if !f.custom {
			own = appendMember(own, f.name, textValue(c.unguarded(cell.Text)))
			continue
		}
		var there jsontext.Value
		if user != nil {
			there = user.value(f)
		}
		custom = appendMember(custom, f.name, c.newValue(cell.Text, there))
	}
	if custom != nil {
		own = appendMember(own, customField, append(custom, '}'))
	}
	if own == nil {
		return nil
	}
	return append(own, '}')
}

// appendMember appends a member to an object that isn't closed; nil is an empty one.
func appendMember(object []byte, name string, value jsontext.Value) []byte {
	if object == nil {
		object = []byte{'{'}
	} else {
		object = append(object, ',')
	}
	object = append(object, textValue(name)...)
	return append(append(object, ':'), value...)
}
