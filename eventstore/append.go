// This file appends: it locks the head of the log, decides what becomes of each
// message, and writes that in one transaction.

package eventstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"boxoffice/domain"
	"boxoffice/eventstore/vault"
	"boxoffice/internal/sqldb"
)

// Append takes a batch into the log in one transaction, in its order. Each of
// its messages ends as appended, as a duplicate or as refused, and the account
// says how many did; one bad message never fails the others. The events and
// what they hold must not be changed while Append runs.
//
// After an error nothing of the batch is in the log, save where the error
// wraps a [*sqldb.CommitError]: then that isn't known. Either way the same
// messages can be given again, in this batch or in others; whatever was
// recorded is recognised.
func (s *Store) Append(ctx context.Context, b Batch) (Account, error) {
	p, err := s.Prepare(ctx, b)
	if err != nil {
		return Account{}, err
	}
	return s.AppendPrepared(ctx, p)
}

// AppendPrepared takes a prepared batch into the log, as Append does. After an
// error it may be given again.
func (s *Store) AppendPrepared(ctx context.Context, p *Prepared) (Account, error) {
	if len(p.entries) == 0 {
		return Account{}, nil
	}
	// Looking for known identities costs a fifth, and in most batches there are
	// none; the unique index finds one that was overlooked.
	look := p.erases || s.knownAhead.Load()
	account, err := s.appendOnce(ctx, p, look)
	if !look && sqldb.IsUniqueViolation(err) {
		account, err = s.appendOnce(ctx, p, true)
	}
	if err != nil {
		return Account{}, fmt.Errorf("append to the log: %w", err)
	}
	s.knownAhead.Store(account.Duplicates > 0)
	return account, nil
}

// appendOnce runs the transaction; look says to look for identities that are
// recorded already before anything is written.
func (s *Store) appendOnce(ctx context.Context, p *Prepared, look bool) (Account, error) {
	var w writer
	err := s.db.InTx(ctx, func(tx *sqldb.Tx) error {
		w = writer{store: s, tx: tx, batch: p}
		return w.run(ctx, look)
	})
	if exchanged, ok := errors.AsType[*keysExchanged](err); ok {
		if err := s.vault.Refresh(ctx, s.db.SQL(), exchanged.exchanges); err != nil {
			return Account{}, err
		}
		return s.appendOnce(ctx, p, look)
	}
	if err != nil {
		return Account{}, err
	}
	s.erasures.Store(w.head.erasures)
	s.vault.Keep(w.head.erasures, w.plan.newUsers)
	s.follower.moved(w.head.position)
	return w.account, nil
}

// A writer is one attempt to append a batch, within one transaction.
type writer struct {
	store   *Store
	tx      *sqldb.Tx
	batch   *Prepared
	head    lockedHead
	plan    *plan
	account Account
}

// A lockedHead is the row of log_head, which is this transaction's until its end.
type lockedHead struct {
	position   Position
	recordedAt domain.Instant
	erasures   int64
}

func (w *writer) run(ctx context.Context, look bool) error {
	if err := w.lock(ctx); err != nil {
		return err
	}
	if err := w.decide(ctx, look); err != nil {
		return err
	}
	// An event that isn't written because of what its user is doesn't meet the
	// unique index; whether it is recorded already has to be looked for.
	if w.plan.excluded && !look {
		if err := w.decide(ctx, true); err != nil {
			return err
		}
	}
	if err := w.moveHead(ctx); err != nil {
		return err
	}
	// Erasures come before users: an id that is erased may be registered again.
	for _, write := range []func(context.Context) error{w.writeErasures, w.writeUsers, w.writeEvents, w.writeRefused, w.writeAccount} {
		if err := write(ctx); err != nil {
			return err
		}
	}
	return w.check()
}

// decide makes the plan.
func (w *writer) decide(ctx context.Context, look bool) error {
	pl, err := w.planner(ctx, look)
	if err != nil {
		return err
	}
	w.plan = pl.decide()
	return nil
}

// lock takes the head's lock and reads what may have changed since the batch
// was prepared.
func (w *writer) lock(ctx context.Context) error {
	var recordedAt sqldb.Micros
	var exchanges int64
	err := w.tx.QueryRowContext(ctx, "SELECT position, recorded_at, erasures, exchanges FROM log_head"+w.store.db.Dialect().ForUpdate).
		Scan(&w.head.position, &recordedAt, &w.head.erasures, &exchanges)
	if err != nil {
		return fmt.Errorf("lock the head: %w", err)
	}
	w.head.recordedAt = max(domain.Instant(recordedAt), w.store.now())
	if !w.store.vault.Current(exchanges) {
		return &keysExchanged{exchanges}
	}
	return nil
}

// A keysExchanged ends an attempt: another process has exchanged the wrapping keys,
// and they have to be read again, which isn't done under the lock, since that may
// ask a key management service.
type keysExchanged struct{ exchanges int64 }

func (*keysExchanged) Error() string { return "the wrapping keys have been exchanged" }

// planner gathers what the decisions rest on: of users it asks again only about
// those who may have come since, unless there was an erasure since.
func (w *writer) planner(ctx context.Context, look bool) (*planner, error) {
	p := w.batch
	states, err := w.states(ctx)
	if err != nil {
		return nil, err
	}
	pl := &planner{store: w.store, batch: p, states: states, known: make(map[vault.Hash]recorded, len(p.entries))}
	if look {
		if err := w.findKnown(ctx, pl); err != nil {
			return nil, err
		}
	}
	return pl, nil
}

