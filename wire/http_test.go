// This file tests how a request says in which mode its events are.

package wire

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"boxoffice/domain"
)

func TestModeOf(t *testing.T) {
	for name, test := range map[string]struct {
		header map[string][]string
		mode   Mode
		err    error
	}{
		"structured":                {map[string][]string{"Content-Type": {StructuredType}}, Structured, nil},
		"in any case, with charset": {map[string][]string{"Content-Type": {"Application/CloudEvents+JSON; charset=UTF-8"}}, Structured, nil},
		"batch":                     {map[string][]string{"Content-Type": {BatchType}}, Batch, nil},
		"binary":                    {map[string][]string{"Content-Type": {"application/json"}, "Ce-Specversion": {"1.0"}}, Binary, nil},
		"binary without a type":     {map[string][]string{"Ce-Specversion": {"1.0"}}, Binary, nil},
		"structured before binary":  {map[string][]string{"Content-Type": {StructuredType}, "Ce-Specversion": {"1.0"}}, Structured, nil},
		"another format":            {map[string][]string{"Content-Type": {"application/cloudevents+xml"}, "Ce-Specversion": {"1.0"}}, 0, ErrMediaType},
		"nothing":                   {nil, 0, ErrMediaType},
		"another charset":           {map[string][]string{"Content-Type": {BatchType + "; charset=latin1"}}, 0, ErrCharset},
		"compressed":                {map[string][]string{"Content-Type": {StructuredType}, "Content-Encoding": {"gzip"}}, 0, ErrEncoded},
	} {
		if mode, err := ModeOf(test.header); mode != test.mode || !errors.Is(err, test.err) {
			t.Errorf("%s: %v, %v, want %v, %v", name, mode, err, test.mode, test.err)
		}
	}
}

// TestBinaryRequest: attributes are in ce- headers and Content-Type; the request's
// own headers are no part of the event, and don't count.
func TestBinaryRequest(t *testing.T) {
	got := BinaryRequest(map[string][]string{"Ce-Specversion": {"1.0"}, "Ce-Id": {"2", "1"}, "Content-Type": {"application/json"},
		"Authorization": {"Bearer x"}, "Ce": {"y"}}, []byte("{}"))
	want := &domain.Message{Binary: true, Body: []byte("{}"), HeaderBytes: 21 + 2*10 + 32, Attributes: []domain.Attribute{
		{Name: "id", Value: "2"}, {Name: "id", Value: "1"}, {Name: "specversion", Value: "1.0"}, {Name: "datacontenttype", Value: "application/json"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
