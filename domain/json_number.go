// This file reads numbers from their text, exactly: no binary floating point
// comes near a price, a position or the question of whether two events are the
// same.

package domain

import (
	"bytes"
	"strconv"
)

const (
	// maxNumberBytes is the longest that a number may be written.
	maxNumberBytes = 40
	// maxExponent is the furthest that an exponent may be from zero.
	maxExponent = 30
)

// withinLimits says that a valid JSON number is written in no more characters,
// and with no larger an exponent, than boxoffice reads.
func withinLimits(number []byte) bool {
	if len(number) > maxNumberBytes {
		return false
	}
	_, exponent := splitExponent(number)
	return -maxExponent <= exponent && exponent <= maxExponent
}

// splitExponent divides a number into what stands before its exponent and the
// exponent. It is right for numbers of up to maxNumberBytes; one too large to
// be counted comes out as some that is beyond the limit.
func splitExponent(number []byte) (mantissa []byte, exponent int) {
	for i, c := range number {
		if c|0x20 != 'e' {
			continue
		}
		exponent, err := strconv.Atoi(string(number[i+1:]))
		if err != nil {
			exponent = maxExponent + 1
		}
		return number[:i], exponent
	}
	return number, 0
}

// A decimal is the exact value of a number that is within the limits:
// 0.d₁d₂…dₙ × 10^point, with neither d₁ nor dₙ zero; n is 0 for zero.
type decimal struct {
	negative bool
	digits   [maxNumberBytes]byte // '0' to '9'
	n        int
	point    int
}

// decimalOf reads a valid JSON number that is within the limits.
func decimalOf(number []byte) decimal {
	var d decimal
	mantissa, exponent := splitExponent(number)
	if len(mantissa) > 0 && mantissa[0] == '-' {
		d.negative = true
		mantissa = mantissa[1:]
	}
	// The point moves right with each digit before the decimal point from the
	// first that isn't zero on, and left with each zero after it until then.
	fraction := false
	for _, c := range mantissa {
		switch {
		case c == '.':
			fraction = true
			continue
		case c == '0' && d.n == 0:
			if fraction {
				d.point--
			}
			continue
		case d.n < len(d.digits):
			d.digits[d.n] = c
			d.n++
		}
		if !fraction {
			d.point++
		}
	}
	d.point += exponent
	for d.n > 0 && d.digits[d.n-1] == '0' {
		d.n--
	}
	if d.n == 0 {
		return decimal{}
	}
	return d
}

// digit returns the digit at i after the decimal point of 0.d₁d₂…, from 0 on.
func (d *decimal) digit(i int) int64 {
	if i < 0 || i >= d.n {
		return 0
	}
	return int64(d.digits[i] - '0')
}

// compare returns -1, 0 or +1 as d is less than, equal to or greater than o.
func (d *decimal) compare(o *decimal) int {
	if d.sign() != o.sign() {
		if d.sign() < o.sign() {
			return -1
		}
		return 1
	}
	order := 0
	switch {
	case d.point < o.point:
		order = -1
	case d.point > o.point:
		order = 1
	default:
		order = bytes.Compare(d.digits[:d.n], o.digits[:o.n])
	}
	return order * d.sign()
}

func (d *decimal) sign() int {
	switch {
	case d.n == 0:
		return 0
	case d.negative:
		return -1
	}
	return 1
}

// scaled returns d × 10^places, rounded half up, where d isn't negative and the
// result has at most 18 digits.
func (d *decimal) scaled(places int) int64 {
	whole := d.point + places
	var v int64
	for i := range whole {
		v = v*10 + d.digit(i)
	}
	if whole >= 0 && d.digit(whole) >= 5 {
		v++
	}
	return v
}

// integer returns d where it is a whole number of at most 18 digits.
func (d *decimal) integer() (int64, bool) {
	if d.n > max(d.point, 0) || d.point > 18 {
		return 0, false
	}
	v := d.scaled(0)
	if d.negative {
		v = -v
	}
	return v, true
}

// fromZero returns d in thousandths, rounded half up, and 0 where it is negative.
// What comes out has at most 18 digits.
func (d *decimal) fromZero() int64 {
	if d.negative {
		return 0
	}
	return d.scaled(3)
}

// wholeText returns d in decimal where it is a whole number, of however many
// digits the limits let through.
func (d *decimal) wholeText() (string, bool) {
	if d.n == 0 {
		return "0", true
	}
	if d.n > d.point {
		return "", false
	}
	text := make([]byte, 0, 1+d.point)
	if d.negative {
		text = append(text, '-')
	}
	text = append(text, d.digits[:d.n]...)
	for range d.point - d.n {
		text = append(text, '0')
	}
	return string(text), true
}

// appendCanonical appends d in the one way of writing it: a whole number and
// its power of ten. Two numbers are equal exactly where this is.
func (d *decimal) appendCanonical(dst []byte) []byte {
	if d.n == 0 {
		return append(dst, '0')
	}
	if d.negative {
		dst = append(dst, '-')
	}
	dst = append(dst, d.digits[:d.n]...)
	if power := d.point - d.n; power != 0 {
		dst = append(dst, 'e')
		dst = strconv.AppendInt(dst, int64(power), 10)
	}
	return dst
}

// appendInteger appends d, a whole number of at most 18 digits, in decimal.
func (d *decimal) appendInteger(dst []byte) []byte {
	v, _ := d.integer()
	return strconv.AppendInt(dst, v, 10)
}
