// These tests hold that whoever reads the sealed history can make the entries of
// its events from the answer alone.

package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"boxoffice/eventstore"
	"boxoffice/eventstore/audit"
)

// entryEvents are events whose text a careless encoder would change.
var entryEvents = []string{
	`{"specversion":"1.0","id":"<&> é \u2028","source":"/test?a=b&c","type":"playback.progressed","subject":"ana","time":"2026-11-01T10:00:00.100000Z",
		"data":{ "session_id" : "<&>\u003c\u2028 \u00e9 \" \\ \/", "content_id":"é", "position_s" : 1.50e0, "play_time_s": 10.000, "extra": "personal" }}`,
	`{"specversion":"1.0","id":"2","source":"/test","type":"user.registered","subject":"ana","time":"2026-11-01T11:00:00+01:00","data":{"email":"ana@example.org"},"tenant":"<t>"}`,
	`{"specversion":"1.0","id":"3","source":"/test","type":"subscription.canceled","subject":"bob","time":"2026-11-02T10:00:00.000001Z","data":{"subscription_id":"s"}}`,
	`{"specversion":"1.0","id":"4","source":"/test","type":"user.erased","subject":"ana","time":"2026-11-03T10:00:00Z"}`,
}

func TestEntriesCanBeMadeFromTheSealedHistory(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.happen(entryEvents...)
		page, err := w.store.ReadSealed(t.Context(), eventstore.SealedQuery{Limit: 10})
		if err != nil || len(page.Records) != len(entryEvents) {
			t.Fatal(len(page.Records), err)
		}
		var want []string
		for i := range page.Records {
			want = append(want, string(audit.AppendEntry(nil, &page.Records[i])))
		}
		answer := func(accept string) []byte {
			return w.do(http.MethodGet, "/v1/events", "", header{"Authorization": "Bearer auditor", "Accept": accept}).ok(http.StatusOK).Body.Bytes()
		}
		var events struct{ Events []json.RawMessage }
		if err := json.Unmarshal(answer(jsonType), &events); err != nil {
			t.Fatal(err)
		}
		sameEntries(t, "a page", want, events.Events)
		var lines []json.RawMessage
		for line := range bytes.Lines(answer(ndjsonType)) {
			lines = append(lines, line)
		}
		sameEntries(t, "lines", want, lines)
		server := httptest.NewServer(w.handler)
		defer server.Close()
		stream := openStream(t, server.URL+"/v1/events", "")
		defer stream.close()
		var data []json.RawMessage
		for len(data) < len(want) {
			if text, ok := strings.CutPrefix(stream.line(), "data: "); ok {
				data = append(data, json.RawMessage(text))
			}
		}
		sameEntries(t, "a live stream", want, data)
	})
}

func sameEntries(t *testing.T, form string, want []string, lines []json.RawMessage) {
	t.Helper()
	if len(lines) != len(want) {
		t.Fatalf("%s has %d events, not %d", form, len(lines), len(want))
	}
	for i, line := range lines {
		if got := entryOf(t, line); got != want[i] {
			t.Errorf("%s: %s makes the entry\n%s\nand the row's is\n%s", form, line, got, want[i])
		}
	}
}

// entryOf makes the entry of a recorded event as an auditor would who has nothing
// but its line.
func entryOf(t *testing.T, line []byte) string {
	t.Helper()
	var r struct {
		Position   int64
		RecordedAt time.Time `json:"recorded_at"`
		Event      struct {
			Time                      time.Time
			Type, Source, ID, Subject string
			Data                      json.RawMessage
			Sealed                    []byte
		}
	}
	if err := json.Unmarshal(line, &r); err != nil {
		t.Fatal(err)
	}
	hash := func(b []byte) string {
		sum := sha256.Sum256(b)
		return base64.StdEncoding.EncodeToString(sum[:])
	}
	sealed := ""
	if r.Event.Sealed != nil {
		sealed = hash(r.Event.Sealed)
	}
	const instant = "2006-01-02T15:04:05.000000Z"
	return fmt.Sprintf("boxoffice/v1\n%d\n%s\n%s\n%s\n%s\n%s\n%s\n%s\n%s\n", r.Position, r.RecordedAt.UTC().Format(instant), r.Event.Time.UTC().Format(instant),
		r.Event.Type, r.Event.Source, r.Event.ID, r.Event.Subject, hash(r.Event.Data), sealed)
}
