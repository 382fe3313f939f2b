// This file tests the settings of the stream, new and found.

package ingest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"boxoffice/ingest"
	"boxoffice/wire"
)

func streamConfig(t *testing.T, b *ingest.Broker) jetstream.StreamConfig {
	t.Helper()
	stream, err := b.JetStream().Stream(t.Context(), wire.Stream)
	if err != nil {
		t.Fatal(err)
	}
	return stream.CachedInfo().Config
}

// settings are those that the promises rest on.
type settings struct {
	Subjects   []string
	Storage    jetstream.StorageType
	Retention  jetstream.RetentionPolicy
	Discard    jetstream.DiscardPolicy
	MaxAge     time.Duration
	MaxMsgs    int64
	MaxPer     int64
	MaxBytes   int64
	Atomic     bool
	DenyPurge  bool
	Duplicates time.Duration
}

func settingsOf(c jetstream.StreamConfig) settings {
	return settings{
		c.Subjects, c.Storage, c.Retention, c.Discard, c.MaxAge, c.MaxMsgs, c.MaxMsgsPerSubject, c.MaxBytes,
		c.AllowAtomicPublish, c.DenyPurge, c.Duplicates,
	}
}

func wanted(maxBytes int64) settings {
	return settings{
		Subjects: []string{wire.Subjects}, Storage: jetstream.FileStorage, Retention: jetstream.LimitsPolicy,
		Discard: jetstream.DiscardNew, MaxMsgs: -1, MaxPer: -1, MaxBytes: maxBytes, Atomic: true, Duplicates: 100 * time.Millisecond,
	}
}

func TestEnsureStream(t *testing.T) {
	b := connect(t, ingest.Config{Embedded: startEmbedded(t, nil)})
	first, err := b.EnsureStream(t.Context(), ingest.StreamConfig{})
	if err != nil || !first.Created || len(first.Problems) > 0 || !strings.HasPrefix(first.Stream, wire.Stream+"@") {
		t.Fatalf("a new stream: %+v, %v", first, err)
	}
	if diff := cmp.Diff(wanted(-1), settingsOf(streamConfig(t, b))); diff != "" {
		t.Errorf("a new stream's settings (-want +got):\n%s", diff)
	}
	again, err := b.EnsureStream(t.Context(), ingest.StreamConfig{})
	if diff := cmp.Diff(ingest.StreamReport{Stream: first.Stream}, again); err != nil || diff != "" {
		t.Errorf("a stream that is as it should be: %v (-want +got):\n%s", err, diff)
	}
	limited, err := b.EnsureStream(t.Context(), ingest.StreamConfig{MaxBytes: 1 << 20})
	if diff := cmp.Diff(ingest.StreamReport{Stream: first.Stream, Changed: []string{"max_bytes"}}, limited); err != nil || diff != "" {
		t.Errorf("another limit: %v (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff(wanted(1<<20), settingsOf(streamConfig(t, b))); diff != "" {
		t.Errorf("settings after another limit (-want +got):\n%s", diff)
	}
}

// TestEnsureStreamMakesAnotherOfADeletedOne: its sequence numbers start again,
// so it has to have another name.
func TestEnsureStreamMakesAnotherOfADeletedOne(t *testing.T) {
	b := connect(t, ingest.Config{Embedded: startEmbedded(t, nil)})
	var names []string
	for range 3 {
		report, err := b.EnsureStream(t.Context(), ingest.StreamConfig{})
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, report.Stream)
		if err := b.JetStream().DeleteStream(t.Context(), wire.Stream); err != nil {
			t.Fatal(err)
		}
	}
	if slices.Sort(names); len(slices.Compact(names)) != 3 {
		t.Errorf("streams made one after another are called %q", names)
	}
}

func TestEnsureStreamAlignsWhatIsThere(t *testing.T) {
	for name, test := range map[string]struct {
		have     jetstream.StreamConfig
		changed  []string
		problems []string // a word of each
	}{
		"everything that can be changed": {
			have: jetstream.StreamConfig{
				Subjects: []string{"boxoffice.events.user.*", "other"}, MaxAge: time.Hour, MaxMsgs: 1000, MaxMsgsPerSubject: 100,
				MaxBytes: 1 << 20, Discard: jetstream.DiscardOld, Duplicates: time.Hour / 2,
			},
			changed: []string{
				"subjects", "discard", "max_bytes", "max_msgs", "max_msgs_per_subject",
				"max_age", "duplicate_window", "allow_atomic",
			},
		},
		"in memory": {
			have:     jetstream.StreamConfig{Storage: jetstream.MemoryStorage},
			changed:  []string{"discard", "duplicate_window", "allow_atomic"},
			problems: []string{"storage is memory"},
		},
		"a work queue that can't be purged": {
			have:     jetstream.StreamConfig{Retention: jetstream.WorkQueuePolicy, DenyPurge: true, NoAck: true},
			changed:  []string{"discard", "duplicate_window", "allow_atomic"},
			problems: []string{"retention is not limits", "no_ack", "deny_purge"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := connect(t, ingest.Config{Embedded: startEmbedded(t, nil)})
			test.have.Name = wire.Stream
			if test.have.Subjects == nil {
				test.have.Subjects = []string{wire.Subjects}
			}
			if _, err := b.JetStream().CreateStream(t.Context(), test.have); err != nil {
				t.Fatal(err)
			}
			report, err := b.EnsureStream(t.Context(), ingest.StreamConfig{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.changed, report.Changed); diff != "" {
				t.Errorf("changed (-want +got):\n%s", diff)
			}
			if len(report.Problems) != len(test.problems) {
				t.Fatalf("problems: %q, want %q", report.Problems, test.problems)
			}
			for i, word := range test.problems {
				if !strings.Contains(report.Problems[i], word) {
					t.Errorf("problem %q doesn't say %q", report.Problems[i], word)
				}
			}
			if len(test.problems) == 0 {
				got := settingsOf(streamConfig(t, b))
				want := wanted(-1)
				want.Subjects = []string{"other", wire.Subjects}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("settings (-want +got):\n%s", diff)
				}
			}
		})
	}
}
