// This file is the projector of one generation: it reads a batch of the log,
// folds it, and saves rows and position in one transaction.

package projections

import (
	"context"
	"errors"
	"fmt"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/sqldb"
)

// A Log is what projecting needs of the event store.
type Log interface {
	// Read returns at most limit events after a position, in log order and with
	// none left out. An event of an erased user comes without what is personal.
	Read(ctx context.Context, after eventstore.Position, limit int) ([]eventstore.Record, error)
	// Head says where the log stands.
	Head(ctx context.Context) (eventstore.Head, error)
	// Wait returns when the log is past a position.
	Wait(ctx context.Context, after eventstore.Position) error
	BulkLog
	ErasureLog
	HistoryLog
}

var (
	// errEpoch says that the log is not the one that a generation was built from.
	errEpoch = errors.New("the log was recovered to another state than the read models were built from")
	// errErasure says that a user was erased after a batch was read.
	errErasure = errors.New("a user of the batch was erased while it was projected")
)

// A projector writes one generation. It is for one goroutine at a time.
type projector struct {
	gen   *generation
	lease *lease
	log   Log
	spec  buildSpec
	platform
	now      func() domain.Instant
	limits   batchLimits
	position eventstore.Position
	stop     eventstore.Position // where it ends; 0: nowhere
}

// batchLimits bound the memory that a batch takes.
type batchLimits struct {
	events int
	bytes  int
}

// read reads the batch after a position: nil where there is nothing, or nothing
// up to where it ends. It takes as much as there is within the limits, so the further behind a projector is,
// the larger its batches are and the more reports of a session become one row.
func (p *projector) read(ctx context.Context, after eventstore.Position, limits batchLimits) (*batch, error) {
	head, err := p.log.Head(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the log's head: %w", err)
	}
	if head.Epoch != p.spec.epoch || head.Position < after {
		return nil, errEpoch
	}
	if p.stop > 0 {
		limits.events = int(min(int64(limits.events), int64(max(p.stop-after, 0))))
	}
	if head.Position == after || limits.events == 0 {
		return nil, nil
	}
	records, err := p.readRecords(ctx, after, limits)
	if err != nil || len(records) == 0 {
		return nil, err
	}
	records, retracted, err := findRetracted(ctx, p.log, after, records)
	if err != nil {
		return nil, err
	}
	return newBatch(head, after, records, retracted), nil
}

// readRecords reads piece by piece, each as large as what came before lets
// expect to fit.
func (p *projector) readRecords(ctx context.Context, after eventstore.Position, limits batchLimits) ([]eventstore.Record, error) {
	var records []eventstore.Record
	piece, size := min(256, limits.events), 0
	for piece > 0 && size < limits.bytes {
		more, err := p.log.Read(ctx, after, piece)
		if err != nil {
			return nil, fmt.Errorf("read the log: %w", err)
		}
		for i := range more {
			size += sizeOf(&more[i])
		}
		records = append(records, more...)
		if len(more) < piece {
			break
		}
		after = more[len(more)-1].Position
		room := (limits.bytes - size) / (size/len(records) + 1)
		piece = min(limits.events-len(records), room, 8*piece)
	}
	return records, nil
}

// sizeOf estimates the memory of a record: what is decoded of it is about as
// large as what it was decoded from.
func sizeOf(r *eventstore.Record) int {
	return 512 + 2*(len(r.Event.Public)+len(r.Event.Personal))
}

// save folds a batch into the rows and saves them together with the position.
// It fails with ErrLeaseLost where another projector has saved or may save,
// and with errErasure where the batch has to be read again; nothing is saved
// then.
func (p *projector) save(ctx context.Context, b *batch) error {
	err := p.gen.db.InTx(ctx, func(tx *sqldb.Tx) error {
		if err := p.lease.advance(ctx, tx, b.after, b.last, &b.recordedAt); err != nil {
			return err
		}
		f := p.folding(tx, b)
		if err := f.foldUsers(ctx); err != nil {
			return err
		}
		if err := f.foldSessions(ctx); err != nil {
			return err
		}
		if err := f.foldAgain(ctx, p.log); err != nil {
			return err
		}
		if err := f.writes.flush(ctx, tx, p.calendar); err != nil {
			return err
		}
		return p.checkErasures(ctx, b)
	})
	if err != nil {
		return fmt.Errorf("project positions %d to %d: %w", b.after+1, b.last, err)
	}
	p.position = b.last
	return nil
}

