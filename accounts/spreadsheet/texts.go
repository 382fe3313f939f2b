// This file keeps the texts that the cells of a workbook share, in a temporary
// file, and reads the text of cells.

package spreadsheet

import (
	"bufio"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf16"

	"boxoffice/internal/tempfile"
)

// A textTable holds the texts that the cells of a workbook share. They are as many
// and as long as whoever made the file likes, so they are kept in files, and of
// these only parts in memory.
type textTable struct {
	texts, ends *textFile // ends has eight bytes a text: where it ends
	count       int64
}

// textBlock is how much of a file is read at once, and textBlocks how many of
// such blocks are remembered.
const (
	textBlock  = 16 << 10
	textBlocks = 128
)

// A textFile is a temporary file that is written once and then read in places.
type textFile struct {
	file   *os.File
	out    *bufio.Writer
	size   int64
	blocks [textBlocks]cachedBlock
}

type cachedBlock struct {
	number int64 // from 1; 0 for none
	data   []byte
}

func newTextFile() (*textFile, error) {
	f, err := tempfile.New()
	if err != nil {
		return nil, err
	}
	return &textFile{file: f, out: bufio.NewWriterSize(f, textBlock)}, nil
}

func (f *textFile) Write(p []byte) (int, error) {
	n, err := f.out.Write(p)
	f.size += int64(n)
	return n, err
}

// appendAt appends what the file has from one place to another.
func (f *textFile) appendAt(to []byte, from, end int64) ([]byte, error) {
	for from < end {
		data, err := f.block(from / textBlock)
		if err != nil {
			return to, err
		}
		part := data[min(int(from%textBlock), len(data)):]
		part = part[:min(int64(len(part)), end-from)]
		if len(part) == 0 {
			return to, io.ErrUnexpectedEOF
		}
		to, from = append(to, part...), from+int64(len(part))
	}
	return to, nil
}

func (f *textFile) block(n int64) ([]byte, error) {
	b := &f.blocks[n%textBlocks]
	if b.number == n+1 {
		return b.data, nil
	}
	if b.data == nil {
		b.data = make([]byte, textBlock)
	}
	read, err := f.file.ReadAt(b.data[:textBlock], n*textBlock)
	if err != nil && !errors.Is(err, io.EOF) {
		b.number = 0
		return nil, err
	}
	b.number, b.data = n+1, b.data[:read]
	return b.data, nil
}

func (f *textFile) close() error {
	if f == nil {
		return nil
	}
	return f.file.Close()
}

func (t *textTable) open() (err error) {
	if t.texts, err = newTextFile(); err != nil {
		return err
	}
	t.ends, err = newTextFile()
	return err
}

func (t *textTable) close() error { return errors.Join(t.texts.close(), t.ends.close()) }

// add ends a text, of which what it says has been written.
func (t *textTable) add() error {
	t.count++
	_, err := t.ends.Write(binary.LittleEndian.AppendUint64(nil, uint64(t.texts.size)))
	return err
}

// written says that all texts are there.
func (t *textTable) written() error { return errors.Join(t.texts.out.Flush(), t.ends.out.Flush()) }

// appendText appends a text, or of one that is longer than a row may be only so
// much that this shows. False where there is no such text.
func (t *textTable) appendText(to []byte, n int64) ([]byte, bool, error) {
	if n < 0 || n >= t.count {
		return to, false, nil
	}
	at := 8 * max(0, n-1)
	ends, err := t.ends.appendAt(nil, at, 8*n+8)
	if err != nil {
		return to, false, err
	}
	from, end := int64(0), int64(binary.LittleEndian.Uint64(ends))
	if n > 0 {
		from, end = end, int64(binary.LittleEndian.Uint64(ends[8:]))
	}
	to, err = t.texts.appendAt(to, from, min(end, from+MaxRowBytes+1))
	return to, err == nil, err
}

// readTexts reads the shared texts: of each the parts that make it up, without
// how they are to be pronounced.
func (b *workbook) readTexts(part string) error {
	t := &b.texts
	if err := t.open(); err != nil {
		return err
	}
	err := b.read(part, func(d *xmlReader) error {
		var text textParts
		for {
			token, err := d.token()
			if err != nil {
				return endOf(err)
			}
			if data, ok := token.(xml.CharData); ok && text.wanted() {
				_, err = t.texts.Write(data)
			} else if e, ok := token.(xml.EndElement); ok && e.Name.Local == "si" {
				err = t.add()
			} else {
				text.pass(token)
			}
			if err != nil {
				return err
			}
		}
	})
	return errors.Join(err, t.written())
}

// textParts says which characters among the elements of a text are the text's:
// those in t, but for how it is to be pronounced.
type textParts struct {
	inText     bool
	pronounced int
}

func (p *textParts) wanted() bool { return p.inText && p.pronounced == 0 }

func (p *textParts) pass(token xml.Token) {
	switch e := token.(type) {
	case xml.StartElement:
		switch e.Name.Local {
		case "t":
			p.inText = true
		case "rPh":
			p.pronounced++
		}
	case xml.EndElement:
		switch e.Name.Local {
		case "t":
			p.inText = false
		case "rPh":
			p.pronounced--
		}
	}
}

// unescaped is a text of a workbook with the characters for which _xHHHH_ stands:
// those that XML has no place for, or that it would change.
func unescaped(text string) string {
	at := strings.Index(text, "_x")
	if at < 0 {
		return text
	}
	var out strings.Builder
	out.WriteString(text[:at])
	for at < len(text) {
		unit, ok := escapedUnit(text[at:])
		if !ok {
			out.WriteByte(text[at])
			at++
			continue
		}
		at += escapedLen
		if next, ok := escapedUnit(text[at:]); ok && utf16.IsSurrogate(unit) {
			if r := utf16.DecodeRune(unit, next); r != '\uFFFD' {
				out.WriteRune(r)
				at += escapedLen
				continue
			}
		}
		out.WriteRune(unit) // U+FFFD for half of a pair
	}
	return out.String()
}

const escapedLen = len("_xHHHH_")

// escapedUnit is the UTF-16 code unit of the _xHHHH_ with which a text begins.
func escapedUnit(text string) (rune, bool) {
	if len(text) < escapedLen || text[0] != '_' || text[1] != 'x' || text[6] != '_' {
		return 0, false
	}
	unit, err := strconv.ParseUint(text[2:6], 16, 16)
	return rune(unit), err == nil
}
