// This file is what the columns of an import are.

package accounts

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"boxoffice/domain"
)

// customPrefix is how the names of columns begin that are fields of custom.
const customPrefix = customField + "."

const (
	columnID           = "id"
	columnEmail        = "email"
	columnRegisteredAt = "registered_at"
)

// ImportFields are the fields that a column can be, but for those of custom.
func ImportFields() []string {
	return append([]string{columnID, columnRegisteredAt}, profileFields...)
}

// fieldNames are the names by which a column is recognised, squeezed.
var fieldNames = map[string]string{
	"id": columnID, "userid": columnID, "customerid": columnID,
	"email": columnEmail, "emailaddress": columnEmail, "useremail": columnEmail,
	"firstname": "first_name", "first": "first_name", "givenname": "first_name", "forename": "first_name",
	"lastname": "last_name", "last": "last_name", "surname": "last_name", "familyname": "last_name",
	"locale": "locale", "language": "locale",
	"country": "country", "countrycode": "country",
	"platform":     "platform",
	"registeredat": columnRegisteredAt, "created": columnRegisteredAt, "createdat": columnRegisteredAt,
	"datejoined": columnRegisteredAt, "signupdate": columnRegisteredAt, "registered": columnRegisteredAt,
}

// derivedNames are the columns of an export that nobody can enter, squeezed.
var derivedNames = []string{"status", "statussince", "updatedat", "lastviewedat"}

// squeezed is a name without what doesn't matter in it: its case, and what parts
// its words.
func squeezed(name string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '_', '-', '\t', '\u00a0':
			return -1
		}
		return r
	}, strings.ToLower(name))
}

// utcMark is how the name of a column says that its times are in UTC, squeezed.
const utcMark = "(utc)"

func saysUTC(name string) bool { return strings.Contains(squeezed(name), utcMark) }

// fieldOf is the field that a column is by its name. derived says that it is one
// that nobody can enter; a column that isn't recognised is neither.
func fieldOf(name string) (field string, derived bool) {
	if name == customPrefix {
		return name, false // the empty key, as a file has it that boxoffice has exported
	}
	begin := strings.TrimLeft(name, " \t\u00a0")
	if len(begin) > len(customPrefix) && strings.EqualFold(begin[:len(customPrefix)], customPrefix) {
		key := begin[len(customPrefix):]
		if begin != name {
			key = strings.TrimSpace(key) // it is the name that has blanks around it, and not the key
		}
		if key != "" {
			return customPrefix + key, false
		}
	}
	plain := strings.ReplaceAll(squeezed(name), utcMark, "")
	return fieldNames[plain], slices.Contains(derivedNames, plain)
}

// A Mapping says what columns are: by the names that they have in the file a field,
// as custom.<key> too, or nothing, where a column is to be left out.
type Mapping map[string]string

// ReadMapping reads a mapping from a JSON object, in which null leaves a column out.
// Its error is an [InvalidError] about the field mapping.
func ReadMapping(object string) (Mapping, error) {
	invalid := func(message string) error {
		return &InvalidError{[]Fault{{Field: "mapping", Message: message}}}
	}
	var given map[string]*string
	if err := json.Unmarshal([]byte(object), &given); err != nil || given == nil {
		return nil, invalid(`must be a JSON object of columns and their fields, as {"Plan": "custom.plan", "Notes": null}, with no column twice`)
	}
	m := make(Mapping, len(given))
	for column, field := range given {
		if field == nil {
			m[column] = ""
			continue
		}
		if !IsImportField(*field) {
			return nil, invalid(fmt.Sprintf("%q is no field: a column can be %s, custom.<key>, or null to leave it out", shortened(*field), strings.Join(ImportFields(), ", ")))
		}
		m[column] = *field
	}
	return m, nil
}

// IsImportField says that a column can be a field of that name.
func IsImportField(name string) bool {
	key, custom := strings.CutPrefix(name, customPrefix)
	return custom && key != "" || slices.Contains(ImportFields(), name)
}

