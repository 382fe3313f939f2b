// Package wire is the contract with publishers: where events are published, how
// a message or a request carries them, and what becomes of one that is too large.
// Whoever publishes events or takes them uses it; it does no I/O itself.
//
//   - An event is published to the stream [Stream], to the [Subject] of its type.
//   - A [Message] is what goes to the broker: an event in CloudEvents' structured
//     or binary mode, with headers of our own where the service publishes it.
//   - [Judge] judges an event as it came, and [Arrival.Outgoing] makes the message
//     of it, whether it keeps the rules or not: what is refused is published too,
//     so that it is kept.
//   - [Receive] reads and judges a message of the broker.
//   - [ModeOf] and [BinaryRequest] read the headers of an HTTP request.
//
// The rules of events themselves are [boxoffice/domain.Decode]'s.
package wire
