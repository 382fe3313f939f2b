// This file has the fuzzer look for schedules that break the read models.

package projectionstest_test

import (
	"testing"

	"pgregory.net/rapid"

	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
	"boxoffice/projections/projectionstest"
)

func FuzzSchedule(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		rapid.MakeFuzz(func(rt *rapid.T) {
			projectionstest.Schedule(t, rt, func(t testing.TB) func() *sqldb.DB { return sqltest.New(t, sqldb.SQLite) })
		})(t, data)
	})
}
