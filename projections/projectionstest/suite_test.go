// This file runs the suite on each engine.

package projectionstest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
	"boxoffice/projections"
	"boxoffice/projections/projectionstest"
)

func TestConformance(t *testing.T) {
	for _, engine := range []sqldb.Engine{sqldb.SQLite, sqldb.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			projectionstest.Test(t, func(t testing.TB) func() *sqldb.DB { return sqltest.New(t, engine) })
		})
	}
}

// The digest is the same on every engine.
func TestDigestOfEngines(t *testing.T) {
	digests := map[sqldb.Engine]projections.Digest{}
	for _, engine := range []sqldb.Engine{sqldb.SQLite, sqldb.Postgres} {
		digests[engine] = projectionstest.DigestOf(t, func(t testing.TB) func() *sqldb.DB { return sqltest.New(t, engine) })
	}
	if diff := cmp.Diff(digests[sqldb.SQLite], digests[sqldb.Postgres]); diff != "" {
		t.Errorf("(-sqlite +postgres):\n%s", diff)
	}
}
