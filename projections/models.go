// This file is the handle on the read models of one database: the registry of
// their generations, and the generations that this process has open.

package projections

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"boxoffice/internal/sqldb"
)

// Models are the read models of one database. They are a number of
// generations, of which one is live; the registry says which. On PostgreSQL the
// registry is in the schema boxoffice and generation n in boxoffice_gen_n; on
// SQLite each is a file of its own beside the database's, so that projecting
// doesn't wait for what writes to the log. Models are safe for concurrent use.
type Models struct {
	db       *sqldb.DB // of the whole database; not closed by Models
	registry *sqldb.DB

	mu   sync.Mutex
	open map[int]*generation
}

// ErrNotBuilt is the error of asking read models of which no generation has
// been live yet: no projector has run on this database.
var ErrNotBuilt = errors.New("the read models have not been built yet")

// ErrNewerModels is the error of asking read models that a newer version of
// the program has made.
var ErrNewerModels = errors.New("the read models were made by a newer version of the program")

// Migrate brings the registry of a database up to date, and makes it where there is
// none. Generations are never migrated: a new one is built beside the old.
func Migrate(ctx context.Context, db *sqldb.DB) error {
	if err := db.MigrateSchema(ctx, registrySchema(db.Dialect()), schemaFiles, "schema/registry"); err != nil {
		return fmt.Errorf("the registry of read models: %w", err)
	}
	return nil
}

// Open opens the read models of a database, any handle on which will do. It
// makes and migrates nothing: [Migrate] does. db stays the caller's and
// has to outlive the Models.
func Open(ctx context.Context, db *sqldb.DB) (*Models, error) {
	registry, err := db.Schema(ctx, registrySchema(db.Dialect()))
	if err != nil {
		return nil, fmt.Errorf("open the registry of read models: %w", err)
	}
	return &Models{db: db, registry: registry, open: map[int]*generation{}}, nil
}

// Close closes what Models opened. Nobody may be using them any more.
func (m *Models) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	err := m.registry.Close()
	for number, g := range m.open {
		err = errors.Join(err, g.db.Close())
		delete(m.open, number)
	}
	return err
}

// acquire opens a generation for use, or takes the handle that is open
// already. The caller releases it.
func (m *Models) acquire(ctx context.Context, number int) (*generation, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if g := m.open[number]; g != nil {
		g.users++
		return g, nil
	}
	db, err := m.db.Schema(ctx, generationSchema(m.db.Dialect(), number))
	if err != nil {
		return nil, fmt.Errorf("open generation %d of the read models: %w", number, err)
	}
	g := &generation{number: number, db: db, users: 1}
	// Headers that an earlier version of the program has made don't have it.
	err = m.registry.SQL().QueryRowContext(ctx, "SELECT COALESCE(MAX(renewal_grace), 0) FROM generations WHERE number = $1", number).Scan(&g.renewalGrace)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("look up generation %d of the read models: %w", number, err), db.Close())
	}
	m.open[number] = g
	return g, nil
}

// release says that a generation from acquire is no longer used. Its handle
// stays open for the next who wants it.
func (m *Models) release(g *generation) {
	m.mu.Lock()
	defer m.mu.Unlock()
	g.users--
}

// forget closes the handle on a generation that is about to be dropped, and
// says whether nobody is using it.
func (m *Models) forget(number int) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	g := m.open[number]
	if g == nil {
		return true, nil
	}
	if g.users > 0 {
		return false, nil
	}
	delete(m.open, number)
	return true, g.db.Close()
}

// Live returns the name of the part of the database, as [sqldb.DB.Schema] takes
// it, that has the live generation; it is empty where there is none yet.
func (m *Models) Live(ctx context.Context) (string, error) {
	number, ok, err := m.live(ctx)
	if err != nil || !ok {
		return "", err
	}
	return generationSchema(m.db.Dialect(), number), nil
}
