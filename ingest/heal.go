// This file brings the embedded server back after its disk failed. A stream
// that couldn't be written stays closed to writing, though there is room again,
// until its server reads it again.

package ingest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

const (
	// healEvery is how often the server is asked how it is.
	healEvery = 3 * time.Second
	// healRoom is how much has to be writable before the streams are read
	// again, in bytes, so that they don't fail at once.
	healRoom = 4 << 20
	// healSays is at which of the checks in a row that found no room it is
	// logged again.
	healSays = 20
)

// heal looks after the server until it is closed.
func (e *Embedded) heal() {
	defer close(e.healed)
	ticker := time.NewTicker(healEvery)
	defer ticker.Stop()
	for failures := 0; ; {
		select {
		case <-e.closing:
			return
		case <-ticker.C:
		}
		problem := e.Health()
		if problem == nil {
			failures = 0
			continue
		}
		if err := writable(e.dir, healRoom); err != nil {
			if failures++; failures%healSays == 1 {
				e.log.Error("the broker's directory can't be written", "error", err, "problem", problem)
			}
			continue
		}
		e.log.Warn("the broker's directory can be written again, and its streams are read again", "problem", problem)
		if err := e.restart(); err != nil {
			e.log.Error("the broker's streams can't be read", "error", err)
		}
	}
}

// Health is nil where the server can store, and else says why not.
func (e *Embedded) Health() error {
	if status := e.server.Healthz(&server.HealthzOptions{}); status.Status != "ok" {
		return errors.New(status.Error)
	}
	return nil
}

// restart closes the streams and opens them again. Whoever publishes or
// receives meanwhile waits.
func (e *Embedded) restart() error {
	if err := e.server.ShutdownJetStream(); err != nil {
		return fmt.Errorf("closing the streams: %w", err)
	}
	config := e.config
	if err := e.server.EnableJetStream(&config); err != nil {
		return fmt.Errorf("opening the streams: %w", err)
	}
	return nil
}

// writable says why so many bytes can't be written to a directory and synced,
// nil where they can.
func writable(dir string, bytes int) (err error) {
	f, err := os.Create(filepath.Join(dir, "room"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	block := make([]byte, 1<<20)
	for written := 0; written < bytes; written += len(block) {
		if _, err := f.Write(block); err != nil {
			return err
		}
	}
	return f.Sync()
}
