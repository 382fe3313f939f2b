// This file is the command that measures.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"boxoffice/internal/bench"
	"boxoffice/internal/sqldb"
)

func newBench() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench [MEASURE…]",
		Short: "Measure how fast it is on this machine",
		Long: "Measures on this machine, with the raw limit beside each figure in interleaved rounds of one run, and prints\n" +
			"events a second, processor time an event, peak memory, and the ratio to the raw limit. Everything that it makes\n" +
			"(directories, and databases on the PostgreSQL server that --database-url names) is removed at the end.\n\n" +
			"The measures; without any, all of them:\n\n" + measuresHelp(),
		Example: "  boxoffice bench\n" +
			"  boxoffice bench ingest --engine sqlite --rounds 5\n" +
			"  boxoffice bench ingest --engine postgres --database-url postgres://boxoffice@127.0.0.1/postgres --cpuprofile cpu.out\n" +
			"  boxoffice bench ingest --json",
	}
	var o bench.Options
	addSettings(cmd, func(_ *config, f *pflag.FlagSet) {
		f.StringVar(&o.DatabaseURL, "database-url", "", "postgres://…, a server on which databases may be made and dropped (default: only SQLite is measured)")
	})
	engines := cmd.Flags().StringSlice("engine", nil, "sqlite, postgres (default: sqlite, and postgres where there is a --database-url)")
	benchFlags(cmd.Flags(), &o)
	asJSON := cmd.Flags().Bool("json", false, "print the figures as JSON, one measure a line")
	cmd.Args = func(_ *cobra.Command, args []string) error { return checkMeasures(args) }
	load := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		if err := load(cmd, args); err != nil {
			return err
		}
		if o.DatabaseURL != "" && !isPostgres(o.DatabaseURL) {
			return errors.New("BOXOFFICE_DATABASE_URL: must start with postgres://")
		}
		var err error
		o.Engines, err = parseEngines(*engines, o.DatabaseURL != "")
		return err
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return runBench(cmd, o, args, *asJSON)
	}
	cmd.AddCommand(newBenchSide())
	return cmd
}

func benchFlags(flags *pflag.FlagSet, o *bench.Options) {
	flags.IntVar(&o.Rounds, "rounds", 3, "how often each side takes its turn")
	flags.Int64Var(&o.Events, "events", 100_000, "how many events a side takes in a round")
	flags.Int64Var(&o.Warm, "warm", 20_000, "how many events it takes before that, unmeasured")
	flags.Int64SliceVar(&o.Users, "users", []int64{100_000, 1_000_000}, "with how many users answers are measured")
	flags.Int64Var(&o.Samples, "samples", 200, "how often each question is asked")
	flags.Int64Var(&o.Rate, "rate", 1000, "events a second that are published while it is measured how soon they are visible")
	flags.DurationVar(&o.Duration, "duration", 20*time.Second, "for how long")
	flags.Int64Var(&o.BacklogEvents, "backlog", 2_000_000, "how many events wait for the service whose memory is measured")
	flags.Int64Var(&o.Rows, "rows", 500_000, "how many users the files have that are imported")
	flags.Uint64Var(&o.Seed, "seed", 1, "another number makes other events")
	flags.StringVar(&o.Dir, "dir", os.TempDir(), "where files are made: on the disk that is to be measured")
	flags.StringVar(&o.CPUProfile, "cpuprofile", "", "file to write a processor profile (pprof) of boxoffice's side to, of the last round;\n"+
		"with several measures or engines it is a file each, their names before the extension")
	flags.StringVar(&o.MemProfile, "memprofile", "", "file to write a profile of its allocations to, likewise")
}

// newBenchSide is the part of the bench that runs as a process of its own.
func newBenchSide() *cobra.Command {
	return &cobra.Command{Use: "side", Hidden: true, Args: noArguments, RunE: func(cmd *cobra.Command, _ []string) error {
		return bench.RunSide(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout())
	}}
}

// A measure is one that can be asked for by name.
type measure struct {
	name, what string
	run        func(*bench.Bench, context.Context, sqldb.Engine) (bench.Measure, error)
	// once says that no database has a part in it.
	once bool
}

