package domain

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// drawNumber draws a JSON number that is within the limits, however odd.
func drawNumber(t *rapid.T, label string) string {
	return rapid.StringMatching(`-?(0|[1-9][0-9]{0,12})(\.[0-9]{1,12})?([eE][+-]?0?[0-9]{1,2})?`).
		Filter(func(s string) bool { return withinLimits([]byte(s)) }).Draw(t, label)
}

func rational(t *rapid.T, s string) *big.Rat {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		t.Fatalf("%s is no number", s)
	}
	return r
}

// TestDecimalIsExact defends: numbers are compared, rounded and told whole
// exactly, against arithmetic on fractions.
func TestDecimalIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawNumber(t, "a"), drawNumber(t, "b")
		x, y := decimalOf([]byte(a)), decimalOf([]byte(b))
		rx, ry := rational(t, a), rational(t, b)
		if got, want := x.compare(&y), rx.Cmp(ry); got != want {
			t.Fatalf("comparing %s with %s gives %d, want %d", a, b, got, want)
		}
		if same := string(x.appendCanonical(nil)) == string(y.appendCanonical(nil)); same != (rx.Cmp(ry) == 0) {
			t.Fatalf("%s and %s: canonical forms %s and %s", a, b, x.appendCanonical(nil), y.appendCanonical(nil))
		}
		if rational(t, string(x.appendCanonical(nil))).Cmp(rx) != 0 {
			t.Fatalf("%s has the canonical form %s", a, x.appendCanonical(nil))
		}
		v, whole := x.integer()
		if want := rx.IsInt() && x.point <= 18; whole != want || whole && rx.Cmp(new(big.Rat).SetInt64(v)) != 0 {
			t.Fatalf("%s as an integer gives %d, %v", a, v, whole)
		}
		if x.sign() >= 0 && x.point <= 10 {
			if got, want := x.scaled(3), halfUp(rx); got != want {
				t.Fatalf("%s gives %d ms, want %d", a, got, want)
			}
		}
	})
}

// halfUp returns a number of seconds in milliseconds: the floor of 1000 s + ½.
func halfUp(s *big.Rat) int64 {
	ms := new(big.Rat).Mul(s, big.NewRat(1000, 1))
	ms.Add(ms, big.NewRat(1, 2))
	return new(big.Int).Div(ms.Num(), ms.Denom()).Int64()
}

// TestNumberLimits defends the limits of a number's text.
func TestNumberLimits(t *testing.T) {
	zeros := strings.Repeat("0", 40)
	for s, ok := range map[string]bool{
		"0": true, "-0": true, "1e30": true, "1E+30": true, "1e-30": true, "0e30": true, "1e0000000000000000000000000000000030": true,
		"1e31": false, "1e-31": false, "0e31": false, "1e999999999999999999999999": false, "-1E-999999999999999999999999": false,
		"1" + zeros[:39]: true, "1" + zeros: false, "-1" + zeros[:39]: false, "0." + zeros[:38]: true, "0." + zeros[:39]: false,
	} {
		if withinLimits([]byte(s)) != ok {
			t.Errorf("%s: want %v", s, ok)
		}
	}
}
