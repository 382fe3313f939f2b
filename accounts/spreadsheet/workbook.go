// This file opens Excel workbooks: it finds the first sheet that has a table, its
// texts and which of its formats are dates.
//
// Workbooks are read here, and not by the library that writes them, since that
// one gives a date as a bare number, keeps a cell in memory however large it is,
// and leaves what it unpacks, which is personal data, in files that have names.

package spreadsheet

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"slices"
	"strings"
)

const (
	// maxDirectory bounds what is read to list the parts of a workbook.
	maxDirectory = 1 << 20
	// maxParts bounds the relations and the sheets of a workbook, and maxName
	// their names.
	maxParts = 1 << 10
	maxName  = 1 << 10
)

var errNotAWorkbook = formatError("the file isn't an Excel workbook (.xlsx)")

// IsExcel says whether a file that begins like that is a workbook, or means to
// be one.
func IsExcel(start []byte) bool {
	return bytes.HasPrefix(start, []byte("PK\x03\x04")) || bytes.HasPrefix(start, oldExcel)
}

// oldExcel is how files begin that hold a workbook of before 2007, or one with a
// password.
var oldExcel = []byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")

// OpenExcel opens the first sheet of a workbook that isn't hidden and has a table.
// The workbook has to stay there while the table is read; what is unpacked of it and
// looked up again is kept in a temporary file. An error of r is given as it is;
// others are a [*FormatError].
func OpenExcel(r io.ReaderAt, size int64) (*Table, error) {
	start := make([]byte, len(oldExcel))
	if _, err := r.ReadAt(start, 0); err == nil && bytes.Equal(start, oldExcel) {
		return nil, formatError("the workbook has a password, or is in the format of before 2007: save it as .xlsx without one")
	}
	archive, err := openArchive(r, size)
	if err != nil {
		return nil, err
	}
	b := &workbook{parts: map[string]*zip.File{}, budget: unpackBudget(size)}
	for _, f := range archive.File {
		b.parts[strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(f.Name, `\`, "/"), "/"))] = f
	}
	t, err := b.open()
	if err != nil {
		_ = b.texts.close() // which were only looked up
	}
	return t, err
}

// openArchive lists the parts of a workbook, as far as there are no more than
// workbooks have.
func openArchive(r io.ReaderAt, size int64) (*zip.Reader, error) {
	bound := &boundedReaderAt{r: r, left: maxDirectory}
	archive, err := zip.NewReader(bound, size)
	switch {
	case bound.left < 0:
		return nil, errManyParts
	case bound.failed != nil:
		return nil, bound.failed
	case err != nil:
		return nil, errNotAWorkbook
	}
	bound.free = true
	return archive, nil
}

var errManyParts = formatError("the workbook has more than 1,024 parts: save the sheet with the users alone")

// A boundedReaderAt reads so many bytes and no more, until it is free.
type boundedReaderAt struct {
	r      io.ReaderAt
	left   int64
	free   bool
	failed error
}

func (b *boundedReaderAt) ReadAt(p []byte, at int64) (int, error) {
	if b.free {
		return b.r.ReadAt(p, at)
	}
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, errManyParts
	}
	n, err := b.r.ReadAt(p, at)
	if err != nil && !errors.Is(err, io.EOF) {
		b.failed = err
	}
	return n, err
}

// A workbook is what has to be known of one to read a sheet.
type workbook struct {
	parts    map[string]*zip.File
	budget   int64 // how much may be unpacked yet
	texts    textTable
	isDate   []bool // by the number of a cell's format
	from1904 bool
}

// open opens the first sheet that has a table.
func (b *workbook) open() (*Table, error) {
	if err := otherArchive(b.parts); err != nil {
		return nil, err
	}
	targets, err := b.relations("_rels/.rels", "")
	if err != nil {
		return nil, err
	}
	main := targets.ofType("/officeDocument")
	if main == "" {
		return nil, errNotAWorkbook
	}
	ids, err := b.sheets(main)
	if err != nil {
		return nil, err
	}
	folder, name := path.Split(main)
	if targets, err = b.relations(folder+"_rels/"+name+".rels", folder); err != nil {
		return nil, err
	}
	if part := targets.ofType("/sharedStrings"); part != "" {
		if err := b.readTexts(part); err != nil {
			return nil, err
		}
	}
	if part := targets.ofType("/styles"); part != "" {
		if err := b.readFormats(part); err != nil {
			return nil, err
		}
	}
	for _, id := range ids {
		part := targets.sheet(id)
		if part == "" {
			continue // a chart, or a dialogue
		}
		t, err := b.openTable(part)
		if !errors.Is(err, errNoHeader) {
			return t, err
		}
	}
	return nil, formatError("no sheet of the workbook that isn't hidden has a table: the first row has to name the columns")
}

func (b *workbook) openTable(part string) (*Table, error) {
	s, err := b.openSheet(part)
	if err != nil {
		return nil, err
	}
	t, err := openTable(s)
	if err != nil {
		_ = s.part.Close() // it was only read
	}
	return t, err
}

// A relation is what a part of a workbook names another by.
type relation struct{ id, kind, part string }

type relations []relation

func (all relations) ofType(suffix string) string {
	for _, r := range all {
		if strings.HasSuffix(r.kind, suffix) {
			return r.part
		}
	}
	return ""
}

// sheet is the part of a sheet of cells; empty where the id is of another kind.
func (all relations) sheet(id string) string {
	for _, r := range all {
		if r.id == id && strings.HasSuffix(r.kind, "/worksheet") {
			return r.part
		}
	}
	return ""
}

// relations reads which parts a part in a folder refers to.
func (b *workbook) relations(part, folder string) (relations, error) {
	var all relations
	err := b.read(part, func(d *xmlReader) error {
		return d.each(func(e *xml.StartElement) error {
			if e.Name.Local != "Relationship" {
				return nil
			}
			target := attribute(e, "Target")
			if !strings.HasPrefix(target, "/") {
				target = folder + target
			}
			r := relation{attribute(e, "Id"), attribute(e, "Type"), target}
			switch {
			case len(all) == maxParts:
				return errManyParts
			case len(r.id) > maxName || len(r.kind) > maxName || len(r.part) > maxName:
				return nil // a link to somewhere else: no part has such a name
			}
			r.part = strings.TrimPrefix(path.Clean(r.part), "/")
			all = append(all, r)
			return nil
		})
	})
	return all, err
}

// sheets returns the relations' ids of the sheets that aren't hidden, in their order.
func (b *workbook) sheets(part string) (ids []string, _ error) {
	err := b.read(part, func(d *xmlReader) error {
		return d.each(func(e *xml.StartElement) error {
			switch e.Name.Local {
			case "workbookPr":
				b.from1904 = slices.Contains([]string{"1", "true", "on"}, attribute(e, "date1904"))
			case "sheet":
				if state := attribute(e, "state"); state != "" && state != "visible" {
					return nil
				}
				for _, a := range e.Attr {
					if a.Name.Local == "id" && a.Name.Space != "" && len(a.Value) <= maxName {
						ids = append(ids, a.Value)
					}
				}
				if len(ids) > maxParts {
					return errManyParts
				}
			}
			return nil
		})
	})
	if err == nil && ids == nil {
		err = formatError("the workbook has no sheet that isn't hidden")
	}
	return ids, err
}

// read reads a part that is XML. A part that isn't there is an error.
func (b *workbook) read(part string, f func(*xmlReader) error) error {
	d, closer, err := b.reader(part)
	if err != nil {
		return err
	}
	defer closer.Close()
	return f(d)
}

func (b *workbook) reader(part string) (*xmlReader, io.Closer, error) {
	file := b.parts[strings.ToLower(part)]
	if file == nil {
		return nil, nil, errNotAWorkbook
	}
	unpacked, err := file.Open()
	if err != nil {
		return nil, nil, errNotAWorkbook
	}
	return newXMLReader(unpacked, &b.budget), unpacked, nil
}
