// This file writes Excel workbooks with excelize's stream writer.

package sheet

import (
	"errors"
	"fmt"
	"io"
	"math/bits"
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
	// ZIP format needs 64-bit sizes, which Excel takes only in a form that
	// can't be written to a stream.
	maxSheetBytes = 3 << 30
	// maxHeld is how many bytes of a sheet may be in memory. excelize means to
	// hold 16 MiB, but goes on in memory where it can't make a temporary file.
	maxHeld = 64 << 20
	// checkEvery is after how many rows the temporary file is looked at.
	checkEvery = 256
	// styledColumns is how many columns get a width: each cell is looked up
	// among them.
	styledColumns = 256
)

var errNoTempFile = errors.New("can't make a temporary file for a sheet")

// An XLSX is a workbook that is being filled: a sheet with the rows of a table,
// as many further sheets as those need, and what [XLSX.AddSheet] adds. All of it
// is gathered in memory and, beyond some megabytes, in temporary files that
// nobody else can open; [XLSX.WriteTo] writes the workbook. It is for one
// goroutine at a time, and has to be closed.
type XLSX struct {
	table   Table
	options Options
	file    *excelize.File
	spill   *spill
	styles  struct{ header, times int }

	sheet  *excelize.StreamWriter
	sheets int // of the table
	row    int // of the sheet, the header being 1
	held   int // about how many bytes the sheet has
	rows   int64
	cut    int64
	cells  []any // of the row that is being written
	name   []byte
}

