// This file runs the suite on each engine.

package projectionstest_test

import (
	"testing"

	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
	"boxoffice/projections/projectionstest"
)

func TestConformance(t *testing.T) {
	for _, engine := range []sqldb.Engine{sqldb.SQLite, sqldb.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			projectionstest.Test(t, func(t testing.TB) func() *sqldb.DB { return sqltest.New(t, engine) })
		})
	}
}
