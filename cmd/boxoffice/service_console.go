// This file is the web pages' part of the service: who is signed in, and which
// addresses are pages.

package main

import (
	"context"
	"net/http"
	"strings"

	"boxoffice/access"
	"boxoffice/access/browser"
	"boxoffice/access/sessions"
	"boxoffice/accounts"
	"boxoffice/api"
	"boxoffice/console"
	"boxoffice/internal/cursor"
)

// openBrowser opens what signs people in with a browser.
func (s *service) openBrowser(ctx context.Context) error {
	kept, err := sessions.Open(ctx, s.database, nil)
	if err != nil {
		return err
	}
	s.onClose(kept.Close)
	s.browser, err = browser.New(browser.Config{
		Guard: s.guard, Keyring: s.keys, Sessions: kept, Secret: s.store.SharedKey("forms"),
		OpenID: s.keys.Issuer(), CallbackPath: console.CallbackPath,
	})
	return err
}

// newConsole makes the web pages.
func (s *service) newConsole(people *accounts.Service) (http.Handler, error) {
	cursors, err := cursor.NewSealer(s.store.SharedKey("console cursors"))
	if err != nil {
		return nil, err
	}
	return console.New(console.Config{
		Reader: s.reader, Log: s.store, Accounts: people, Trail: s.trail, Browser: s.browser,
		Audit: access.Audit{Trail: s.trail, Logger: s.log}, Cursors: cursors, Health: s.health, Keys: s.madeKeys,
		Zone: s.zone, Trials: s.config.Trials, Front: s.config.front(), Logger: s.log,
	})
}

// health is what /readyz says, for the pages.
func (s *service) health(ctx context.Context) []console.Part {
	checks := s.parts()
	parts := make([]console.Part, len(checks))
	for i, r := range api.RunChecks(ctx, checks) {
		parts[i] = console.Part{Name: checks[i].Name, Ready: r.Ready, Detail: r.Detail, Values: r.Values}
	}
	return parts
}

// withConsole answers the API's addresses with the API, and all others with pages.
func withConsole(api, pages http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isAPI(r.URL.Path) {
			api.ServeHTTP(w, r)
		} else {
			pages.ServeHTTP(w, r)
		}
	})
}

// isAPI says whether a path is the API's.
func isAPI(path string) bool {
	for _, p := range []string{"/v1", "/docs", "/openapi.json", "/healthz", "/readyz"} {
		if path == p || strings.HasPrefix(path, p+"/") {
			return true
		}
	}
	return false
}

// pagesAddress is the address of the pages, for whoever is at the shell: with a
// key, a link that signs in with that, once.
func (s *service) pagesAddress(key string) string {
	address := s.config.url(s.api)
	if key == "" {
		return address
	}
	link, err := s.browser.Link(context.Background(), key)
	if err != nil {
		s.log.Warn("a link to sign in with can't be made; the key signs in too", "error", err)
		return address
	}
	return address + console.LinkPath(link) + " (signs in once, within ten minutes)"
}