var measures = []measure{
	{name: "ingest", run: (*bench.Bench).Ingest,
		what: "events that are on the broker → in the log, acknowledged; beside a bare loop of pull, decode, COPY, acknowledge"},
	{name: "together", run: (*bench.Bench).Together,
		what: "the same, until the read models have everything too; beside the same bare loop"},
	{name: "project", run: (*bench.Bench).Project,
		what: "projecting a log that is there into all read models; beside reading it"},
	{name: "answers", run: (*bench.Bench).Answers,
		what: "how long figures, pages of users and a user take, from the reader and from the API, at each number of --users"},
	{name: "visible", run: (*bench.Bench).Visible,
		what: "from publishing over the API to seeing it over the API, at --rate events a second"},
	{name: "publish", run: (*bench.Bench).Publish, once: true,
		what: "publishing durable batches; beside the broker's own atomic batches"},
	{name: "backlog", run: (*bench.Bench).Backlog,
		what: "peak memory of the service while it works off a --backlog"},
	{name: "import", run: (*bench.Bench).Import,
		what: "importing --rows users over the API, from CSV and from Excel, and once more; with peak memory of the service"},
}

// on returns the engines that it is measured on, of those that are asked for.
func (m measure) on(asked []sqldb.Engine) []sqldb.Engine {
	if m.once {
		return asked[:1]
	}
	return asked
}

func measuresHelp() string {
	var text strings.Builder
	for _, m := range measures {
		fmt.Fprintf(&text, "  %-10s %s\n", m.name, m.what)
	}
	return strings.TrimRight(text.String(), "\n")
}

func checkMeasures(names []string) error {
	for _, name := range names {
		if !slices.ContainsFunc(measures, func(m measure) bool { return m.name == name }) {
			return usageError{fmt.Errorf("bench: there is no measure %q (see boxoffice bench --help)", name)}
		}
	}
	return nil
}

func parseEngines(names []string, server bool) ([]sqldb.Engine, error) {
	if len(names) == 0 {
		names = []string{string(sqldb.SQLite)}
		if server {
			names = append(names, string(sqldb.Postgres))
		}
	}
	var engines []sqldb.Engine
	for _, name := range names {
		engine := sqldb.Engine(strings.TrimSpace(name))
		if engine != sqldb.SQLite && engine != sqldb.Postgres {
			return nil, usageError{fmt.Errorf("--engine: %q is neither sqlite nor postgres", name)}
		}
		if engine == sqldb.Postgres && !server {
			return nil, usageError{errors.New("--engine postgres: --database-url has to name a server (postgres://…)")}
		}
		engines = append(engines, engine)
	}
	return engines, nil
}

func runBench(cmd *cobra.Command, o bench.Options, names []string, asJSON bool) (err error) {
	bar := newProgress(cmd.ErrOrStderr(), "")
	defer bar.finish()
	o.Progress, o.Program = bar.step, []string{programPath()}
	b, err := bench.New(o)
	if err != nil {
		return usageError{fmt.Errorf("bench: %w", err)}
	}
	defer func() {
		if err != nil && cmd.Context().Err() != nil {
			err = errors.New("bench: stopped")
		}
		err = errors.Join(err, b.Close(cmd.Context()))
	}()
	several := len(names) != 1 || len(o.Engines) > 1
	for _, m := range measures {
		if len(names) > 0 && !slices.Contains(names, m.name) {
			continue
		}
		for _, engine := range m.on(o.Engines) {
			if several {
				b.CPUProfile, b.MemProfile = profileOf(o.CPUProfile, m.name, engine), profileOf(o.MemProfile, m.name, engine)
			}
			figures, err := m.run(b, cmd.Context(), engine)
			if err != nil {
				return err
			}
			bar.finish()
			if err := printMeasure(cmd.OutOrStdout(), figures, asJSON); err != nil {
				return err
			}
		}
	}
	return nil
}

// profileOf returns the file of one measure's profile; empty for none.
func profileOf(file, measure string, engine sqldb.Engine) string {
	if file == "" {
		return ""
	}
	ext := filepath.Ext(file)
	return strings.TrimSuffix(file, ext) + "-" + measure + "-" + string(engine) + ext
}

func printMeasure(w io.Writer, m bench.Measure, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(m)
	}
	return m.Print(w)
}

// programPath is this program, to be started once more.
func programPath() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}
