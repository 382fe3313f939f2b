package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"boxoffice/domain"
	"boxoffice/wire"
)

// event writes a structured event; more are members, each as name and JSON.
func event(id, eventType string, more ...string) string {
	members := []string{
		`"specversion":"1.0"`, `"source":"/test"`, `"subject":"ana"`, `"time":"2026-11-23T11:00:00Z"`,
		`"id":` + strconv.Quote(id), `"type":` + strconv.Quote(eventType),
	}
	data := `{}`
	for i := 0; i < len(more); i += 2 {
		if more[i] == "data" {
			data = more[i+1]
			continue
		}
		members = append(members, strconv.Quote(more[i])+":"+more[i+1])
	}
	return "{" + strings.Join(append(members, `"data":`+data), ",") + "}"
}

func TestPublishOne(t *testing.T) {
	h := newHarness(t, nil)
	body := event("1", "user.registered", "data", `{"email":"ana@example.org"}`)
	var got publishResult
	h.publish("publisher", wire.StructuredType, body, nil).ok(http.StatusAccepted).decode(&got)
	if diff := cmp.Diff(publishResult{Accepted: 1, Refused: []refusedEntry{}}, got); diff != "" {
		t.Error(diff)
	}
	want := []wire.Message{{
		Subject: "boxoffice.events.user.registered",
		Header:  map[string][]string{"content-type": {wire.StructuredType}, wire.HeaderReceivedAt: {"2026-11-23T12:00:00.000000Z"}},
		Data:    []byte(body),
	}}
	if diff := cmp.Diff(want, h.broker.got); diff != "" {
		t.Error(diff)
	}
}

