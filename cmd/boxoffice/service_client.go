// This file is how commands reach a running service: over its API, as anybody
// else does.

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"boxoffice/access"
	"boxoffice/api"
)

// clientSettings are those of commands that call the API of a running service.
func clientSettings(c *config, f *pflag.FlagSet) {
	f.StringVar(&c.HTTPAddr, "http-addr", "127.0.0.1:8080", "where the service's API listens on this machine")
	f.StringVar(&c.URL, "url", "", "where the service's API is (default: http:// and --http-addr)")
	f.StringVar(&c.APIKeys, "api-keys", "", "role:key,role:key, as the service has it; an admin's is taken where --key is not given")
	f.StringVar(&c.Key, "key", "", "API key of an admin (default: an admin's of BOXOFFICE_API_KEYS)")
}

// adminKey finds a key of an admin.
func adminKey(c *config) (string, error) {
	if c.Key != "" {
		return c.Key, nil
	}
	keys, err := parseAPIKeys(c.APIKeys)
	if err != nil {
		return "", err
	}
	if i := slices.IndexFunc(keys, func(k access.ConfiguredKey) bool { return k.Role == access.Admin }); i >= 0 {
		return keys[i].Key, nil
	}
	return "", errors.New("an admin's API key is needed: BOXOFFICE_KEY, or --key")
}

// apiURL is where the API is.
func (c *config) apiURL() string { return strings.TrimRight(cmp.Or(c.URL, "http://"+c.HTTPAddr), "/") }

// serviceURL returns the address of a path of the API.
func (c *config) serviceURL(path string, query url.Values) string {
	address := c.apiURL() + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	return address
}

// request makes a request to the service with an admin's key.
func (c *config) request(ctx context.Context, method, path string, query url.Values, body io.Reader) (*http.Request, error) {
	key, err := adminKey(c)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, method, c.serviceURL(path, query), body)
	if err != nil {
		return nil, fmt.Errorf("BOXOFFICE_URL: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+key)
	return request, nil
}

// unreachable names the service where it can't be reached. The error of the
// client's has the method and the whole address before the cause.
func (c *config) unreachable(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	return fmt.Errorf("the service at %s: %w", c.apiURL(), err)
}

// problemOf returns what the service says is wrong.
func problemOf(answer *http.Response) error {
	var p api.Problem
	if err := json.NewDecoder(answer.Body).Decode(&p); err != nil || p.Detail == "" {
		return fmt.Errorf("the service answered %s", answer.Status)
	}
	return problemError(&p)
}

// problemError returns a problem in one line, with what it names.
func problemError(p *api.Problem) error {
	parts := []string{p.Detail}
	for _, e := range p.Errors {
		if e.Value != nil {
			parts = append(parts, fmt.Sprintf("%s: %v", e.Message, e.Value))
		}
	}
	return errors.New(strings.Join(parts, "; "))
}
