// This file is about the temporary files in which the sheets of a workbook are
// kept. They have in them what the tables say, so they are made where nobody
// else looks, and leave their directory at once.

package sheet

import (
	"fmt"
	"os"
)

// A spill is a directory for one workbook's temporary files. Each of them is
// removed from the directory as soon as it is there and lives on as an open file,
// so that nothing is left behind where the process is killed.
type spill struct{ dir string }

// newSpill makes the directory, which only its owner can enter.
func newSpill(parent string) (*spill, error) {
	dir, err := os.MkdirTemp(parent, "boxoffice-export-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for temporary files: %w", err)
	}
	return &spill{dir: dir}, nil
}

// create makes a file, which only its owner can open.
func (s *spill) create() (*os.File, error) {
	file, err := os.CreateTemp(s.dir, "sheet-")
	if err != nil {
		return nil, fmt.Errorf("make a temporary file: %w", err)
	}
	// Where an open file can't be removed, close does it.
	_ = os.Remove(file.Name())
	return file, nil
}

// close removes the directory with all that is in it.
func (s *spill) close() error { return os.RemoveAll(s.dir) }
