// This file is the gate: what every request goes through that somebody has to be
// allowed to make, and what ends it when that isn't so any more.

package access

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"reflect"
	"time"
)

// An Authenticator finds out who makes a request. It is used by many requests
// at a time.
type Authenticator interface {
	// Authenticate returns who makes the request. The error is a [*Refusal]
	// where that is no good; any other says that something is broken.
	Authenticate(r *http.Request) (Credential, error)
}

// A Credential is what has said who makes a request.
type Credential struct {
	Identity Identity
	// Again looks up whose it is once more, while the request is under way.
	Again func(ctx context.Context) (Identity, error)
}

// defaultRecheck is how often the credential of a request that is under way is
// looked up again: a stream that began with a good key doesn't outlive it by more.
const defaultRecheck = 2 * time.Second

// A Gate lets through who may do what they ask for. It is safe for concurrent use.
type Gate struct {
	who          Authenticator
	recheckEvery time.Duration
}

// NewGate makes a gate. recheckEvery is how often the credential of a request
// that is under way is looked up again; 0 is every two seconds.
func NewGate(who Authenticator, recheckEvery time.Duration) *Gate {
	return &Gate{who: who, recheckEvery: cmp.Or(recheckEvery, defaultRecheck)}
}

// Admit lets a request through to an operation: the context is that of the
// request with the identity in it ([From]), and ends when the identity stops
// being what it is. done has to be called when the request is answered. The error
// is a [*Refusal] where the request isn't let through. An operation that isn't in
// the table is nobody's; one that needs no key is let through as nobody's.
func (g *Gate) Admit(r *http.Request, operation string) (ctx context.Context, done func(), err error) {
	if roles, known := permissions[operation]; known && len(roles) == 0 {
		return r.Context(), func() {}, nil
	}
	credential, err := g.who.Authenticate(r)
	if err != nil {
		return nil, nil, err
	}
	if !credential.Identity.May(operation) {
		return nil, nil, &Refusal{Kind: Forbidden, Reason: "the key's role may not do this"}
	}
	ctx, cancel := context.WithCancel(context.WithValue(r.Context(), identityKey{}, credential.Identity))
	stop := g.recheck(ctx, credential, cancel)
	return ctx, func() { cancel(); stop() }, nil
}

// recheck looks the credential up again and again until what it returns is
// called, and ends the request when it isn't what it was any more. While that
// can't be told, the request goes on.
func (g *Gate) recheck(ctx context.Context, was Credential, end func()) (stop func()) {
	var timer *time.Timer
	ready := make(chan struct{}) // timer is set before it is used
	timer = time.AfterFunc(g.recheckEvery, func() {
		<-ready
		is, err := was.Again(ctx)
		refusal, refused := errors.AsType[*Refusal](err)
		switch {
		case ctx.Err() != nil:
		case refused && refusal.Kind != Unavailable, err == nil && !reflect.DeepEqual(is, was.Identity):
			end()
		default:
			timer.Reset(g.recheckEvery)
		}
	})
	close(ready)
	return func() { timer.Stop() }
}
