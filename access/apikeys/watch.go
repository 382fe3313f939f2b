// This file notices that keys have stopped being good, whichever process
// revoked them: for what lets somebody in once and then leaves them alone.

package apikeys

import (
	"context"
	"fmt"
	"time"

	"boxoffice/internal/sqldb"
)

// WatchEvery is how often [Store.Watch] looks: how long, at most, a key that
// was revoked or has expired goes unnoticed by what asked once.
const WatchEvery = time.Second

// Watch calls changed when keys were made, were revoked or have expired, until
// ctx ends. failed, where it isn't nil, hears of an error of the database once
// for each time that it begins; Watch goes on, and what happened meanwhile is
// noticed then.
func (s *Store) Watch(ctx context.Context, changed func(), failed func(error)) {
	ticker := time.NewTicker(WatchEvery)
	defer ticker.Stop()
	seen, known, failing := census{}, false, false
	for {
		now, err := s.count(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			if !failing && failed != nil {
				failed(err)
			}
		case !known:
			seen, known = now, true
		case now != seen:
			seen = now
			changed()
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// A census is how many keys there are, and how many of them are good. Keys are
// never deleted and never become good again, so one that differs means a change,
// and every change makes one that differs.
type census struct{ all, good int64 }

func (s *Store) count(ctx context.Context) (census, error) {
	var c census
	err := s.db.SQL().QueryRowContext(ctx, `SELECT count(*),
		count(CASE WHEN revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $1) THEN 1 END) FROM api_keys`,
		sqldb.Micros(s.now().UnixMicro())).Scan(&c.all, &c.good)
	if err != nil {
		return census{}, fmt.Errorf("count the API keys: %w", err)
	}
	return c, nil
}
