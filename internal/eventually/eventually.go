// Package eventually lets tests wait for a state instead of for some time.
package eventually

import (
	"errors"
	"time"
)

const (
	// patience is how long a state is waited for: far longer than any takes on a
	// machine that has other work.
	patience = 10 * time.Minute

	minPause, maxPause = 2 * time.Millisecond, 100 * time.Millisecond
)

// TB is what is needed of a test.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Holds waits until something holds, and fails the test where that takes too
// long. It is asked again and again, ever less often.
func Holds(t TB, what string, holds func() bool) {
	t.Helper()
	Succeeds(t, what, func() error {
		if !holds() {
			return errNotYet
		}
		return nil
	})
}

var errNotYet = errors.New("not yet")

// Succeeds is Holds for what says why it doesn't hold yet: the last error is in
// the test's failure.
func Succeeds(t TB, what string, try func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for pause := minPause; ; pause = min(pause*3/2, maxPause) {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain until %s: %v", patience, what, err)
			return
		}
		time.Sleep(pause)
	}
}
