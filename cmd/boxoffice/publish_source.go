// This file reads events from NDJSON files, compressed or not, a line at a
// time and in bounded memory, and counts the lines that were read.

package main

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/zstd"

	"boxoffice/domain"
)

// A lineSource reads the lines of one file.
type lineSource struct {
	name  string
	lines *bufio.Reader
	// read counts what was taken from the file itself, compressed as it is:
	// what a progress bar can compare with the file's size.
	read *countingReader
	size int64     // of the file; -1 where it can't be told
	sum  hash.Hash // over all lines so far, to know the file again
	line int64
	done func()
}

// openSource opens a file, or standard input where its name is "-".
func openSource(name string, stdin io.Reader) (*lineSource, error) {
	s := &lineSource{name: name, size: -1, sum: sha256.New(), done: func() {}}
	var raw io.Reader = stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		info, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, err
		}
		if info.Mode().IsRegular() {
			s.size = info.Size()
		}
		raw, s.done = f, func() { f.Close() }
	}
	s.read = &countingReader{r: raw}
	text, err := s.decompress(name)
	if err != nil {
		s.done()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	s.lines = bufio.NewReaderSize(text, 64<<10)
	return s, nil
}

func (s *lineSource) decompress(name string) (io.Reader, error) {
	switch {
	case strings.HasSuffix(name, ".gz"):
		return gzip.NewReader(s.read)
	case strings.HasSuffix(name, ".zst"):
		d, err := zstd.NewReader(s.read, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		closeFile := s.done
		s.done = func() { d.Close(); closeFile() }
		return d, nil
	}
	return s.read, nil
}

func (s *lineSource) close() { s.done() }

// next returns the next line that isn't blank, its number from 1, or io.EOF. Of
// a line longer than an event may be, it returns just enough to tell that it is.
func (s *lineSource) next() ([]byte, int64, error) {
	for {
		line, err := s.rawLine()
		if err != nil {
			return nil, 0, err
		}
		if text := strings.TrimSpace(string(line)); text != "" {
			return []byte(text), s.line, nil
		}
	}
}

func (s *lineSource) rawLine() ([]byte, error) {
	var line []byte
	for {
		part, err := s.lines.ReadSlice('\n')
		s.sum.Write(part)
		if room := domain.MaxEventBytes + 1 - len(line); room > 0 {
			line = append(line, part[:min(room, len(part))]...)
		}
		switch {
		case err == nil:
			s.line++
			return line, nil
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(line) > 0:
			s.line++
			return line, nil
		case errors.Is(err, io.EOF):
			return nil, io.EOF
		default:
			return nil, fmt.Errorf("%s: after line %d: %w", s.name, s.line, err)
		}
	}
}

// A countingReader counts the bytes that pass through it.
type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
