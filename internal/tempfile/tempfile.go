// Package tempfile makes temporary files for what is too much for memory, and is
// often personal: only the service's own user can read them, and they have no name
// any more, so that nothing of them is left however the process ends.
package tempfile

import "os"

// New opens an empty temporary file without a name, in the system's directory for
// temporary files. Closing it removes it.
func New() (*os.File, error) {
	f, err := os.CreateTemp("", "boxoffice-import-*") // for its owner only
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}
