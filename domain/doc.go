// Package domain holds the rules of boxoffice and nothing else: which events
// there are and when one is refused, how a user's entitlements become periods,
// a status and contributions to the monthly figures, and how playback reports
// become viewing sessions.
//
// The package is pure. It has no clock, no I/O, no database and no broker:
// whatever depends on the present takes the instant as an argument. Every
// result is a function of the set of events, never of the order in which they
// arrived.
package domain
