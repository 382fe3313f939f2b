// This file makes erasures hold in every byte: as a command, and daily beside
// the rest of the service.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"boxoffice/access/trail"
	"boxoffice/api"
	"boxoffice/eventstore"
	"boxoffice/internal/pause"
	"boxoffice/internal/sqldb"
	"boxoffice/projections"
)

func newScrub() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "scrub",
		Short: "Make erasures hold in every byte of the database",
		Long: "What was erased can't be read any more, over the API or by SQL, from the moment at which the erasure was answered.\n" +
			"In the database's files and write-ahead logs bytes of it may be left. This command removes them: it makes a new\n" +
			"wrapping key, rewraps the living users' keys and destroys the old key; it writes the tables that held what was\n" +
			"personal into new files; and it recycles write-ahead logs. `boxoffice serve` does it daily.\n\n" +
			"It may run while the service does, in any number of processes. While a table is rewritten, who wants to use it\n" +
			"waits. It may be stopped and run again. On PostgreSQL the role has to own the tables, and to recycle the log it\n" +
			"needs pg_checkpoint and EXECUTE on pg_switch_wal() and pg_ls_waldir(); where it may not, the rest is done, the\n" +
			"command says what is left and exits 1. A new master key (boxoffice keys rotate-master) takes effect here too.",
		Example: "  boxoffice scrub\n  boxoffice scrub --json\n" +
			"  boxoffice scrub --database-url postgres://boxoffice@db/boxoffice --master-key /etc/boxoffice/master-key.json",
		Args: noArguments,
	}
	c := addSettings(cmd, databaseSettings)
	asJSON := cmd.Flags().Bool("json", false, "print the result as JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		db, err := openDatabase(cmd.Context(), c)
		if err != nil {
			return err
		}
		defer db.Close()
		bar := newProgress(cmd.ErrOrStderr(), "")
		defer bar.finish()
		if err := migrateAll(cmd.Context(), db); err != nil {
			return err
		}
		var result *scrubResult
		err = withAuditEntry(cmd.Context(), db, newLogger(cmd.ErrOrStderr(), "text", slog.LevelInfo), trail.Entry{Action: actionScrub}, func(e *trail.Entry) (err error) {
			if result, err = scrubDatabase(cmd.Context(), c, db, bar); err == nil {
				e.People = &result.Rewrapped
			}
			return err
		})
		if err != nil {
			return err
		}
		bar.finish()
		return errors.Join(result.print(cmd.OutOrStdout(), *asJSON), result.verdict())
	}
	return cmd
}

func scrubDatabase(ctx context.Context, c *config, db *sqldb.DB, bar *progress) (*scrubResult, error) {
	store, err := eventstore.Open(ctx, db, c.masterKey(), nil)
	if err != nil {
		return nil, nameMasterKey(err)
	}
	defer store.Close()
	models, err := projections.Open(ctx, db)
	if err != nil {
		return nil, err
	}
	defer models.Close()
	s := &scrubber{store: store, models: models, say: func(what string) {
		bar.what = what
		bar.count(-1)
	}, count: bar.at}
	result, err := s.scrub(ctx)
	return result, nameMasterKey(err)
}

// A scrubber scrubs one database.
type scrubber struct {
	store  *eventstore.Store
	models *projections.Models
	// say hears what is done next, count how far that is.
	say   func(what string)
	count func(n int64)
}

// A scrubResult is what a scrub has come to.
type scrubResult struct {
	// Pending is how many erasures don't hold in every byte yet.
	Pending int64 `json:"pending"`
	// Rewrapped is how many keys were rewrapped.
	Rewrapped int64    `json:"rewrapped"`
	Problems  []string `json:"problems"`
	Seconds   float64  `json:"seconds"`
}

// modelsPatience is how long read models get to come to the erasures that are
// in the log when a scrub begins.
const modelsPatience = time.Minute

// scrub does it all. What can't be done now, or by this role, is a problem in
// the result; an error is what else went wrong.
func (s *scrubber) scrub(ctx context.Context) (result *scrubResult, err error) {
	began := time.Now()
	result = &scrubResult{Problems: []string{}}
	problem := func(err error) { result.Problems = append(result.Problems, oneLine(err.Error())) }
	run, err := s.store.BeginScrub(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, run.Abandon()) }()
	steps := []struct {
		what string
		do   func() error
	}{
		{"waiting for the read models", func() error { return s.awaitModels(ctx, run, problem) }},
		{"rewrapping keys", func() error {
			return run.ExchangeKeys(ctx, func(n int64) {
				result.Rewrapped = n
				s.count(n)
			})
		}},
		{"rewriting the log's tables of people", func() error { return run.Rewrite(ctx, problem) }},
		{"rewriting the read models", func() error { return s.models.Scrub(ctx, problem) }},
		{"recycling write-ahead logs", func() error { return run.RecycleLog(ctx, problem) }},
		{"", func() error { return run.End(ctx, strings.Join(result.Problems, "; ")) }},
	}
	for _, step := range steps {
		if step.what != "" {
			s.say(step.what)
		}
		if err := step.do(); err != nil {
			return nil, fmt.Errorf("scrub: %w", err)
		}
	}
	status, err := s.store.ScrubStatus(ctx)
	if err != nil {
		return nil, err
	}
	result.Pending, result.Seconds = status.Pending, time.Since(began).Seconds()
	return result, nil
}

