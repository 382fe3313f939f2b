// This file runs the suite on each engine.

package projectionstest_test

import (
	"flag"
	"testing"

	"github.com/google/go-cmp/cmp"

	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
	"boxoffice/projections"
	"boxoffice/projections/projectionstest"
)

// atOnce is how many cases run beside each other, where the command line doesn't
// say: they wait for each other's leases and ticks more than they work.
const atOnce = "8"

func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		if err := flag.Set("test.parallel", atOnce); err != nil {
			panic(err)
		}
	}
	m.Run()
}

func TestConformance(t *testing.T) {
	for _, engine := range sqltest.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
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
