package projections

import "boxoffice/internal/sqldb"

// Unavailable says that an error comes from a database that can't do its work
// now, rather than from what was asked: asking again later may help.
func Unavailable(err error) bool { return sqldb.Unavailable(err) }
