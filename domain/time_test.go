package domain_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"boxoffice/domain"
)

// TestParseInstant defends: RFC 3339 with an offset, to the microsecond, from
// 1900 to 9999.
func TestParseInstant(t *testing.T) {
	good := map[string]string{
		"2026-11-23T12:00:00Z":                                        "2026-11-23T12:00:00Z",
		"2026-11-23t12:00:00z":                                        "2026-11-23T12:00:00Z",
		"2026-11-23T12:00:00+02:00":                                   "2026-11-23T10:00:00Z",
		"2026-11-23T12:00:00-00:00":                                   "2026-11-23T12:00:00Z",
		"2026-11-23T12:00:00+23:59":                                   "2026-11-22T12:01:00Z",
		"2026-11-23T12:00:00.5Z":                                      "2026-11-23T12:00:00.5Z",
		"2026-11-23T12:00:00.9999999Z":                                "2026-11-23T12:00:00.999999Z",
		"1969-12-31T23:59:59.9999999Z":                                "1969-12-31T23:59:59.999999Z",
		"1969-12-31T23:59:59.0000009Z":                                "1969-12-31T23:59:59Z",
		"2026-11-23T12:00:00.000001-05:30":                            "2026-11-23T17:30:00.000001Z",
		"2024-02-29T00:00:00Z":                                        "2024-02-29T00:00:00Z",
		"2000-02-29T00:00:00Z":                                        "2000-02-29T00:00:00Z",
		"1900-01-01T00:00:00Z":                                        "1900-01-01T00:00:00Z",
		"1899-12-31T23:30:00-01:00":                                   "1900-01-01T00:30:00Z",
		"9999-12-31T23:59:59.999999999Z":                              "9999-12-31T23:59:59.999999Z",
		"2026-11-23T12:00:00.123456" + strings.Repeat("7", 300) + "Z": "2026-11-23T12:00:00.123456Z",
	}
	for s, want := range good {
		got, err := domain.ParseInstant(s)
		if err != nil || got.String() != want {
			t.Errorf("%s gives %v, %v, want %s", s, got, err, want)
		}
	}
	bad := []string{
		"", "Z", "now", "2026-11-23", "2026-11-23T12:00Z", "2026-11-23T12:00:00", "2026-11-23 12:00:00Z", "2026-11-23T12:00:00.Z",
		"2026-11-23T12:00:00,5Z", "2026-11-23T12:00:00+0200", "2026-11-23T12:00:00+02", "2026-11-23T12:00:00+2:00",
		"2026-11-23T12:00:00+24:00", "2026-11-23T12:00:00+02:60", "2026-11-23T12:00:00 Z", " 2026-11-23T12:00:00Z", "2026-11-23T12:00:00Z ",
		"2026-11-23T12:00:00ZZ", "2026-11-23T24:00:00Z", "2026-11-23T12:60:00Z", "2026-11-23T12:00:60Z", "2016-12-31T23:59:60Z",
		"2026-11-31T12:00:00Z", "2026-02-29T12:00:00Z", "1900-02-29T12:00:00Z", "2026-13-01T12:00:00Z", "2026-00-01T12:00:00Z",
		"2026-01-00T12:00:00Z", "2026-11-23T12:00:0xZ", "+026-11-23T12:00:00Z", "-026-11-23T12:00:00Z", "12026-11-23T12:00:00Z",
		"2026-11-23T1２:00:00Z", "2026/11/23T12:00:00Z", "20261123T120000Z", "2026-11-23T12:00:00.5", "2026-W48-1T12:00:00Z",
		"1899-12-31T23:59:59.999999Z", "1900-01-01T00:30:00+01:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-00:01",
	}
	for _, s := range bad {
		if got, err := domain.ParseInstant(s); err == nil {
			t.Errorf("%q gives %v", s, got)
		}
	}
}

// TestParseInstantSaysWhatIsMissing, so that whoever sent it knows what to mend.
func TestParseInstantSaysWhatIsMissing(t *testing.T) {
	for s, want := range map[string]string{
		"":                      "it is empty",
		"yesterday":             "doesn't begin with a date",
		"20261123T120000Z":      "doesn't begin with a date",
		"2026-13-01T12:00:00Z":  "no such month",
		"2026-02-29T12:00:00Z":  "no such day",
		"2026-11-23":            "time of day and the offset are missing",
		"2026-11-23 12:00:00Z":  "there is no T",
		"2026-11-23T":           "time of day is missing",
		"2026-11-23T24:00:00Z":  "no such time of day",
		"2026-11-23T12:00Z":     "seconds are missing",
		"2026-11-23T12:00":      "seconds are missing",
		"2026-11-23T12:00:":     "seconds are missing",
		"2026-11-23T12:00:60Z":  "no such second",
		"2026-11-23T12:00:00":   "offset is missing",
		"2026-11-23T12:00:00.5": "offset is missing",
		"2026-11-23T12:00:00.Z": "decimals of the second are missing",
		"2026-11-23T12:00:00+1": "offset isn't Z",
	} {
		_, err := domain.ParseInstant(s)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "must be a time in RFC 3339 with an offset") {
			t.Errorf("%q: %v, want %s", s, err, want)
		}
	}
}

// TestParseInstantAgreesWithGo defends the arithmetic, against Go's own.
func TestParseInstantAgreesWithGo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seconds := rapid.Int64Range(-2_208_988_800, 253_402_300_799).Draw(t, "seconds")
		nanos := rapid.Int64Range(0, 999_999_999).Draw(t, "nanos")
		offset := rapid.IntRange(-23*60, 23*60).Draw(t, "offset") * 60
		when := time.Unix(seconds, nanos).In(time.FixedZone("", offset))
		if when.Year() < 1000 || when.Year() > 9999 {
			return // Go writes no year of four digits there
		}
		got, err := domain.ParseInstant(when.Format(time.RFC3339Nano))
		if want := domain.Instant(seconds*1_000_000 + nanos/1000); err != nil || got != want {
			t.Fatalf("%s gives %v, %v, want %v", when.Format(time.RFC3339Nano), got, err, want)
		}
	})
}

// FuzzParseInstant defends: nothing panics, and what is read is written again
// as the same instant.
func FuzzParseInstant(f *testing.F) {
	for _, s := range []string{"2026-11-23T12:00:00.5+02:00", "1899-12-31T23:30:00-01:00", "9999-12-31T23:59:59.9999999z", "", "2026-11-23T12:00:00."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		i, err := domain.ParseInstant(s)
		if err != nil {
			return
		}
		if again, err := domain.ParseInstant(i.String()); err != nil || again != i {
			t.Errorf("%q is %v, which is %v, %v", s, i, again, err)
		}
		if want, err := time.Parse(time.RFC3339, strings.ToUpper(s)); err != nil || domain.InstantOf(want) != i {
			t.Errorf("%q is %v, and for Go %v, %v", s, i, want, err)
		}
	})
}
