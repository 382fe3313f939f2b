// This file has the servers that a script starts and stops itself.

package main

import (
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"boxoffice/ingest/natstest"
	"boxoffice/internal/sqldb/sqltest"
)

// scriptServers are a database and a broker for the one script that has them
// started and stopped.
type scriptServers struct {
	t        *testing.T
	database *sqltest.Server
	broker   *natstest.Server
}

// postgres is: postgres [start|stop]. Without a word it makes a server that isn't
// running yet, and configures it; NO_ROLE and NO_DATABASE are then URLs that it
// refuses.
func (s *scriptServers) postgres(ts *testscript.TestScript, _ bool, args []string) {
	switch strings.Join(args, " ") {
	case "":
		s.database = sqltest.NewServer(s.t)
		ts.Setenv("BOXOFFICE_DATABASE_URL", s.database.URL)
		ts.Setenv("NO_ROLE", strings.Replace(s.database.URL, "boxoffice@", "nobody:secret@", 1))
		ts.Setenv("NO_DATABASE", strings.Replace(s.database.URL, "/postgres", "/nothing", 1))
	case "start":
		s.database.Start()
	case "stop":
		s.database.Stop()
	default:
		ts.Fatalf("usage: postgres [start|stop]")
	}
}

// nats is: nats [start|refuse]. Without a word it makes a broker that isn't
// running, and configures it; refuse makes it want a password.
func (s *scriptServers) nats(ts *testscript.TestScript, _ bool, args []string) {
	switch strings.Join(args, " ") {
	case "":
		s.broker = natstest.Start(s.t, natstest.Options{})
		s.broker.Kill()
		ts.Setenv("BOXOFFICE_NATS_URL", s.broker.URL())
		ts.Setenv("BOXOFFICE_NATS_MONITOR_URL", s.broker.MonitorURL())
	case "start":
		s.broker.Start()
	case "refuse":
		s.broker.Kill()
		refusing := natstest.Start(s.t, natstest.Options{Config: "authorization { token: other }"})
		ts.Setenv("BOXOFFICE_NATS_URL", refusing.URL())
	default:
		ts.Fatalf("usage: nats [start|refuse]")
	}
}
