// This file tests that a state is waited for.

package eventually_test

import (
	"errors"
	"testing"

	"boxoffice/internal/eventually"
)

func TestItAsksUntilItHolds(t *testing.T) {
	asked := 0
	eventually.Holds(t, "it was asked five times", func() bool { asked++; return asked == 5 })
	eventually.Succeeds(t, "it was asked five times more", func() error {
		if asked++; asked < 10 {
			return errors.New("it wasn't")
		}
		return nil
	})
	if asked != 10 {
		t.Errorf("it was asked %d times", asked)
	}
}
