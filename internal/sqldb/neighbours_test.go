package sqldb_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// TestCancelledNeighbours: a transaction whose context ends in the middle takes
// nothing of another's along, whenever its rolling back is done.
func TestCancelledNeighbours(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		db := open()
		for _, text := range []string{"CREATE TABLE whole (a INTEGER, b INTEGER)", "CREATE TABLE other (a INTEGER)"} {
			if _, err := db.SQL().Exec(text); err != nil {
				t.Fatal(err)
			}
		}
		var ended atomic.Bool
		var cancelled sync.WaitGroup
		cancelled.Go(func() {
			for !ended.Load() {
				ctx, cancel := context.WithTimeout(t.Context(), rand.N(3*time.Millisecond))
				_ = db.InTx(ctx, func(tx *sqldb.Tx) error { // most end too early, as they should
					_, err := tx.ExecContext(ctx, `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
						INSERT INTO other SELECT i FROM n`)
					return err
				})
				cancel()
			}
		})
		const transactions, rows = 1000, 5
		for i := range transactions {
			err := db.InTx(t.Context(), func(tx *sqldb.Tx) error {
				for k := range rows {
					if _, err := tx.ExecContext(t.Context(), "INSERT INTO whole VALUES ($1, $2)", i, k); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Errorf("transaction %d: %v", i, err)
			}
		}
		ended.Store(true)
		cancelled.Wait()
		var whole int
		err := db.SQL().QueryRow("SELECT COUNT(*) FROM (SELECT a FROM whole GROUP BY a HAVING COUNT(*) = 5) w").Scan(&whole)
		if err != nil || whole != transactions {
			t.Errorf("%d of %d transactions are whole, %v", whole, transactions, err)
		}
	})
}
