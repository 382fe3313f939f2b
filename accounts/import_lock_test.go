package accounts

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
	"boxoffice/wire"
)

// rowsOf is a file of so many new users without an id, which two imports side by
// side would both make.
func rowsOf(n int) string {
	var file strings.Builder
	file.WriteString("email\n")
	for i := range n {
		fmt.Fprintf(&file, "%d@example.org\n", i)
	}
	return file.String()
}

// An import whose lock has gone with its connection stops before it makes anybody
// whom another import, which has the lock by now, makes too.
func TestImportThatHasLostItsLockStops(t *testing.T) {
	open := sqltest.New(t, sqldb.Postgres)
	w := newWorld(t, open())
	other := mustNew(t, Config{Reader: w.Reader, Log: w.Store, Publisher: w.Platform, Locks: open(), Zone: w.Zone, Clock: clock})
	beside := caller{t, other}
	const rows = windowRows + 10
	w.broker.take = func(ctx context.Context, messages []wire.Message) error {
		// The first lot is on its way when the connection is cut.
		if err := w.PublishBatch(ctx, messages); err != nil {
			return err
		}
		if _, err := beside.tryImport(strings.NewReader(rowsOf(rows)), ImportOptions{}); !errors.Is(err, ErrImportRunning) {
			t.Errorf("beside an import that has its lock: %v", err)
		}
		return sqltest.CutLocks(ctx, w.DB)
	}
	result, err := w.tryImport(strings.NewReader(rowsOf(rows)), ImportOptions{})
	stopped, ok := errors.AsType[*StoppedError](err)
	if !ok || stopped.Created != windowRows || result.Created != windowRows {
		t.Fatalf("it came to %s, %v", inALine(result), err)
	}
	w.unavailable(err)
	beside.comesTo(rowsOf(rows), false, fmt.Sprintf("%d rows: 10 created, 0 updated, %d unchanged", rows, windowRows))
	counts, err := w.Reader.UserCounts(t.Context(), w.service.now())
	if err != nil || counts.Registered != rows {
		t.Errorf("there are %+v users, %v", counts, err)
	}
}
