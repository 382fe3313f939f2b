package main

import (
	"context"
	"log"
	"net/http"
	"os"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
)

const target = "http://127.0.0.1:8080/v1/events"

func main() {
	ctx := cloudevents.ContextWithTarget(context.Background(), target)
	key := cehttp.WithHeader("Authorization", "Bearer "+os.Getenv("BOXOFFICE_KEY"))
	client, err := cloudevents.NewClientHTTP(key)
	if err != nil {
		log.Fatal(err)
	}

	registered := event("go-1", "user.registered", "2026-03-02T09:00:00Z",
		map[string]any{"email": "bruno@example.org", "first_name": "Bruno", "country": "PT"})
	started := event("go-2", "subscription.started", "2026-03-02T09:05:00Z",
		map[string]any{"subscription_id": "sub-2", "offer_id": "monthly", "amount": 999, "currency": "EUR"})

	// In binary mode the attributes are headers, in structured mode the body is
	// the whole event. Sending again is safe, so an answer that didn't come is no
	// reason to give up.
	if result := client.Send(cloudevents.ContextWithRetriesExponentialBackoff(ctx, 100*time.Millisecond, 10), registered); !cloudevents.IsACK(result) {
		log.Fatal(result)
	}
	if result := client.Send(cloudevents.WithEncodingStructured(ctx), started); !cloudevents.IsACK(result) {
		log.Fatal(result)
	}

	// A batch is one request for up to 10,000 events.
	batch := []cloudevents.Event{
		event("go-3", "playback.started", "2026-03-02T20:00:00Z",
			map[string]any{"session_id": "s-2", "content_id": "film-7", "content_length_s": 5400}),
		event("go-4", "playback.ended", "2026-03-02T20:10:00Z",
			map[string]any{"session_id": "s-2", "content_id": "film-7", "played": [][]float64{{0, 590.5}}, "play_time_s": 595}),
	}
	req, err := cehttp.NewHTTPRequestFromEvents(ctx, target, batch)
	if err != nil {
		log.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+os.Getenv("BOXOFFICE_KEY"))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		log.Fatal(resp.Status)
	}
}

func event(id, eventType, at string, data map[string]any) cloudevents.Event {
	e := cloudevents.NewEvent()
	e.SetID(id)
	e.SetSource("/platform/go")
	e.SetType(eventType)
	e.SetSubject("bruno")
	happened, err := time.Parse(time.RFC3339, at)
	if err != nil {
		log.Fatal(err)
	}
	e.SetTime(happened)
	if err := e.SetData(cloudevents.ApplicationJSON, data); err != nil {
		log.Fatal(err)
	}
	return e
}
