// This file is who may connect to the embedded server: the service itself, and
// publishers with a key.

package ingest

import (
	"crypto/rand"
	"crypto/subtle"
	"reflect"
	"sync"

	"github.com/nats-io/nats-server/v2/server"
)

// A gate lets connections in. It is safe for concurrent use.
type gate struct {
	authorize func(token string) (Grant, bool)
	attempts  Attempts // nil: not bounded
	// secret is the service's own password, a new one with each start.
	secret string
	server *server.Server

	mu sync.Mutex
	// inside has the publishers that were let in, by the server's number of the
	// connection; those that have left are cleared by reauthorize.
	inside map[uint64]entry
}

// A Grant is the subjects that a publisher may publish to, as patterns of NATS. A
// subject that Deny has is denied whatever Allow has. A Grant without Allow
// permits nothing.
type Grant struct {
	Allow []string
	Deny  []string
}

// An entry is a publisher who was let in, and with what rights.
type entry struct {
	token string
	grant Grant
}

func newGate(authorize func(string) (Grant, bool)) *gate {
	if authorize == nil {
		authorize = func(string) (Grant, bool) { return Grant{}, false }
	}
	return &gate{authorize: authorize, secret: rand.Text(), inside: make(map[uint64]entry)}
}

// Check says whether a connection may come in, and puts it into its account.
func (g *gate) Check(c server.ClientAuthentication) bool {
	opts := c.GetOpts()
	if opts.Username == serviceName {
		return g.checkService(c, opts.Password)
	}
	token := opts.Token
	if token == "" {
		return false
	}
	grant, ok := g.try(c, token)
	if !ok {
		return false
	}
	account, err := g.server.LookupAccount(publisherName)
	if err != nil {
		return false
	}
	g.remember(c.GetID(), entry{token, grant})
	c.RegisterUser(&server.User{Account: account, Permissions: grant.permissions()})
	return true
}

// try asks what a token permits, unless too many came from there that permit
// nothing.
func (g *gate) try(c server.ClientAuthentication, token string) (Grant, bool) {
	from := ""
	if address := c.RemoteAddress(); address != nil {
		from = address.String()
	}
	if g.attempts != nil && !g.attempts.Allowed(from, token) {
		return Grant{}, false
	}
	grant, ok := g.authorize(token)
	ok = ok && len(grant.Allow) > 0
	switch {
	case g.attempts == nil:
	case ok:
		g.attempts.Succeeded(token)
	default:
		g.attempts.Failed(from, token)
	}
	return grant, ok
}

func (g *gate) checkService(c server.ClientAuthentication, password string) bool {
	if subtle.ConstantTimeCompare([]byte(password), []byte(g.secret)) != 1 {
		return false
	}
	account, err := g.server.LookupAccount(serviceName)
	if err != nil {
		return false
	}
	c.RegisterUser(&server.User{Account: account})
	return true
}

// permissions let a publisher publish what the grant says, and listen for the
// answers to that.
func (grant Grant) permissions() *server.Permissions {
	return &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: grant.Allow, Deny: grant.Deny},
		Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>"}},
	}
}

// rememberUpTo bounds how many connections are remembered before those that
// have left are cleared.
const rememberUpTo = 4096

func (g *gate) remember(id uint64, e entry) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.inside) >= rememberUpTo {
		for id := range g.inside {
			if g.server.GetClient(id) == nil {
				delete(g.inside, id)
			}
		}
	}
	g.inside[id] = e
}

func (g *gate) reauthorize() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for id, e := range g.inside {
		if g.server.GetClient(id) == nil {
			delete(g.inside, id)
			continue
		}
		if grant, ok := g.authorize(e.token); !ok || !reflect.DeepEqual(grant, e.grant) {
			// An error says that the connection has left by itself.
			_ = g.server.DisconnectClientByID(id)
			delete(g.inside, id)
		}
	}
}
