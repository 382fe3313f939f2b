// This file is how values look on the wire: instants, lengths in seconds,
// rates, and what may be null.

package api

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"boxoffice/domain"
)

// seconds is a length in milliseconds, shown as a number of seconds with no
// more decimals than it has: 12500 is 12.5.
type seconds int64

// MarshalJSON writes the number exactly.
func (s seconds) MarshalJSON() ([]byte, error) { return decimal(int64(s), 3), nil }

// Schema says that it is a number, and a double: without that, generators of
// clients take a float of 32 bits, which has no three decimals for long.
func (s seconds) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeNumber, Format: "double", Description: "Seconds, at most three decimals"}
}

// rate is a ratio in ten-thousandths, shown as a number: 9000 is 0.9.
type rate int64

// MarshalJSON writes the number exactly.
func (r rate) MarshalJSON() ([]byte, error) { return decimal(int64(r), 4), nil }

// Schema says that it is a number.
func (r rate) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeNumber, Format: "double", Description: "At most four decimals"}
}

// decimal writes n ÷ 10^places with no more decimals than it has.
func decimal(n int64, places int) []byte {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	if missing := places + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	whole, fraction := digits[:len(digits)-places], strings.TrimRight(digits[len(digits)-places:], "0")
	if fraction != "" {
		whole += "." + fraction
	}
	return []byte(sign + whole)
}

// change returns count ÷ base − 1 in ten-thousandths, rounded half up; nil where
// base is 0. It is computed in integers, so that a half is a half.
func change(count, base int64) *rate {
	if base == 0 {
		return nil
	}
	// floor(x + 1/2) with x = 10,000·(count−base)/base is
	// floor((20,000·(count−base) + base) / 2·base).
	n := new(big.Int).Sub(big.NewInt(count), big.NewInt(base))
	n.Mul(n, big.NewInt(20_000)).Add(n, big.NewInt(base))
	n.Div(n, big.NewInt(2*base)) // rounds down, base being positive
	r := rate(n.Int64())
	return &r
}

// instant returns the time that is shown for an instant.
func instant(i domain.Instant) time.Time { return i.Time() }

// optionalInstant returns the time that is shown for an instant that may not be
// known.
func optionalInstant(i *domain.Instant) *time.Time {
	if i == nil {
		return nil
	}
	return end(*i)
}

// end returns the time that is shown for the end of a span: none where it never ends.
func end(i domain.Instant) *time.Time {
	if i == domain.Never {
		return nil
	}
	t := i.Time()
	return &t
}

func optionalSeconds(ms *int64) *seconds { return (*seconds)(ms) }

func optionalRate(r *int64) *rate { return (*rate)(r) }

// nullable is an object that may be null. The library knows nullable scalars
// only.
type nullable[T any] struct{ value *T }

func present[T any](v T) nullable[T] { return nullable[T]{&v} }

// MarshalJSON writes the object, or null.
func (n nullable[T]) MarshalJSON() ([]byte, error) { return json.Marshal(n.value) }

// Schema says that it is the object's or null.
func (n nullable[T]) Schema(r huma.Registry) *huma.Schema {
	return &huma.Schema{AnyOf: []*huma.Schema{schemaOf[T](r), {Type: "null"}}}
}

// show maps each of a list.
func show[From, To any](from []From, one func(*From) To) []To {
	to := make([]To, len(from))
	for i := range from {
		to[i] = one(&from[i])
	}
	return to
}
