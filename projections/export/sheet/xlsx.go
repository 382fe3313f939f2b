// This file writes Excel workbooks. What a workbook has besides its sheets is
// excelize's.

package sheet

import (
	"errors"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

// Options are what may be set about a workbook; the zero value has the defaults.
type Options struct {
	// TempDir is where a directory is made for what a workbook holds until it is
	// written. Empty: the system's directory for temporary files.
	TempDir string

	// RowsPerSheet is how many rows a sheet has besides its header. 0: as many
	// as Excel can have.
	RowsPerSheet int

	// bytesPerSheet is for tests.
	bytesPerSheet int64
}

const (
	// maxRows is how many rows a sheet has besides its header.
	maxRows = 1_048_575
	// maxSheetBytes is how large a sheet may be as XML. In a larger one the
	// ZIP format needs 64-bit sizes, which not every reader knows.
	maxSheetBytes = 3 << 30
)

// An XLSX is a workbook that is being filled: a sheet with the rows of a table,
// as many further sheets as those need, and what [XLSX.AddSheet] adds. All of it
// is kept, compressed, in temporary files that nobody else can open;
// [XLSX.WriteTo] writes the workbook. It is for one goroutine at a time, and has to
// be closed. After an error nothing else can be done with it.
type XLSX struct {
	table   Table
	options Options
	file    *excelize.File // with sheets that are empty
	spill   *spill
	styles  struct{ header, times int }

	parts  []*part    // the sheets in their order
	sheet  *worksheet // of the table, the one that is being written
	sheets int        // of the table
	cut    int64
}

// NewXLSX begins a workbook.
func NewXLSX(t Table, o Options) (_ *XLSX, err error) {
	if err := t.check(MaxColumns); err != nil {
		return nil, err
	}
	if o.RowsPerSheet == 0 {
		o.RowsPerSheet = maxRows
	}
	if o.bytesPerSheet == 0 {
		o.bytesPerSheet = maxSheetBytes
	}
	x := &XLSX{table: t, options: o}
	if x.spill, err = newSpill(o.TempDir); err != nil {
		return nil, err
	}
	x.file = excelize.NewFile()
	defer func() {
		if err != nil {
			err = errors.Join(err, x.Close())
		}
	}()
	if err := x.makeStyles(); err != nil {
		return nil, err
	}
	return x, x.beginSheet()
}

func (x *XLSX) makeStyles() (err error) {
	x.styles.header, err = x.file.NewStyle(&excelize.Style{
		Font: &excelize.Font{Bold: true},
		Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"E7E6E6"}},
	})
	if err != nil {
		return err
	}
	layout := "yyyy-mm-dd hh:mm:ss"
	x.styles.times, err = x.file.NewStyle(&excelize.Style{CustomNumFmt: &layout})
	return err
}

// styleOf returns the style of a column's cells.
func (x *XLSX) styleOf(c *Column) int {
	if c.Times {
		return x.styles.times
	}
	return 0
}

// Cut is how many texts were longer than a cell can hold, and were cut.
func (x *XLSX) Cut() int64 { return x.cut }

// Row writes a row of the table, into a further sheet where this one is full.
func (x *XLSX) Row(values []any) error {
	if len(values) != len(x.table.Columns) {
		return errors.New("a row has another number of values than the table has columns")
	}
	if x.sheet.row > x.options.RowsPerSheet || x.sheet.size() > x.options.bytesPerSheet {
		if err := x.endSheet(); err != nil {
			return err
		}
		if err := x.beginSheet(); err != nil {
			return err
		}
	}
	x.sheet.beginRow()
	for i, v := range values {
		if err := x.cell(x.sheet, i, x.styleOf(&x.table.Columns[i]), v); err != nil {
			return err
		}
	}
	return x.sheet.endRow()
}

// beginSheet begins a sheet of the table with its header.
func (x *XLSX) beginSheet() (err error) {
	x.sheets++
	if x.sheet, err = x.newSheet(x.sheetName(x.sheets), x.table.Columns, true); err != nil {
		return err
	}
	x.sheet.beginRow()
	for i := range x.table.Columns {
		text, _ := fitCell(x.table.Columns[i].Name)
		x.sheet.text(i, x.styles.header, text)
	}
	return x.sheet.endRow()
}

func (x *XLSX) sheetName(n int) string {
	if n == 1 {
		return x.table.Name
	}
	return fmt.Sprintf("%s %d", x.table.Name, n)
}

// newSheet begins a sheet, with its first row frozen or not.
func (x *XLSX) newSheet(name string, columns []Column, frozen bool) (*worksheet, error) {
	var err error
	first := len(x.parts) == 0
	if first {
		err = x.file.SetSheetName(x.file.GetSheetName(0), name)
	} else {
		_, err = x.file.NewSheet(name)
	}
	if err != nil {
		return nil, err
	}
	file, err := x.spill.create()
	if err != nil {
		return nil, err
	}
	p := newPart(file)
	x.parts = append(x.parts, p)
	return newWorksheet(p, columns, x.styleOf, first, frozen)
}

