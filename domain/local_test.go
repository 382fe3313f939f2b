// These tests hold how a clock's time in a table is read.

package domain_test

import (
	"testing"
	"time"

	"boxoffice/domain"
)

func TestLocalInstants(t *testing.T) {
	for text, want := range map[string]string{
		"2024-03-01T10:20:30":         "2024-03-01T09:20:30Z",
		"2024-07-01T10:20:30.1234567": "2024-07-01T08:20:30.123456Z",
		"2024-03-31T02:30:00":         "2024-03-31T01:30:00Z", // skipped
		"2024-10-27T02:30:00":         "2024-10-27T00:30:00Z 2024-10-27T01:30:00Z",
		"2024-10-27T02:00:00":         "2024-10-27T00:00:00Z 2024-10-27T01:00:00Z",
		"2024-10-27T01:59:59":         "2024-10-26T23:59:59Z",
		"2024-10-27T03:00:00":         "2024-10-27T02:00:00Z",
		"1900-01-02T00:00:00":         "1900-01-01T23:50:39Z",
		"1911-03-10T23:55:00":         "1911-03-10T23:45:39Z 1911-03-10T23:55:00Z", // the clock went back by 9:21
	} {
		shown, err := time.Parse("2006-01-02T15:04:05", text)
		if err != nil {
			t.Fatal(err)
		}
		first, last, ok := calendarOf(t, "Europe/Paris").LocalInstants(shown)
		got := first.String()
		if last != first {
			got += " " + last.String()
		}
		if got != want || !ok {
			t.Errorf("%s is %s, %v", text, got, ok)
		}
	}
	if _, _, ok := (domain.Calendar{}).LocalInstants(time.Date(1899, 12, 31, 0, 0, 0, 0, time.UTC)); ok {
		t.Error("1899 is read")
	}
}
