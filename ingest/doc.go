// Package ingest is the way from the broker to the log.
//
// Publishers bring their events to NATS JetStream, into the stream BOXOFFICE.
// From there
//
//   - a [Subscriber] receives them, thousands in flight: a subscriber in
//     Watermill's terms, and any other will do whose messages say where in a
//     stream they are;
//   - an [Ingester] gathers what it receives into batches, has [wire.Receive]
//     judge each event, appends a batch to the log in one transaction, and
//     acknowledges its messages once that is committed and never before;
//   - [Broker.Retain] removes from the stream what is both in the log and
//     older than the broker has to keep it.
//
// What has many events at once (HTTP batches, imports, the publish command)
// gives them to a [Publisher], which stores them in atomic batches. What is
// published, where, and what becomes of it when it is too large is [wire]'s.
//
// [StartEmbedded] runs a NATS server within the process, for an installation
// without one of its own; [Connect] reaches either. The rest of the package
// doesn't know which of the two it talks to.
//
// # What can go wrong, and what happens then
//
//   - An event breaks a rule: it goes to the log as refused, with its batch.
//   - The log can't be appended to: nothing is acknowledged, the batches in hand
//     are kept and tried again until it works. Receiving stops meanwhile, so
//     that memory is bounded by a few batches.
//   - The outcome of a commit isn't known: the same batch is appended again, and
//     the log recognises what it has.
//   - The process dies: the broker delivers what wasn't acknowledged again.
//   - The broker goes away: the connection is tried again for ever, and the
//     stream and the consumer are looked for again.
package ingest
