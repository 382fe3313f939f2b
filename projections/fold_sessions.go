// This file folds the playback events of a batch into viewing sessions.

package projections

import (
	"bytes"
	"context"
	"fmt"

	"boxoffice/domain"
	"boxoffice/internal/sqldb"
)

// foldSessions takes the batch's playback events into the facts of their
// sessions. Reports of one session become one write.
func (f *folding) foldSessions(ctx context.Context) error {
	return inChunks(f.batch.sessionKeys(), func(keys []sessionKey) error {
		hashes := make([]sqldb.UUID, len(keys))
		for i, key := range keys {
			hashes[i] = key.hash()
		}
		facts, err := f.loadFacts(ctx, "sessions", "session_key", hashes)
		if err != nil {
			return err
		}
		for i, key := range keys {
			if err := f.foldSession(hashes[i], key, facts[hashes[i]]); err != nil {
				return err
			}
		}
		return nil
	})
}

// foldSession adds the events of one session to the facts that are kept, nil
// for a session that isn't known yet.
func (f *folding) foldSession(hash sqldb.UUID, key sessionKey, kept []byte) error {
	facts := &domain.SessionFacts{}
	var startedAt domain.Instant
	if kept != nil {
		var err error
		if facts, err = domain.DecodeSessionFacts(key.sessionID, key.contentID, kept); err != nil {
			return fmt.Errorf("facts of session %s: %w", hash, err)
		}
		startedAt = facts.StartedAt()
	}
	for _, e := range f.batch.sessions[key] {
		facts.Add(e)
	}
	are, err := facts.AppendBinary(nil)
	if err != nil {
		return fmt.Errorf("facts of session %s: %w", hash, err)
	}
	if bytes.Equal(kept, are) {
		return nil
	}
	row, to := sessionRowOf(hash, key, facts, are), f.writes.to(sessionsTable.table)
	switch {
	case kept == nil:
		to.add(sessionsTable.row(&row))
	case facts.StartedAt() != startedAt:
		to.change(reportedColumns|startColumns, sessionsTable.row(&row))
	default:
		to.change(reportedColumns, sessionsTable.row(&row))
	}
	return nil
}
