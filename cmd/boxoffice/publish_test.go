// This file tests that publishing goes on where it stopped.

package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"

	"boxoffice/wire"
)

// A stoppingBroker stores what it is given until it is told to stop.
type stoppingBroker struct {
	stored int
	calls  int
	stopAt int // the call that fails; 0: none
}

var errStopped = errors.New("the broker is gone")

func (b *stoppingBroker) PublishBatch(_ context.Context, messages []wire.Message) error {
	b.calls++
	if b.calls == b.stopAt {
		return errStopped
	}
	b.stored += len(messages)
	return nil
}

func lines(n int, source string) []byte {
	var text bytes.Buffer
	for i := range n {
		fmt.Fprintf(&text, `{"specversion":"1.0","id":"%d","source":"%s","type":"user.updated","subject":"u","time":"2026-01-06T10:00:00Z","data":{}}`+"\n", i, source)
	}
	return text.Bytes()
}

// compressed writes text as its file's name says.
func compressed(t *testing.T, path string, text []byte) {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	switch filepath.Ext(path) {
	case ".gz":
		w = gzip.NewWriter(&out)
	case ".zst":
		encoder, err := zstd.NewWriter(&out)
		if err != nil {
			t.Fatal(err)
		}
		w = encoder
	default:
		out.Write(text)
	}
	if w != nil {
		if _, err := w.Write(text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestPublishingGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"events.ndjson", "events.ndjson.gz", "events.ndjson.zst"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			first, second := filepath.Join(dir, "first.ndjson"), filepath.Join(dir, name)
			compressed(t, first, lines(10, "/a"))
			compressed(t, second, lines(2*publishBatch+7, "/b"))
			publish := func(broker *stoppingBroker) (publishSummary, error) {
				run := &publishRun{to: broker, checkpoints: filepath.Join(dir, "checkpoints"), broker: "b", bar: newProgress(io.Discard, "")}
				err := run.files(t.Context(), []string{first, second})
				return run.summary, err
			}
			// The third call is the second batch of the second file.
			stopped := &stoppingBroker{stopAt: 3}
			if _, err := publish(stopped); !errors.Is(err, errStopped) {
				t.Fatalf("the first run ended with %v", err)
			}
			again := &stoppingBroker{}
			summary, err := publish(again)
			if err != nil || again.stored != publishBatch+7 || summary.Skipped != 10+publishBatch {
				t.Errorf("the second run published %d and skipped %d (%v); want %d and %d", again.stored, summary.Skipped, err, publishBatch+7, 10+publishBatch)
			}
			// A run that got to its end has nothing to go on from.
			whole := &stoppingBroker{}
			if _, err := publish(whole); err != nil || whole.stored != 10+2*publishBatch+7 {
				t.Errorf("the third run published %d (%v); want all %d", whole.stored, err, 10+2*publishBatch+7)
			}
		})
	}
}

// A file that doesn't begin with what was published of it is another file.
func TestPublishingAnotherFileOfTheSameName(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "events.ndjson")
	publish := func(broker *stoppingBroker) error {
		run := &publishRun{to: broker, checkpoints: filepath.Join(dir, "checkpoints"), broker: "b", bar: newProgress(io.Discard, "")}
		return run.files(t.Context(), []string{file})
	}
	compressed(t, file, lines(publishBatch+7, "/a"))
	if err := publish(&stoppingBroker{stopAt: 2}); !errors.Is(err, errStopped) {
		t.Fatal(err)
	}
	compressed(t, file, lines(publishBatch+7, "/other"))
	whole := &stoppingBroker{}
	if err := publish(whole); err != nil || whole.stored != publishBatch+7 {
		t.Errorf("%d were published (%v); want all %d", whole.stored, err, publishBatch+7)
	}
}
