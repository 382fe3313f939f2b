// This file is the stream that events wait in and the consumer that ingest has
// on it: their settings, and how those of a stream that is there already are
// brought in line.

package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"boxoffice/wire"
)

// ConsumerName is the durable consumer of ingest.
const ConsumerName = "boxoffice-ingest"

// A StreamConfig is what an operator decides about the stream.
type StreamConfig struct {
	// MaxBytes is what the stream may hold; past it publishers get an error and
	// nothing is dropped. Zero: as much as the server has room for.
	MaxBytes int64
}

// A StreamReport says what EnsureStream did and found.
type StreamReport struct {
	// Stream names the incarnation of the stream: its name and creation.
	Stream string
	// Created says that there was no stream.
	Created bool
	// Changed names the settings that were brought in line.
	Changed []string
	// Problems says, a line each, which settings are not as they should be and
	// couldn't be changed, and what that means.
	Problems []string
}

// EnsureStream creates the stream where there is none, and otherwise brings its
// settings in line where JetStream lets them be changed. What remains different
// is in the report; it is an error only where there is no stream to use.
func (b *Broker) EnsureStream(ctx context.Context, cfg StreamConfig) (StreamReport, error) {
	stream, err := b.js.Stream(ctx, wire.Stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if stream, err = b.js.CreateStream(ctx, newStream(cfg)); err != nil {
			return StreamReport{}, fmt.Errorf("creating the stream %s: %w", wire.Stream, err)
		}
		return StreamReport{Stream: incarnation(stream), Created: true}, nil
	}
	if err != nil {
		return StreamReport{}, fmt.Errorf("looking for the stream %s: %w", wire.Stream, err)
	}
	return b.alignStream(ctx, stream, cfg), nil
}

func newStream(cfg StreamConfig) jetstream.StreamConfig {
	maxBytes := cfg.MaxBytes
	if maxBytes <= 0 {
		maxBytes = -1
	}
	return jetstream.StreamConfig{
		Name:        wire.Stream,
		Description: "Events on their way to the log of boxoffice",
		Subjects:    []string{wire.Subjects},
		Storage:     jetstream.FileStorage,
		Retention:   jetstream.LimitsPolicy,
		// Limits stop publishers. What waits is never dropped to make room, and
		// never for its age: it would be what a dead database kept waiting.
		Discard:    jetstream.DiscardNew,
		MaxBytes:   maxBytes,
		MaxMsgs:    -1,
		MaxAge:     0,
		Duplicates: wire.DuplicateWindow,
		Replicas:   1, // a stream that is there keeps its own number
		// Thousands of events are durable with one sync of the disk.
		AllowAtomicPublish: true,
	}
}

// incarnation names the stream so that one that was deleted and recreated,
// whose sequence numbers start again, is another.
func incarnation(stream jetstream.Stream) string {
	info := stream.CachedInfo()
	return info.Config.Name + "@" + info.Created.UTC().Format(time.RFC3339Nano)
}

// alignStream changes what can be changed, in one request.
func (b *Broker) alignStream(ctx context.Context, stream jetstream.Stream, cfg StreamConfig) StreamReport {
	report := StreamReport{Stream: incarnation(stream)}
	have := stream.CachedInfo().Config
	want, changed := aligned(have, newStream(cfg))
	report.Problems = fixedDifferences(have)
	if len(changed) == 0 {
		return report
	}
	if _, err := b.js.UpdateStream(ctx, want); err != nil {
		report.Problems = append(report.Problems, fmt.Sprintf(
			"the settings %s could not be changed: %v", strings.Join(changed, ", "), err))
		return report
	}
	report.Changed = changed
	return report
}

// aligned returns have with the settings of want that an update may change, and
// the names of those that differed.
func aligned(have, want jetstream.StreamConfig) (jetstream.StreamConfig, []string) {
	var changed []string
	differs := func(name string, is bool) bool {
		if is {
			changed = append(changed, name)
		}
		return is
	}
	if differs("subjects", !slices.Contains(have.Subjects, wire.Subjects)) {
		// A part of the subjects, or more than them, gives way to them.
		have.Subjects = append(slices.DeleteFunc(slices.Clone(have.Subjects), func(s string) bool {
			return server.SubjectsCollide(s, wire.Subjects)
		}), wire.Subjects)
	}
	if differs("discard", have.Discard != want.Discard || have.DiscardNewPerSubject) {
		have.Discard, have.DiscardNewPerSubject = want.Discard, false
	}
	if differs("max_bytes", max(have.MaxBytes, -1) != want.MaxBytes) {
		have.MaxBytes = want.MaxBytes
	}
	if differs("max_msgs", have.MaxMsgs > 0) {
		have.MaxMsgs = -1
	}
	if differs("max_msgs_per_subject", have.MaxMsgsPerSubject > 0) {
		have.MaxMsgsPerSubject = -1
	}
	if differs("max_age", have.MaxAge != 0) {
		have.MaxAge = 0
	}
	if differs("duplicate_window", have.Duplicates != want.Duplicates) {
		have.Duplicates = want.Duplicates
	}
	if differs("allow_atomic", !have.AllowAtomicPublish) {
		have.AllowAtomicPublish = true
	}
	return have, changed
}

// fixedDifferences names what is not as it should be and can't be changed once
// a stream is there.
func fixedDifferences(have jetstream.StreamConfig) []string {
	var problems []string
	add := func(is bool, problem string) {
		if is {
			problems = append(problems, problem)
		}
	}
	add(have.Storage != jetstream.FileStorage,
		"storage is memory: what the stream acknowledges is lost when its server stops")
	add(have.Retention != jetstream.LimitsPolicy,
		"retention is not limits: events leave the stream before the retention that is configured")
	add(have.NoAck, "no_ack is set: publishers aren't told whether an event is stored")
	add(have.Sealed, "the stream is sealed: nothing can be published")
	add(have.DenyPurge, "deny_purge is set: what is in the log stays in the stream, until that is full")
	add(have.Mirror != nil, "the stream is a mirror: nothing can be published to it")
	return problems
}
