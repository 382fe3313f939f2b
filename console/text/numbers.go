// This file writes numbers, amounts and durations.

package text

import (
	"math"
	"strconv"
	"strings"

	"golang.org/x/text/currency"
	"golang.org/x/text/language"
)

// minus is the sign that is as wide as a digit.
const minus = "\u2212"

// Int writes a whole number with its thousands parted.
func (c *Catalogue) Int(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = minus, digits[1:]
	}
	return sign + group(digits, c.T("number.group"))
}

// group puts a separator between each three digits, from the right.
func group(digits, separator string) string {
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString(separator)
		}
		b.WriteRune(d)
	}
	return b.String()
}

// Decimal writes a number with that many decimals, rounded half away from zero.
func (c *Catalogue) Decimal(f float64, decimals int) string {
	whole, fraction, _ := strings.Cut(strconv.FormatFloat(math.Abs(f), 'f', decimals, 64), ".")
	text := group(whole, c.T("number.group"))
	if fraction != "" {
		text += c.T("number.decimal") + fraction
	}
	if f < 0 && strings.ContainsAny(whole+fraction, "123456789") {
		text = minus + text
	}
	return text
}

// Percent writes a share of one, such as 0.19, in percent.
func (c *Catalogue) Percent(share float64, decimals int) string {
	return c.T("number.percent", "n", c.Decimal(share*100, decimals))
}

// Bytes writes a size in powers of 1,024.
func (c *Catalogue) Bytes(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	f, unit := float64(n), 0
	for f >= 1024 && unit < len(units)-1 {
		f, unit = f/1024, unit+1
	}
	decimals := 0
	if unit > 0 && f < 10 {
		decimals = 1
	}
	return c.Decimal(f, decimals) + "\u00a0" + units[unit]
}

// Money writes an amount in minor units of a currency, such as 999 and "EUR".
// A currency that isn't known is written as it is, with its amount in hundredths.
func (c *Catalogue) Money(amount int64, code string) string {
	decimals, symbol := 2, strings.ToUpper(code)
	if unit, err := currency.ParseISO(code); err == nil {
		decimals, _ = currency.Standard.Rounding(unit)
		symbol = c.symbol(unit)
	}
	return c.T("number.money", "symbol", symbol, "amount", c.Decimal(float64(amount)/math.Pow10(decimals), decimals))
}

// symbols are those that nobody takes for those of another currency.
var symbols = map[string]string{"EUR": "€", "GBP": "£", "JPY": "¥"}

func (c *Catalogue) symbol(unit currency.Unit) string {
	if s, ok := symbols[unit.String()]; ok {
		return s
	}
	if unit == currency.USD && c.Tag == language.English.String() {
		return "$"
	}
	return unit.String() + "\u00a0"
}

// Duration writes seconds for people, with as much detail as matters: "25 h 40 min",
// "16 min 59 s", "18 s".
func (c *Catalogue) Duration(seconds float64) string {
	s := int64(math.Round(seconds))
	hours, minutes, rest := s/3600, s/60%60, s%60
	two := func(n int64) string { return pad(n) }
	switch {
	case hours > 0:
		return c.T("duration.hours", "h", c.Int(hours), "m", two(minutes))
	case minutes > 0:
		return c.T("duration.minutes", "m", c.Int(minutes), "s", two(rest))
	default:
		return c.T("duration.seconds", "s", c.Int(rest))
	}
}

// Playhead writes a position in a content as players do: "1:22:47", "4:02".
func Playhead(seconds float64) string {
	s := int64(seconds)
	if hours := s / 3600; hours > 0 {
		return strconv.FormatInt(hours, 10) + ":" + pad(s/60%60) + ":" + pad(s%60)
	}
	return strconv.FormatInt(s/60, 10) + ":" + pad(s%60)
}

func pad(n int64) string {
	if n < 10 {
		return "0" + strconv.FormatInt(n, 10)
	}
	return strconv.FormatInt(n, 10)
}