func (p *projector) folding(tx *sqldb.Tx, b *batch) *folding {
	return &folding{
		tx: tx, dialect: p.gen.db.Dialect(), platform: p.platform, now: p.now(),
		batch: b, writes: newWrites(ledger{}),
	}
}

// checkErasures looks again, before the commit, at what was looked at before
// the batch was read: nothing of a person is saved who has been erased since.
// Erasures of others don't matter, so a storm of them can't keep the projector
// from getting on.
func (p *projector) checkErasures(ctx context.Context, b *batch) error {
	head, err := p.log.Head(ctx)
	if err != nil {
		return fmt.Errorf("read the log's head: %w", err)
	}
	switch {
	case head.Epoch != b.epoch:
		return errEpoch
	case head.Erasures == b.erasures:
		return nil
	}
	records, err := p.readRecords(ctx, b.after, batchLimits{events: b.events, bytes: p.limits.bytes})
	if err != nil {
		return err
	}
	for i := range records {
		if u := b.users[records[i].User]; records[i].Erased && u != nil && !u.erased {
			return errErasure
		}
	}
	return nil
}

// saveOrReread saves a batch. Where one of its users was erased in between it
// reads the batch again.
func (p *projector) saveOrReread(ctx context.Context, b *batch) (*batch, error) {
	limits := batchLimits{events: b.events, bytes: p.limits.bytes}
	for {
		err := p.save(ctx, b)
		if !errors.Is(err, errErasure) {
			return b, err
		}
		if b, err = p.read(ctx, b.after, limits); err != nil {
			return nil, err
		}
		if b == nil {
			return nil, errEpoch // the log has become shorter
		}
	}
}

// refreshAtOnce is how many users a step of refresh takes.
const refreshAtOnce = 1000

// refresh renews the status in the rows of users where it has run out, and says
// whether there may be more. It is a matter of speed alone: queries compute the
// status of the rows that don't hold it.
func (p *projector) refresh(ctx context.Context) (more bool, err error) {
	now := p.now()
	keys, err := p.expired(ctx, p.gen.db.SQL(), now)
	if err != nil || len(keys) == 0 {
		return false, err
	}
	err = p.gen.db.InTx(ctx, func(tx *sqldb.Tx) error {
		if err := p.lease.advance(ctx, tx, p.position, p.position, nil); err != nil {
			return err
		}
		users, terms, err := p.refreshed(ctx, tx, keys, now)
		if err != nil {
			return err
		}
		if err := usersTable.update(ctx, tx, stateColumns, users); err != nil {
			return err
		}
		return statusTermsTable.update(ctx, tx, 0, terms)
	})
	if err != nil {
		return false, fmt.Errorf("renew the status of users: %w", err)
	}
	return len(keys) == refreshAtOnce, nil
}

func (p *projector) expired(ctx context.Context, q querier, now domain.Instant) ([]eventstore.UserKey, error) {
	var keys []eventstore.UserKey
	err := eachRow(ctx, q, "SELECT user_key FROM status_terms WHERE until_at <= $1 ORDER BY until_at LIMIT $2",
		[]any{sqldb.Micros(now), refreshAtOnce}, func(row scanner) error {
			var key sqldb.UUID
			err := row.Scan(&key)
			keys = append(keys, eventstore.UserKey(key))
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("look up users whose status has run out: %w", err)
	}
	return keys, nil
}

// refreshed returns the users' rows with their status at now. What else is in
// them isn't written, and the id, which facts don't have, is left out.
func (p *projector) refreshed(ctx context.Context, tx *sqldb.Tx, keys []eventstore.UserKey, now domain.Instant) (users, terms [][]any, err error) {
	f := &folding{tx: tx, dialect: p.gen.db.Dialect(), platform: p.platform}
	kept, err := f.loadUsers(ctx, keys)
	if err != nil {
		return nil, nil, err
	}
	for _, key := range keys {
		facts, err := domain.DecodeUserFacts(kept[sqldb.UUID(key)])
		if err != nil {
			return nil, nil, fmt.Errorf("facts of user %s: %w", sqldb.UUID(key), err)
		}
		row := userRowOf(sqldb.UUID(key), "", facts, p.renewalGrace, now)
		row.id = opt[string]{}
		users, terms = append(users, usersTable.row(&row)), append(terms, statusTermsTable.row(&row))
	}
	return users, terms, nil
}
