// This file is what a cell of an import says, beside what is there already.

package accounts

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/go-json-experiment/json/jsontext"

	"boxoffice/accounts/spreadsheet"
)

// cell is what a row says in a column; empty where it says nothing.
func (c *importColumns) cell(cells []spreadsheet.Cell, at int) string {
	return c.unguarded(spreadsheet.TextAt(cells, at))
}

// unguarded takes away the ' that keeps a spreadsheet program from taking a text
// for a formula, or that keeps a ' which is the text's own.
func (c *importColumns) unguarded(cell string) string {
	if c.guarded && len(cell) > 1 && cell[0] == '\'' && strings.IndexByte("=+-@'", cell[1]) >= 0 {
		return cell[1:]
	}
	return cell
}

// sameText says that a cell is what a field says already.
func (c *importColumns) sameText(f importField, cell, there string) bool {
	said := f.compared(there)
	switch {
	case f.compared(cell) == said:
		return true
	case c.guarded:
		return f.compared(c.unguarded(cell)) == said
	}
	return strings.ContainsAny(cell, "\uFFFD…") && cell == f.compared(asInWorkbook(said))
}

// maxCellUnits is how many UTF-16 code units a cell of a workbook holds.
const maxCellUnits = 32_767

// asInWorkbook is a text as a workbook has it that boxoffice has exported: without
// the characters that a workbook has no place for, and cut where it is too long for
// a cell.
func asInWorkbook(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == '\uFFFE' || r == '\uFFFF' {
			return '\uFFFD'
		}
		return r
	}, text)
	if len(utf16.Encode([]rune(text))) <= maxCellUnits {
		return text
	}
	units := 0
	for i, r := range text {
		if units += utf16.RuneLen(r); units >= maxCellUnits {
			return text[:i] + "…"
		}
	}
	return text
}

// sameValue says that a cell is the value of custom that is there already, in
// the form in which it stands in a table.
func (c *importColumns) sameValue(cell string, there jsontext.Value) bool {
	asText := importField{custom: true}
	switch there.Kind() {
	case '"':
		return c.sameText(asText, cell, shownValue(there))
	case '0':
		return cell == string(there) || sameNumber(cell, string(there))
	case '[', '{':
		if c.sameText(asText, cell, string(there)) {
			return true
		}
		given, said := jsontext.Value(cell), there.Clone()
		return given.Kind() == there.Kind() && given.Canonicalize(asWritten) == nil && said.Canonicalize(asWritten) == nil && bytes.Equal(given, said)
	}
	return strings.EqualFold(cell, string(there)) // true and TRUE
}

// asWritten leaves numbers as they are where keys are brought into an order.
var asWritten = jsontext.CanonicalizeRawInts(false)

// sameNumber says that two numbers are the same however they are written, as
// 1.50 and 1.5 are: those that a spreadsheet program can tell apart.
func sameNumber(a, b string) bool {
	if significantDigits(a) > exactDigits || significantDigits(b) > exactDigits {
		return false
	}
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return errX == nil && errY == nil && x == y
}

// exactDigits is how many significant digits a number of a sheet has for sure.
const exactDigits = 15

// significantDigits counts the digits of a number without the zeros at its ends.
func significantDigits(number string) int {
	mantissa, _, _ := strings.Cut(strings.ToLower(number), "e")
	return len(strings.Trim(strings.NewReplacer("-", "", ".", "").Replace(mantissa), "0"))
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
