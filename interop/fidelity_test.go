// This file holds CloudEvents' SDKs to every part of an event: what they were
// given is what the log has, in each mode of each.

package interop

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	jetstream "github.com/cloudevents/sdk-go/protocol/nats_jetstream/v2"
	cloudevents "github.com/cloudevents/sdk-go/v2"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
)

// plain is an event of which headers can hold everything, rich one of which
// they can't: SDKs don't percent-encode. %s is the id.
const (
	plain = `{"specversion": "1.0", "id": %q, "source": "/a-b_c~d/e?f=g#h", "type": "user.registered",
		"subject": "auth0|5f7c@example.org:a/b c", "time": "2026-03-04T05:06:07.89Z",
		"dataschema": "https://example.org/schema#user", "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		"sampled": true, "attempt": -7, "note": "a 'quoted' \"one\" \\",
		"data": {"first_name": "Zoë", "last_name": "O'Brien \"🎬\" {{x}}", "custom": {"n": 12345678901234.5, "none": null, "list": ["a", "é"], "yes": false}, "extra": {"deep": [[1, [2]], {"ü": {}}]}}}`
	rich = `{"specversion": "1.0", "id": %q, "source": "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66", "type": "user.registered",
		"subject": "Zoë 100%% 東京 🎬", "time": "2026-03-04T05:06:07.89Z", "note": "50%% – ½",
		"data": {"email": "zoë@example.org", "first_name": "%%41"}}`
)

func TestEveryPartOfAnEventArrives(t *testing.T) {
	s := serve(t)
	want := map[string]map[string]any{}
	publish := func(mode string, text string, send func(t *testing.T, event []byte)) {
		t.Run(mode, func(t *testing.T) {
			event := fmt.Appendf(nil, text, mode)
			var expected map[string]any
			if err := json.Unmarshal(event, &expected); err != nil {
				t.Fatal(err)
			}
			want[mode] = expected
			send(t, event)
		})
	}
	for _, e := range []struct{ name, text string }{{"plain", plain}, {"rich", rich}} {
		publish("go http structured "+e.name, e.text, s.sendGoHTTP(true))
		publish("go http batch "+e.name, e.text, s.sendGoBatch)
		publish("go nats structured "+e.name, e.text, s.sendGoNATS(true))
		publish("js http structured "+e.name, e.text, s.sendJS("structured"))
	}
	publish("go http binary", plain, s.sendGoHTTP(false))
	publish("go nats binary", plain, s.sendGoNATS(false))
	publish("js http binary", plain, s.sendJS("binary"))

	if t.Failed() {
		return
	}
	s.awaitPosition(t, len(want))
	got := map[string]map[string]any{}
	log := get[struct {
		Events []struct{ Event map[string]any }
	}](t, s, "/v1/events?limit=1000")
	for _, recorded := range log.Events {
		got[recorded.Event["id"].(string)] = recorded.Event
	}
	for _, events := range []map[string]map[string]any{got, want} {
		for _, event := range events {
			asHeadersHaveIt(event)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the log isn't what was published (-published +recorded):\n%s", diff)
	}
}

// asHeadersHaveIt makes text of extensions, since in headers they are nothing
// else.
func asHeadersHaveIt(event map[string]any) {
	for _, name := range []string{"sampled", "attempt"} {
		if value, ok := event[name]; ok {
			event[name] = fmt.Sprint(value)
		}
	}
	delete(event, "datacontenttype") // the SDKs' own
}

func goEvent(t *testing.T, text []byte) cloudevents.Event {
	t.Helper()
	e := cloudevents.NewEvent()
	if err := json.Unmarshal(text, &e); err != nil {
		t.Fatal(err)
	}
	e.SetDataContentType(cloudevents.ApplicationJSON)
	return e
}

func (s *service) target() string { return "http://" + s.httpAddr + "/v1/events" }

func (s *service) sendGoHTTP(structured bool) func(*testing.T, []byte) {
	return func(t *testing.T, text []byte) {
		client, err := cloudevents.NewClientHTTP(cehttp.WithHeader("Authorization", "Bearer "+publisherKey))
		if err != nil {
			t.Fatal(err)
		}
		ctx := cloudevents.ContextWithTarget(t.Context(), s.target())
		if structured {
			ctx = cloudevents.WithEncodingStructured(ctx)
		}
		if result := client.Send(ctx, goEvent(t, text)); !cloudevents.IsACK(result) {
			t.Error(result)
		}
	}
}

func (s *service) sendGoBatch(t *testing.T, text []byte) {
	req, err := cehttp.NewHTTPRequestFromEvents(t.Context(), s.target(), []cloudevents.Event{goEvent(t, text)})
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+publisherKey)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		t.Error(resp.Status)
	}
}

func (s *service) sendGoNATS(structured bool) func(*testing.T, []byte) {
	return func(t *testing.T, text []byte) {
		conn, err := nats.Connect("nats://"+s.natsAddr, nats.Token(publisherKey))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		js, err := conn.JetStream(nats.MaxWait(10 * time.Second))
		if err != nil {
			t.Fatal(err)
		}
		event := goEvent(t, text)
		client, err := cloudevents.NewClient(&jetstream.Sender{Jsm: js, Conn: conn, Stream: "BOXOFFICE", Subject: "boxoffice.events." + event.Type()})
		if err != nil {
			t.Fatal(err)
		}
		ctx := cloudevents.WithEncodingBinary(t.Context())
		if structured {
			ctx = cloudevents.WithEncodingStructured(t.Context())
		}
		if result := client.Send(ctx, event); result != nil {
			t.Error(result)
		}
	}
}

// sendEvent is a program for node: its arguments are the address, the mode and
// the event.
const sendEvent = `
import { CloudEvent, HTTP } from "cloudevents";
const [target, mode, text] = process.argv.slice(2);
const { headers, body } = HTTP[mode](new CloudEvent({ datacontenttype: "application/json", ...JSON.parse(text) }));
const answer = await fetch(target, { method: "POST", body, headers: { ...headers, Authorization: "Bearer ` + publisherKey + `" } });
if (answer.status !== 202) throw new Error(answer.status + " " + await answer.text());
`

func (s *service) sendJS(mode string) func(*testing.T, []byte) {
	return func(t *testing.T, text []byte) {
		dir := nodeDir(t)
		write(t, filepath.Join(dir, "send.mjs"), sendEvent)
		command(t, dir, nil, "node", "send.mjs", s.target(), mode, string(text))
	}
}
