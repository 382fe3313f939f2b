// This file tells a publication that waits for its answer that the server
// denied it: the server says so to the connection, and leaves the publication
// without an answer.

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

// watch gives a context that ends, with the server's error as its cause, when
// the server denies a publication to one of the subjects.
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

// tell ends the publications that err is about. The server names the subject
// in quotes.
func (w *watchers) tell(err error) {
	_, rest, _ := strings.Cut(err.Error(), `"`)
	subject, _, _ := strings.Cut(rest, `"`)
	w.mu.Lock()
	defer w.mu.Unlock()
	for mine := range w.open {
		if mine.subjects[subject] {
			mine.cancel(err)
		}
	}
}
