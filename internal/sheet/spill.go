// This file is about the temporary files in which excelize keeps what it
// doesn't keep in memory. They have in them what the tables say, so they are
// made where nobody else looks, and leave their directory at once.

package sheet

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// A spill is a directory for one workbook's temporary files, one for each
// sheet, in the order of the sheets. Each file is removed from the directory
// as soon as it is seen and lives on as an open file, so that nothing is left
// behind where the process is killed.
type spill struct {
	dir string
	// file is that of the sheet that is being written; nil before it has one.
	file *os.File
}

// newSpill makes the directory, which only its owner can enter.
func newSpill(parent string) (*spill, error) {
	dir, err := os.MkdirTemp(parent, "boxoffice-export-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for temporary files: %w", err)
	}
	return &spill{dir: dir}, nil
}

// look gives the size of the sheet's file; 0 before it has one.
func (s *spill) look() (int64, error) {
	if s.file == nil {
		if err := s.find(); err != nil || s.file == nil {
			return 0, err
		}
	}
	info, err := s.file.Stat()
	if err != nil {
		return 0, fmt.Errorf("look at a temporary file: %w", err)
	}
	return info.Size(), nil
}

// find takes the file that has come into the directory.
func (s *spill) find() error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("look for temporary files: %w", err)
	}
	if len(entries) == 0 {
		return nil
	}
	path := filepath.Join(s.dir, entries[0].Name())
	if s.file, err = os.Open(path); err != nil {
		return fmt.Errorf("open a temporary file: %w", err)
	}
	// Where an open file can't be removed, close does it.
	_ = os.Remove(path)
	return nil
}

// next is called between two sheets.
func (s *spill) next() error {
	if _, err := s.look(); err != nil {
		return err
	}
	return s.forget()
}

func (s *spill) forget() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	return err
}

// close removes the directory with all that is in it.
func (s *spill) close() error { return errors.Join(s.forget(), os.RemoveAll(s.dir)) }
