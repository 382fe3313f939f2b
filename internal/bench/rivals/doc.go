// Command rivals measures ingest beside what a user would write instead of it,
// on PostgreSQL and into the log's own table: a loop that fetches 500 messages
// and sends their INSERTs as a batch, and a Watermill router over watermill-nats
// with one INSERT a message. It is a module of its own, so that the program
// needn't depend on what it is compared with:
//
//	cd internal/bench/rivals && go run . --database-url postgres://boxoffice@127.0.0.1/postgres
package main
