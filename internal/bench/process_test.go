package bench

import (
	"context"
	"errors"
	"strings"
	"testing"

	"boxoffice/internal/sqldb"
)

// A side that fails says why, and a measurement of which the work isn't whole
// is none.
func TestWhatIsNotDoneIsNotMeasured(t *testing.T) {
	b := smallBench(t, sqldb.SQLite)
	if _, err := b.run(context.Background(), "x", Spec{Side: "nobody"}); err == nil || !strings.Contains(err.Error(), `no side "nobody"`) {
		t.Errorf("the error is %v", err)
	}
	d, err := b.newDatabase(context.Background(), sqldb.SQLite)
	if err != nil {
		t.Fatal(err)
	}
	spec := d.spec("read") // of an empty log
	spec.Events = 5
	if _, err := b.run(context.Background(), "x", spec); err == nil || !strings.Contains(err.Error(), "of 5 events 0 are done") {
		t.Errorf("the error is %v", err)
	}
}

// When the bench is told to stop, so is the side that is at work.
func TestStop(t *testing.T) {
	b := smallBench(t, sqldb.SQLite)
	d, err := b.newDatabase(context.Background(), sqldb.SQLite)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	b.Progress = func(_ string, done, _ int64) {
		if done > 0 {
			stop()
		}
	}
	spec := d.spec("answers")
	spec.Users, spec.Events, spec.Samples = 1<<30, eventsPerUser<<30, 1
	if _, err := b.run(ctx, "x", spec); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}
