// Package accounts is what is done to people: making, editing and erasing users,
// importing tables of them, and giving out everything that is held about one.
//
// Whatever changes a user is an event like anybody's: it is composed, judged by
// the rules as far as they need no log, published to the broker, and waited for
// until the log has judged it and the read models show it. A call that returns
// without an error has happened, and can be read. One that takes too long ends
// with an [UnavailableError] that says whether the event is safe.
//
// The package knows plain Go types only: whoever serves people, over HTTP or in
// pages, maps to and from them. Read it from accounts.go (the parts) by way of
// verdict.go (publishing and waiting) to edit.go, erase.go, held.go and import.go.
package accounts