// of is what a column is mapped to: by its name, or by that without blanks around it.
func (m Mapping) of(column string) (field string, ok bool) {
	if field, ok = m[column]; ok {
		return field, true
	}
	field, ok = m[strings.TrimSpace(column)]
	return field, ok
}

// UnknownColumns says what becomes of columns that aren't recognised, and that no
// mapping names.
type UnknownColumns string

// The ways to treat them. The empty one is RefuseUnknown.
const (
	RefuseUnknown UnknownColumns = "refuse"
	IgnoreUnknown UnknownColumns = "ignore"
	// CustomUnknown makes each a field of custom of its name.
	CustomUnknown UnknownColumns = "custom"
)

// importColumns are the columns of a file.
type importColumns struct {
	// id, email and registered are their places, -1 for one that isn't there.
	id, email, registered int
	// registeredUTC says that times of registered without an offset are in UTC.
	registeredUTC bool
	// fields has for each column the field of a profile that it is, or none.
	fields []importField
	byName map[string]int // of fields
	// taken is what each column was taken for.
	taken []ImportColumn
	// guarded says that a text which a spreadsheet program would take for a
	// formula may have a ' in front, as in a CSV that boxoffice has exported.
	guarded bool
}

// An importField is a column that is a field of a profile.
type importField struct {
	at   int
	name string // the field's, or the key's in custom; empty for no field of a profile
	// custom says that it is a key of custom.
	custom bool
}

// compared is a text of a field as such are compared.
func (f importField) compared(text string) string {
	text = strings.TrimSpace(text)
	if !f.custom && f.name == columnEmail {
		return domain.EmailKey(text)
	}
	return text
}

// field is the field of a profile that a column is.
func (c *importColumns) field(column int) (importField, bool) {
	if column < 0 || column >= len(c.fields) {
		return importField{}, false
	}
	f := c.fields[column]
	return f, f.custom || f.name != ""
}

// named is the column of a field of a profile, by its name.
func (c *importColumns) named(name string) (importField, bool) {
	at, ok := c.byName[name]
	if !ok {
		return importField{}, false
	}
	return c.field(at)
}

// readColumns reads the first row of a file. Its error is a [ColumnsError] with
// everything that is wrong with it.
func readColumns(header []string, guarded bool, o ImportOptions) (*importColumns, error) {
	c := &importColumns{id: -1, email: -1, registered: -1, guarded: guarded,
		fields: make([]importField, len(header)), byName: map[string]int{}, taken: make([]ImportColumn, len(header))}
	var faults columnFaults
	for i, name := range header {
		field := faults.field(name, i, o)
		c.taken[i] = ImportColumn{Name: name, Field: field, Unclear: faults.unclear}
		faults.add(field, i)
		c.add(i, name, field)
	}
	faults.mapped(header, o.Mapping)
	if c.email < 0 {
		faults.say(`no column is the e-mail: name one email, or map one to it`)
	}
	return c, faults.err(c.taken)
}

func (c *importColumns) add(at int, name, field string) {
	switch field {
	case "":
		return
	case columnID:
		c.id = at
		return
	case columnRegisteredAt:
		c.registered, c.registeredUTC = at, saysUTC(name)
		return
	case columnEmail:
		c.email = at
	}
	key, custom := strings.CutPrefix(field, customPrefix)
	c.fields[at] = importField{at: at, name: key, custom: custom}
	c.byName[field] = at
}

// columnFaults gathers what is wrong with columns.
type columnFaults struct {
	unknown, unnamed []string
	// unclear says that nothing says what the column is that was looked at last.
	unclear bool
	byField map[string][]int // the columns
	fields  []string         // of byField, in the order of the file
	faults  []Fault
}

// field is what a column is taken for, empty where it is left out.
func (f *columnFaults) field(name string, at int, o ImportOptions) string {
	f.unclear = false
	if field, ok := o.Mapping.of(name); ok {
		return field
	}
	field, derived := fieldOf(name)
	key := strings.TrimSpace(name)
	switch {
	case field != "" || derived || o.Unknown == IgnoreUnknown:
		return field
	case key == "":
		f.unclear = true
		f.unnamed = append(f.unnamed, fmt.Sprint(at+1))
	case o.Unknown == CustomUnknown:
		return customPrefix + key
	default:
		f.unclear = true
		f.unknown = append(f.unknown, name)
	}
	return ""
}

