package main

import (
	"context"
	"log"
	"os"
	"time"

	jetstream "github.com/cloudevents/sdk-go/protocol/nats_jetstream/v2"
	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/nats-io/nats.go"
)

func main() {
	conn, err := nats.Connect("nats://127.0.0.1:4222", nats.Token(os.Getenv("BOXOFFICE_KEY")))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	js, err := conn.JetStream()
	if err != nil {
		log.Fatal(err)
	}

	const eventType = "user.updated"
	// Not jetstream.NewSender: it looks the stream up and would make it, and a
	// publisher may do neither. The subject is the type's, so each type has a
	// sender of its own.
	sender := &jetstream.Sender{Jsm: js, Conn: conn, Stream: "BOXOFFICE", Subject: "boxoffice.events." + eventType}
	client, err := cloudevents.NewClient(sender)
	if err != nil {
		log.Fatal(err)
	}

	e := cloudevents.NewEvent()
	e.SetID("go-nats-1")
	e.SetSource("/platform/accounts")
	e.SetType(eventType)
	e.SetSubject("bruno")
	e.SetTime(time.Date(2026, 3, 3, 9, 0, 0, 0, time.UTC))
	if err := e.SetData(cloudevents.ApplicationJSON, map[string]any{"locale": "pt-PT"}); err != nil {
		log.Fatal(err)
	}

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	// Nil is JetStream's acknowledgement: the event is on the broker's disk.
	if result := client.Send(ctx, e); result != nil {
		log.Fatal(result)
	}
}
