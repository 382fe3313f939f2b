// This file reads the rows of a workbook's sheet, and what their cells say.

package spreadsheet

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxSheetColumns is how many columns a sheet of Excel has.
const maxSheetColumns = 16_384

// A sheetSource reads the rows of a sheet.
type sheetSource struct {
	book   *workbook
	xml    *xmlReader
	part   io.Closer
	ended  bool
	row    int
	header bool // the row is the header

	cells  []Cell
	faults []CellFault
	fault  string
	size   int // of the texts of the row

	// value and text are what a cell has, reused.
	value, text []byte
}

func (b *workbook) openSheet(part string) (*sheetSource, error) {
	d, closer, err := b.reader(part)
	if err != nil {
		return nil, err
	}
	return &sheetSource{book: b, xml: d, part: closer}, nil
}

func (s *sheetSource) close() error { return errors.Join(s.part.Close(), s.book.texts.close()) }

// next returns the next row that isn't blank.
func (s *sheetSource) next(header bool) (Row, error) {
	s.header = header
	for !s.ended {
		token, err := s.xml.token()
		if err != nil {
			return Row{}, inside(err) // the sheet's data has an end of its own
		}
		switch e := token.(type) {
		case xml.StartElement:
			if e.Name.Local != "row" {
				continue
			}
			if err := s.readRow(&e); err != nil {
				return Row{}, err
			}
			switch {
			case s.fault != "":
				return Row{Number: s.row, Fault: s.fault}, nil
			case len(s.cells)+len(s.faults) > 0:
				return Row{Number: s.row, Cells: s.cells, Faults: s.faults}, nil
			}
		case xml.EndElement:
			s.ended = e.Name.Local == "sheetData" || e.Name.Local == "worksheet"
		}
	}
	return Row{}, io.EOF
}

// beginRow takes the number of a row.
func (s *sheetSource) beginRow(e *xml.StartElement) error {
	s.row++
	n, err := strconv.ParseInt(attribute(e, "r"), 10, 32)
	switch {
	case errors.Is(err, strconv.ErrRange), s.row > maxRowNumber:
		return formatError("the workbook has a row of a number that no sheet has")
	case err == nil && n > 0:
		s.row = int(n)
	}
	s.cells, s.faults, s.fault, s.size = s.cells[:0], s.faults[:0], "", 0
	return nil
}

// readRow reads the cells of a row, after its beginning.
func (s *sheetSource) readRow(e *xml.StartElement) error {
	if err := s.beginRow(e); err != nil {
		return err
	}
	begin := s.xml.offset()
	for column := 0; ; {
		token, err := s.xml.token()
		switch {
		case err != nil:
			return inside(err)
		case s.xml.offset()-begin > maxRowXML:
			return errLongRow
		}
		switch e := token.(type) {
		case xml.StartElement:
			if e.Name.Local != "c" {
				continue
			}
			if at, err := cellColumn(attribute(&e, "r")); err == nil {
				column = at
			}
			if column >= maxSheetColumns {
				return formatError("the workbook has a row of more than 16,384 columns")
			}
			if err := s.readCell(&e, column); err != nil {
				return err
			}
			column++
		case xml.EndElement:
			if e.Name.Local == "row" {
				s.endRow()
				return nil
			}
		}
	}
}

// inside is the error of a part that ends where it can't.
func inside(err error) error {
	if errors.Is(err, io.EOF) {
		return damaged(err)
	}
	return err
}

// put keeps what a cell says.
func (s *sheetSource) put(column int, text string) {
	if isBlank(text) || s.fault != "" {
		return
	}
	if !s.header {
		text = strings.TrimSpace(text)
	}
	text = unescaped(text)
	if s.size += len(text); s.size > MaxRowBytes {
		s.fault = longRow
		return
	}
	s.cells = append(s.cells, Cell{column, text})
}

// endRow brings cells that stand in another order into that of their columns. Of
// several of one column the last counts.
func (s *sheetSource) endRow() {
	byColumn := func(a, b Cell) int { return a.Column - b.Column }
	if !slices.IsSortedFunc(s.cells, byColumn) {
		slices.SortStableFunc(s.cells, byColumn)
	}
	kept := s.cells[:0]
	for i, c := range s.cells {
		if i+1 == len(s.cells) || s.cells[i+1].Column != c.Column {
			kept = append(kept, c)
		}
	}
	s.cells = kept
}

func (s *sheetSource) putFault(column int, fault string) {
	if len(s.faults) < maxSheetColumns {
		s.faults = append(s.faults, CellFault{column, fault})
	}
}

