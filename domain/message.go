// This file is what a publisher hands over, before anything is known of it.

package domain

// A Message is one event as it came, over NATS or HTTP.
type Message struct {
	// NATSSubject is the subject that the message was published to; empty
	// where there is none (HTTP), and then nothing is compared with it.
	NATSSubject string

	// Binary says that the message is in CloudEvents' binary mode: the
	// attributes are in Attributes, and Body is data. Otherwise the message is
	// in structured mode, and Body is the whole event.
	Binary bool
	// Attributes are the ce- headers without that prefix, as they came: their
	// values still percent-encoded, repeated ones repeated. The Content-Type
	// header is datacontenttype. Binary mode only.
	Attributes []Attribute
	// HeaderBytes is the size of all headers, which counts in binary mode.
	HeaderBytes int

	Body []byte
}

// An Attribute is one name and value of a binary message's headers.
type Attribute struct{ Name, Value string }
