// This file opens Excel workbooks: it finds the first sheet, its texts and which
// of its formats are dates.
//
// Workbooks are read here, and not by the library that writes them, since that
// one gives a date as a bare number, keeps a cell in memory however large it is,
// and writes what it unpacks, which is personal data, to files in clear text.

package spreadsheet

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
)

const (
	// maxToken bounds one piece of XML: a cell has at most 32,767 characters.
	maxToken = 1 << 20
	// maxPart bounds what a part of a workbook unpacks to. A sheet is read as it
	// is unpacked; the bound is on the work.
	maxPart = 2 << 30
	// maxTexts bounds the texts of a workbook, which are kept in memory.
	maxTexts = 256 << 20
	// maxFormats and maxSheets bound what else is kept.
	maxFormats = 1 << 16
	maxSheets  = 1 << 10
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

// OpenExcel opens the first sheet of a workbook that isn't hidden as a table. The
// workbook has to stay there while the table is read. An error of r is given as
// it is; others are a [*FormatError].
func OpenExcel(r io.ReaderAt, size int64) (*Table, error) {
	start := make([]byte, len(oldExcel))
	if _, err := r.ReadAt(start, 0); err == nil && bytes.Equal(start, oldExcel) {
		return nil, formatError("the workbook has a password, or is in the format of before 2007: save it as .xlsx without one")
	}
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return nil, errNotAWorkbook
	}
	b := &workbook{parts: map[string]*zip.File{}}
	for _, f := range archive.File {
		b.parts[strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(f.Name, `\`, "/"), "/"))] = f
	}
	sheet, err := b.open()
	if err != nil {
		return nil, err
	}
	s, err := b.openSheet(sheet)
	if err != nil {
		return nil, err
	}
	return openTable(s)
}

// A workbook is what has to be known of one to read a sheet.
type workbook struct {
	parts    map[string]*zip.File
	texts    textTable
	isDate   []bool // by the number of a cell's format
	from1904 bool
}

// open reads all but the sheet, and gives its part.
func (b *workbook) open() (string, error) {
	targets, err := b.relations("_rels/.rels", "")
	if err != nil {
		return "", err
	}
	main := targets.ofType("/officeDocument")
	if main == "" {
		return "", errNotAWorkbook
	}
	id, err := b.firstSheet(main)
	if err != nil {
		return "", err
	}
	folder, name := path.Split(main)
	if targets, err = b.relations(folder+"_rels/"+name+".rels", folder); err != nil {
		return "", err
	}
	if part := targets.ofType("/sharedStrings"); part != "" {
		if err := b.readTexts(part); err != nil {
			return "", err
		}
	}
	if part := targets.ofType("/styles"); part != "" {
		if err := b.readFormats(part); err != nil {
			return "", err
		}
	}
	for _, t := range targets {
		if t.id == id && strings.HasSuffix(t.kind, "/worksheet") {
			return t.part, nil
		}
	}
	return "", formatError("the first sheet of the workbook has no table")
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

// relations reads which parts a part in a folder refers to.
func (b *workbook) relations(part, folder string) (relations, error) {
	var all relations
	err := b.read(part, func(d *xmlReader) error {
		return d.each(func(e *xml.StartElement) error {
			if e.Name.Local != "Relationship" {
				return nil
			}
			if len(all) == maxSheets {
				return formatError("the workbook has more than 1,024 parts")
			}
			target := attribute(e, "Target")
			if !strings.HasPrefix(target, "/") {
				target = folder + target
			}
			all = append(all, relation{attribute(e, "Id"), attribute(e, "Type"), strings.TrimPrefix(path.Clean(target), "/")})
			return nil
		})
	})
	return all, err
}

// firstSheet gives the relation's id of the first sheet that isn't hidden.
func (b *workbook) firstSheet(part string) (string, error) {
	first := ""
	err := b.read(part, func(d *xmlReader) error {
		return d.each(func(e *xml.StartElement) error {
			switch e.Name.Local {
			case "workbookPr":
				b.from1904 = slices.Contains([]string{"1", "true", "on"}, attribute(e, "date1904"))
			case "sheet":
				if state := attribute(e, "state"); first == "" && (state == "" || state == "visible") {
					for _, a := range e.Attr {
						if a.Name.Local == "id" && a.Name.Space != "" {
							first = a.Value
						}
					}
				}
			}
			return nil
		})
	})
	if err == nil && first == "" {
		err = formatError("the workbook has no sheet that isn't hidden")
	}
	return first, err
}

// A textTable holds the texts that the cells of a workbook share.
type textTable struct {
	all  []byte
	ends []uint32
}

func (t *textTable) text(n int) (string, bool) {
	if n < 0 || n >= len(t.ends) {
		return "", false
	}
	from := uint32(0)
	if n > 0 {
		from = t.ends[n-1]
	}
	return string(t.all[from:t.ends[n]]), true
}

// readTexts reads the shared texts: of each the parts that make it up, without
// how they are to be pronounced.
func (b *workbook) readTexts(part string) error {
	t := &b.texts
	return b.read(part, func(d *xmlReader) error {
		var inText bool
		var pronounced int
		for {
			token, err := d.token()
			if err != nil {
				return endOf(err)
			}
			switch e := token.(type) {
			case xml.StartElement:
				switch e.Name.Local {
				case "t":
					inText = pronounced == 0
				case "rPh":
					pronounced++
				}
			case xml.EndElement:
				switch e.Name.Local {
				case "t":
					inText = false
				case "rPh":
					pronounced--
				case "si":
					t.ends = append(t.ends, uint32(len(t.all)))
				}
			case xml.CharData:
				if inText {
					t.all = append(t.all, e...)
				}
			}
			if len(t.all)+4*len(t.ends) > maxTexts {
				return formatError("the workbook has more than 256 MiB of texts: save it as CSV")
			}
		}
	})
}

// readFormats finds out which formats of cells are dates.
func (b *workbook) readFormats(part string) error {
	custom := map[string]bool{}
	inCells := false
	return b.read(part, func(d *xmlReader) error {
		return d.eachWithEnd(func(e *xml.StartElement) error {
			switch e.Name.Local {
			case "numFmt":
				if len(custom) == maxFormats {
					return formatError("the workbook has more than 65,536 formats")
				}
				custom[attribute(e, "numFmtId")] = isDateCode(attribute(e, "formatCode"))
			case "cellXfs":
				inCells = true
			case "xf":
				if !inCells {
					return nil
				}
				if len(b.isDate) == maxFormats {
					return formatError("the workbook has more than 65,536 formats")
				}
				id := attribute(e, "numFmtId")
				date, known := custom[id]
				if n, err := strconv.Atoi(id); err == nil && !known {
					date = isDateFormat(n)
				}
				b.isDate = append(b.isDate, date)
			}
			return nil
		}, func(name string) {
			if name == "cellXfs" {
				inCells = false
			}
		})
	})
}

// isDateFormat knows the numbers of the formats that every program has.
func isDateFormat(n int) bool {
	return 14 <= n && n <= 22 || 27 <= n && n <= 36 || 45 <= n && n <= 47 || 50 <= n && n <= 58
}

// isDateCode says that a format's code has a part of a date or of a time.
func isDateCode(code string) bool {
	for i := 0; i < len(code); i++ {
		switch code[i] {
		case '"':
			end := strings.IndexByte(code[i+1:], '"')
			if end < 0 {
				return false
			}
			i += end + 1
		case '\\', '_', '*':
			i++
		case '[':
			end := strings.IndexByte(code[i:], ']')
			if end < 0 {
				return false
			}
			if inside := strings.ToLower(code[i+1 : i+end]); inside != "" && strings.Trim(inside, inside[:1]) == "" && strings.Contains("hms", inside[:1]) {
				return true
			}
			i += end
		case ';':
			return false
		case 'y', 'Y', 'm', 'M', 'd', 'D', 'h', 'H', 's', 'S':
			return true
		}
	}
	return false
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
	return newXMLReader(unpacked), unpacked, nil
}

// attribute gives the value of an attribute without a prefix.
func attribute(e *xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name && a.Name.Space == "" {
			return a.Value
		}
	}
	return ""
}

// An xmlReader gives the tokens of XML in bounded memory.
type xmlReader struct {
	decoder *xml.Decoder
	bound   *boundedReader
}

func newXMLReader(r io.Reader) *xmlReader {
	bound := &boundedReader{r: r, whole: maxPart}
	// Given a reader of bytes, the decoder reads no further than it has to.
	return &xmlReader{decoder: xml.NewDecoder(bufio.NewReaderSize(bound, 32<<10)), bound: bound}
}

// A boundedReader ends with an error where one token, or the whole, is too long.
type boundedReader struct {
	r            io.Reader
	token, whole int64
}

var (
	errLongToken = formatError("the workbook has a cell, or another piece, that is longer than 1 MiB")
	errLongPart  = formatError("the workbook unpacks to more than 2 GiB")
)

func (b *boundedReader) Read(p []byte) (int, error) {
	switch {
	case b.token <= 0:
		return 0, errLongToken
	case b.whole <= 0:
		return 0, errLongPart
	}
	n, err := b.r.Read(p)
	b.token -= int64(n)
	b.whole -= int64(n)
	return n, err
}

// token gives the next token, good until the next call, or io.EOF.
func (d *xmlReader) token() (xml.Token, error) {
	d.bound.token = maxToken
	token, err := d.decoder.RawToken()
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return token, err
	}
	if known, ok := errors.AsType[*FormatError](err); ok {
		return nil, known
	}
	return nil, damaged(err)
}

// damaged is what is wrong with a workbook that can't be read. The cause may
// quote what is in the file, and isn't repeated.
func damaged(error) error {
	return formatError("the workbook is damaged: it breaks off, or isn't what a workbook has to be")
}

// endOf takes the end of a part for no error.
func endOf(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// each calls f for every element as it begins.
func (d *xmlReader) each(f func(*xml.StartElement) error) error {
	return d.eachWithEnd(f, func(string) {})
}

// eachWithEnd calls f for every element as it begins, and ended as it ends.
func (d *xmlReader) eachWithEnd(f func(*xml.StartElement) error, ended func(name string)) error {
	for {
		token, err := d.token()
		if err != nil {
			return endOf(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			if err := f(&e); err != nil {
				return err
			}
		case xml.EndElement:
			ended(e.Name.Local)
		}
	}
}

// cellReference returns the column, from 0, and the row of a cell reference such
// as AB12.
func cellReference(reference string) (column, row int, err error) {
	letters := 0
	for letters < len(reference) && 'A' <= reference[letters]&^0x20 && reference[letters]&^0x20 <= 'Z' {
		column = column*26 + int(reference[letters]&^0x20-'A') + 1
		letters++
		if letters > 3 {
			return 0, 0, fmt.Errorf("not the reference of a cell")
		}
	}
	row, err = strconv.Atoi(reference[letters:])
	if letters == 0 || err != nil {
		return 0, 0, fmt.Errorf("not the reference of a cell")
	}
	return column - 1, row, nil
}
