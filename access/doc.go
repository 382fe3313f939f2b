// Package access is who is asking and what they may do.
//
// A request comes to a [Gate], on plain net/http: an [Authenticator] finds out
// whose key it is, the one table in permissions.go says whether that role may
// do what is asked for, the identity goes into the request's context, and a
// stream that is under way ends when its key does. The gate answers nothing
// itself: what it doesn't let through it returns as a [*Refusal], which the
// HTTP API writes as a problem and pages write as a page.
//
// The same table decides what may be published over NATS: see
// [Identity.Subjects].
//
// Parts that are subjects of their own are packages below: apikeys (keys that
// the service made), tokens (JWTs of an OpenID Connect issuer), attempts (how
// often somebody may guess), sessions (who is signed in with a browser), browser
// (signing in and out, and the requests of those who are) and trail (who did
// what).
package access
