// This file is what ingest counts and measures.

package ingest

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"boxoffice/eventstore"
)

type metrics struct {
	events    *prometheus.CounterVec
	batch     prometheus.Histogram
	seconds   prometheus.Histogram
	failures  prometheus.Counter
	backlog   prometheus.Gauge
	oldest    prometheus.Gauge
	connected prometheus.Gauge
	bytes     prometheus.Gauge
	limit     prometheus.Gauge
	full      prometheus.Gauge
	early     prometheus.Collector
}

// newMetrics makes the metrics, those of the broker too where there is one.
func newMetrics(b *Broker) *metrics {
	return &metrics{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "boxoffice_ingest_events_total",
			Help: "Events taken from the broker, by what became of them: appended, duplicate or refused.",
		}, []string{"outcome"}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "boxoffice_ingest_batch_events",
			Help:    "Events in a batch that was appended.",
			Buckets: prometheus.ExponentialBucketsRange(1, 16384, 15),
		}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "boxoffice_ingest_append_seconds",
			Help:    "Time that appending a batch took, failed or not.",
			Buckets: prometheus.ExponentialBucketsRange(0.001, 30, 16),
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "boxoffice_ingest_append_failures_total",
			Help: "Tries to append a batch that failed; the batch is kept and tried again.",
		}),
		backlog: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "boxoffice_broker_backlog_events",
			Help: "Events that the broker holds and that aren't known to be in the log.",
		}),
		oldest: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "boxoffice_broker_backlog_age_seconds",
			Help: "Age of the oldest event of the backlog; 0 without one.",
		}),
		connected: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "boxoffice_broker_connected",
			Help: "1 while there is a connection to the broker.",
		}),
		bytes: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "boxoffice_broker_bytes",
			Help: "Bytes that the broker holds, of those that boxoffice_broker_limit_bytes limits.",
		}),
		limit: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "boxoffice_broker_limit_bytes",
			Help: "Bytes that the broker may hold, of the stream's limit and its account's the one that is closer; 0 where neither is known.",
		}),
		full: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "boxoffice_broker_full",
			Help: "1 while the broker has reached its limit and answers publishers with errors.",
		}),
		early: prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "boxoffice_broker_purged_early_events_total",
			Help: "Events that are in the log and that were removed from the broker before its retention was over, to make room.",
		}, func() float64 {
			if b == nil {
				return 0
			}
			return float64(b.early.get().Events)
		}),
	}
}

func (m *metrics) register(r prometheus.Registerer) error {
	for _, outcome := range []string{"appended", "duplicate", "refused"} {
		m.events.WithLabelValues(outcome)
	}
	if r == nil {
		return nil
	}
	for _, c := range []prometheus.Collector{
		m.events, m.batch, m.seconds, m.failures, m.backlog, m.oldest, m.connected,
		m.bytes, m.limit, m.full, m.early,
	} {
		if err := r.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// appended counts a try to append a batch.
func (m *metrics) appended(took time.Duration, b *batch, account eventstore.Account, err error) {
	m.seconds.Observe(took.Seconds())
	if err != nil {
		m.failures.Inc()
		return
	}
	m.batch.Observe(float64(len(b.messages)))
	m.events.WithLabelValues("appended").Add(float64(account.Appended))
	m.events.WithLabelValues("duplicate").Add(float64(account.Duplicates))
	m.events.WithLabelValues("refused").Add(float64(account.Refused))
}

// broker keeps how the broker was found.
func (m *metrics) broker(s BrokerStatus) {
	m.connected.Set(oneIf(s.Connected))
	if s.Err == nil {
		m.backlog.Set(float64(s.Backlog))
		m.oldest.Set(s.OldestAge.Seconds())
		m.bytes.Set(float64(s.Fill.Bytes))
		m.limit.Set(float64(s.Fill.Limit))
		m.full.Set(oneIf(s.Fill.Full()))
	}
}

func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
