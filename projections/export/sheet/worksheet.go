// This file writes the XML of a sheet: cells, row by row, and what stands before
// and after them. excelize's own writer of such XML takes longer for it than
// compressing it does.

package sheet

import (
	"math"
	"strconv"

	"github.com/xuri/excelize/v2"
)

// A worksheet is a sheet that is being written.
type worksheet struct {
	part  *part
	block []byte // what isn't in the part yet
	row   int    // the one that was begun last, from 1
	// before holds for each column how its cells begin, up to the number of the
	// row; and number holds that.
	before []string
	number []byte
}

// newWorksheet begins a sheet of which one may be looked at first.
func newWorksheet(p *part, columns []Column, styleOf func(*Column) int, first, frozen bool) (*worksheet, error) {
	w := &worksheet{part: p, before: make([]string, len(columns))}
	for i := range columns {
		name, err := excelize.ColumnNumberToName(i + 1)
		if err != nil {
			return nil, err
		}
		w.before[i] = `<c r="` + name
	}
	w.add(`<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n" +
		`<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetViews><sheetView`)
	if first {
		w.add(` tabSelected="1"`)
	}
	w.add(` workbookViewId="0">`)
	if frozen {
		w.add(`<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>`)
	}
	w.add(`</sheetView></sheetViews><sheetFormatPr defaultRowHeight="15"/>`)
	w.addColumns(columns, styleOf)
	w.add(`<sheetData>`)
	return w, nil
}

// addColumns sets the columns' widths and styles.
func (w *worksheet) addColumns(columns []Column, styleOf func(*Column) int) {
	w.add(`<cols>`)
	for i := range columns {
		n := strconv.Itoa(i + 1)
		w.add(`<col min="` + n + `" max="` + n + `" width="`)
		if width := columns[i].Width; width > 0 {
			w.block = strconv.AppendFloat(w.block, width, 'f', -1, 64)
			w.add(`" customWidth="1`)
		} else {
			w.add(defaultWidth)
		}
		w.addStyle(styleOf(&columns[i]), `" style="`)
		w.add(`"/>`)
	}
	w.add(`</cols>`)
}

// defaultWidth is the width of a column that has none of its own.
const defaultWidth = "9.140625"

func (w *worksheet) add(text string) { w.block = append(w.block, text...) }

// size is how large the sheet is as yet.
func (w *worksheet) size() int64 { return w.part.size + int64(len(w.block)) }

func (w *worksheet) beginRow() {
	w.row++
	w.number = strconv.AppendInt(w.number[:0], int64(w.row), 10)
	w.add(`<row r="`)
	w.block = append(w.block, w.number...)
	w.add(`">`)
}

func (w *worksheet) endRow() error {
	w.add(`</row>`)
	if len(w.block) < blockBytes {
		return nil
	}
	return w.pack()
}

// pack hands over what there is.
func (w *worksheet) pack() (err error) {
	w.block, err = w.part.write(w.block)
	return err
}

// beginCell begins the cell of a column, counted from 0.
func (w *worksheet) beginCell(column, style int) {
	w.add(w.before[column])
	w.block = append(w.block, w.number...)
	w.addStyle(style, `" s="`)
}

func (w *worksheet) addStyle(style int, attribute string) {
	if style != 0 {
		w.add(attribute)
		w.block = strconv.AppendInt(w.block, int64(style), 10)
	}
}

// text writes a text as an inline string, which is never a formula.
func (w *worksheet) text(column, style int, text string) {
	w.beginCell(column, style)
	w.add(`" t="inlineStr"><is><t`)
	if keepsBlanks(text) {
		w.add(` xml:space="preserve"`)
	}
	w.add(`>`)
	w.block = appendText(w.block, text)
	w.add(`</t></is></c>`)
}

func (w *worksheet) truth(column, style int, b bool) {
	w.beginCell(column, style)
	if b {
		w.add(`" t="b"><v>1</v></c>`)
	} else {
		w.add(`" t="b"><v>0</v></c>`)
	}
}

func (w *worksheet) integer(column, style int, n int64) {
	w.beginCell(column, style)
	w.add(`"><v>`)
	w.block = strconv.AppendInt(w.block, n, 10)
	w.add(`</v></c>`)
}

// float writes a finite number.
func (w *worksheet) float(column, style int, f float64) {
	w.beginCell(column, style)
	w.add(`"><v>`)
	format := byte('f')
	if size := math.Abs(f); size != 0 && (size < 1e-5 || size >= 1e15) {
		format = 'E'
	}
	w.block = strconv.AppendFloat(w.block, f, format, -1, 64)
	w.add(`</v></c>`)
}

// end writes the end of the sheet, with a filter over the range where there is
// one, and waits until all is packed.
func (w *worksheet) end(filter string) error {
	w.add(`</sheetData>`)
	if filter != "" {
		w.add(`<autoFilter ref="` + filter + `"/>`)
	}
	w.add(`</worksheet>`)
	if err := w.pack(); err != nil {
		return err
	}
	return w.part.end()
}
