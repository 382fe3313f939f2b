// Package vault keeps what is personal apart from the log: each user's key and
// pseudonym, and how they are forgotten.
//
// There are four layers of keys. The master key is outside the database, in a
// key-set file or a key management service. It wraps the service's own keys:
// one hash key, for the keyed hashes of identities and subjects, and a wrapping
// key. The wrapping key wraps the users' keys and the keys of refused events. A
// user's key encrypts what is personal in their events, and gives the hash by
// which the same event is known when it is sent again.
//
// An erasure destroys a user's row, and with it the key and the link from the
// user's id to the pseudonym in the log. What stays is a tombstone: the keyed
// hash of the id and the time of the erasure.
package vault
