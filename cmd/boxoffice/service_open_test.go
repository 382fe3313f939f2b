package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"boxoffice/api"
	"boxoffice/eventstore/vault"
)

// What is waited for is named, in the log and by /readyz: a key management service
// that can't be reached isn't the database, though what is opened is.
func TestWhatIsWaitedForIsNamed(t *testing.T) {
	away := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	for _, c := range []struct {
		part        string
		err         error
		log, detail string
	}{
		{"database", away, "waiting for the database", "can't be reached, and is tried again"},
		{"broker", away, "waiting for the broker", "can't be reached, and is tried again"},
		{"projections", away, "waiting for the database", "is tried again, since the database can't be reached"},
		{"database", fmt.Errorf("open the log: %w: %w", vault.ErrKMS, away), "waiting for the key management service",
			"is tried again, since the key management service can't be reached"},
		{"database", fmt.Errorf("open the log: %w: %w", vault.ErrKMS, context.DeadlineExceeded), "waiting for the key management service",
			"is tried again, since the key management service can't be reached"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			tries, detail := 0, ""
			s := &service{log: slog.New(slog.NewTextHandler(&out, nil))}
			steps := []step{{c.part, "", func(context.Context) error {
				if tries++; tries == 1 {
					return c.err
				}
				detail = detailOf(s.opening.checks(), c.part)
				return nil
			}}}
			s.opening = newOpening(steps)
			if err := s.open(t.Context()); err != nil || tries != 2 {
				t.Fatalf("after %d tries: %v", tries, err)
			}
			if !strings.Contains(out.String(), `msg="`+c.log+`"`) {
				t.Errorf("%s, %v: the log says %s", c.part, c.err, out.String())
			}
			if detail != c.detail {
				t.Errorf("%s, %v: /readyz says it %s", c.part, c.err, detail)
			}
		})
	}
}

func detailOf(checks []api.Check, part string) string {
	for _, c := range checks {
		if c.Name == part {
			return c.Run(context.Background()).Detail
		}
	}
	return ""
}
