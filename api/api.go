// Package api is the service's HTTP API: events in, figures and lists out.
//
// Every operation is registered with the huma library, which makes the OpenAPI
// document from the Go types, checks parameters and routes with chi. A request
// goes through the same gates in the same order: a panic is caught, the request
// is measured and logged by its route (never by its path, which names users),
// the key's role is looked up in one table, the query is held against the
// parameters that the operation knows, what concerns people is recorded in
// the trail, and then the operation answers. Each
// resource has its file; what it needs from the rest of the house are the
// interfaces in ports.go.
package api

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/prometheus/client_golang/prometheus"

	"boxoffice/access"
	"boxoffice/accounts"
	"boxoffice/domain"
	"boxoffice/internal/cursor"
)

// A Config says what the API works with.
type Config struct {
	// Reader answers from the read models. Required.
	Reader Reader
	// Log holds the recorded events and the refused ones. Required.
	Log Log
	// Publisher takes events for the broker. Required.
	Publisher Publisher
	// Accounts does what is done to people. Required.
	Accounts *accounts.Service
	// Gate lets through who may call an operation. Required.
	Gate *access.Gate

	// Zone is the platform's time zone, in which a date alone is read.
	// Default: UTC.
	Zone *time.Location
	// Trials says whether the figure trial is shown.
	Trials bool

	// Front says what stands in front of the service.
	Front access.Front
	// Trail takes who did what with personal data. Nil: nothing is recorded.
	Trail Trail

	// Checks are what /readyz asks. With none it is always ready.
	Checks []Check
	// CursorKey seals the cursors of lists: 32 bytes, the same in every process
	// that serves the same platform. Default: made up at the start, which suits
	// a single process; cursors then end with it.
	CursorKey []byte
	// Timeout is how long one answer may take, streams excepted. Default: 30 s.
	Timeout time.Duration
	// TempDir is where exports keep what doesn't fit into memory, in directories
	// of their own. Default: the system's directory for temporary files.
	TempDir string
	// Heartbeat is how often a live stream with nothing to say shows that it is
	// alive. Default: 15 s.
	Heartbeat time.Duration

	// Clock tells the present. Default: the system's clock.
	Clock func() time.Time
	// Logger takes what the API has to say; it never gets personal data.
	// Default: slog.Default().
	Logger *slog.Logger
	// Metrics, where set, takes the API's Prometheus metrics.
	Metrics prometheus.Registerer
}

// complete fills in the defaults, and says what is missing.
func (c *Config) complete() error {
	switch {
	case c.Reader == nil:
		return errors.New("api: Config.Reader is missing")
	case c.Log == nil:
		return errors.New("api: Config.Log is missing")
	case c.Publisher == nil:
		return errors.New("api: Config.Publisher is missing")
	case c.Accounts == nil:
		return errors.New("api: Config.Accounts is missing")
	case c.Gate == nil:
		return errors.New("api: Config.Gate is missing")
	}
	c.Zone = cmp.Or(c.Zone, time.UTC)
	c.Timeout = cmp.Or(c.Timeout, 30*time.Second)
	c.Heartbeat = cmp.Or(c.Heartbeat, 15*time.Second)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	if c.Clock == nil {
		c.Clock = time.Now
	}
	return nil
}

// service is the API with everything that it works with.
type service struct {
	Config
	cursors *cursor.Sealer
	metrics *metrics
	exports exportSlots
	router  *chi.Mux
	api     huma.API
	// document is the OpenAPI document.
	document []byte
}

// New makes the API. The handler must stand at the root of its server, without
// anything in front that cleans or decodes paths: ids in them are
// percent-encoded. It serves many requests at a time. Live streams end when
// their request's context does, so a server that shuts down cancels its base
// context.
func New(c Config) (http.Handler, error) {
	s, err := newService(c)
	if err != nil {
		return nil, err
	}
	return s.handler(), nil
}

func newService(c Config) (*service, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	s := &service{Config: c, exports: make(exportSlots, maxExports)}
	var err error
	if s.cursors, err = cursor.NewSealer(c.CursorKey); err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	if s.metrics, err = newMetrics(c.Metrics); err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	if err := s.route(); err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	return s, nil
}

func (s *service) route() error {
	s.router = chi.NewRouter()
	s.router.Use(middleware.GetHead)
	s.router.NotFound(s.serveNotFound)
	s.router.MethodNotAllowed(s.serveMethodNotAllowed)
	s.api = newLibraryAPI(s.router)
	s.api.UseMiddleware(s.gate, unbound, s.strictQuery, s.audit)

	s.registerPublish()
	s.registerKPIs()
	s.registerMembers()
	s.registerUsers()
	s.registerImport()
	s.registerErase()
	s.registerSessions()
	s.registerContents()
	s.registerExports()
	s.registerUserData()
	s.registerHistory()
	s.registerRefused()
	s.registerTrail()
	s.registerHealth()
	s.registerOpenAPI()
	var err error
	if s.document, err = renderDocument(s.api.OpenAPI()); err != nil {
		return err
	}
	return s.routeDocs()
}

// now returns the present instant.
func (s *service) now() domain.Instant { return domain.InstantOf(s.Clock()) }

// orNow returns the instant that is asked about: the present where none is named.
func (s *service) orNow(at *domain.Instant) domain.Instant {
	if at == nil {
		return s.now()
	}
	return *at
}
