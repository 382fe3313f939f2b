// This file is a run of the bench: what it is to measure, and what it made and
// has to remove.

package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"boxoffice/internal/sqldb"
)

// A Bench measures. One goroutine at a time may use it.
type Bench struct {
	Options
	// dir holds all files that are made.
	dir string
	// made are the PostgreSQL databases that were made and aren't dropped yet.
	made []string
}

// Options say what is measured and how. All are required unless said otherwise.
type Options struct {
	// Engines are the engines that are measured.
	Engines []sqldb.Engine
	// DatabaseURL names a PostgreSQL server on which databases may be made;
	// required where PostgreSQL is among the engines.
	DatabaseURL string
	// Dir is where files are made, in a directory of its own: on the disk that
	// is to be measured.
	Dir string
	// Program is the command line of this program, for the sides: it is given
	// [SideCommand] as arguments.
	Program []string
	// Rounds is how often each side takes its turn.
	Rounds int
	// Events is how many events a side takes in a round, Warm how many before
	// that, unmeasured.
	Events, Warm int64
	// Users are the numbers of users that answers are measured with, and Samples
	// how often each question is asked.
	Users   []int64
	Samples int64
	// Rate is how many events a second are published while it is measured how
	// soon they are visible, for Duration.
	Rate     int64
	Duration time.Duration
	// BacklogEvents is how long the backlog is by which memory is measured.
	BacklogEvents int64
	// Rows is how many users the files have that are imported.
	Rows int64
	// Seed makes other events.
	Seed uint64
	// CPUProfile and MemProfile are files to write a profile of the product's
	// side to, of its last round; empty for none.
	CPUProfile, MemProfile string
	// Progress is told what is being done, and how much of it: done of total,
	// which is 0 where that isn't known. Nil for nobody.
	Progress func(what string, done, total int64)
}

// New prepares a run. It has to be closed.
func New(o Options) (*Bench, error) {
	switch {
	case len(o.Engines) == 0:
		return nil, errors.New("there is no engine to measure")
	case slices.Contains(o.Engines, sqldb.Postgres) && o.DatabaseURL == "":
		return nil, errors.New("measuring on PostgreSQL takes the URL of a server, postgres://…")
	case o.Rounds < 1 || o.Events < 1 || o.Warm < 0:
		return nil, errors.New("there has to be at least one round of at least one event")
	case slices.ContainsFunc(o.Users, func(n int64) bool { return n < 1000 }) || o.Samples < 1:
		return nil, errors.New("answers are measured with at least 1,000 users, and at least one sample")
	case o.Rate < 1 || o.Duration < time.Second || o.BacklogEvents < 1:
		return nil, errors.New("there has to be a rate of at least 1 for at least a second, and a backlog of at least one event")
	case o.Rows < 1 || o.Rows > maxRows:
		return nil, errors.New("a file that is imported has 1 to 1,048,575 rows")
	}
	dir, err := os.MkdirTemp(o.Dir, "boxoffice-bench-")
	if err != nil {
		return nil, fmt.Errorf("a directory to measure in: %w", err)
	}
	return &Bench{Options: o, dir: dir}, nil
}

// Close removes everything that was made, whatever became of ctx.
func (b *Bench) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanWithin)
	defer cancel()
	var errs []error
	for _, name := range slices.Clone(b.made) {
		errs = append(errs, b.dropPostgres(ctx, name))
	}
	return errors.Join(append(errs, os.RemoveAll(b.dir))...)
}

func (b *Bench) progress(what string, done, total int64) {
	if b.Progress != nil {
		b.Progress(what, done, total)
	}
}
