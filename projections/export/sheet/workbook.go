// This file writes a finished workbook to a stream. excelize would gather it in
// memory first, so that its size would be the memory's.

package sheet

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"

	"github.com/xuri/excelize/v2"
)

// writeWorkbook has excelize write the parts of a workbook into a ZIP archive
// that goes to w directly, with the sheets from where they are packed. The
// buffer that excelize has for the archive stays empty: of what it does with it
// nothing is needed, since no part is so large that it had to correct the archive
// (maxSheetBytes).
func writeWorkbook(f *excelize.File, sheets []*part, w io.Writer) (int64, error) {
	out := &countingWriter{w: w}
	book := &archive{Writer: zip.NewWriter(out), sheets: map[string]*part{}}
	for i, sheet := range sheets {
		book.sheets[fmt.Sprintf("xl/worksheets/sheet%d.xml", i+1)] = sheet
	}
	f.SetZipWriter(func(io.Writer) excelize.ZipWriter { return book })
	_, err := f.WriteTo(io.Discard)
	if err == nil && len(book.sheets) > 0 {
		err = errors.New("the workbook lacks a sheet")
	}
	return out.n, err
}

// An archive is a ZIP archive in which the sheets stand that are packed already,
// instead of the empty ones that excelize knows.
type archive struct {
	*zip.Writer
	sheets map[string]*part // that aren't in it yet, by their names there
}

// Create begins a part.
func (a *archive) Create(name string) (io.Writer, error) {
	sheet, ok := a.sheets[name]
	if !ok {
		return a.Writer.Create(name)
	}
	delete(a.sheets, name)
	return io.Discard, sheet.copyTo(a.Writer, name)
}

type countingWriter struct {
	w io.Writer
	n int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
