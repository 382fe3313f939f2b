// This file is what the columns of an import are, and what a cell in one says.

package accounts

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"boxoffice/domain"
)

// customPrefix is how the names of columns begin that are fields of custom.
const customPrefix = customField + "."

const (
	columnID           = "id"
	columnEmail        = "email"
	columnRegisteredAt = "registered_at"
)

// columnName is the name of a column as it is known: the case of all but the
// keys of custom doesn't matter. False where there is no such column.
func columnName(name string) (string, bool) {
	lower := strings.ToLower(name)
	if strings.HasPrefix(lower, customPrefix) && len(lower) > len(customPrefix) {
		return customPrefix + name[len(customPrefix):], true
	}
	known := lower == columnID || lower == columnRegisteredAt || slices.Contains(profileFields, lower)
	return lower, known
}

func isImportColumn(name string) bool {
	_, known := columnName(name)
	return known
}

// importColumns are the columns of a file.
type importColumns struct {
	// id, email and registered are their places, -1 for one that isn't there.
	id, email, registered int
	// fields are those that are fields of a profile.
	fields []importField
	// guarded says that a text which a spreadsheet program would take for a
	// formula may have a ' in front, as in a CSV that boxoffice has exported.
	guarded bool
}

// An importField is a column that is a field of a profile.
type importField struct {
	at   int
	name string // the field's, or the key's in custom
	// custom says that it is a key of custom.
	custom bool
}

// readColumns reads the first row of a file. Its error is an [InvalidError] with
// everything that is wrong with it.
func readColumns(header []string, guarded bool) (*importColumns, error) {
	c := &importColumns{id: -1, email: -1, registered: -1, guarded: guarded}
	var faults []Fault
	fault := func(message string, column jsontext.Value) {
		faults = append(faults, Fault{"columns", message, column})
	}
	seen := map[string]bool{}
	for i, given := range header {
		name, known := columnName(given)
		switch {
		case given == "":
			fault("a column has no name", nil)
			continue
		case !known:
			fault("unknown column", textValue(shortened(given)))
			continue
		case seen[name]:
			fault("column is there twice", textValue(shortened(given)))
			continue
		}
		seen[name] = true
		c.add(i, name)
	}
	if c.email < 0 {
		fault("the column email is missing", nil)
	}
	if faults != nil {
		return nil, &InvalidError{faults}
	}
	return c, nil
}

func (c *importColumns) add(at int, name string) {
	switch name {
	case columnID:
		c.id = at
		return
	case columnRegisteredAt:
		c.registered = at
		return
	case columnEmail:
		c.email = at
	}
	key, custom := strings.CutPrefix(name, customPrefix)
	c.fields = append(c.fields, importField{at: at, name: key, custom: custom})
}

// An ImportColumn is a column of a file, and what it was taken for.
type ImportColumn struct {
	// Name is its name in the file.
	Name string
	// Field is the name of what it is: id, registered_at, a field of a profile, or
	// custom. and a key.
	Field string
}

// Columns are those of the file, in its order.
func (m *Import) Columns() []ImportColumn {
	columns := make([]ImportColumn, len(m.table.Header))
	for i, name := range m.table.Header {
		field, _ := columnName(name)
		columns[i] = ImportColumn{Name: name, Field: field}
	}
	return columns
}

// shortened keeps an answer short, whatever it repeats.
func shortened(text string) string {
	const most = 100
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// cell is what a row says in a column; empty where it says nothing.
func (c *importColumns) cell(cells []string, at int) string {
	if at < 0 {
		return ""
	}
	return c.unguarded(cells[at])
}

// unguarded takes away the ' that keeps a spreadsheet program from taking a text
// for a formula.
func (c *importColumns) unguarded(cell string) string {
	if c.guarded && len(cell) > 1 && cell[0] == '\'' && strings.IndexByte("=+-@", cell[1]) >= 0 {
		return cell[1:]
	}
	return cell
}

// sameText says that a cell is the text that is there already. Cells have no
// blanks around them.
func (c *importColumns) sameText(cell, there string) bool {
	there = strings.TrimSpace(there)
	return cell == there || c.unguarded(cell) == there
}

// sameValue says that a cell is the value of custom that is there already, in
// the form in which it stands in a table.
func (c *importColumns) sameValue(cell string, there jsontext.Value) bool {
	switch there.Kind() {
	case '"':
		return c.sameText(cell, shownValue(there))
	case '0':
		return cell == string(there) || sameNumber(cell, string(there))
	case '[', '{':
		value := jsontext.Value(cell)
		return value.Kind() == there.Kind() && value.Compact() == nil && bytes.Equal(value, there)
	}
	return strings.EqualFold(cell, string(there)) // true and TRUE
}

// sameNumber says that two numbers are the same however they are written, as
// 1.50 and 1.5 are: those that a spreadsheet program can tell apart.
func sameNumber(a, b string) bool {
	const digits = len("-0.123456789012345")
	if len(a) > digits || len(b) > digits {
		return false
	}
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return errX == nil && errY == nil && x == y
}

// shownValue is a value of custom as it stands in a table.
func shownValue(value jsontext.Value) string {
	if value.Kind() == '"' {
		if text, err := jsontext.AppendUnquote(nil, value); err == nil {
			return string(text)
		}
	}
	return string(value)
}

// newValue is a cell as a value of custom: a text, unless the field has had
// numbers, booleans, arrays or objects and this is another of these.
func (c *importColumns) newValue(cell string, there jsontext.Value) jsontext.Value {
	value := jsontext.Value(cell)
	switch there.Kind() {
	case '0':
		if value.Kind() == '0' && value.IsValid() {
			return value
		}
	case 't', 'f':
		if lower := strings.ToLower(cell); lower == "true" || lower == "false" {
			return jsontext.Value(lower)
		}
	case '[', '{':
		if value.Kind() == there.Kind() && value.Compact() == nil {
			return value
		}
	}
	return textValue(c.unguarded(cell))
}

// textValue is a text as JSON. What isn't UTF-8 doesn't get this far.
func textValue(text string) jsontext.Value {
	value, err := jsontext.AppendQuote(nil, text)
	if err != nil {
		value, _ = jsontext.AppendQuote(nil, strings.ToValidUTF8(text, "\uFFFD"))
	}
	return value
}

// A registration is what registered_at says: an instant, and how exactly.
type registration struct {
	at domain.Instant
	// from and to are the first and the last instant that would be written like
	// that: a day alone stands for each instant of it.
	from, to domain.Instant
}

const (
	milli  = domain.Instant(1000)
	second = 1000 * milli
)

// parseRegistration reads a date alone, an instant, or what a clock in the
// platform's time zone showed.
func parseRegistration(c domain.Calendar, text string) (registration, error) {
	if at, err := c.ParseLocal(text); err == nil {
		r := registration{at: at, from: at, to: at + second - 1}
		if strings.Contains(text, ".") {
			r.from, r.to = at-milli, at+milli // a workbook has milliseconds, rounded
		}
		return r, nil
	}
	at, err := c.ParseDateOrInstant(text)
	if err != nil {
		return registration{}, err
	}
	r := registration{at: at, from: at, to: at}
	if len(text) == len("2006-01-02") {
		r.to = c.EndOfDay(text) - 1
	}
	return r, nil
}

// agrees says that an instant is the one that is meant.
func (r registration) agrees(at domain.Instant) bool { return r.from <= at && at <= r.to }
