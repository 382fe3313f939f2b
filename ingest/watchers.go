// This file ends publications that wait for an answer which won't come: the
// server denies one by telling the connection, not the publication, and a
// connection that was lost takes the answers along.

package ingest

import (
	"context"
	"strings"
	"sync"
)

// watchers are the publications that wait. The zero value is ready, and it is
// safe for concurrent use.
type watchers struct {
	mu   sync.Mutex
	open map[*watcher]struct{}
}

type watcher struct {
	subjects map[string]bool
	cancel   context.CancelCauseFunc
}

// watch returns a context that ends, with the reason as its cause, when a
// publication to one of the subjects is denied or the connection is lost.
func (w *watchers) watch(ctx context.Context, subjects map[string]bool) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	mine := &watcher{subjects: subjects, cancel: cancel}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open == nil {
		w.open = make(map[*watcher]struct{})
	}
	w.open[mine] = struct{}{}
	return ctx, func() {
		w.mu.Lock()
		delete(w.open, mine)
		w.mu.Unlock()
		cancel(nil)
	}
}

// denied ends the publications that the server's error is about; it names the
// subject in quotes.
func (w *watchers) denied(err error) {
	_, rest, _ := strings.Cut(err.Error(), `"`)
	subject, _, _ := strings.Cut(rest, `"`)
	w.end(err, func(mine *watcher) bool { return mine.subjects[subject] })
}

// lost ends all publications.
func (w *watchers) lost(err error) {
	w.end(err, func(*watcher) bool { return true })
}

func (w *watchers) end(err error, which func(*watcher) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for mine := range w.open {
		if which(mine) {
			mine.cancel(err)
		}
	}
}
