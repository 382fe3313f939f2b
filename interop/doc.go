// Package interop is where other people's software meets boxoffice: clients that
// publish events, clients that are generated from the OpenAPI document, psql,
// a server that speaks the protocol of AWS KMS, and a browser. Its tests build the program, run it as `boxoffice serve` on ports and
// directories of its own, and look at what became of it over the API.
//
// It is a module of its own, so that boxoffice itself doesn't depend on what
// only these tests need. The programs under programs are what docs/publishing.md
// shows, word for word; the queries are read from docs/sql.md.
package interop
