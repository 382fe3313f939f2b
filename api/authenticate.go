// This file is the gate in front of every operation: whose key it is, whether
// its role may do that, and that a request ends when its key does.

package api

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"boxoffice/access/attempts"
)

// recheckEvery is how often the key of a request that is under way is looked
// up again: a stream that began with a good key doesn't outlive it by more.
const recheckEvery = 2 * time.Second

// An attemptCounter bounds attempts with keys that are no good.
type attemptCounter interface {
	Wait(from netip.Prefix, key string) time.Duration
	Failed(from netip.Prefix, key string)
	Succeeded(key string)
}

// gate lets through who may call the operation. It stands before everything
// else that looks at a request, so that who may not call learns nothing.
func (s *service) gate(ctx huma.Context, next func(huma.Context)) {
	allowed := permissions[ctx.Operation().OperationID]
	if len(allowed) == 0 {
		next(ctx)
		return
	}
	key, caller, err := s.authenticate(ctx)
	switch {
	case err != nil:
		s.writeProblem(ctx, s.problemOf(ctx.Context(), err))
	case !slices.Contains(allowed, caller.Role):
		s.writeProblem(ctx, newProblem(http.StatusForbidden, "the key's role may not do this"))
	default:
		within, cancel := context.WithCancel(context.WithValue(ctx.Context(), identityKey{}, caller))
		defer cancel()
		defer s.recheck(within, key, caller, cancel)()
		next(huma.WithContext(ctx, within))
	}
}

// authenticate finds out who calls. Attempts with keys that are no good are
// few for each address.
func (s *service) authenticate(ctx huma.Context) (string, Identity, error) {
	key, ok := bearer(ctx.Header("Authorization"))
	if !ok {
		return "", Identity{}, unauthorized("an API key is required: Authorization: Bearer KEY")
	}
	r, _ := request(ctx)
	from := s.clientAddress(r)
	if wait := s.attempts.Wait(from, key); wait > 0 {
		return "", Identity{}, tooManyAttempts(wait)
	}
	caller, ok, err := s.Keys.Lookup(ctx.Context(), key)
	if bad, is := errors.AsType[*KeyError](err); is {
		if bad.Status != http.StatusServiceUnavailable {
			s.attempts.Failed(from, key)
		}
		return "", Identity{}, bad.problem()
	}
	if err != nil {
		return "", Identity{}, err
	}
	if !ok {
		s.attempts.Failed(from, key)
		return "", Identity{}, invalidToken("the API key is not known, has expired or was revoked")
	}
	s.attempts.Succeeded(key)
	return key, caller, nil
}

// recheck looks the key up again and again until what it returns is called,
// and ends the request when the key isn't what it was any more. While that
// can't be told, the request goes on.
func (s *service) recheck(ctx context.Context, key string, was Identity, end func()) (stop func()) {
	var timer *time.Timer
	ready := make(chan struct{}) // timer is set before it is used
	timer = time.AfterFunc(s.recheckEvery, func() {
		<-ready
		is, ok, err := s.Keys.Lookup(ctx, key)
		_, bad := errors.AsType[*KeyError](err)
		switch {
		case ctx.Err() != nil:
		case bad, err == nil && (!ok || !reflect.DeepEqual(is, was)):
			end()
		default:
			timer.Reset(s.recheckEvery)
		}
	})
	close(ready)
	return func() { timer.Stop() }
}

func (e *KeyError) problem() *Problem {
	switch e.Status {
	case http.StatusServiceUnavailable:
		return unavailable(e.Reason)
	case http.StatusForbidden:
		return newProblem(http.StatusForbidden, e.Reason)
	}
	return invalidToken(e.Reason)
}

func tooManyAttempts(wait time.Duration) *Problem {
	p := newProblem(http.StatusTooManyRequests, "too many attempts with keys that are no good came from this address; wait")
	p.header = http.Header{"Retry-After": {strconv.Itoa(int(math.Ceil(wait.Seconds())))}}
	return p
}

// clientAddress gives where a request comes from, as far as attempts are
// concerned. Behind a proxy it is the address that the proxy has seen, which it
// writes last; what stands before it is the client's own word.
func (s *service) clientAddress(r *http.Request) netip.Prefix {
	if s.BehindProxy {
		all := strings.Join(r.Header.Values("X-Forwarded-For"), ",")
		last := strings.TrimSpace(all[strings.LastIndex(all, ",")+1:])
		if network, ok := attempts.Network(last); ok {
			return network
		}
	}
	network, _ := attempts.Network(r.RemoteAddr)
	return network
}

func unauthorized(detail string) *Problem {
	p := newProblem(http.StatusUnauthorized, detail)
	p.header = http.Header{"Www-Authenticate": {"Bearer"}}
	return p
}

// invalidToken is the answer to a key that is no good, as RFC 6750 has it.
func invalidToken(detail string) *Problem {
	p := unauthorized(detail)
	p.header.Set("Www-Authenticate", `Bearer error="invalid_token"`)
	return p
}

// bearer takes the key out of an Authorization header.
func bearer(header string) (string, bool) {
	scheme, key, ok := strings.Cut(header, " ")
	key = strings.TrimSpace(key)
	return key, ok && strings.EqualFold(scheme, "Bearer") && key != ""
}