// awaitModels waits until all read models have forgotten who is erased: what
// they still hold would only be copied.
func (s *scrubber) awaitModels(ctx context.Context, run *eventstore.Scrub, problem func(error)) error {
	last, err := run.LastErasure(ctx)
	if err != nil {
		return err
	}
	for end := time.Now().Add(modelsPatience); ; {
		done, err := s.models.Forgotten(ctx, last)
		if err != nil || done {
			return err
		}
		if time.Now().After(end) {
			problem(errors.New("the read models have not come to the latest erasures yet; is `boxoffice serve` running?"))
			return nil
		}
		if err := pause.Wait(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

func (r *scrubResult) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(r)
	}
	fmt.Fprintf(w, "scrubbed in %.1f s; %d keys were rewrapped, and the old wrapping key is destroyed\n", r.Seconds, r.Rewrapped)
	for _, p := range r.Problems {
		fmt.Fprintln(w, "  not done:", p)
	}
	if len(r.Problems) == 0 {
		fmt.Fprintln(w, "all erasures from before hold in every byte of the database")
	}
	return nil
}

// verdict makes what is left visible in the exit status.
func (r *scrubResult) verdict() error {
	if len(r.Problems) == 0 {
		return nil
	}
	return fmt.Errorf("scrub: %d things could not be done; %d erasures don't hold in every byte yet", len(r.Problems), r.Pending)
}

// scrubDaily scrubs when that is due, until the context ends. Of several
// processes one does it at a time.
func (s *service) scrubDaily(ctx context.Context) error {
	every := s.config.ScrubEvery
	for {
		// Some hundred looks in the time, never two processes at the same pace.
		look := max(every/100, time.Second)
		if pause.Wait(ctx, look/2+rand.N(look)) != nil {
			return nil
		}
		if err := s.scrubIfDue(ctx, every); err != nil && ctx.Err() == nil {
			s.log.Error("scrubbing failed; it is tried again", "error", nameMasterKey(err))
		}
	}
}

// scrubIfDue scrubs where somebody was erased since the last time and that is
// long enough ago.
func (s *service) scrubIfDue(ctx context.Context, every time.Duration) error {
	status, err := s.store.ScrubStatus(ctx)
	if err != nil {
		return err
	}
	if status.Pending == 0 || status.EndedAt != nil && time.Since(status.EndedAt.Time()) < every {
		return nil
	}
	work := &scrubber{store: s.store, models: s.models, say: func(string) {}, count: func(int64) {}}
	result, err := work.scrub(ctx)
	if errors.Is(err, eventstore.ErrScrubRuns) {
		return nil
	}
	if err != nil {
		return err
	}
	s.log.Info("scrubbed", "rewrapped", result.Rewrapped, "pending_erasures", result.Pending, "duration_s", result.Seconds)
	for _, p := range result.Problems {
		s.log.Warn("a scrub could not do all", "problem", p)
	}
	return nil
}

// checkErasures tells how many erasures don't hold in every byte yet.
func (s *service) checkErasures(ctx context.Context) api.CheckResult {
	status, err := s.store.ScrubStatus(ctx)
	if err != nil {
		return api.CheckResult{Detail: "the database doesn't answer"}
	}
	result := api.CheckResult{Ready: true, Values: map[string]any{"pending_scrub": status.Pending}}
	if status.EndedAt != nil {
		result.Values["scrubbed_at"] = status.EndedAt.Time().UTC()
	}
	if status.Problems != "" {
		result.Detail = "the latest scrub could not do all; the table scrub and the service's log say what"
	}
	return result
}

// registerScrubMetrics shows the same to Prometheus.
func registerScrubMetrics(to prometheus.Registerer, store *eventstore.Store, log *slog.Logger) error {
	read := func(value func(eventstore.ScrubStatus) float64) func() float64 {
		return func() float64 {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			defer cancel()
			status, err := store.ScrubStatus(ctx)
			if err != nil {
				log.Warn("metrics of scrubbing can't be read", "error", err)
			}
			return value(status)
		}
	}
	for _, gauge := range []prometheus.Collector{
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "boxoffice_scrub_pending_erasures",
			Help: "Erasures that don't hold in every byte of the database yet."},
			read(func(s eventstore.ScrubStatus) float64 { return float64(s.Pending) })),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "boxoffice_scrub_ended_timestamp_seconds",
			Help: "When the latest scrub ended; 0 before the first."},
			read(func(s eventstore.ScrubStatus) float64 {
				if s.EndedAt == nil {
					return 0
				}
				return float64(s.EndedAt.Time().UnixMicro()) / 1e6
			})),
	} {
		if err := to.Register(gauge); err != nil {
			return err
		}
	}
	return nil
}
