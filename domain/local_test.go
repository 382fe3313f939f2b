// These tests hold how a clock's time in a table is read.

package domain_test

import (
	"testing"

	"boxoffice/domain"
)

func TestParseLocal(t *testing.T) {
	for text, want := range map[string]string{
		"2024-03-01T10:20:30":         "2024-03-01T09:20:30Z",
		"2024-03-01 10:20":            "2024-03-01T09:20:00Z",
		"2024-07-01 10:20:30.1234567": "2024-07-01T08:20:30.123456Z",
		"2024-03-31 02:30":            "2024-03-31T01:30:00Z", // skipped
		"2024-10-27 02:30":            "2024-10-27T00:30:00Z", // shown twice
		"1900-01-02 00:00":            "1900-01-01T23:50:39Z",
	} {
		if got, err := calendarOf(t, "Europe/Paris").ParseLocal(text); err != nil || got.String() != want {
			t.Errorf("%s is %s, %v", text, got, err)
		}
	}
	for _, bad := range []string{"", "2024-03-01", "2024-03-01T25:00", "2024-03-01  10:20", "2024-03-01T10:20Z", "10:20", "1899-12-31T00:00", "45352.5"} {
		if got, err := (domain.Calendar{}).ParseLocal(bad); err == nil {
			t.Errorf("%q is %s", bad, got)
		}
	}
}
