package pause

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestPausesGrowUpToABound(t *testing.T) {
	seen := map[time.Duration]bool{}
	for range 20 {
		pauses := New(100*time.Millisecond, 700*time.Millisecond)
		for round := range 2 {
			for try, about := range []time.Duration{100, 200, 400, 700, 700, 700} {
				about *= time.Millisecond
				got := pauses.NextBackOff()
				if got < about/2 || got > about*3/2+1 {
					t.Errorf("round %d: pause %d is %s, not about %s", round, try, got, about)
				}
				seen[got] = true
			}
			pauses.Reset()
		}
	}
	if len(seen) < 100 {
		t.Errorf("240 pauses have only %d lengths: who waits for the same tries at the same pace", len(seen))
	}
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began := time.Now()
		if err := Wait(ctx, 3*time.Second); err != nil || time.Since(began) != 3*time.Second {
			t.Errorf("waiting for 3 s took %s: %v", time.Since(began), err)
		}
		if err := Wait(ctx, time.Hour); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 5*time.Second {
			t.Errorf("waiting beyond the context's end ended after %s: %v", time.Since(began), err)
		}
	})
}