// endSheet adds the sheet's filter and ends it.
func (x *XLSX) endSheet() error {
	last, err := excelize.CoordinatesToCellName(len(x.table.Columns), x.sheet.row)
	if err != nil {
		return err
	}
	// This defines the name that Excel looks for.
	if err := x.file.AutoFilter(x.sheetName(x.sheets), "A1:"+last, nil); err != nil {
		return err
	}
	err = x.sheet.end("A1:" + last)
	x.sheet = nil
	return err
}

// AddSheet ends the table, and adds a sheet of a few rows after it. widths are
// those of its columns, and bold the numbers of the rows, from 0, that are
// headings.
func (x *XLSX) AddSheet(name string, widths []float64, rows [][]any, bold ...int) error {
	if x.sheet != nil {
		if err := x.endSheet(); err != nil {
			return err
		}
	}
	columns := make([]Column, len(widths))
	for i, width := range widths {
		columns[i].Width = width
	}
	sheet, err := x.newSheet(name, columns, false)
	if err != nil {
		return err
	}
	for n, row := range rows {
		if len(row) > len(columns) {
			return errors.New("a row has more values than the sheet has columns")
		}
		style := 0
		if slices.Contains(bold, n) {
			style = x.styles.header
		}
		if err := x.smallRow(sheet, row, style); err != nil {
			return err
		}
	}
	return sheet.end("")
}

// smallRow writes a row in which each cell has a style of its own.
func (x *XLSX) smallRow(sheet *worksheet, row []any, style int) error {
	sheet.beginRow()
	for i, v := range row {
		own := style
		if _, ok := v.(time.Time); ok && style == 0 {
			own = x.styles.times
		}
		if err := x.cell(sheet, i, own, v); err != nil {
			return err
		}
	}
	return sheet.endRow()
}

// WriteTo ends the table and writes the workbook, piece by piece; it ends at
// w's first error. Nothing can be added afterwards.
func (x *XLSX) WriteTo(w io.Writer) (int64, error) {
	if x.sheet != nil {
		if err := x.endSheet(); err != nil {
			return 0, err
		}
	}
	return writeWorkbook(x.file, x.parts, w)
}

// Close removes what is left of the workbook, written or not.
func (x *XLSX) Close() error {
	err := x.file.Close()
	for _, p := range x.parts {
		err = errors.Join(err, p.close())
	}
	return errors.Join(err, x.spill.close())
}

// cell writes a cell of a sheet; nothing has none.
func (x *XLSX) cell(sheet *worksheet, column, style int, v any) error {
	switch v := v.(type) {
	case nil:
	case string:
		x.text(sheet, column, style, v)
	case time.Time:
		x.time(sheet, column, style, v)
	case float64:
		sheet.float(column, style, v)
	case int64:
		sheet.integer(column, style, v)
	case bool:
		sheet.truth(column, style, v)
	case Number:
		x.number(sheet, column, style, v)
	default:
		return unknownValueError(v)
	}
	return nil
}

// text writes a text as a cell can hold it.
func (x *XLSX) text(sheet *worksheet, column, style int, text string) {
	fitting, cut := fitCell(text)
	if cut {
		x.cut++
	}
	sheet.text(column, style, fitting)
}

// exactDigits is how many significant digits a number of a sheet has for sure.
const exactDigits = 15

// number writes a number, or the text of one that would lose digits.
func (x *XLSX) number(sheet *worksheet, column, style int, n Number) {
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil || len(n) > exactDigits && significantDigits(string(n)) > exactDigits {
		x.text(sheet, column, style, string(n))
		return
	}
	sheet.float(column, style, f)
}

// significantDigits counts the digits of a number without the zeros at its ends.
func significantDigits(number string) int {
	mantissa, _, _ := strings.Cut(strings.ToLower(number), "e")
	digits := strings.NewReplacer("-", "", ".", "").Replace(mantissa)
	return len(strings.Trim(digits, "0"))
}

// The days between which a sheet knows dates. It would know those from 1900 on,
// but for the 29th of February 1900, which Excel has and the calendar doesn't.
var (
	firstDay = time.Date(1900, 3, 1, 0, 0, 0, 0, time.UTC)
	lastDay  = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)
	dayZero  = time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
)

const microsPerDay = 24 * 60 * 60 * 1_000_000

// time writes the serial number of a time, in days of the table's time zone;
// where a sheet has none for it, a text.
func (x *XLSX) time(sheet *worksheet, column, style int, t time.Time) {
	local := t.In(x.table.zone())
	_, offset := local.Zone()
	shown := t.UnixMicro() + int64(offset)*1_000_000
	if shown < firstDay.UnixMicro() || shown >= lastDay.UnixMicro() {
		x.text(sheet, column, style, string(appendTime(nil, t, x.table.zone())))
		return
	}
	sheet.float(column, style, serial(shown-dayZero.UnixMicro()))
}

// serial returns microseconds as days, to the fifteen digits that a sheet knows
// (at present some nine microseconds), and never less than they are: readers
// that cut where they should round would show the second before.
func serial(micros int64) float64 {
	scale := uint64(1e10)
	for days := micros / microsPerDay; days >= 100_000; days /= 10 {
		scale /= 10
	}
	high, low := bits.Mul64(uint64(micros), scale)
	digits, rest := bits.Div64(high, low, microsPerDay)
	if rest > 0 {
		digits++
	}
	return float64(digits) / float64(scale)
}