// NewXLSX begins a workbook.
func NewXLSX(t Table, o Options) (_ *XLSX, err error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	if o.RowsPerSheet == 0 {
		o.RowsPerSheet = maxRows
	}
	if o.bytesPerSheet == 0 {
		o.bytesPerSheet = maxSheetBytes
	}
	x := &XLSX{table: t, options: o, cells: make([]any, len(t.Columns))}
	if x.spill, err = newSpill(o.TempDir); err != nil {
		return nil, err
	}
	x.file = excelize.NewFile(excelize.Options{TmpDir: x.spill.dir})
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

// Rows is how many rows of the table have been written.
func (x *XLSX) Rows() int64 { return x.rows }

// Cut is how many texts were longer than a cell can hold, and were cut.
func (x *XLSX) Cut() int64 { return x.cut }

// Row writes a row of the table, into a further sheet where this one is full.
func (x *XLSX) Row(values []any) error {
	if len(values) != len(x.cells) {
		return errors.New("a row has another number of values than the table has columns")
	}
	if err := x.makeRoom(); err != nil {
		return err
	}
	for i, v := range values {
		var err error
		if x.cells[i], err = x.cell(v); err != nil {
			return err
		}
		if text, ok := v.(string); ok {
			x.held += len(text)
		}
	}
	x.held += len(values) * 16
	x.row++
	x.rows++
	return x.sheet.SetRow(x.place(x.row), x.cells)
}

// place names the first cell of a row.
func (x *XLSX) place(row int) string {
	x.name = strconv.AppendInt(append(x.name[:0], 'A'), int64(row), 10)
	return string(x.name)
}

// makeRoom sees to it that a row fits into the sheet.
func (x *XLSX) makeRoom() error {
	full := x.row > x.options.RowsPerSheet
	if x.row%checkEvery == 0 {
		size, err := x.spill.look()
		if err != nil {
			return err
		}
		if size == 0 && x.held > maxHeld {
			return errNoTempFile
		}
		full = full || size > x.options.bytesPerSheet
	}
	if !full {
		return nil
	}
	if err := x.endSheet(); err != nil {
		return err
	}
	return x.beginSheet()
}

// beginSheet begins a sheet of the table with its header.
func (x *XLSX) beginSheet() (err error) {
	x.sheets++
	name := x.sheetName(x.sheets)
	if x.sheets == 1 {
		err = x.file.SetSheetName(x.file.GetSheetName(0), name)
	} else {
		_, err = x.file.NewSheet(name)
	}
	if err != nil {
		return err
	}
	if x.sheet, err = x.file.NewStreamWriter(name); err != nil {
		return err
	}
	if err := x.format(); err != nil {
		return err
	}
	header := make([]any, len(x.table.Columns))
	for i := range header {
		text, _ := fitCell(x.table.Columns[i].Name)
		header[i] = excelize.Cell{StyleID: x.styles.header, Value: text}
	}
	x.row, x.held = 1, 0
	return x.sheet.SetRow("A1", header)
}

func (x *XLSX) sheetName(n int) string {
	if n == 1 {
		return x.table.Name
	}
	return fmt.Sprintf("%s %d", x.table.Name, n)
}

// format freezes the header and sets the columns' widths and styles.
func (x *XLSX) format() error {
	err := x.sheet.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"})
	if err != nil {
		return err
	}
	for i, c := range x.table.Columns[:min(len(x.table.Columns), styledColumns)] {
		if c.Width > 0 {
			if err := x.sheet.SetColWidth(i+1, i+1, c.Width); err != nil {
				return err
			}
		}
		if c.Times {
			if err := x.sheet.SetColStyle(i+1, i+1, x.styles.times); err != nil {
				return err
			}
		}
	}
	return nil
}

// endSheet gives the sheet its filter and closes it.
func (x *XLSX) endSheet() error {
	last, err := excelize.CoordinatesToCellName(len(x.table.Columns), x.row)
	if err != nil {
		return err
	}
	if err := x.file.AutoFilter(x.sheet.Sheet, "A1:"+last, nil); err != nil {
		return err
	}
	err = x.sheet.Flush()
	x.sheet = nil
	return errors.Join(err, x.spill.next())
}

// AddSheet ends the table, and adds a sheet of a few rows after it. bold are the
// numbers of those, from 0, that are headings.
func (x *XLSX) AddSheet(name string, widths []float64, rows [][]any, bold ...int) error {
	if x.sheet != nil {
		if err := x.endSheet(); err != nil {
			return err
		}
	}
	if _, err := x.file.NewSheet(name); err != nil {
		return err
	}
	sheet, err := x.file.NewStreamWriter(name)
	if err != nil {
		return err
	}
	for i, width := range widths {
		if err := sheet.SetColWidth(i+1, i+1, width); err != nil {
			return err
		}
	}
	headings := map[int]bool{}
	for _, n := range bold {
		headings[n] = true
	}
	for n, row := range rows {
		style := 0
		if headings[n] {
			style = x.styles.header
		}
		if err := x.smallRow(sheet, n+1, row, style); err != nil {
			return err
		}
	}
	return errors.Join(sheet.Flush(), x.spill.next())
}

// smallRow writes a row in which each cell has a style of its own.
func (x *XLSX) smallRow(sheet *excelize.StreamWriter, n int, row []any, style int) error {
	cells := make([]any, len(row))
	for i, v := range row {
		value, err := x.cell(v)
		if err != nil {
			return err
		}
		cells[i] = excelize.Cell{StyleID: style, Value: value}
		if _, ok := v.(time.Time); ok && style == 0 {
			cells[i] = excelize.Cell{StyleID: x.styles.times, Value: value}
		}
	}
	return sheet.SetRow(x.place(n), cells)
}

// WriteTo ends the table and writes the workbook, piece by piece; it ends at
// w's first error. Nothing can be added afterwards.
func (x *XLSX) WriteTo(w io.Writer) (int64, error) {
	if x.sheet != nil {
		if err := x.endSheet(); err != nil {
			return 0, err
		}
	}
	return writeWorkbook(x.file, w)
}

// Close removes what is left of the workbook, written or not.
func (x *XLSX) Close() error { return errors.Join(x.file.Close(), x.spill.close()) }

// cell gives the value of a cell as excelize takes it.
func (x *XLSX) cell(v any) (any, error) {
	switch v := v.(type) {
	case nil, float64, int64, bool:
		return v, nil
	case string:
		return x.text(v), nil
	case Number:
		return x.number(v), nil
	case time.Time:
		return x.time(v), nil
	}
	return nil, unknownValueError(v)
}

// text gives a text as a cell can hold it. excelize writes a string as an
// inline string, never as a formula.
func (x *XLSX) text(text string) any {
	fitting, cut := fitCell(text)
	if cut {
		x.cut++
	}
	return fitting
}

// exactDigits is how many significant digits a number of a sheet has for sure.
const exactDigits = 15

// number gives a number, or the text of one that would lose digits.
func (x *XLSX) number(n Number) any {
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil || len(n) > exactDigits && significantDigits(string(n)) > exactDigits {
		return x.text(string(n))
	}
	return f
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

// time gives the serial number of a time, in days of the table's time zone;
// where a sheet has none for it, a text.
func (x *XLSX) time(t time.Time) any {
	local := t.In(x.table.zone())
	_, offset := local.Zone()
	shown := t.UnixMicro() + int64(offset)*1_000_000
	if shown < firstDay.UnixMicro() || shown >= lastDay.UnixMicro() {
		return local.Format(timeLayout)
	}
	return serial(shown - dayZero.UnixMicro())
}

// serial gives microseconds as days, to the fifteen digits that a sheet knows
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
