// This file writes a finished workbook to a stream. excelize would gather it in
// memory first, so that its size would be the memory's.

package sheet

import (
	"archive/zip"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/xuri/excelize/v2"
)

// compression is that of archive/zip.
const compression = 5

// writeWorkbook has excelize write the parts of a workbook into a ZIP archive
// that goes to w directly. The buffer that excelize has for the archive stays
// empty: of what it does with it nothing is needed, since no part is so large
// that it had to correct the archive (maxSheetBytes).
func writeWorkbook(f *excelize.File, w io.Writer) (int64, error) {
	out := &countingWriter{w: w}
	f.SetZipWriter(func(io.Writer) excelize.ZipWriter {
		archive := zip.NewWriter(out)
		archive.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
			return flate.NewWriter(w, compression)
		})
		return archive
	})
	_, err := f.WriteTo(io.Discard)
	return out.n, err
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
