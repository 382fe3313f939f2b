// This file is the command that shows the service at work on a simulated
// platform.

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"

	"boxoffice/access"
	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/platform"
	"boxoffice/wire"
)

func newDemo() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Look at the service with a simulated platform",
		Long: "Runs the service on a throw-away directory with a simulated streaming platform: first a year of its history\n" +
			"(trials, churn, rentals, free copies, viewing), then events as they happen. Prints where to look, with a link that\n" +
			"signs in. It takes the settings of serve, but for those of a database and a broker of somebody's own. Everything is\n" +
			"gone when it ends.",
		Example: "  boxoffice demo\n  boxoffice demo --users 20000 --rate 50\n  boxoffice demo --time-zone Europe/Paris --seed 7",
		Args:    noArguments,
	}
	c := addSettings(cmd, demoSettings)
	users := cmd.Flags().Int("users", platform.DefaultUsers, "how many people register during the year")
	seed := cmd.Flags().Uint64("seed", 1, "another number makes another platform")
	rate := cmd.Flags().Float64("rate", 5, "live events a second, once the history is there; 0 for none")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *users < 1 || *rate < 0 {
			return usageError{errors.New("demo: --users must be at least 1 and --rate at least 0")}
		}
		dir, err := os.MkdirTemp("", "boxoffice-demo-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		c.DataDir = dir
		// What it has to say is on the terminal; its log is for what goes wrong.
		log := newLogger(cmd.ErrOrStderr(), c.LogFormat, slog.LevelError)
		group, ctx := errgroup.WithContext(cmd.Context())
		s, err := startService(ctx, c, allRoles, true, log)
		if err != nil {
			return err
		}
		s.greet(cmd.OutOrStdout())
		d := &demo{service: s, platform: platform.New(platform.Options{Seed: *seed, Users: *users, Until: time.Now()}), rate: *rate, cmd: cmd}
		group.Go(s.wait)
		group.Go(func() error { return d.play(ctx) })
		return ignoreStop(cmd.Context(), group.Wait())
	}
	return cmd
}

// demoSettings are those of serve, but for where data is kept: an invented
// platform's events have no business in a database or broker of somebody's own.
func demoSettings(c *config, f *pflag.FlagSet) {
	natsAddrSetting(c, f)
	serviceSettings(c, f)
}

// A demo is the simulated platform at work.
type demo struct {
	service  *service
	platform *platform.Platform
	rate     float64
	cmd      *cobra.Command
}

// play publishes the history, waits until the read models have it, and goes on
// with what happens.
func (d *demo) play(ctx context.Context) error {
	started := time.Now()
	bar := newProgress(d.cmd.ErrOrStderr(), "a year of history")
	published, err := d.publishHistory(ctx, bar)
	if err == nil {
		err = d.awaitModels(ctx, eventstore.Position(published), bar)
	}
	bar.finish()
	if err != nil {
		return err
	}
	out := d.cmd.OutOrStdout()
	fmt.Fprintf(out, "\nA year of history is there: %d events in %.0f s. Now events come as they happen (%g a second).\n",
		published, time.Since(started).Seconds(), d.rate)
	if err := d.showYear(ctx, out); err != nil {
		return err
	}
	d.sayWhereToLook(out)
	return d.publishLive(ctx)
}

// sayWhereToLook prints the addresses, with a key where there is one to show.
func (d *demo) sayWhereToLook(out io.Writer) {
	if !d.service.config.NoConsole {
		fmt.Fprintf(out, "Open %s\n\n", d.service.pagesAddress(cmp.Or(d.service.firstKey, keyOfRole(d.service.config, access.Admin))))
	}
	fmt.Fprintf(out, "Ask the API:\n\n  curl -H 'Authorization: Bearer %s' %s/v1/kpis/%s\n\nCtrl-C ends the demo.\n",
		cmp.Or(d.service.firstKey, "KEY"), d.service.config.url(d.service.api), time.Now().In(d.service.zone).Format("2006-01"))
}

func (d *demo) publishHistory(ctx context.Context, bar *progress) (int64, error) {
	bar.count(-1)
	var published int64
	var batch []wire.Message
	flush := func() error {
		if err := d.service.publisher.PublishBatch(ctx, batch); err != nil {
			return fmt.Errorf("publishing the history: %w", err)
		}
		published += int64(len(batch))
		bar.at(published)
		batch = batch[:0]
		return nil
	}
	for event := range d.platform.History() {
		message, refusal := outgoing(event, domain.InstantOf(time.Now()))
		if refusal != nil {
			return published, fmt.Errorf("the simulated platform made a bad event: %w", refusal)
		}
		if batch = append(batch, message); len(batch) == publishBatch {
			if err := flush(); err != nil {
				return published, err
			}
		}
	}
	return published, flush()
}

// awaitModels waits until the read models have come to a position.
func (d *demo) awaitModels(ctx context.Context, position eventstore.Position, bar *progress) error {
	bar.what = "building the read models"
	bar.count(int64(position))
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		status, err := d.service.reader.Status(ctx)
		if err == nil && status.Position >= position {
			return nil
		}
		bar.at(int64(status.Position))
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (d *demo) publishLive(ctx context.Context) error {
	if d.rate == 0 {
		<-ctx.Done()
		return ctx.Err()
	}
	for event := range d.platform.Live(ctx, d.rate) {
		message, refusal := outgoing(event, domain.InstantOf(time.Now()))
		if refusal != nil {
			return fmt.Errorf("the simulated platform made a bad event: %w", refusal)
		}
		if err := d.service.publisher.PublishBatch(ctx, []wire.Message{message}); err != nil && ctx.Err() == nil {
			d.service.log.Error("publishing a live event failed", "error", err)
		}
	}
	return ctx.Err()
}
