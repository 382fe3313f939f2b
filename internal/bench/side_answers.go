// This file builds the read models of a number of users and times answers, from
// the reader and from the API's handler.

package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"boxoffice/access"
	"boxoffice/accounts"
	"boxoffice/api"
	"boxoffice/wire"
)

// A Latency is how long one kind of answer takes.
type Latency struct {
	What  string `json:"what"`
	Users int64  `json:"users,omitempty"`
	// Slowest names which of several questions took longest by median: the
	// median is that one's. P99 is over the answers to all of them.
	Slowest  string  `json:"slowest,omitempty"`
	MedianMS float64 `json:"median_ms"`
	P99MS    float64 `json:"p99_ms"`
	Samples  int     `json:"samples"`
	// MedianLimitMS and P99LimitMS are what it has to keep within; 0 for none.
	MedianLimitMS float64 `json:"median_limit_ms,omitempty"`
	P99LimitMS    float64 `json:"p99_limit_ms,omitempty"`
}

// answerKey is a key for the API, which is in this process only.
const answerKey = "bench"

const (
	// answerTime is how long one question is asked at most, once it has been
	// asked answersAtLeast times.
	answerTime     = 10 * time.Second
	answersAtLeast = 20
	// firstAnswers are asked before any is timed.
	firstAnswers = 3
)

func answersSide(ctx context.Context, r *sideRun) (_ Result, err error) {
	log, err := r.database().open(ctx)
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, log.close()) }()
	p := population{users: r.Users, now: time.Now()}
	models, result, err := r.populate(ctx, log, p)
	if models != nil {
		defer func() { err = errors.Join(err, models.close()) }()
	}
	if err != nil {
		return Result{}, err
	}
	people, err := accounts.New(accounts.Config{Reader: models.reader, Log: log.store, Publisher: noPublisher{}, Locks: log.db, Logger: quiet})
	if err != nil {
		return Result{}, err
	}
	handler, err := api.New(api.Config{Reader: models.reader, Log: log.store, Publisher: noPublisher{}, Accounts: people, Gate: access.NewGate(oneKey{}, 0), Trials: true,
		CursorKey: log.store.SharedKey("api cursors"), Logger: quiet})
	if err != nil {
		return Result{}, err
	}
	result.Latencies, err = r.ask(ctx, models, handler, questions(p))
	return result, err
}

// A timing is the times that one question took at one place.
type timing struct {
	question
	place string
	ask   func(n int64) error
	times []time.Duration
	sum   time.Duration
}

// ask puts all questions in turns, so that what else the machine does meets
// all of them.
func (r *sideRun) ask(ctx context.Context, models *keeper, handler http.Handler, all []question) ([]Latency, error) {
	var timings []*timing
	for _, q := range all {
		timings = append(timings,
			&timing{question: q, place: "reader", ask: func(n int64) error { return q.reader(ctx, models.reader, n) }},
			&timing{question: q, place: "API", ask: func(n int64) error { return askHandler(ctx, handler, q.api(n)) }})
	}
	for n := range int64(firstAnswers) + r.Samples {
		for _, t := range timings {
			if len(t.times) >= answersAtLeast && t.sum > answerTime {
				continue
			}
			started := time.Now()
			if err := t.ask(n); err != nil {
				return nil, fmt.Errorf("%s, %s, from the %s: %w", t.group, t.name, t.place, err)
			}
			if took := time.Since(started); n >= firstAnswers {
				t.times, t.sum = append(t.times, took), t.sum+took
			}
		}
	}
	return latencies(timings, r.Users), nil
}

// latencies makes a figure of each group and place.
func latencies(timings []*timing, users int64) []Latency {
	var all []Latency
	var times [][]time.Duration
	for _, t := range timings {
		slices.Sort(t.times)
		median := milliseconds(quantile(t.times, .5))
		what := t.group + ", " + t.place
		i := slices.IndexFunc(all, func(l Latency) bool { return l.What == what })
		if i < 0 {
			i = len(all)
			all, times = append(all, Latency{What: what, Users: users}), append(times, nil)
		}
		times[i] = append(times[i], t.times...)
		if median > all[i].MedianMS {
			all[i].MedianMS, all[i].Slowest = median, t.name
		}
	}
	for i := range all {
		slices.Sort(times[i])
		all[i].P99MS, all[i].Samples = milliseconds(quantile(times[i], .99)), len(times[i])
	}
	return all
}

// quantile returns the time within which a part of sorted times lie.
func quantile(sorted []time.Duration, part float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(float64(len(sorted))*part), len(sorted)-1)]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// askHandler gets a path from the API, without a network in between.
func askHandler(ctx context.Context, handler http.Handler, path string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://bench"+path, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+answerKey)
	w := &countingWriter{header: http.Header{}, status: http.StatusOK}
	handler.ServeHTTP(w, request)
	switch {
	case w.status != http.StatusOK:
		return fmt.Errorf("the API answered %d", w.status)
	case w.bytes == 0:
		return errEmpty
	}
	return nil
}

// A countingWriter takes an answer and keeps its status and length.
type countingWriter struct {
	header http.Header
	status int
	bytes  int
}

func (w *countingWriter) Header() http.Header    { return w.header }
func (w *countingWriter) WriteHeader(status int) { w.status = status }
func (w *countingWriter) Write(p []byte) (int, error) {
	w.bytes += len(p)
	return len(p), nil
}

// oneKey knows the bench's own key.
type oneKey struct{}

func (oneKey) Authenticate(r *http.Request) (access.Credential, error) {
	if r.Header.Get("Authorization") != "Bearer "+answerKey {
		return access.Credential{}, errors.New("another key")
	}
	who := access.Identity{Role: access.Admin}
	return access.Credential{Identity: who, Again: func(context.Context) (access.Identity, error) { return who, nil }}, nil
}

// noPublisher takes nothing: only reading is measured.
type noPublisher struct{}

func (noPublisher) PublishBatch(context.Context, []wire.Message) error {
	return errors.New("nothing is published here")
}
