// This file is the part of the service that is about who may do what: keys,
// noticing that they end, and the trail.

package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"boxoffice/access"
	"boxoffice/access/apikeys"
	"boxoffice/access/attempts"
	"boxoffice/access/tokens"
	"boxoffice/access/trail"
	"boxoffice/eventstore"
	"boxoffice/ingest"
	"boxoffice/wire"
)

const (
	// reauthorizeEvery is how often publishers who are connected with a token
	// of an issuer are looked at again: tokens expire without a change of ours.
	reauthorizeEvery = 30 * time.Second
	// purgeTrailEvery is how often the trail is purged of what is too old.
	purgeTrailEvery = time.Hour
	// countRefusedEvery is how often refused events are counted for the metrics.
	countRefusedEvery = 30 * time.Second
)

// openKeys opens the API keys.
func (s *service) openKeys(ctx context.Context) error {
	made, err := apikeys.Open(ctx, s.database)
	if err != nil {
		return err
	}
	s.onClose(made.Close)
	s.madeKeys = made
	configured, err := parseAPIKeys(s.config.APIKeys)
	if err != nil {
		return err
	}
	s.keys, err = access.NewKeyring(access.KeyringConfig{
		Configured: configured, Made: made, Tokens: s.config.tokens(s.log), Secret: s.store.SharedKey("signing in"),
	})
	if err != nil {
		return err
	}
	// Keys are tried over HTTP and to sign in, and attempts are counted together.
	s.guard = &access.Guard{Keys: s.keys, Attempts: attempts.New(time.Now), Front: s.config.front()}
	return nil
}

// openFirstKey makes the first key where there is no way in at all. It is the last
// thing that a start does: a key is shown once, and a start that fails shows nothing.
func (s *service) openFirstKey(ctx context.Context) (err error) {
	if s.config.APIKeys == "" && !s.keys.TakesTokens() {
		s.firstKey, err = s.makeFirstKey(ctx, s.madeKeys)
	}
	return err
}

// tokens says whose tokens are keys; nil for nobody's.
func (c *config) tokens(log *slog.Logger) *tokens.Config {
	if c.OIDCIssuer == "" {
		return nil
	}
	return &tokens.Config{
		Issuer: c.OIDCIssuer, Audience: c.OIDCAudience, RoleClaim: c.OIDCRoleClaim,
		ClientID: c.OIDCClientID, ClientSecret: c.OIDCClientSecret, Logger: log,
	}
}

// front says what stands in front of the service.
func (c *config) front() access.Front { return access.Front{BehindProxy: c.BehindProxy} }

// publishers says what the holder of a key may publish over NATS.
func (s *service) publishers(key string) (ingest.Grant, bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	who, err := s.keys.Lookup(ctx, key)
	if err != nil {
		return ingest.Grant{}, false
	}
	allow, deny := who.Subjects(wire.SubjectPrefix)
	return ingest.Grant{Allow: allow, Deny: deny}, len(allow) > 0
}

// makeFirstKey makes an admin key where no key was made ever, and returns it, this
// once. It is made for whoever starts the service at a shell, so it is in the
// trail that they made it.
func (s *service) makeFirstKey(ctx context.Context, made *apikeys.Store) (key string, err error) {
	if all, err := made.List(ctx); err != nil || len(all) > 0 {
		return "", err
	}
	err = withAuditEntry(ctx, s.database, s.log, trail.Entry{Action: access.MakeKey}, func(*trail.Entry) (err error) {
		if key, err = made.MakeFirst(ctx, "first admin", string(access.Admin)); err == nil && key == "" {
			err = errNotFirst
		}
		return err
	})
	if errors.Is(err, errNotFirst) {
		err = nil
	}
	return key, err
}

// errNotFirst says that another process that started has made the first key.
var errNotFirst = errors.New("another process has made the first key")

// openTrail opens the trail of who did what.
func (s *service) openTrail(ctx context.Context) (err error) {
	s.trail, err = trail.Open(ctx, s.database, trail.Config{
		Pseudonyms: pseudonyms(s.store), Logger: s.log, Registerer: s.metrics,
	})
	if err != nil {
		return err
	}
	s.onClose(s.trail.Close)
	return nil
}

// pseudonyms looks up users for the trail.
func pseudonyms(store *eventstore.Store) func(context.Context, []string) (map[string]trail.Subject, error) {
	return func(ctx context.Context, ids []string) (map[string]trail.Subject, error) {
		states, err := store.SubjectStates(ctx, ids)
		found := make(map[string]trail.Subject, len(states))
		for i, state := range states {
			if state.Taken {
				found[ids[i]] = trail.Subject(state.User)
			}
		}
		return found, err
	}
}

// watchKeys disconnects publishers whose key isn't good any more.
func (s *service) watchKeys(ctx context.Context) error {
	s.madeKeys.Watch(ctx, s.embedded.Reauthorize, func(err error) {
		s.log.Warn("API keys can't be looked at; who was let in stays in until they can be", "error", err)
	})
	return nil
}

// watchTokens disconnects publishers whose token has expired.
func (s *service) watchTokens(ctx context.Context) error {
	every(ctx, reauthorizeEvery, s.embedded.Reauthorize)
	return nil
}

// every calls f at once and then at each interval, until ctx ends.
func every(ctx context.Context, interval time.Duration, f func()) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		f()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// purgeTrail removes from the trail what is too old.
func (s *service) purgeTrail(ctx context.Context) error {
	every(ctx, purgeTrailEvery, func() {
		if _, err := s.trail.Purge(ctx, time.Now().Add(-s.config.TrailRetention)); err != nil && ctx.Err() == nil {
			s.log.Warn("purging the trail failed and is tried again", "error", err)
		}
	})
	return nil
}

// countRefusedEvents counts refused events for the metrics now and then.
func (s *service) countRefusedEvents(ctx context.Context) error {
	every(ctx, countRefusedEvery, func() { s.countRefused(ctx, s.refused) })
	return nil
}

func newRefusedGauge() *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "boxoffice_refused_events",
		Help: "Refused events that are kept, by reason.",
	}, []string{"reason"})
}

func (s *service) countRefused(ctx context.Context, gauge *prometheus.GaugeVec) {
	counts, err := s.store.CountRefused(ctx)
	if err != nil {
		if ctx.Err() == nil {
			s.log.Warn("counting refused events failed and is tried again", "error", err)
		}
		return
	}
	gauge.Reset()
	for reason, n := range counts {
		gauge.WithLabelValues(string(reason)).Set(float64(n))
	}
}
