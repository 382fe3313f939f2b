// This file opens a database for those who only look.

package sqldb

import "context"

// OpenReadOnly opens a database as [Open] does, for reading alone: nothing can
// be written through the handle or through those that its Schema returns, and
// nothing is made. A SQLite file has to be there already. It doesn't disturb
// other processes that have the same database open, nor do they disturb it.
func OpenReadOnly(ctx context.Context, url string) (*DB, error) {
	where, err := locate(url)
	if err != nil {
		return nil, err
	}
	switch where := where.(type) {
	case *sqliteLocation:
		where.readOnly = true
	case *postgresLocation:
		where.config.RuntimeParams["default_transaction_read_only"] = "on"
	}
	return where.open(ctx, "")
}
