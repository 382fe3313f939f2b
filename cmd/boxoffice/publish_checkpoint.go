// This file remembers how far each file has been published, so that a command
// that was stopped goes on where it was when it is given again.

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// A checkpoint is how far one file has been published to one broker: what the
// broker has stored for good.
type checkpoint struct {
	File   string `json:"file"`
	Broker string `json:"broker"`
	Lines  int64  `json:"lines"`
	// SHA256 is over those lines: a file that begins otherwise is another file.
	SHA256 string `json:"sha256"`

	path string
}

// findCheckpoint returns the checkpoint of a file, at its start where none is kept. For
// standard input there is nothing to remember, and it returns nil.
func findCheckpoint(dir, broker, name string) (*checkpoint, error) {
	if name == "-" {
		return nil, nil
	}
	abs, err := filepath.Abs(name)
	if err != nil {
		return nil, err
	}
	key := sha256.Sum256([]byte(broker + "\x00" + abs))
	p := &checkpoint{File: abs, Broker: broker, path: filepath.Join(dir, hex.EncodeToString(key[:8])+".json")}
	text, err := os.ReadFile(p.path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return nil, err
	}
	kept := checkpoint{}
	if err := json.Unmarshal(text, &kept); err != nil || kept.File != p.File || kept.Broker != p.Broker {
		return p, nil // not ours to trust; publishing twice is safe
	}
	p.Lines, p.SHA256 = kept.Lines, kept.SHA256
	return p, nil
}

// save keeps the checkpoint, whole or not at all.
func (p *checkpoint) save(lines int64, sum []byte) error {
	if p == nil {
		return nil
	}
	p.Lines, p.SHA256 = lines, hex.EncodeToString(sum)
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(p.path), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(p.path+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(p.path+".new", p.path)
}

// forget drops the checkpoint, once everything has been published.
func (p *checkpoint) forget() error {
	if p == nil {
		return nil
	}
	if err := os.Remove(p.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// skipTo opens the file and reads up to the checkpoint. Where the file doesn't
// begin with the lines that were published, it starts at its beginning.
func (p *checkpoint) skipTo(name string, stdin io.Reader) (*lineSource, error) {
	source, err := openSource(name, stdin)
	if err != nil || p == nil || p.Lines == 0 {
		return source, err
	}
	for source.line < p.Lines {
		_, err := source.rawLine()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			source.close()
			return nil, err
		}
	}
	if source.line == p.Lines && hex.EncodeToString(source.sum.Sum(nil)) == p.SHA256 {
		return source, nil
	}
	source.close()
	p.Lines = 0
	return openSource(name, stdin)
}

// checkpointsDir is where checkpoints are kept: with the user's other caches, since
// losing them costs time and nothing else.
func checkpointsDir() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding a directory to remember the progress in: %w", err)
	}
	return filepath.Join(cache, "boxoffice", "publish"), nil
}
