package eventstore

import (
	"context"
	"errors"

	"boxoffice/domain"
	"boxoffice/eventstore/vault"
	"boxoffice/internal/sqldb"
)

type Options struct {
	// Now is the clock; nil: the system's.
	Now func() domain.Instant
	// CachedUsers bounds the cache of users' keys; 0: 131,072.
	CachedUsers int
}
type Store struct{}

// Open opens the log of a database (in a schema of its own: db is the whole database's handle and isn't closed), migrating it unless opts say not to.
func Open(ctx context.Context, db *sqldb.DB, master vault.MasterKey, opts Options) (*Store, error) {
	return nil, errors.ErrUnsupported
}
func (s *Store) Close() error                                         { return nil }
func Migrate(ctx context.Context, db *sqldb.DB) error                 { return nil }
func (s *Store) Append(ctx context.Context, b Batch) (Account, error) { return Account{}, nil }
func (s *Store) Read(ctx context.Context, after Position, limit int) ([]Record, error) {
	return nil, nil
}
func (s *Store) ReadSealed(ctx context.Context, q SealedQuery) (SealedPage, error) {
	return SealedPage{}, nil
}
func (s *Store) Unseal(ctx context.Context, rows []SealedRecord) ([]Record, error) { return nil, nil }
func (s *Store) Head(ctx context.Context) (Head, error)                            { return Head{}, nil }
func (s *Store) Wait(ctx context.Context, after Position) error                    { return nil }
func (s *Store) Lookup(ctx context.Context, source, id string) (Verdict, error) {
	return Verdict{}, nil
}
func (s *Store) UserKey(ctx context.Context, id string) (UserKey, bool, error) {
	return UserKey{}, false, nil
}
func (s *Store) Refused(ctx context.Context, q RefusedQuery) (events []RefusedEvent, next int64, err error) {
	return nil, 0, nil
}
func (s *Store) RefusedEvent(ctx context.Context, id int64) (RefusedEvent, bool, error) {
	return RefusedEvent{}, false, nil
}

// MarkRetried notes that the refused event is sent again as the event (source, eventID): once that is recorded, it leaves the list.
func (s *Store) MarkRetried(ctx context.Context, id int64, source, eventID string) (bool, error) {
	return false, nil
}
func (s *Store) DeleteRefused(ctx context.Context, id int64) (bool, error) { return false, nil }
func (s *Store) PurgeRefused(ctx context.Context) (int64, error)           { return 0, nil }
