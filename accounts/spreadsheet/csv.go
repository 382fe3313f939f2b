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

// maxRecord is how long a row may be, in bytes; what a quote that is never
// closed swallows ends there at the latest.
const maxRecord = 1 << 20

// OpenCSV opens a text as a table. The encoding is found out, and so is the
// delimiter: it is the one with which the first row names the most columns that
// are known. An error of r is given as it is; others are a [*FormatError].
func OpenCSV(r io.Reader, known func(column string) bool) (*Table, error) {
	text, err := decoded(r)
	if err != nil {
		return nil, err
	}
	s := &csvSource{in: text}
	if err := s.findDelimiter(known); err != nil {
		return nil, err
	}
	return openTable(s)
}

// A csvSource gives the rows of a CSV text.
type csvSource struct {
	in        io.Reader
	delimiter byte
	row       int

	// text is what has been read and not been taken, from at on.
	text  []byte
	at    int
	ended bool

	// content has the cells of the record that is parsed, one after the other, and
	// ends where each ends in it.
	content []byte
	ends    []int
	cells   []string
}

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
		if !isBlank(line.cells) || line.fault != "" {
			break
		}
		s.take(line)
	}
	// Excel's own way to say it.
	if rest, ok := bytes.CutPrefix(s.text[s.at:], []byte("sep=")); ok && len(rest) > 0 && (len(rest) == 1 || rest[1] == '\r' || rest[1] == '\n') {
		s.delimiter = rest[0]
		s.at += len("sep=") + 1
		s.row++
		s.skipLineEnd()
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
		for _, name := range line.cells {
			if known(strings.TrimSpace(name)) {
				n++
			}
		}
		if n > bestKnown || n == bestKnown && len(line.cells) > bestCells {
			best, bestKnown, bestCells = d, n, len(line.cells)
		}
	}
	s.delimiter = best
	return nil
}

func (s *csvSource) skipLineEnd() {
	if s.at < len(s.text) && s.text[s.at] == '\r' {
		s.at++
	}
	if s.at < len(s.text) && s.text[s.at] == '\n' {
		s.at++
	}
}

// next gives the next row that isn't blank.
func (s *csvSource) next() (Row, error) {
	for {
		line, err := s.record()
		if err != nil {
			return Row{}, err
		}
		s.take(line)
		if line.fault != "" {
			return Row{Number: s.row, Fault: line.fault}, nil
		}
		if isBlank(line.cells) {
			continue
		}
		if !slices.ContainsFunc(line.cells, func(cell string) bool { return !utf8.ValidString(cell) }) {
			return Row{Number: s.row, Cells: line.cells}, nil
		}
		return Row{Number: s.row, Fault: "the row has bytes that aren't UTF-8, as the file is otherwise"}, nil
	}
}

// A record is what the text has next: a row, or one that can't be read.
type record struct {
	cells []string
	size  int
	fault string
}

// take goes past a record.
func (s *csvSource) take(r record) {
	s.at += r.size
	s.row++
}

// record gives the next record without taking it, or io.EOF.
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
		if len(rest) > maxRecord || s.ended {
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
			return record{size: end, fault: "the row is longer than 1 MiB"}, nil
		}
	}
}

// lineEnd gives where the line after the first ends; 0 where it doesn't.
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
	s.content, s.ends = s.content[:0], s.ends[:0]
	for at := 0; ; {
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
		s.ends = append(s.ends, len(s.content))
		switch {
		case end == len(text): // only where the text has ended
			return record{cells: s.cut(), size: end}, true
		case text[end] == s.delimiter:
			at = end + 1
			continue
		case text[end] == '\r' && end+1 == len(text) && !s.ended:
			return record{}, false
		}
		return record{cells: s.cut(), size: end + lineEnd(text[end:])}, true
	}
}

// cut cuts the record into its cells, which are parts of one text: that takes one
// allocation a row.
func (s *csvSource) cut() []string {
	content, begin := string(s.content), 0
	s.cells = s.cells[:0]
	for _, end := range s.ends {
		s.cells = append(s.cells, content[begin:end])
		begin = end
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
