// This file is what a publisher may do on the embedded server.

package ingest

// A Grant is the subjects that a publisher may publish to, as patterns of NATS. A
// subject that Deny has is denied whatever Allow has. A Grant without Allow
// permits nothing.
type Grant struct {
	Allow []string
	Deny  []string
}
