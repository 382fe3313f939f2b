// This file is the command line, and what it prints.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"time"

	"boxoffice/internal/bench"
	"boxoffice/internal/sqldb"
)

// rivals are what is measured, the one first that the others are compared with.
var rivals = []bench.Rival{batch, router}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "rivals:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (err error) {
	if slices.Equal(args, bench.SideCommand) {
		return bench.RunSide(ctx, os.Stdin, os.Stdout, rivals...)
	}
	// What is the same for every measure of the bench, and not used here.
	o := bench.Options{Engines: []sqldb.Engine{sqldb.Postgres}, Samples: 1, Rate: 1, Duration: time.Second, BacklogEvents: 1, Rows: 1}
	flags := flag.NewFlagSet("rivals", flag.ContinueOnError)
	flags.StringVar(&o.DatabaseURL, "database-url", os.Getenv("BOXOFFICE_DATABASE_URL"), "postgres://…, a server on which databases may be made and dropped")
	flags.StringVar(&o.Dir, "dir", os.TempDir(), "where files are made: on the disk that is to be measured")
	flags.IntVar(&o.Rounds, "rounds", 5, "how often each side takes its turn")
	flags.Int64Var(&o.Events, "events", 100_000, "how many events a side takes in a round")
	flags.Int64Var(&o.Warm, "warm", 20_000, "how many events it takes before that, unmeasured")
	flags.Uint64Var(&o.Seed, "seed", 1, "another number makes other events")
	asJSON := flags.Bool("json", false, "print the figures as JSON")
	if err := flags.Parse(args); err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	o.Program = []string{program}
	b, err := bench.New(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close(ctx)) }()
	figures, err := b.Rivals(ctx, rivals...)
	if err != nil {
		return err
	}
	if *asJSON {
		return json.NewEncoder(os.Stdout).Encode(figures)
	}
	return figures.Print(os.Stdout)
}
