// This file reads CSV: RFC 4180 with any common delimiter, and forgiving where
// what is meant is clear.

package spreadsheet

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// delimiters are those that are told apart, the likeliest first.
var delimiters = []byte{',', ';', '\t', '|'}

// CSVOptions say what is known of a CSV.
type CSVOptions struct {
	// Known says whether a column is one that is expected, by its name.
	Known func(column string) bool
	// Charset is the name of the text's encoding, one of those of the WHATWG;
	// empty where it is to be found out. A byte order mark goes before it.
	Charset string
}

// OpenCSV opens a text as a table. The delimiter is the one with which the first
// row names the most columns that are known. What isn't a text, or is one of
// another kind, is refused as what it is. An error of r is given as it is; others
// are a [*FormatError].
func OpenCSV(r io.Reader, o CSVOptions) (*Table, error) {
	text, err := decoded(r, o.Charset)
	if err != nil {
		return nil, err
	}
	s := &csvSource{in: text}
	if err := s.findDelimiter(o.Known); err != nil {
		return nil, err
	}
	return openTable(s)
}

// A csvSource reads the rows of a CSV text.
type csvSource struct {
	in        decodedText
	delimiter byte
	row       int

	// text is what has been read and not been taken, from at on.
	text  []byte
	at    int
	ended bool

	// content has the cells of the record that is parsed, one after the other, and
	// spans say where each that isn't blank is in it.
	content []byte
	spans   []cellSpan
	cells   []Cell
}

// A cellSpan is where a cell of a column is in the content of a record.
type cellSpan struct{ column, begin, end int }

func (s *csvSource) close() error { return nil }

// findDelimiter looks at the first row that isn't blank.
func (s *csvSource) findDelimiter(known func(string) bool) error {
	for {
		s.delimiter = ','
		line, err := s.record()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil // openTable says that there is nothing
			}
			return err
		}
		if line.fault != "" || len(s.spans) > 0 {
			break
		}
		s.take(line)
	}
	if s.takeSeparatorLine() {
		return nil
	}
	best, bestKnown, bestCells := byte(','), -1, 0
	for _, d := range delimiters {
		s.delimiter = d
		line, err := s.record()
		if err != nil || line.fault != "" {
			continue
		}
		n := 0
		for _, c := range s.cut(true) {
			if known(c.Text) {
				n++
			}
		}
		if n > bestKnown || n == bestKnown && line.width > bestCells {
			best, bestKnown, bestCells = d, n, line.width
		}
	}
	s.delimiter = best
	return nil
}

// takeSeparatorLine takes a line that says how cells are separated, as programs
// write it for Excel, which doesn't count it as a row.
func (s *csvSource) takeSeparatorLine() bool {
	rest := s.text[s.at:]
	line := rest[:len(rest)-len(bytes.TrimLeftFunc(rest, func(r rune) bool { return r != '\r' && r != '\n' }))]
	said := line
	if n := len(said); n >= 2 && said[0] == '"' && said[n-1] == '"' {
		said = said[1 : n-1]
	}
	separator, ok := bytes.CutPrefix(said, []byte("sep="))
	if !ok || len(separator) != 1 {
		return false
	}
	s.delimiter = separator[0]
	s.at += len(line)
	if s.at < len(s.text) {
		s.at += lineEnd(s.text[s.at:])
	}
	return true
}

// next returns the next row that isn't blank.
func (s *csvSource) next(header bool) (Row, error) {
	for {
		line, err := s.record()
		if err != nil {
			return Row{}, err
		}
		s.take(line)
		fault := line.fault
		switch {
		case s.row > maxRowNumber:
			return Row{}, formatError("the file has more rows than can be counted")
		case fault == "" && len(s.spans) == 0:
			continue
		case fault == "":
			fault = s.undecoded()
		}
		if fault != "" {
			return Row{Number: s.row, Fault: fault}, nil
		}
		return Row{Number: s.row, Cells: s.cut(header)}, nil
	}
}

// undecoded says what is wrong with a record that isn't in the encoding that the
// text is in otherwise; empty for nothing.
func (s *csvSource) undecoded() string {
	switch {
	case !utf8.Valid(s.content):
		return "the row has bytes that aren't UTF-8, as the file is otherwise"
	case s.in.foreign && bytes.ContainsRune(s.content, utf8.RuneError):
		return "the row has bytes that mean nothing in the charset that was given"
	}
	return ""
}

// A record is what the text has next: a row, or one that can't be read.
type record struct {
	width int // how many cells there are
	size  int
	fault string
}

// take goes past a record.
func (s *csvSource) take(r record) {
	s.at += r.size
	s.row++
}

// record returns the next record without taking it, or io.EOF.
func (s *csvSource) record() (record, error) {
	for {
		rest := s.text[s.at:]
		if len(rest) == 0 && s.ended {
			return record{}, io.EOF
		}
		r, whole := s.parse(rest)
		if whole {
			return r, nil
		}
		if len(rest) > MaxRowBytes || s.ended {
			return s.unclosed(rest)
		}
		if err := s.fill(); err != nil {
			return record{}, err
		}
	}
}

