// This file puts what the embedded server has to say into the service's log.

package ingest

import (
	"fmt"
	"log/slog"
	"sync"
)

// A serverLog is a logger of the NATS server. It is safe for concurrent use.
type serverLog struct {
	log *slog.Logger

	mu  sync.Mutex
	why error
}

func newServerLog(log *slog.Logger) *serverLog {
	if log == nil {
		log = slog.Default()
	}
	return &serverLog{log: log.With("part", "nats-server")}
}

// Noticef logs what is good to know when something is being looked into.
func (l *serverLog) Noticef(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }

// Warnf logs a warning.
func (l *serverLog) Warnf(format string, v ...any) { l.log.Warn(fmt.Sprintf(format, v...)) }

// Errorf logs an error.
func (l *serverLog) Errorf(format string, v ...any) { l.log.Error(fmt.Sprintf(format, v...)) }

// Fatalf keeps why the server can't go on, for whoever started it. It doesn't
// end the process, as the server's own logger would.
func (l *serverLog) Fatalf(format string, v ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.why == nil {
		l.why = fmt.Errorf(format, v...)
	}
}

func (l *serverLog) fatal() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.why
}

// Debugf does nothing: the server is never asked to be that talkative.
func (l *serverLog) Debugf(string, ...any) {}

// Tracef does nothing, for traces have the events in them.
func (l *serverLog) Tracef(string, ...any) {}
