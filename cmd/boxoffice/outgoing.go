// This file gives an event from a file the form in which it is published.

package main

import (
	"github.com/nats-io/nats.go"

	"boxoffice/api"
	"boxoffice/domain"
	"boxoffice/ingest"
)

// unreadableSubject takes what has no type that could be a subject. Ingest
// finds it malformed or of no known type before it looks at the subject.
const unreadableSubject = ingest.SubjectPrefix + "unknown"

// outgoing makes a message of one structured event. One that breaks a rule is
// published too, and kept by the service as refused; then the rule is given.
func outgoing(line []byte, now domain.Instant) (ingest.Outgoing, *domain.Refusal) {
	event, refusal := domain.Decode(&domain.Message{Body: line}, now)
	if refusal == nil {
		return ingest.Outgoing{Subject: ingest.EventSubject(event.Type), Data: line}, nil
	}
	message := ingest.Outgoing{Subject: unreadableSubject, Data: line}
	if domain.KnownType(refusal.Type) {
		message.Subject = ingest.EventSubject(domain.Type(refusal.Type))
	}
	if refusal.Reason == domain.TooLarge {
		message.Data = line[:domain.KeptOfTooLarge]
		message.Header = nats.Header{api.HeaderRefused: {string(domain.TooLarge)}}
		for _, a := range refusal.Attributes() {
			message.Header["ce-"+a.Name] = []string{a.Value}
		}
	}
	return message, refusal
}