func TestPublishBatchKeepsGoodAroundBad(t *testing.T) {
	h := newHarness(t, nil)
	batch := []string{
		event("good 1", "user.registered"),
		`{"id":"twice","id":"twice"}`,
		`{"specversion":"1.0","id":"no source"}`,
		event("unknown", "user.renamed"),
		strings.Replace(event("future", "user.updated"), "11:00:00Z", "12:05:00.000001Z", 1),
		event("data", "rental.started", "data", `{"rental_id":"r"}`),
		`"text"`,
		"\"\xff\"",
		`{"deep":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "}",
		event("large", "user.updated", "data", `{"email":"`+strings.Repeat("a", domain.MaxEventBytes)+`"}`),
		strings.Replace(event("good 2", "user.updated"), "11:00:00Z", "12:05:00Z", 1),
	}
	var got publishResult
	h.publish("publisher", wire.BatchType, "["+strings.Join(batch, ",")+"]", nil).ok(http.StatusAccepted).decode(&got)
	if got.Accepted != 2 {
		t.Errorf("%d are accepted", got.Accepted)
	}
	type verdict struct {
		Index  int
		ID     *string
		Reason string
	}
	var verdicts []verdict
	for _, r := range got.Refused {
		if r.Message == "" {
			t.Errorf("no message for %d", r.Index)
		}
		verdicts = append(verdicts, verdict{r.Index, r.ID, r.Reason})
	}
	want := []verdict{
		{1, nil, "malformed"},
		{2, new("no source"), "invalid_attribute"},
		{3, new("unknown"), "unknown_type"},
		{4, new("future"), "in_future"},
		{5, new("data"), "invalid_data"},
		{6, nil, "malformed"},
		{7, nil, "malformed"},
		{8, nil, "malformed"},
		{9, nil, "too_large"},
	}
	for i := range verdicts {
		if verdicts[i].Reason == "malformed" || verdicts[i].Reason == "too_large" {
			verdicts[i].ID = nil // whether it can be read there is for the judge to say
		}
	}
	if diff := cmp.Diff(want, verdicts); diff != "" {
		t.Error(diff)
	}
	if len(h.broker.got) != len(batch) {
		t.Fatalf("%d of %d went on: what is refused is kept too", len(h.broker.got), len(batch))
	}
	for i, o := range h.broker.got {
		if i == 9 {
			if diff := cmp.Diff(batch[9][:domain.KeptOfTooLarge], string(o.Data)); diff != "" || o.Header[wire.HeaderRefused][0] != "too_large" {
				t.Errorf("of the one that is too large went on %q %v", o.Data, o.Header)
			}
			continue
		}
		if diff := cmp.Diff(batch[i], string(o.Data)); diff != "" {
			t.Errorf("%d isn't as it came: %s", i, diff)
		}
	}
}

// Whatever the API says of an event, ingest must say again when it judges what
// the API has published.
func TestWhatIsPublishedIsJudgedTheSame(t *testing.T) {
	good := header{"Ce-Specversion": "1.0", "Ce-Id": "b%20in", "Ce-Source": "/test", "Ce-Type": "user.registered", "Ce-Subject": "%C3%A9va", "Ce-Time": "2026-11-23T11:00:00+01:00", "Ce-Traceparent": "00-1"}
	with := func(name, value string) header {
		all := header{}
		maps.Copy(all, good)
		all[name] = value
		return all
	}
	limit := func(size int) string { // a body that fills the event up to the size
		used := 0
		for k, v := range good {
			used += len(k) + len(v) + 4
		}
		used += len("Content-Type") + len(jsonType) + 4
		return `{"x":"` + strings.Repeat("a", size-used-len(`{"x":""}`)) + `"}`
	}
	for name, c := range map[string]struct {
		contentType, body string
		headers           header
		reason            domain.Reason
	}{
		"structured":            {wire.StructuredType, event("1", "user.registered"), nil, ""},
		"structured bad":        {wire.StructuredType, event("1", "user.registered", "data", `[]`), nil, domain.InvalidData},
		"structured array":      {wire.StructuredType, `[]`, nil, domain.Malformed},
		"structured marked":     {wire.StructuredType, "\ufeff" + event("1", "user.updated"), nil, domain.Malformed},
		"structured deep":       {wire.StructuredType, strings.Repeat("[", 50_000) + strings.Repeat("]", 50_000), nil, domain.Malformed},
		"structured twice":      {wire.StructuredType, `{"a":1,"a":1}`, nil, domain.Malformed},
		"structured utf-8":      {wire.StructuredType, "{\"a\":\"\xff\"}", nil, domain.Malformed},
		"structured surrogate":  {wire.StructuredType, `{"a":"\ud800"}`, nil, domain.Malformed},
		"binary":                {jsonType, `{"email":null}`, good, ""},
		"binary charset":        {jsonType + "; charset=utf-8", `{"email":null}`, good, ""},
		"binary no type":        {"", `{"email":null}`, good, ""},
		"binary text":           {"text/plain", `{}`, good, domain.InvalidAttribute},
		"binary no JSON":        {jsonType, `{`, good, domain.InvalidData},
		"binary empty":          {jsonType, ``, good, domain.InvalidData},
		"binary bad version":    {jsonType, `{}`, with("Ce-Specversion", "2.0"), domain.InvalidAttribute},
		"binary no version":     {jsonType, `{}`, with("Ce-Specversion", ""), domain.InvalidAttribute},
		"binary unknown":        {jsonType, `{}`, with("Ce-Type", "a.b"), domain.UnknownType},
		"binary future":         {jsonType, `{}`, with("Ce-Time", "2026-11-23T12:05:01Z"), domain.InFuture},
		"binary bad extension":  {jsonType, `{}`, with("Ce-Trace_parent", "x"), domain.InvalidAttribute},
		"binary at the limit":   {jsonType, limit(domain.MaxEventBytes), good, ""},
		"binary over the limit": {jsonType, limit(domain.MaxEventBytes + 1), good, domain.TooLarge},
		"structured over limit": {wire.StructuredType, event("1", "user.updated", "data", `{"a":"`+strings.Repeat("a", domain.MaxEventBytes)+`"}`), nil, domain.TooLarge},
		"huge number":           {wire.StructuredType, event("1", "user.updated", "data", `{"email":`+strings.Repeat("9", 400)+`}`), nil, domain.InvalidData},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, nil)
			a := h.publish("publisher", c.contentType, c.body, c.headers)
			var got publishResult
			a.decode(&got)
			if want := map[bool]int{true: 202, false: 422}[c.reason == ""]; a.Code != want {
				t.Fatalf("the answer is %d: %s", a.Code, a.Body)
			}
			if c.reason != "" && got.Refused[0].Reason != string(c.reason) {
				t.Errorf("it is refused as %s: %s", got.Refused[0].Reason, got.Refused[0].Message)
			}
			if len(h.broker.got) != 1 {
				t.Fatalf("%d went on", len(h.broker.got))
			}
			o := h.broker.got[0]
			if c.reason == domain.TooLarge {
				if o.Header[wire.HeaderRefused][0] != "too_large" || len(o.Data) != domain.KeptOfTooLarge {
					t.Errorf("went on: %v, %d bytes", o.Header, len(o.Data))
				}
				return
			}
			there := received(o)
			m, e, r := there.Message, there.Event, there.Refusal
			if m.Binary != (c.headers != nil) {
				t.Errorf("binary: %v", m.Binary)
			}
			switch {
			case c.reason == "" && e == nil:
				t.Errorf("ingest refuses it: %v", r)
			case c.reason != "" && (r == nil || r.Reason != c.reason || r.Message != got.Refused[0].Message):
				t.Errorf("ingest says %v, the API said %+v", r, got.Refused[0])
			}
			if c.headers != nil && e != nil && (e.Subject != "éva" || e.ID != "b in") {
				t.Errorf("the attributes came out as %q, %q", e.Subject, e.ID)
			}
		})
	}
}

func TestRepeatedHeaderIsRefused(t *testing.T) {
	h := newHarness(t, nil)
	r := httptest.NewRequest(http.MethodPost, "/v1/events", strings.NewReader(`{}`))
	for name, value := range map[string]string{"Authorization": "Bearer admin", "Content-Type": jsonType, "Ce-Specversion": "1.0", "Ce-Id": "1", "Ce-Source": "/", "Ce-Type": "user.updated", "Ce-Time": "2026-11-23T11:00:00Z"} {
		r.Header.Set(name, value)
	}
	r.Header["Ce-Subject"] = []string{"ana", "bob"}
	var got publishResult
	h.serve(r).ok(http.StatusUnprocessableEntity).decode(&got)
	if got.Refused[0].Reason != "invalid_attribute" {
		t.Errorf("%+v", got)
	}
}

func TestDryRunPublishesNothing(t *testing.T) {
	h := newHarness(t, nil)
	auth := header{"Authorization": "Bearer publisher", "Content-Type": wire.StructuredType}
	h.do(http.MethodPost, "/v1/events?dry_run=true", event("1", "user.updated"), auth).ok(http.StatusAccepted)
	h.do(http.MethodPost, "/v1/events?dry_run=true", event("1", "nothing.known"), auth).ok(http.StatusUnprocessableEntity)
	if len(h.broker.got) != 0 {
		t.Errorf("published: %v", h.broker.got)
	}
	h.do(http.MethodPost, "/v1/events?dry_run=false", event("1", "user.updated"), auth).ok(http.StatusAccepted)
	if len(h.broker.got) != 1 {
		t.Errorf("not published")
	}
	h.do(http.MethodPost, "/v1/events?dry_run=perhaps", event("1", "user.updated"), auth).invalid("query.dry_run")
}

func TestEmptyBatch(t *testing.T) {
	h := newHarness(t, nil)
	a := h.publish("publisher", wire.BatchType, " [ ] ", nil).ok(http.StatusAccepted)
	if got := strings.TrimSpace(a.Body.String()); got != `{"accepted":0,"refused":[]}` {
		t.Error(got)
	}
}

func TestWhatCannotBeReadAsEventsIsNotKept(t *testing.T) {
	h := newHarness(t, nil)
	many := "[" + strings.Repeat("{},", wire.MaxBatchEvents) + "{}]"
	for name, c := range map[string]struct {
		contentType, body string
		status            int
	}{
		"empty":               {wire.StructuredType, "", 400},
		"blank":               {wire.StructuredType, " \n", 400},
		"not JSON":            {wire.StructuredType, "hello", 400},
		"cut off":             {wire.StructuredType, event("1", "user.updated")[:40], 400},
		"two values":          {wire.StructuredType, "{} {}", 400},
		"deep and cut off":    {wire.StructuredType, strings.Repeat("[", 100_000), 400},
		"large and cut off":   {wire.StructuredType, `{"a":"` + strings.Repeat("a", 300_000), 400},
		"batch: empty":        {wire.BatchType, "", 400},
		"batch: marked":       {wire.BatchType, "\ufeff[]", 400},
		"batch: cut off":      {wire.BatchType, "[" + event("1", "user.updated") + ",", 400},
		"batch: cut in event": {wire.BatchType, "[" + event("1", "user.updated")[:50], 400},
		"batch: not JSON":     {wire.BatchType, "[nothing]", 400},
		"batch: an object":    {wire.BatchType, event("1", "user.updated"), 400},
		"batch: a text":       {wire.BatchType, `"[]"`, 400},
		"batch: two":          {wire.BatchType, "[] []", 400},
		"batch: deep, cut":    {wire.BatchType, strings.Repeat("[", 100_000), 400},
		"batch: deepest":      {wire.BatchType, strings.Repeat("[", 16<<20), 400},
		"batch: 10,001":       {wire.BatchType, many, 413},
		"batch: 8 million":    {wire.BatchType, "[" + strings.Repeat("0,", (wire.MaxRequestBytes-4)/2) + "0]", 413},
		"17 MiB":              {wire.StructuredType, strings.Repeat(" ", 17<<20), 413},
		"batch: 17 MiB":       {wire.BatchType, "[" + strings.Repeat(" ", 17<<20), 413},
		"JSON":                {jsonType, event("1", "user.updated"), 415},
		"XML":                 {"application/cloudevents+xml", "<a/>", 415},
		"no type":             {"", event("1", "user.updated"), 415},
		"Latin-1":             {wire.StructuredType + "; charset=iso-8859-1", "{}", 415},
	} {
		t.Run(name, func(t *testing.T) {
			h.publish("admin", c.contentType, c.body, nil).problem(c.status)
		})
	}
	h.publish("admin", wire.StructuredType, "{}", header{"Content-Encoding": "gzip"}).problem(415)
	if len(h.broker.got) != 0 {
		t.Errorf("kept: %v", h.broker.got)
	}
	h.publish("admin", wire.StructuredType+"; charset=UTF-8", event("1", "user.updated"), nil).ok(202)
	h.publish("admin", wire.BatchType, "["+strings.Repeat(event("1", "user.updated")+",", wire.MaxBatchEvents-1)+event("1", "user.updated")+"]", nil).ok(202)
}

// A body whose length isn't said beforehand is cut at 16 MiB all the same.
func TestChunkedBodyHasALimit(t *testing.T) {
	h := newHarness(t, nil)
	r := httptest.NewRequest(http.MethodPost, "/v1/events", io.MultiReader(strings.NewReader("["), endless{}))
	r.ContentLength = -1
	r.Header.Set("Authorization", "Bearer admin")
	r.Header.Set("Content-Type", wire.BatchType)
	h.serve(r).problem(http.StatusRequestEntityTooLarge)
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestBodyThatBreaksOff(t *testing.T) {
	h := newHarness(t, nil)
	r := httptest.NewRequest(http.MethodPost, "/v1/events", io.MultiReader(strings.NewReader("[{"), broken{}))
	r.ContentLength = -1
	r.Header.Set("Authorization", "Bearer admin")
	r.Header.Set("Content-Type", wire.BatchType)
	h.serve(r).problem(http.StatusBadRequest)
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestKeysAreLimitedToTypes(t *testing.T) {
	h := newHarness(t, nil)
	playback := event("p", "playback.started", "data", `{"session_id":"s","content_id":"c"}`)
	erasure := strings.Replace(event("e", "user.erased"), `,"data":{}`, "", 1)
	retraction := event("r", "event.retracted", "data", `{"source":"s","id":"e"}`)
	for _, c := range []struct {
		key    string
		events []string
		status int
		named  []string
	}{
		{"publisher", []string{playback, retraction}, 403, []string{"body[1]"}},
		{"eraser", []string{retraction}, 403, []string{"body[0]"}},
		{"retracter", []string{playback, retraction}, 202, nil},
		{"retracter", []string{erasure}, 403, []string{"body[0]"}},
		{"admin", []string{retraction}, 202, nil},
		{"playback", []string{playback}, 202, nil},
		{"playback", []string{playback, event("u", "user.updated"), playback, event("x", "not.known")}, 403, []string{"body[1]", "body[3]"}},
		{"playback", []string{playback, `{}`}, 202, nil},                                           // no type that could be forbidden
		{"playback", []string{event("u", "user.updated", "data", `[]`)}, 403, []string{"body[0]"}}, // refused or not
		{"publisher", []string{playback, erasure}, 403, []string{"body[1]"}},
		{"eraser", []string{playback, erasure}, 202, nil},
		{"admin", []string{erasure}, 202, nil},
	} {
		for _, query := range []string{"", "?dry_run=true"} {
			h.broker.got = nil
			a := h.do(http.MethodPost, "/v1/events"+query, "["+strings.Join(c.events, ",")+"]", header{"Authorization": "Bearer " + c.key, "Content-Type": wire.BatchType})
			if c.status == 202 {
				a.ok(202)
				continue
			}
			var named []string
			for _, e := range a.problem(c.status).Errors {
				named = append(named, e.Location)
			}
			if diff := cmp.Diff(c.named, named); diff != "" {
				t.Errorf("%s, %v: %s", c.key, c.events, diff)
			}
			if len(h.broker.got) != 0 {
				t.Errorf("%s, %v: something was published", c.key, c.events)
			}
		}
	}
}

func TestBrokerThatCannotTakeEvents(t *testing.T) {
	h := newHarness(t, nil)
	h.broker.fail = errBroken
	for _, body := range []string{event("1", "user.updated"), event("1", "not.known")} {
		a := h.publish("publisher", wire.StructuredType, body, nil)
		p := a.problem(http.StatusServiceUnavailable)
		if a.Header().Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		if strings.Contains(p.Detail, "secret") {
			t.Errorf("the answer tells the error: %s", p.Detail)
		}
	}
}

// What the API says of a refused event quotes nothing of it.
func TestRefusalsQuoteNothing(t *testing.T) {
	h := newHarness(t, nil)
	secret := "hunter2"
	a := h.publish("publisher", wire.BatchType, fmt.Sprintf(`[%s,%s,%s]`,
		event(secret, "user.updated", "data", `{"email":{"x":"`+secret+`"}}`),
		event("1", secret),
		event("1", "rental.started", "data", `{"rental_id":"r","content_id":"c","currency":"`+secret+`"}`)), nil).ok(422)
	var got publishResult
	a.decode(&got)
	for _, r := range got.Refused {
		if strings.Contains(r.Message, secret) {
			t.Errorf("%q", r.Message)
		}
	}
	if bytes.Contains(h.log.Bytes(), []byte(secret)) {
		t.Errorf("the log has it: %s", h.log)
	}
}

func FuzzPublish(f *testing.F) {
	f.Add(wire.StructuredType, []byte(event("1", "user.updated")))
	f.Add(wire.BatchType, []byte("["+event("1", "user.updated")+"]"))
	f.Add(jsonType, []byte("{}"))
	h := newHarness(&testing.T{}, nil)
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		h.t = t
		r := httptest.NewRequest(http.MethodPost, "/v1/events", bytes.NewReader(body))
		r.Header.Set("Authorization", "Bearer admin")
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("Ce-Specversion", "1.0")
		a := h.serve(r)
		if a.Code >= 500 || !json.Valid(a.Body.Bytes()) {
			t.Errorf("%d %s", a.Code, a.Body)
		}
	})
}
