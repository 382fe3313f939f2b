// Package eventstore is the log: every event that was accepted, once, in the
// order in which it was recorded, at positions without a hole; and what was
// refused, for 30 days, with the reason.
//
// # The way of a batch
//
// [Store.Append] takes what was fetched from the broker. Before it locks
// anything it hashes, encrypts and looks up users (prepare.go). Then, in one
// transaction, it locks the row log_head, looks again at what may have changed,
// decides about each message in order (plan.go) and writes: events, new users,
// refused events, erasures, and the account of the batch (append.go). Whoever
// appends holds that lock until the commit, so the order of positions is the
// order of commits, and a reader who follows the log misses nothing.
//
// An identity that is recorded already shows itself by the unique index over
// it. Since that is rare, the first attempt doesn't look: it is rolled back
// where the index objects, and the second attempt finds out which are known.
//
// # Off the way of events
//
// [Store.RunCompaction] writes the index by which one user's events are found
// (user_blocks.go, user_index.go), and makes the rows of accounts fewer
// (compact_accounts.go). Nobody waits for it.
//
// # What is personal
//
// It stands in the log as ciphertext under the user's own key, which is in the
// [boxoffice/eventstore/vault] until the user is erased. The log itself is
// append-only, and the database enforces that.
package eventstore
