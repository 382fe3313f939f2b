// This file keeps what is too much for memory while an import is looked at: the
// file that was uploaded, and what became of its rows. Both are temporary files
// that only the service's own user can read and that have no name any more, so
// nothing of them is left however the process ends.

package console

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"boxoffice/accounts"
	"boxoffice/internal/tempfile"
)

// outcomes are those of an import in the order in which they are looked at.
var outcomes = []accounts.Outcome{accounts.RowRefused, accounts.RowUpdated, accounts.RowUnchanged, accounts.RowCreated}

// A spool keeps what became of the rows of an import, apart by how they ended. It
// is written by one goroutine, and read by others once that is done. Its files are
// there until all who share it have closed it.
type spool struct {
	parts  map[accounts.Outcome]*spoolPart
	err    error
	shares atomic.Int32
}

// A spoolPart has the rows that ended in one way.
type spoolPart struct {
	file *os.File
	out  *bufio.Writer
	rows int
	at   int64
	// pages are where each page of rows begins.
	pages []int64
}

func newSpool() (*spool, error) {
	s := &spool{parts: map[accounts.Outcome]*spoolPart{}}
	s.shares.Store(1)
	for _, o := range outcomes {
		f, err := tempfile.New()
		if err != nil {
			s.close()
			return nil, err
		}
		s.parts[o] = &spoolPart{file: f, out: bufio.NewWriter(f)}
	}
	return s, nil
}

// add adds a row. The first error is kept for flush.
func (s *spool) add(o accounts.RowOutcome) {
	if s.err != nil {
		return
	}
	p := s.parts[o.Outcome]
	line, err := json.Marshal(o)
	if err != nil {
		s.err = err
		return
	}
	if p.rows%pageRows == 0 {
		p.pages = append(p.pages, p.at)
	}
	n, err := p.out.Write(append(line, '\n'))
	p.rows, p.at, s.err = p.rows+1, p.at+int64(n), err
}

// flush has all rows that were added readable.
func (s *spool) flush() error {
	for _, p := range s.parts {
		if err := p.out.Flush(); err != nil && s.err == nil {
			s.err = err
		}
	}
	return s.err
}

// share is the spool for somebody more, who closes it too. It isn't closed yet.
func (s *spool) share() *spool {
	s.shares.Add(1)
	return s
}

func (s *spool) close() {
	if s.shares.Add(-1) > 0 {
		return
	}
	for _, p := range s.parts {
		_ = p.file.Close()
	}
}

// count is how many rows ended in one way, or, for none, how many there are.
func (s *spool) count(o accounts.Outcome) int {
	if o != "" {
		return s.parts[o].rows
	}
	n := 0
	for _, p := range s.parts {
		n += p.rows
	}
	return n
}

// read hands rows to f, those that ended in one way or all, from one on and at
// most as many as limit.
func (s *spool) read(o accounts.Outcome, from, limit int, f func(accounts.RowOutcome) error) error {
	of := outcomes
	if o != "" {
		of = []accounts.Outcome{o}
	}
	for _, o := range of {
		p := s.parts[o]
		if from >= p.rows {
			from -= p.rows
			continue
		}
		n := min(limit, p.rows-from)
		if err := p.read(from, n, f); err != nil {
			return err
		}
		from, limit = 0, limit-n
	}
	return nil
}

func (p *spoolPart) read(from, n int, f func(accounts.RowOutcome) error) error {
	if n == 0 {
		return nil
	}
	start := p.pages[from/pageRows]
	lines := json.NewDecoder(io.NewSectionReader(p.file, start, p.at-start))
	for i := -(from % pageRows); i < n; i++ {
		var row accounts.RowOutcome
		if err := lines.Decode(&row); err != nil {
			return err
		}
		if i < 0 {
			continue
		}
		if err := f(row); err != nil {
			return err
		}
	}
	return nil
}

// uploads bound the files that are kept.
type uploads struct {
	mu   sync.Mutex
	kept int
}

// maxUploads is how many files are kept at a time.
const maxUploads = 4

// take takes a place for a file; false where there is none.
func (u *uploads) take() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.kept >= maxUploads {
		return false
	}
	u.kept++
	return true
}

func (u *uploads) free() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.kept--
}
