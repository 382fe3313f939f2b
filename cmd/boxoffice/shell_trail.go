// This file records who does what at a shell, where a command works on the
// database itself: in the same trail as what is done over the API. Commands that
// go through the API or the broker need nothing of their own.

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"strconv"
	"time"

	"boxoffice/access"
	"boxoffice/access/trail"
	"boxoffice/internal/sqldb"
)

// actionScrub is a scrub in the trail; what else commands do is there by the name
// of the operation.
const actionScrub = "scrub"

// What a command that did, or didn't do, what it was asked would have been
// answered over the API.
const (
	statusDone   = 200
	statusFailed = 500
)

// shellActor is the name that the trail has for whoever runs this program: the
// operating system's user, by the id that the process has and not by what the
// environment says, and the host.
func shellActor() string {
	id := strconv.Itoa(os.Getuid())
	name := "uid " + id
	if u, err := user.LookupId(id); err == nil {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return access.ShellPrefix + " " + name + "@" + host
}

// withAuditEntry has do do something with personal data, or with who may reach
// it, and writes it into the trail: what is about to be done before it is done, so that it
// isn't done where that fails, and how it ended after. do may say in the entry
// how many people it was about.
func withAuditEntry(ctx context.Context, db *sqldb.DB, log *slog.Logger, e trail.Entry, do func(*trail.Entry) error) (err error) {
	t, err := trail.Open(ctx, db, trail.Config{Logger: log})
	if err != nil {
		return untold(err)
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	e.At, e.Actor, e.Role = time.Now(), shellActor(), access.ShellRole
	id, err := t.Begin(ctx, e)
	if err != nil {
		return untold(err)
	}
	e.Status = statusDone
	if err = do(&e); err != nil {
		e.Status = statusFailed
	}
	t.End(id, e)
	return err
}

func untold(err error) error {
	return fmt.Errorf("who does this can't be taken down, so it isn't done (`boxoffice migrate` brings the trail up to date): %w", err)
}
