// This file wakes those who follow the log: at once after an append in this
// process, by a notification after one elsewhere on PostgreSQL, and by looking
// twice a second, which is all there is on SQLite and what is left where a
// notification is lost. The same look drops the keys in memory of users who
// were erased elsewhere, whether this process has something to do or not.

package eventstore

import (
	"context"
	"sync"
	"time"

	"boxoffice/internal/pause"
)

const (
	// lookEvery is how often the head is looked at.
	lookEvery = 500 * time.Millisecond
	// forgetAfter is after how long without having seen the head no user's key
	// stays in memory: nobody knows who has been erased meanwhile.
	forgetAfter = 5 * time.Second
	// listenAgain is after how long a broken connection is replaced.
	listenAgain = time.Second
)

// A follower knows how far the log has come and tells those who wait.
type follower struct {
	mu       sync.Mutex
	position Position
	closed   bool
	// changed is closed when position moves or the store closes.
	changed chan struct{}

	cancel context.CancelFunc
	done   sync.WaitGroup
}

// start begins to follow the log from where it is.
func (f *follower) start(s *Store, position Position) {
	f.position, f.changed = position, make(chan struct{})
	var ctx context.Context
	ctx, f.cancel = context.WithCancel(context.Background())
	heard := make(chan struct{}, 1)
	f.done.Go(func() { listen(ctx, s, heard) })
	f.done.Go(func() { f.look(ctx, s, heard) })
}

// stop ends what start began and wakes all who wait.
func (f *follower) stop() {
	f.cancel()
	f.done.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.closed = true
		close(f.changed)
	}
}

// moved notes that the log has come to position.
func (f *follower) moved(position Position) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if position <= f.position || f.closed {
		return
	}
	f.position = position
	close(f.changed)
	f.changed = make(chan struct{})
}

// listen hears of appends elsewhere, over new connections where one breaks.
func listen(ctx context.Context, s *Store, heard chan<- struct{}) {
	for ctx.Err() == nil {
		// What broke doesn't matter: meanwhile the head is looked at anyway.
		_ = s.db.Listen(ctx, channel, func() {
			select {
			case heard <- struct{}{}:
			default:
			}
		})
		_ = pause.Wait(ctx, listenAgain)
	}
}

// look looks at the head now and then and when something was heard.
func (f *follower) look(ctx context.Context, s *Store, heard <-chan struct{}) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	seen := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-heard:
		case <-ticker.C:
		}
		head, err := s.lookAtHead(ctx)
		f.moved(head.Position)
		switch {
		case err == nil:
			seen = time.Now()
		case time.Since(seen) > forgetAfter:
			s.vault.Drop()
		}
	}
}

// lookAtHead reads the head, not for long, and has the vault drop what isn't to
// be kept in memory any more: users' keys after an erasure, and wrapping keys
// after an exchange. Where only the latter fails, it returns the head too.
func (s *Store) lookAtHead(ctx context.Context) (Head, error) {
	ctx, cancel := context.WithTimeout(ctx, forgetAfter)
	defer cancel()
	var head Head
	var exchanges int64
	err := s.db.SQL().QueryRowContext(ctx, "SELECT position, epoch, erasures, exchanges FROM log_head").
		Scan(&head.Position, &head.Epoch, &head.Erasures, &exchanges)
	if err != nil {
		return Head{}, err
	}
	s.vault.Noticed(head.Erasures)
	return head, s.vault.Refresh(ctx, s.db.SQL(), exchanges)
}

// Wait returns when the log has come past after, or with the error of ctx, or
// with an error when the store is closed.
func (s *Store) Wait(ctx context.Context, after Position) error {
	f := &s.follower
	for {
		f.mu.Lock()
		position, closed, changed := f.position, f.closed, f.changed
		f.mu.Unlock()
		switch {
		case closed:
			return errClosed
		case position > after:
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}
