//go:build unix

// This file tests that the embedded server comes back when its disk does. A
// disk that is full is played by the largest size that a file may have.

package ingest_test

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"boxoffice/ingest"
	"boxoffice/internal/eventually"
	"boxoffice/internal/sqldb"
)

// limitFiles sets the largest size of a file that this process may write, and
// gives back the limit that was there.
func limitFiles(t *testing.T, bytes uint64) (restore func()) {
	t.Helper()
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	limited := before
	limited.Cur = bytes
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limited); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAFullDisk: publishers get an error, the status says why, and when there
// is room again everything goes on by itself with nothing lost.
func TestAFullDisk(t *testing.T) {
	e := startEmbedded(t, nil)
	b := withStream(t, connect(t, ingest.Config{Embedded: e}))
	store := openLog(t, sqldb.SQLite)
	publisher := ingest.NewPublisher(b)
	publishSome := func(from int) error {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		return publisher.PublishBatch(ctx, progresses(from, 1000))
	}

	restore := limitFiles(t, 2<<20)
	acknowledged := 0
	var err error
	for ; err == nil && acknowledged < 100_000; acknowledged += 1000 {
		err = publishSome(acknowledged)
	}
	acknowledged -= 1000
	if err == nil {
		restore()
		t.Fatal("the disk doesn't get full")
	}
	if !errors.Is(err, ingest.ErrUnavailable) && !errors.Is(err, ingest.ErrFull) {
		t.Errorf("publishing to a full disk: %v", err)
	}
	eventually.Holds(t, "the status says so", func() bool { return b.Status(t.Context()).Problem != "" })
	restore()

	eventually.Holds(t, "publishing works again", func() bool { return publishSome(acknowledged) == nil })
	if problem := b.Status(t.Context()).Problem; problem != "" {
		t.Errorf("there is room again, and the status says %q", problem)
	}
	run(t, b, store, ingest.IngesterConfig{})
	eventually.Holds(t, "everything is acknowledged", func() bool { return backlog(t, b) == 0 })
	if got := position(t, store); got != acknowledged+1000 {
		t.Errorf("the log has %d events, want %d", got, acknowledged+1000)
	}
}
