// This file asks the NATS servers' monitoring what a client of NATS can't ask.

package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// monitorMost is how much is read of an answer, in bytes.
const monitorMost = 8 << 20

// monitor reads one page of a server's monitoring. A server that is unwell
// answers with another status than 200, and a page all the same.
func monitor(ctx context.Context, address, page string, into any) error {
	target, err := url.JoinPath(strings.TrimSpace(address), page)
	if err != nil {
		return errors.New("the monitoring address is not a URL")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return errors.New("the monitoring address is not a URL")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("asking the NATS server's monitoring: %w", err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(io.LimitReader(response.Body, monitorMost)).Decode(into); err != nil {
		return fmt.Errorf("reading the NATS server's monitoring, which answers %s: %w", response.Status, err)
	}
	return nil
}

// problem returns what the servers say is wrong with them, the first of it.
func (b *Broker) problem(ctx context.Context) string {
	if b.cfg.Embedded != nil {
		if err := b.cfg.Embedded.Health(); err != nil {
			return err.Error()
		}
		return ""
	}
	for _, address := range b.cfg.MonitorURLs {
		var healthz struct{ Status, Error string }
		// Without an answer nothing is known; whether the server can be reached
		// is another question.
		if monitor(ctx, address, "healthz", &healthz) == nil && healthz.Status != "" && healthz.Status != "ok" {
			return healthz.Status + ": " + healthz.Error
		}
	}
	return ""
}