// readCell reads a cell, after its beginning.
func (s *sheetSource) readCell(e *xml.StartElement, column int) error {
	kind, format := attribute(e, "t"), attribute(e, "s")
	s.value, s.text = s.value[:0], s.text[:0]
	var inValue, formula, hasValue bool
	var text textParts
	for {
		token, err := s.xml.token()
		if err != nil {
			return inside(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			switch e.Name.Local {
			case "v":
				inValue, hasValue = true, true
			case "f":
				formula = true
			}
		case xml.EndElement:
			switch e.Name.Local {
			case "v":
				inValue = false
			case "c":
				if formula && (!hasValue || kind != "str" && isBlank(string(s.value))) {
					s.putFault(column, "has a formula whose value isn't stored: open the file in a spreadsheet program and save it")
					return nil
				}
				return s.putMeaning(column, kind, format)
			}
		case xml.CharData:
			if inValue {
				s.value = append(s.value, e...)
			} else if text.wanted() {
				s.text = append(s.text, e...)
			}
			if len(s.value)+len(s.text) > maxRowXML {
				return errLongRow
			}
		}
		text.pass(token)
	}
}

// putMeaning keeps what a cell says, as a text.
func (s *sheetSource) putMeaning(column int, kind, format string) error {
	value := strings.TrimSpace(string(s.value))
	switch kind {
	case "inlineStr":
		s.put(column, string(s.text))
	case "str":
		s.put(column, string(s.value))
	case "d":
		s.put(column, value)
	case "s":
		return s.putShared(column, value)
	case "b":
		switch value {
		case "1", "true":
			s.put(column, "true")
		case "0", "false":
			s.put(column, "false")
		}
	case "e":
		s.putFault(column, "has an error in place of a value")
	default:
		s.put(column, s.number(value, format))
	}
	return nil
}

// putShared keeps the shared text of a number.
func (s *sheetSource) putShared(column int, value string) error {
	if value == "" || s.fault != "" {
		return nil
	}
	n, err := strconv.ParseInt(value, 10, 64)
	known := false
	if err == nil {
		s.text, known, err = s.book.texts.appendText(s.text[:0], n)
		if err != nil {
			return err
		}
	}
	if !known {
		s.fault = "a cell refers to a text that the workbook doesn't have"
		return nil
	}
	// A text counts as often as it is referred to.
	if s.book.budget -= int64(len(s.text)); s.book.budget < 0 {
		return errLongPart
	}
	s.put(column, string(s.text))
	return nil
}

// number is what a cell without a kind says: a number or a date.
func (s *sheetSource) number(value, format string) string {
	if n, err := strconv.Atoi(format); err == nil && 0 <= n && n < len(s.book.isDate) && s.book.isDate[n] {
		if date, ok := dateText(value, s.book.from1904); ok {
			return date
		}
	}
	return numberText(value)
}

// numberText writes a number in plain decimals, to the 15 digits that a
// spreadsheet program shows of it.
func numberText(value string) string {
	if strings.Trim(value, "0123456789") == "" || len(value) > 1 && value[0] == '-' && strings.Trim(value[1:], "0123456789") == "" {
		return value
	}
	f, err := strconv.ParseFloat(value, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) || math.Abs(f) >= 1e21 || f != 0 && math.Abs(f) < 1e-21 {
		return value
	}
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(f, 'g', 15, 64), 64)
	if err != nil {
		return value
	}
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}

const millisOfDay = 24 * 60 * 60 * 1000

// dateText writes the date that a number of days is, to the millisecond: a day
// alone where it is the day's beginning, a time alone where it is less than one.
func dateText(value string, from1904 bool) (string, bool) {
	days, err := strconv.ParseFloat(value, 64)
	if err != nil || !(0 <= days && days < 2_958_466) { // the year 10000
		return "", false
	}
	millis := int64(math.Round(days * millisOfDay))
	day, ofDay := millis/millisOfDay, millis%millisOfDay
	start := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	switch {
	case from1904:
		start = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	case day < 60: // Excel has a 29th of February 1900, which is day 60
		start = start.AddDate(0, 0, 1)
	}
	at := start.AddDate(0, 0, int(day)).Add(time.Duration(ofDay) * time.Millisecond)
	switch {
	case day == 0 && !from1904 && ofDay > 0:
		return at.Format("15:04:05.999"), true
	case ofDay == 0:
		return at.Format("2006-01-02"), true
	}
	return at.Format("2006-01-02T15:04:05.999"), true
}

// cellColumn returns the column, from 0, of a cell reference such as AB12.
func cellColumn(reference string) (int, error) {
	column, letters := 0, 0
	for letters < len(reference) && 'A' <= reference[letters]&^0x20 && reference[letters]&^0x20 <= 'Z' {
		column = column*26 + int(reference[letters]&^0x20-'A') + 1
		letters++
		if letters > 3 {
			return 0, errNoReference
		}
	}
	if letters == 0 || letters == len(reference) || strings.Trim(reference[letters:], "0123456789") != "" {
		return 0, errNoReference
	}
	return column - 1, nil
}

var errNoReference = errors.New("not the reference of a cell")