// unclosed is a row that doesn't end: a quote was opened and not closed, or it
// is just long. It ends with its line then, so that it takes no other with it.
func (s *csvSource) unclosed(rest []byte) (record, error) {
	if end := lineEnd(rest); end > 0 {
		return record{size: end, fault: "a quote is opened and not closed"}, nil
	}
	if s.ended {
		return record{size: len(rest), fault: "a quote is opened and not closed"}, nil
	}
	// A line that is longer than a row may be is passed over piece by piece.
	for {
		s.at = len(s.text)
		if err := s.fill(); err != nil {
			return record{}, err
		}
		rest := s.text[s.at:]
		if end := lineEnd(rest); end > 0 || s.ended {
			if end == 0 {
				end = len(rest)
			}
			return record{size: end, fault: longRow}, nil
		}
	}
}

// lineEnd returns where the line after the first ends; 0 where it doesn't.
func lineEnd(text []byte) int {
	end := bytes.IndexAny(text, "\r\n")
	switch {
	case end < 0:
		return 0
	case text[end] == '\r' && end+1 < len(text) && text[end+1] == '\n':
		return end + 2
	}
	return end + 1
}

// fill reads more of the text, twice as much as there is.
func (s *csvSource) fill() error {
	rest := len(s.text) - s.at
	if s.at > 0 {
		copy(s.text, s.text[s.at:])
		s.text, s.at = s.text[:rest], 0
	}
	want := rest + max(window, rest)
	s.text = slices.Grow(s.text, want-rest)
	for len(s.text) < want {
		n, err := s.in.Read(s.text[len(s.text):want])
		s.text = s.text[:len(s.text)+n]
		if err == io.EOF { // and not an unexpected one: a text that breaks off isn't whole
			s.ended = true
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// parse reads a record from the beginning of a text. It isn't whole where more
// of the text has to be there to tell.
func (s *csvSource) parse(text []byte) (r record, whole bool) {
	s.content, s.spans = s.content[:0], s.spans[:0]
	for at := 0; ; {
		begin := len(s.content)
		end, fault, whole := s.cell(text, at)
		if !whole {
			return record{}, false
		}
		if fault != "" {
			size := lineEnd(text)
			if size == 0 {
				if !s.ended {
					return record{}, false
				}
				size = len(text)
			}
			return record{size: size, fault: fault}, true
		}
		s.keepCell(r.width, begin)
		r.width++
		r.size = end
		switch {
		case end == len(text): // only where the text has ended
			return r.bounded(), true
		case text[end] == s.delimiter:
			at = end + 1
			continue
		case text[end] == '\r' && end+1 == len(text) && !s.ended:
			return record{}, false
		}
		r.size += lineEnd(text[end:])
		return r.bounded(), true
	}
}

// bounded is a record that is refused where it is too long.
func (r record) bounded() record {
	if r.size > MaxRowBytes+len("\r\n") {
		r.fault = longRow
	}
	return r
}

// keepCell keeps the cell of a column, from begin on the last of the content, unless
// it is blank. One more than a header can name is enough to know that a row has too
// many.
func (s *csvSource) keepCell(column, begin int) {
	if len(s.spans) > MaxColumns || len(bytes.TrimSpace(s.content[begin:])) == 0 {
		s.content = s.content[:begin]
		return
	}
	s.spans = append(s.spans, cellSpan{column, begin, len(s.content)})
}

// cut cuts the record into its cells, which are parts of one text: that takes one
// allocation a row.
func (s *csvSource) cut(header bool) []Cell {
	content := string(s.content)
	s.cells = s.cells[:0]
	for _, span := range s.spans {
		text := content[span.begin:span.end]
		if !header {
			text = strings.TrimSpace(text)
		}
		s.cells = append(s.cells, Cell{span.column, text})
	}
	return s.cells
}

// cell reads one cell into content, and returns the index of what ends it: a
// delimiter, the end of the line or of the text.
func (s *csvSource) cell(text []byte, at int) (end int, fault string, whole bool) {
	if at < len(text) && text[at] == '"' {
		return s.quoted(text, at+1)
	}
	end = at
	for end < len(text) && text[end] != s.delimiter && text[end] != '\n' && text[end] != '\r' {
		end++
	}
	if end == len(text) && !s.ended {
		return 0, "", false
	}
	s.content = append(s.content, text[at:end]...)
	return end, "", true
}

// quoted reads a cell after its opening quote.
func (s *csvSource) quoted(text []byte, at int) (end int, fault string, whole bool) {
	for {
		n := bytes.IndexByte(text[at:], '"')
		if n < 0 {
			return 0, "", false
		}
		after := at + n + 1
		switch {
		case after == len(text) && !s.ended:
			return 0, "", false
		case after == len(text) || text[after] == s.delimiter || text[after] == '\n' || text[after] == '\r':
			s.content = append(s.content, text[at:at+n]...)
			return after, "", true
		case text[after] != '"':
			return 0, "there is something between a closing quote and the end of its cell", true
		}
		s.content = append(s.content, text[at:after]...)
		at = after + 1
	}
}
