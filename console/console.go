// Package console is the service's web pages: what people look at, beside the
// API for programs.
//
// A page is made by the server, whole, from a template, and reads without
// scripts; its address holds its whole state. Each page has its file: what it
// reads, the plain structs that its template shows, and the template beside it
// (templates/NAME.html). Pages ask the same rooms as the API does and never the
// API itself, so the two can't disagree. A request goes through a gate like the
// API's ([boxoffice/access]); what the gate doesn't let through becomes a page
// that says so.
//
// Scripts only save the round trip: htmx exchanges the page's main part, and a
// stream of server-sent events exchanges the blocks of a page whose figures have
// changed (live.go). No markup has styles or scripts in it, and no other host is
// asked for anything: the policy forbids both.
package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/klauspost/compress/gzhttp"

	"boxoffice/access"
	"boxoffice/access/browser"
	"boxoffice/accounts"
	"boxoffice/domain"
	"boxoffice/internal/cursor"
)

// A Config says what the console works with.
type Config struct {
	// Reader answers from the read models. Required.
	Reader Reader
	// Log has the recorded events and the refused ones. Required.
	Log Log
	// Accounts does things to people. Required.
	Accounts *accounts.Service
	// Trail is who saw or changed personal data. Required.
	Trail Trail
	// Browser signs people in and out, and knows their requests. Required.
	Browser *browser.Browser
	// Audit makes entries of who saw or changed whose data.
	Audit access.Audit
	// Cursors seal where pages of lists begin. Required.
	Cursors *cursor.Sealer

	// Keys are the API keys that the service has made. Required.
	Keys Keys
	// Health asks each part of the service how it is. Required. It is called for
	// many requests at a time, and returns soon, whatever hangs.
	Health func(ctx context.Context) []Part

	// Zone is the platform's time zone. Default: UTC.
	Zone *time.Location
	// Trials says whether the figure trial is shown.
	Trials bool
	// Front says what stands in front of the service.
	Front access.Front

	// Clock tells the present. Default: the system's clock.
	Clock func() time.Time
	// Logger takes what the console has to say; it never gets personal data.
	// Default: slog.Default().
	Logger *slog.Logger
}

// complete fills in the defaults, and says what is missing.
func (c *Config) complete() error {
	switch {
	case c.Reader == nil:
		return errors.New("console: Config.Reader is missing")
	case c.Log == nil:
		return errors.New("console: Config.Log is missing")
	case c.Accounts == nil:
		return errors.New("console: Config.Accounts is missing")
	case c.Trail == nil:
		return errors.New("console: Config.Trail is missing")
	case c.Browser == nil:
		return errors.New("console: Config.Browser is missing")
	case c.Keys == nil:
		return errors.New("console: Config.Keys is missing")
	case c.Health == nil:
		return errors.New("console: Config.Health is missing")
	case c.Cursors == nil:
		return errors.New("console: Config.Cursors is missing")
	}
	c.Zone = cmp.Or(c.Zone, time.UTC)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	if c.Clock == nil {
		c.Clock = time.Now
	}
	c.Audit.Clock = c.Clock
	return nil
}

// policy lets pages load from this service only, and run and style nothing that
// stands in the page itself.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// server is the console with everything that it works with.
type server struct {
	Config
	assets *assets
	render *renderer
	hub    *hub
	// gate lets through who is signed in and may do what they ask for.
	gate *access.Gate
	// watching is the gate of what an open page asks for by itself, by which nobody's
	// session lasts longer.
	watching *access.Gate
	// begun is the gate of what goes on by itself, which ends when who began it may
	// not do it any more.
	begun *access.Gate
	tasks tasks
	// uploads are the files that are kept for imports.
	uploads uploads
	// fields are the platform's own fields that users have.
	fields knownFields
	// files has an element for each file that is being made.
	files chan struct{}
}

// New makes the console. The handler takes every path that isn't the API's. It
// serves many requests at a time; its streams end when their request's context does.
func New(c Config) (http.Handler, error) {
	s, err := newServer(c)
	if err != nil {
		return nil, err
	}
	return s.handle()
}

func newServer(c Config) (*server, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	s := &server{
		Config: c, tasks: tasks{all: map[string]*ownedTask{}}, files: make(chan struct{}, maxFiles),
		gate: access.NewGate(c.Browser, 0), watching: access.NewGate(c.Browser.Watching(), 0), begun: access.NewGate(c.Browser.Begun(), 0),
	}
	s.hub = &hub{server: s, topics: map[string]*topic{}}
	var err error
	if s.assets, err = loadAssets(); err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	if s.render, err = newRenderer(c.Zone, s.assets); err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	return s, nil
}

// handle serves everything: the pages, and what they load.
func (s *server) handle() (http.Handler, error) {
	// Answers are compressed with a few random bytes more: what is secret in a
	// page can't be told from its size.
	compress, err := gzhttp.NewWrapper(gzhttp.MinSize(1024), gzhttp.RandomJitter(32, 0, false),
		gzhttp.ContentTypes([]string{"text/html", "text/csv", "application/json"}))
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	router := chi.NewRouter()
	router.Handle(assetsPath+"*", s.Front.Protect(access.Surface{Policy: policy}, s.assets))
	pages := s.Front.Protect(access.Surface{Policy: policy, Caching: "no-store"}, compress(s.pages()))
	router.NotFound(pages.ServeHTTP)
	router.MethodNotAllowed(pages.ServeHTTP)
	return router, nil
}

func (s *server) now() domain.Instant { return domain.InstantOf(s.Clock()) }

func (s *server) failed(ctx context.Context, route string, err error) {
	if ctx.Err() == nil {
		s.Logger.Error("a page could not be made", "page", route, "error", err)
	}
}
