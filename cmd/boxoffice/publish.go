// This file is the command that publishes events from files.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"boxoffice/domain"
	"boxoffice/ingest"
	"boxoffice/wire"
)

// publishBatch is how many lines are published at a time: a few of the
// broker's atomic batches, so that the next is read while one is stored.
const publishBatch = 5000

// shownRefusals is how many refused lines are listed in the summary.
const shownRefusals = 10

func newPublish() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "publish FILE…",
		Short: "Publish events from NDJSON files to the broker",
		Long: "Publishes CloudEvents from files of one event a line (.gz and .zst too; - is standard input) to the broker,\n" +
			"which stores each batch for good before the next is sent. A command that was stopped goes on where it was\n" +
			"when it is given again; publishing an event twice is safe.\n\n" +
			"A line that breaks a rule is published like the others, and kept by the service as refused; the summary lists\n" +
			"the first of them, and the command exits 1.",
		Example: "  boxoffice publish events.ndjson\n" +
			"  boxoffice publish 2025/*.ndjson.zst\n" +
			"  zcat events.gz | boxoffice publish -\n" +
			"  boxoffice publish --nats-url nats://broker:4222 --nats-creds publisher.creds events.ndjson",
		Args: atLeastOneFile,
	}
	c := addSettings(cmd, brokerSettings, publisherSettings)
	asJSON := cmd.Flags().Bool("json", false, "print the summary as JSON")
	fromStart := cmd.Flags().Bool("from-start", false, "publish whole files, whatever was published of them before")
	cmd.RunE = func(cmd *cobra.Command, files []string) error {
		broker, err := connectAsPublisher(cmd.Context(), c)
		if err != nil {
			return err
		}
		defer broker.Close()
		dir, err := checkpointsDir()
		if err != nil {
			return err
		}
		run := &publishRun{summary: publishSummary{First: []refusedLine{}},
			to: ingest.NewPublisher(broker), stdin: cmd.InOrStdin(), checkpoints: dir, broker: c.brokerName(), fromStart: *fromStart,
			bar: newProgress(cmd.ErrOrStderr(), "publishing")}
		err = run.files(cmd.Context(), files)
		run.bar.finish()
		return errors.Join(err, run.summary.print(cmd.OutOrStdout(), *asJSON), run.summary.verdict(err))
	}
	return cmd
}

func atLeastOneFile(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usageError{errors.New("publish: name at least one file, or - for standard input (see boxoffice publish --help)")}
	}
	return nil
}

// A publishRun is one run of the command.
type publishRun struct {
	to          eventPublisher
	stdin       io.Reader
	checkpoints string
	broker      string
	fromStart   bool
	bar         *progress
	summary     publishSummary
}

// An eventPublisher stores messages in the broker, all of them, for good.
type eventPublisher interface {
	PublishBatch(ctx context.Context, messages []wire.Message) error
}

// A publishSummary is what one run has done.
type publishSummary struct {
	Published int64         `json:"published"`
	Skipped   int64         `json:"skipped"` // published by an earlier run
	Refused   int64         `json:"refused"`
	First     []refusedLine `json:"first_refused"`
	Seconds   float64       `json:"seconds"`
}

type refusedLine struct {
	File    string        `json:"file"`
	Line    int64         `json:"line"`
	Reason  domain.Reason `json:"reason"`
	Message string        `json:"message"`
}

func (r *publishRun) files(ctx context.Context, names []string) error {
	started := time.Now()
	defer func() { r.summary.Seconds = time.Since(started).Seconds() }()
	var checkpoints []*checkpoint
	for _, name := range names {
		at, err := findCheckpoint(r.checkpoints, r.broker, name)
		if err != nil {
			return err
		}
		if r.fromStart && at != nil {
			at.Lines = 0
		}
		checkpoints = append(checkpoints, at)
		if err := r.file(ctx, name, at); err != nil {
			return err
		}
	}
	// Only a run that got to the end forgets: one that is given again after a
	// failure in its third file mustn't begin with the first.
	for _, at := range checkpoints {
		if err := at.forget(); err != nil {
			return err
		}
	}
	return nil
}

func (r *publishRun) file(ctx context.Context, name string, at *checkpoint) error {
	source, err := at.skipTo(name, r.stdin)
	if err != nil {
		return err
	}
	defer source.close()
	r.summary.Skipped += source.line
	r.bar.file(name, source.size)
	for {
		messages, err := r.read(source)
		if err != nil {
			return err
		}
		if len(messages) == 0 {
			return nil
		}
		if err := r.to.PublishBatch(ctx, messages); err != nil {
			return fmt.Errorf("publishing %s after line %d: %w", name, source.line, err)
		}
		r.summary.Published += int64(len(messages))
		r.bar.at(source.read.n)
		if err := at.save(source.line, source.sum.Sum(nil)); err != nil {
			return fmt.Errorf("remembering the progress: %w", err)
		}
	}
}

// read takes the next lines of the source as messages; none at its end.
func (r *publishRun) read(source *lineSource) ([]wire.Message, error) {
	var messages []wire.Message
	size := 0
	for len(messages) < publishBatch && size < 8<<20 {
		line, number, err := source.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		message, refusal := outgoing(line, domain.InstantOf(time.Now()))
		if refusal != nil {
			r.summary.refuse(refusedLine{source.name, number, refusal.Reason, refusal.Message})
		}
		messages = append(messages, message)
		size += len(message.Data)
	}
	return messages, nil
}

// outgoing makes a message of one structured event. One that breaks a rule is
// published too, and kept by the service as refused; then the rule is given.
func outgoing(line []byte, now domain.Instant) (wire.Message, *domain.Refusal) {
	a := wire.Judge(&domain.Message{Body: line}, now)
	return a.Outgoing(), a.Refusal
}

func (s *publishSummary) refuse(line refusedLine) {
	s.Refused++
	if len(s.First) < shownRefusals {
		s.First = append(s.First, line)
	}
}

func (s *publishSummary) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(s)
	}
	fmt.Fprintf(w, "published %d events in %.1f s", s.Published, s.Seconds)
	if s.Skipped > 0 {
		fmt.Fprintf(w, " (%d lines were published before)", s.Skipped)
	}
	fmt.Fprintln(w)
	for _, line := range s.First {
		fmt.Fprintf(w, "  refused: %s:%d: %s: %s\n", line.File, line.Line, line.Reason, line.Message)
	}
	if more := s.Refused - int64(len(s.First)); more > 0 {
		fmt.Fprintf(w, "  and %d more\n", more)
	}
	return nil
}

// verdict makes refused lines visible in the exit status.
func (s *publishSummary) verdict(err error) error {
	if err != nil || s.Refused == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d events break a rule; they are kept as refused", s.Refused, s.Published)
}
