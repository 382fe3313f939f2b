// This file reads the XML of a workbook in bounded memory and time.

package spreadsheet

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
)

const (
	// maxToken bounds one piece of XML: a cell has at most 32,767 characters.
	maxToken = 1 << 20
	// maxTag bounds one tag: what it takes in memory is many times as much.
	maxTag = 64 << 10
	// maxRowXML bounds the XML of a row.
	maxRowXML = 16 << 20
	// unpackRatio is how many bytes a workbook may unpack to for each of its own,
	// unpackAlways how many it may in any case, and maxUnpacked how many at most:
	// sheets as people have them come to 5 to 40, and what unpacks to more is
	// made to keep a processor busy.
	unpackRatio  = 60
	unpackAlways = 16 << 20
	maxUnpacked  = 2 << 30
)

// unpackBudget is how much a workbook of a size may unpack to.
func unpackBudget(size int64) int64 { return min(maxUnpacked, unpackAlways+unpackRatio*size) }

// attribute returns the value of an attribute without a prefix.
func attribute(e *xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name && a.Name.Space == "" {
			return a.Value
		}
	}
	return ""
}

// An xmlReader reads the tokens of XML in bounded memory.
type xmlReader struct {
	decoder *xml.Decoder
	bound   *boundedReader
}

// newXMLReader reads XML, and takes what it unpacks from a budget.
func newXMLReader(r io.Reader, budget *int64) *xmlReader {
	bound := &boundedReader{r: r, budget: budget}
	// Given a reader of bytes, the decoder reads no further than it has to.
	return &xmlReader{decoder: xml.NewDecoder(bufio.NewReaderSize(bound, 32<<10)), bound: bound}
}

// A boundedReader ends with an error where one token, or the whole, is too long.
type boundedReader struct {
	r      io.Reader
	token  int64
	budget *int64
	tag    int // how much has been read of a tag
}

var (
	errLongToken = formatError("the workbook has a cell, or another piece, that is longer than 1 MiB")
	errLongRow   = formatError("the workbook has a row that takes more than 16 MiB")
	errLongPart  = formatError("the workbook unpacks to far more than workbooks of its size do: open it in a spreadsheet program, delete empty rows and columns, and save it again, or as CSV")
)

func (b *boundedReader) Read(p []byte) (int, error) {
	switch {
	case b.token <= 0:
		return 0, errLongToken
	case *b.budget <= 0:
		return 0, errLongPart
	}
	n, err := b.r.Read(p)
	b.token -= int64(n)
	*b.budget -= int64(n)
	if b.measureTags(p[:n]); b.tag > maxTag {
		return 0, errLongToken
	}
	return n, err
}

// measureTags goes through what has been read, from tag to tag.
func (b *boundedReader) measureTags(read []byte) {
	for len(read) > 0 && b.tag <= maxTag {
		if b.tag == 0 {
			begin := bytes.IndexByte(read, '<')
			if begin < 0 {
				return
			}
			read = read[begin:]
		}
		_, after, ok := bytes.Cut(read, []byte{'>'})
		if !ok {
			b.tag += len(read)
			return
		}
		b.tag, read = 0, after
	}
}

// offset is how much of the XML has been read.
func (d *xmlReader) offset() int64 { return d.decoder.InputOffset() }

// token returns the next token, good until the next call, or io.EOF.
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