// states returns what is known of the batch's subjects now. The planner moves
// it along as it makes and erases users, so it is the prepared one only where
// there is neither to do.
func (w *writer) states(ctx context.Context) (map[vault.Hash]vault.SubjectState, error) {
	p := w.batch
	again := p.subjects
	states := make(map[vault.Hash]vault.SubjectState, len(p.subjects))
	if p.erasures == w.head.erasures {
		again = nil
		for _, subject := range p.subjects {
			if p.states[subject].User == nil {
				again = append(again, subject)
			}
		}
		if len(again) == 0 && !p.erases {
			return p.states, nil
		}
		maps.Copy(states, p.states)
	}
	now, err := w.store.vault.SubjectStates(ctx, w.tx, w.head.erasures, again)
	if err != nil {
		return nil, err
	}
	maps.Copy(states, now)
	return states, nil
}

// findKnown reads which of the batch's identities are recorded already, and
// the users of those.
func (w *writer) findKnown(ctx context.Context, pl *planner) error {
	var identities [][]byte
	for i := range w.batch.entries {
		if e := &w.batch.entries[i]; e.event != nil {
			identities = append(identities, e.identity[:])
		}
	}
	users := map[sqldb.UUID]bool{}
	for chunk := range slices.Chunk(identities, sqldb.MaxKeys) {
		if err := w.readKnown(ctx, chunk, pl.known, users); err != nil {
			return fmt.Errorf("look for recorded events: %w", err)
		}
	}
	owners, err := w.store.vault.Users(ctx, w.tx, w.head.erasures, slices.Collect(maps.Keys(users)))
	if err != nil {
		return err
	}
	for identity, r := range pl.known {
		r.owner = owners[r.user]
		pl.known[identity] = r
	}
	return nil
}

func (w *writer) readKnown(ctx context.Context, identities [][]byte, known map[vault.Hash]recorded, users map[sqldb.UUID]bool) error {
	condition, args := sqldb.In(w.store.db.Dialect(), "identity", 1, identities)
	rows, err := w.tx.QueryContext(ctx, "SELECT identity, user_key, content FROM events WHERE "+condition, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var identity, content []byte
		var user sqldb.UUID
		if err := rows.Scan(&identity, &user, &content); err != nil {
			return err
		}
		known[vault.Hash(identity)] = recorded{user: user, content: vault.Hash(content)}
		users[user] = true
	}
	return rows.Err()
}

// moveHead takes the positions for what is appended.
func (w *writer) moveHead(ctx context.Context) error {
	n := len(w.plan.appended)
	if n == 0 {
		return nil
	}
	w.account.First = w.head.position + 1
	err := w.tx.QueryRowContext(ctx, `UPDATE log_head SET position = position + $1, recorded_at = $2, erasures = erasures + $3
		RETURNING position, erasures`, n, sqldb.Micros(w.head.recordedAt), len(w.plan.erasures)).
		Scan(&w.head.position, &w.head.erasures)
	if err != nil {
		return fmt.Errorf("take positions: %w", err)
	}
	w.account.Last = w.head.position
	return nil
}

func (w *writer) writeUsers(ctx context.Context) error {
	if len(w.plan.newUsers) == 0 {
		return nil
	}
	return w.store.vault.Insert(ctx, w.tx, w.plan.newUsers)
}

// eventColumns are the columns of events in the order in which they are
// written and read.
var eventColumns = []string{"position", "recorded_at", "time", "type", "user_key", "source", "id", "data", "sealed", "identity", "content"}

func (w *writer) writeEvents(ctx context.Context) error {
	if len(w.plan.appended) == 0 {
		return nil
	}
	n, err := w.tx.CopyIn(ctx, "events", eventColumns, sqldb.RowsOf(len(w.plan.appended), len(eventColumns), w.eventRow))
	w.account.Appended = int(n)
	return err
}

// noData stands for the data of an event that has none.
var noData = []byte("{}")

func (w *writer) eventRow(i int, row []any) {
	e := w.plan.appended[i]
	row[0], row[1], row[2] = int64(w.account.First)+int64(i), sqldb.Micros(w.head.recordedAt), sqldb.Micros(e.event.Time)
	row[3], row[4] = string(e.event.Type), e.user.Pseudonym
	row[5], row[6] = e.event.Source, e.event.ID
	row[7], row[8] = e.event.Public, e.sealed
	if len(e.event.Public) == 0 || e.event.Type == domain.UserErased {
		row[7] = noData
	}
	row[9], row[10] = e.identity[:], e.content[:]
}

// writeErasures destroys what has to be forgotten of the users whom the batch
// erases.
func (w *writer) writeErasures(ctx context.Context) error {
	for _, erasure := range w.plan.erasures {
		if err := w.store.vault.Erase(ctx, w.tx, erasure); err != nil {
			return err
		}
		if _, err := w.tx.ExecContext(ctx, "DELETE FROM refused WHERE subject = $1", erasure.Subject[:]); err != nil {
			return fmt.Errorf("delete the refused events of an erased user: %w", err)
		}
	}
	return nil
}

// check makes sure that every message ended as one of the three.
func (w *writer) check() error {
	a := &w.account
	if a.Appended != len(w.plan.appended) || a.Appended+a.Duplicates+a.Refused != len(w.batch.entries) {
		return fmt.Errorf("the account of the batch doesn't add up: %d appended (of %d), %d duplicates and %d refused of %d messages",
			a.Appended, len(w.plan.appended), a.Duplicates, a.Refused, len(w.batch.entries))
	}
	return nil
}
