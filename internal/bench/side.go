// This file is what a side is: a piece of work that is measured in a process of
// its own.

package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"time"

	"boxoffice/internal/sqldb"
)

// A Spec says what a side is to do.
type Spec struct {
	Side string
	// Engine, URL and MasterKey are of the database.
	Engine    sqldb.Engine
	URL       string
	MasterKey string
	// WarmBroker and Broker are directories of embedded NATS servers with Warm
	// and Events events on them.
	WarmBroker, Broker string
	Warm, Events       int64
	Seed               uint64
	// Users is how many users answers are about, Samples how often each is asked
	// for.
	Users, Samples int64
	// CPUProfile and MemProfile are files to write profiles to; empty for none.
	CPUProfile, MemProfile string
}

// A Result is what a side did, and what it took.
type Result struct {
	// Events is how many events were measured, and Done how many of them are
	// provably where they should be: a side counts in the database, after the
	// work, what is there.
	Events int64 `json:"events"`
	Done   int64 `json:"done"`
	// Acked is how many the broker knows to be acknowledged; -1 where the side
	// takes nothing from a broker.
	Acked int64 `json:"acked"`
	// Seconds is the time from the start to the end of the work, CPUSeconds the
	// processor time of the side's process in it, and ServerCPUSeconds that of
	// the PostgreSQL server's processes for this database; nil where that can't
	// be told.
	Seconds          float64  `json:"seconds"`
	CPUSeconds       float64  `json:"cpu_seconds"`
	ServerCPUSeconds *float64 `json:"server_cpu_seconds,omitempty"`
	// PeakBytes is the most memory that the process had in use; 0 where that
	// can't be told.
	PeakBytes int64 `json:"peak_bytes,omitempty"`
	// Latencies are how long answers took, of a side that asks.
	Latencies []Latency `json:"latencies,omitempty"`
}

// A sideRun is a side at work.
type sideRun struct {
	Spec
	progress func(done int64)
}

// sides are all sides by name.
var sides = map[string]func(context.Context, *sideRun) (Result, error){
	"bare":     bareSide,
	"ingest":   ingestSide,
	"together": togetherSide,
	"read":     readSide,
	"project":  projectSide,
	"atomic":   atomicSide,
	"publish":  publishSide,
	"answers":  answersSide,
	"populate": populateSide,
}

// SideCommand is how the program is told to be a side: by these arguments, with
// a Spec as JSON on its standard input, which stays open for as long as the
// side is wanted.
var SideCommand = []string{"bench", "side"}

// A saying is what a side says, one a line.
type saying struct {
	Progress int64   `json:"progress,omitempty"`
	Result   *Result `json:"result,omitempty"`
}

// RunSide is the side that in asks for, one of this package's or of rivals. It writes how far it is, and its
// result, to out. It ends when ctx does or when in is closed, and the process
// with it if that takes long.
func RunSide(ctx context.Context, in io.Reader, out io.Writer, rivals ...Rival) error {
	decoder := json.NewDecoder(in)
	r := &sideRun{}
	if err := decoder.Decode(&r.Spec); err != nil {
		return fmt.Errorf("reading what to measure: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		// Whoever wants the result is gone when there is nothing more to read.
		_, _ = io.Copy(io.Discard, decoder.Buffered())
		_, _ = io.Copy(io.Discard, in)
		cancel()
		// A database may be in the middle of something that it doesn't leave.
		time.Sleep(stopWithin)
		os.Exit(1)
	}()
	encoder := json.NewEncoder(out)
	r.progress = func(done int64) { _ = encoder.Encode(saying{Progress: done}) } // the result's error is told
	result, err := r.run(ctx, rivals)
	if err != nil {
		return err
	}
	return encoder.Encode(saying{Result: &result})
}

func (r *sideRun) run(ctx context.Context, rivals []Rival) (Result, error) {
	side := sides[r.Side]
	for _, rival := range rivals {
		if rival.Side == r.Side {
			side = rival.side
		}
	}
	if side == nil {
		return Result{}, fmt.Errorf("there is no side %q to measure", r.Side)
	}
	result, err := side(ctx, r)
	if err != nil {
		return Result{}, fmt.Errorf("measuring %s: %w", r.Side, err)
	}
	result.PeakBytes = peakMemory(0)
	return result, nil
}

// measure runs the work that is measured, writes what it took into result, and
// the profiles that are wanted of it.
func (r *sideRun) measure(ctx context.Context, db *sqldb.DB, result *Result, work func() error) (err error) {
	runtime.GC()
	stopProfile, err := r.startProfile()
	if err != nil {
		return err
	}
	m := start(ctx, db)
	err = work()
	m.stop(ctx, result)
	return errors.Join(err, stopProfile())
}

func (r *sideRun) startProfile() (stop func() error, err error) {
	stops := []func() error{}
	if r.MemProfile != "" {
		stops = append(stops, func() error { return writeMemory(r.MemProfile) })
	}
	if r.CPUProfile != "" {
		file, err := os.Create(r.CPUProfile)
		if err != nil {
			return nil, err
		}
		if err := pprof.StartCPUProfile(file); err != nil {
			return nil, errors.Join(err, file.Close())
		}
		stops = append(stops, func() error { pprof.StopCPUProfile(); return file.Close() })
	}
	slices.Reverse(stops)
	return func() (err error) {
		for _, stop := range stops {
			err = errors.Join(err, stop())
		}
		return err
	}, nil
}

func writeMemory(name string) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(pprof.Lookup("allocs").WriteTo(file, 0), file.Close())
}
