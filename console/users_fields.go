// This file is which fields of its own the platform has given users: columns to
// choose, whoever is on the page.

package console

import (
	"context"
	"sync"
	"time"
)

const (
	// fieldsLast is how long it is taken for true which fields there are.
	fieldsLast = 10 * time.Minute
	// fieldsAwaited is how long the first page waits for it.
	fieldsAwaited = 200 * time.Millisecond
	// fieldsTimeout is how long it may take to find out.
	fieldsTimeout = time.Minute
)

// knownFields are the fields as they were found last. Finding them goes through all
// users, so it is done beside the pages, now and then while the list is looked at.
type knownFields struct {
	mu    sync.Mutex
	keys  []string
	asked time.Time
	// found is closed once the fields have been found for the first time, or not.
	found chan struct{}
}

// customFields are the fields that users have, as far as that is known.
func (s *server) customFields(ctx context.Context) []string {
	f := &s.fields
	f.mu.Lock()
	first := f.found == nil
	if first {
		f.found = make(chan struct{})
	}
	if now := s.Clock(); first || now.Sub(f.asked) > fieldsLast {
		f.asked = now
		go s.findFields(first)
	}
	found := f.found
	f.mu.Unlock()
	select {
	case <-found:
	case <-ctx.Done():
	case <-time.After(fieldsAwaited):
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.keys
}

// findFields finds them. Where that fails they stay what they were.
func (s *server) findFields(first bool) {
	ctx, cancel := context.WithTimeout(context.Background(), fieldsTimeout)
	defer cancel()
	keys, err := s.Reader.CustomKeys(ctx, s.now(), maxCustom)
	f := &s.fields
	f.mu.Lock()
	defer f.mu.Unlock()
	if first {
		close(f.found)
	}
	if err != nil {
		s.Logger.Warn("the custom fields of users can't be found, and are looked for later", "error", err)
		return
	}
	f.keys = keys
}
