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
}

func newMetrics() *metrics {
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
	m.connected.Set(0)
	if s.Connected {
		m.connected.Set(1)
	}
	if s.Err == nil {
		m.backlog.Set(float64(s.Backlog))
		m.oldest.Set(s.OldestAge.Seconds())
	}
}
