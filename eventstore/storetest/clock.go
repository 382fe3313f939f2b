// This file is a clock that tests move by hand.

package storetest

import (
	"sync/atomic"
	"time"

	"boxoffice/domain"
)

// A Clock stands still until it is moved. It is safe for concurrent use.
type Clock struct{ ahead atomic.Int64 }

// Now returns the instant that the clock shows.
func (c *Clock) Now() domain.Instant { return Now + domain.Instant(c.ahead.Load()) }

// Move moves the clock; a negative length moves it back.
func (c *Clock) Move(d time.Duration) { c.ahead.Add(d.Microseconds()) }
