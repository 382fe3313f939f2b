// This file has the fuzzer send requests: parameters, headers and bodies.

package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzQuery defends: a query that says what it mustn't is answered as a problem
// that is JSON, and never breaks the service. What is well said gets as far as
// the read models, which aren't there: that is a 503 of the harness.
func FuzzQuery(f *testing.F) {
	for _, path := range []string{"/v1/users", "/v1/events", "/v1/kpis", "/v1/sessions", "/v1/contents", "/v1/refused"} {
		for _, query := range []string{"limit=0", "cursor=AAAA", "as_of=2026-13-01", "from=2026-11&to=x", "sort=name", "a=%zz", "limit=1&limit=2", "q=\x00", "month=2026-11"} {
			f.Add(path, query)
		}
	}
	h := newHarness(&testing.T{}, nil)
	f.Fuzz(func(t *testing.T, path, query string) {
		if !strings.HasPrefix(path, "/v1/") {
			return
		}
		target := &url.URL{Path: path, RawQuery: query + "&not-a-parameter=1"} // so that it never reaches the read models
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL = target
		r.Header.Set("Authorization", "Bearer admin")
		a := httptest.NewRecorder()
		h.handler.ServeHTTP(a, r)
		if a.Code < 300 || a.Code >= 500 {
			t.Errorf("%d %s", a.Code, a.Body)
		}
		if a.Body.Len() > 0 && (!json.Valid(a.Body.Bytes()) || !utf8.Valid(a.Body.Bytes())) {
			t.Errorf("%d, not JSON: %q", a.Code, a.Body)
		}
	})
}

// FuzzBinaryHeaders defends: a binary message with any headers is accepted or
// refused, and the answer says which.
func FuzzBinaryHeaders(f *testing.F) {
	f.Add("Ce-Extra", "%41", "user.updated", []byte(`{}`))
	f.Add("Ce-Id", `"quoted"`, "playback.started", []byte(`{"session_id":"s","content_id":"c"}`))
	f.Add("ce-é", "%zz", "", []byte(``))
	h := newHarness(&testing.T{}, nil)
	f.Fuzz(func(t *testing.T, name, value, kind string, body []byte) {
		r := httptest.NewRequest(http.MethodPost, "/v1/events", bytes.NewReader(body))
		for header, v := range map[string]string{"Authorization": "Bearer admin", "Ce-Specversion": "1.0", "Ce-Id": "1", "Ce-Source": "/s",
			"Ce-Type": kind, "Ce-Subject": "ana", "Ce-Time": "2026-11-01T00:00:00Z", "Content-Type": "application/json"} {
			r.Header.Set(header, v)
		}
		r.Header[name] = append(r.Header[name], value)
		a := httptest.NewRecorder()
		h.handler.ServeHTTP(a, r)
		if a.Code >= 500 || !json.Valid(a.Body.Bytes()) {
			t.Errorf("%d %s", a.Code, a.Body)
		}
	})
}

// FuzzParsePosition defends: a position is a whole number from 0, and is the one
// that is written.
func FuzzParsePosition(f *testing.F) {
	for _, s := range []string{"0", "17", "-1", "+1", "9223372036854775808", " 1", "1_0", "0x1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := parsePosition(s)
		if err != nil {
			return
		}
		written := strings.TrimLeft(strings.TrimPrefix(s, "+"), "0")
		if written == "" || strings.HasPrefix(s, "-") {
			written = "0"
		}
		if n < 0 || strconv.FormatInt(int64(n), 10) != written {
			t.Errorf("%q is read as %d", s, n)
		}
	})
}
