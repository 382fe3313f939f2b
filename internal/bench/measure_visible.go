// This file measures how long it takes from publishing an event over the API to
// seeing over the API what follows from it, while others publish too.

package bench

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"boxoffice/domain"
	"boxoffice/internal/sqldb"
)

const (
	// probeEvery is how many events are published for each one that is looked for.
	probeEvery = 20
	// lookEvery is the least pause between two looks. It grows to a twentieth of
	// what has been waited: looking mustn't be the load that is measured.
	lookEvery = 4 * time.Millisecond
	// publishingAtOnce is how many requests are under way at once at most.
	publishingAtOnce = 256
	structured       = "application/cloudevents+json"
)

// Visible measures the time from an event's turn to be published, one a
// request, to the first answer that shows it, at a steady rate of events.
func (b *Bench) Visible(ctx context.Context, engine sqldb.Engine) (Measure, error) {
	m := Measure{Name: "visible", Engine: engine}
	err := b.withService(ctx, engine, 0, func(s *service) error {
		load := &load{bench: b, service: s, rate: b.Rate}
		if err := load.run(ctx, time.Second, false); err != nil { // warms up
			return fmt.Errorf("warming up: %w", err)
		}
		if err := load.run(ctx, b.Duration, true); err != nil {
			return err
		}
		if err := s.awaitPosition(ctx, load.published, func(int64) {}); err != nil {
			return err
		}
		m.Latencies, m.Notes = load.figures(peakMemory(s.cmd.Process.Pid))
		return nil
	})
	return m, err
}

// A load publishes events at a rate and looks for some of them.
type load struct {
	bench   *Bench
	service *service
	rate    int64
	// published is how many events were published so far, and in how long the
	// measured ones.
	published int64
	measured  int64
	seconds   float64

	mu      sync.Mutex
	visible []time.Duration
	stored  []time.Duration
	failed  error
}

// run publishes for a while. The time of each event counts from its turn, not
// from when a request could be made for it: a service that falls behind isn't
// spared.
func (l *load) run(ctx context.Context, period time.Duration, measured bool) error {
	n := int64(period.Seconds() * float64(l.rate))
	var running sync.WaitGroup
	slots := make(chan struct{}, publishingAtOnce)
	started := time.Now()
	for i := int64(0); i < n && ctx.Err() == nil && l.failure() == nil; i++ {
		turn := started.Add(time.Duration(i) * time.Second / time.Duration(l.rate))
		time.Sleep(time.Until(turn))
		slots <- struct{}{}
		k := l.published
		l.published++
		running.Go(func() {
			err := l.one(ctx, k, turn, measured)
			<-slots
			if err != nil {
				l.fail(err)
			}
		})
		if measured && i%100 == 0 {
			l.bench.progress("publishing and looking", i, n)
		}
	}
	if measured {
		l.measured, l.seconds = n, time.Since(started).Seconds()
	}
	running.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	return l.failure()
}

// one publishes the k-th event, and looks for what follows from it where it is
// one to be looked for.
func (l *load) one(ctx context.Context, k int64, turn time.Time, measured bool) error {
	if k%probeEvery != 0 {
		return l.publish(ctx, mix{l.bench.Seed}.event(k).Data, turn, measured)
	}
	user := fmt.Sprintf("probe-%d", k)
	if err := l.publish(ctx, probe(user, k), turn, measured); err != nil {
		return err
	}
	for {
		status, _, err := l.service.call(ctx, http.MethodGet, "/v1/users/"+user, "", nil)
		switch {
		case err != nil:
			return err
		case status == http.StatusOK:
			if measured {
				l.keep(&l.visible, time.Since(turn))
			}
			return nil
		case time.Since(turn) > time.Minute:
			return fmt.Errorf("an event isn't visible after a minute: the API answers %d", status)
		}
		time.Sleep(max(lookEvery, time.Since(turn)/20))
	}
}

// probe is the registration of a user who wasn't there.
func probe(user string, k int64) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","id":"probe-%d","source":"https://platform.example/users","type":%q,"subject":%q,"time":%q,`+
		`"datacontenttype":"application/json","data":{"email":"%s@mail.example","first_name":"Ana","last_name":"Lovelace","locale":"fr-FR",`+
		`"country":"FR","platform":"web"}}`, k, domain.UserRegistered, user, time.Now().Add(-time.Second).UTC().Format(time.RFC3339Nano), user)
}

func (l *load) publish(ctx context.Context, event []byte, turn time.Time, measured bool) error {
	status, body, err := l.service.call(ctx, http.MethodPost, "/v1/events", structured, event)
	if err != nil {
		return err
	}
	if status != http.StatusAccepted {
		return fmt.Errorf("publishing an event: the API answers %d: %s", status, body)
	}
	if measured {
		l.keep(&l.stored, time.Since(turn))
	}
	return nil
}

func (l *load) keep(times *[]time.Duration, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	*times = append(*times, took)
}

func (l *load) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == nil {
		l.failed = err
	}
}

func (l *load) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

// figures returns what was measured, and what is to be known about it.
func (l *load) figures(peak int64) ([]Latency, []string) {
	of := func(what string, times []time.Duration) Latency {
		slices.Sort(times)
		return Latency{What: what, MedianMS: milliseconds(quantile(times, .5)), P99MS: milliseconds(quantile(times, .99)), Samples: len(times)}
	}
	visible := of("publish → visible over the API", l.visible)
	visible.MedianLimitMS, visible.P99LimitMS = 50, 250
	rate := float64(l.measured) / l.seconds
	notes := []string{fmt.Sprintf("%.0f events a second were published, one a request (%d were asked for); the service had at most %s MB in use",
		rate, l.rate, peakText(peak))}
	if rate < .95*float64(l.rate) {
		notes = append(notes, "the rate that was asked for was not reached: the times are those of a service that is overloaded")
	}
	return []Latency{visible, of("publish → accepted", l.stored)}, notes
}
