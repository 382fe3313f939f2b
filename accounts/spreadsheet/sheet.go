// This file reads the rows of a workbook's sheet, and what their cells say.

package spreadsheet

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// maxSheetColumns is how many columns a sheet of Excel has.
const maxSheetColumns = 16_384

// A sheetSource gives the rows of a sheet.
type sheetSource struct {
	book  *workbook
	xml   *xmlReader
	close func() error
	row   int
	cells []string
	fault string
	ended bool
}

func (b *workbook) openSheet(part string) (*sheetSource, error) {
	d, closer, err := b.reader(part)
	if err != nil {
		return nil, err
	}
	return &sheetSource{book: b, xml: d, close: closer.Close}, nil
}

// next gives the next row that isn't blank. The sheet is closed at its end.
func (s *sheetSource) next() (Row, error) {
	for !s.ended {
		token, err := s.xml.token()
		if err != nil {
			s.end()
			if errors.Is(err, io.EOF) {
				return Row{}, damaged(err) // the sheet's data has no end
			}
			return Row{}, err
		}
		switch e := token.(type) {
		case xml.StartElement:
			if e.Name.Local != "row" {
				continue
			}
			if err := s.readRow(&e); err != nil {
				s.end()
				return Row{}, err
			}
			if s.fault != "" {
				return Row{Number: s.row, Fault: s.fault}, nil
			}
			if !isBlank(s.cells) {
				return Row{Number: s.row, Cells: s.cells}, nil
			}
		case xml.EndElement:
			if e.Name.Local == "sheetData" || e.Name.Local == "worksheet" {
				s.end()
			}
		}
	}
	return Row{}, io.EOF
}

func (s *sheetSource) end() {
	s.ended = true
	_ = s.close() // it was only read
}

// readRow reads the cells of a row, after its beginning.
func (s *sheetSource) readRow(e *xml.StartElement) error {
	s.row++
	if n, err := strconv.Atoi(attribute(e, "r")); err == nil && n > 0 {
		s.row = n
	}
	s.cells, s.fault = s.cells[:0], ""
	for column := 0; ; {
		token, err := s.xml.token()
		if err != nil {
			return inside(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			if e.Name.Local != "c" {
				continue
			}
			if at, _, err := cellReference(attribute(&e, "r")); err == nil {
				column = at
			}
			if column >= maxSheetColumns {
				return formatError("the workbook has a row of more than 16,384 columns")
			}
			text, err := s.readCell(&e)
			if err != nil {
				return err
			}
			s.put(column, text)
			column++
		case xml.EndElement:
			if e.Name.Local == "row" {
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

func (s *sheetSource) put(column int, text string) {
	if text == "" {
		return
	}
	for len(s.cells) <= column {
		s.cells = append(s.cells, "")
	}
	s.cells[column] = text
}

// readCell reads a cell, after its beginning.
func (s *sheetSource) readCell(e *xml.StartElement) (string, error) {
	kind, format := attribute(e, "t"), attribute(e, "s")
	var value, text []byte
	var into *[]byte
	pronounced := 0
	for {
		token, err := s.xml.token()
		if err != nil {
			return "", inside(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			switch e.Name.Local {
			case "v":
				into = &value
			case "t":
				if pronounced == 0 {
					into = &text
				}
			case "rPh":
				pronounced++
			}
		case xml.EndElement:
			switch e.Name.Local {
			case "rPh":
				pronounced--
			case "v", "t":
				into = nil
			case "c":
				return s.meaning(kind, format, string(value), string(text)), nil
			}
		case xml.CharData:
			if into == nil {
				continue
			}
			if *into = append(*into, e...); len(*into) > maxToken {
				return "", errLongToken
			}
		}
	}
}

// meaning gives what a cell says, as a text.
func (s *sheetSource) meaning(kind, format, value, text string) string {
	switch kind {
	case "inlineStr":
		return text
	case "str", "d":
		return value
	case "s":
		n, err := strconv.Atoi(strings.TrimSpace(value))
		shared, ok := s.book.texts.text(n)
		if value != "" && (err != nil || !ok) {
			s.fault = "a cell refers to a text that the workbook doesn't have"
		}
		if value == "" {
			return ""
		}
		return shared
	case "b":
		switch strings.TrimSpace(value) {
		case "1", "true":
			return "true"
		case "0", "false":
			return "false"
		}
		return ""
	case "e":
		s.fault = "a cell has an error in place of a value"
		return ""
	}
	value = strings.TrimSpace(value)
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