// add notes that a column is a field.
func (f *columnFaults) add(field string, column int) {
	if field == "" {
		return
	}
	if f.byField == nil {
		f.byField = map[string][]int{}
	}
	if f.byField[field] == nil {
		f.fields = append(f.fields, field)
	}
	f.byField[field] = append(f.byField[field], column)
}

// mapped notes columns that are mapped and that the file doesn't have.
func (f *columnFaults) mapped(header []string, m Mapping) {
	if len(m) == 0 {
		return
	}
	there := make(map[string]bool, len(header))
	for _, name := range header {
		there[name], there[strings.TrimSpace(name)] = true, true
	}
	var missing []string
	for column := range m {
		if !there[column] {
			missing = append(missing, column)
		}
	}
	slices.Sort(missing)
	if missing != nil {
		f.say(fmt.Sprintf("the file has no %s, which the mapping names", theColumns(missing)))
	}
}

func (f *columnFaults) say(message string) {
	f.faults = append(f.faults, Fault{Field: "columns", Message: message})
}

// err is everything that is wrong with columns; nil for nothing.
func (f *columnFaults) err(taken []ImportColumn) error {
	if f.unknown != nil {
		f.say(fmt.Sprintf("unknown %s: say with a mapping which field each is, or null to leave it out; or leave all of them out (unknown=ignore), or keep them as custom fields (unknown=custom)",
			theColumns(f.unknown)))
	}
	if f.unnamed != nil {
		f.say(fmt.Sprintf("no name stands above column %s: name it, delete it, or leave out what isn't known (unknown=ignore)", strings.Join(firstOf(f.unnamed), ", ")))
	}
	for _, field := range f.fields {
		columns := f.byField[field]
		if len(columns) == 1 {
			continue
		}
		var names []string
		for _, column := range columns {
			taken[column].Unclear = true
			names = append(names, taken[column].Name)
		}
		f.say(fmt.Sprintf("%s are all %s: map all but one to null, or to another field", theColumns(names), shortened(field)))
	}
	if f.faults == nil {
		return nil
	}
	return &ColumnsError{Columns: taken, Err: &InvalidError{f.faults}}
}

// A ColumnsError says that it isn't clear what the columns of a file are: a mapping
// can say it.
type ColumnsError struct {
	// Columns are those of the file, and what each would be taken for.
	Columns []ImportColumn
	Err     *InvalidError
}

// Error names what is wrong, in sentences.
func (e *ColumnsError) Error() string { return e.Err.Error() }

// Unwrap is the error as one of what was entered.
func (e *ColumnsError) Unwrap() error { return e.Err }

// theColumns names columns in a sentence.
func theColumns(names []string) string {
	var quoted []string
	for _, name := range firstOf(names) {
		quoted = append(quoted, fmt.Sprintf("%q", shortened(name)))
	}
	if more := len(names) - len(quoted); more > 0 {
		quoted = append(quoted, fmt.Sprintf("and %d more", more))
	}
	if len(names) == 1 {
		return "column " + quoted[0]
	}
	return "columns " + strings.Join(quoted, ", ")
}

// firstOf are the first of many names, so that an answer stays short.
func firstOf(names []string) []string { return names[:min(len(names), 20)] }

// An ImportColumn is a column of a file, and what it was taken for.
type ImportColumn struct {
	// Name is its name in the file.
	Name string
	// Field is the name of what it is: id, registered_at, a field of a profile, or
	// custom. and a key. It is empty for a column that is left out.
	Field string
	// Unclear says that nothing says what the column is, or that another is the
	// same field.
	Unclear bool
}

// Columns are those of the file, in its order.
func (m *Import) Columns() []ImportColumn { return m.columns.taken }

// shortened keeps an answer short, whatever it repeats.
func shortened(text string) string {
	const most = 100
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
