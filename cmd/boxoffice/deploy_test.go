// This file tries the configuration of the broker that docker-compose.yml runs.

package main

import (
	"path/filepath"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
)

// The file is one that a NATS server takes, and it syncs before it acknowledges.
func TestDeployedBrokerSyncs(t *testing.T) {
	for _, name := range []string{"BOXOFFICE_NATS_PASSWORD", "PUBLISHER_NATS_PASSWORD"} {
		t.Setenv(name, "secret-"+name)
	}
	path := filepath.Join("..", "..", "deploy", "nats.conf")
	options, err := server.ProcessConfigFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !options.SyncAlways || !options.JetStream {
		t.Errorf("sync always is %v, JetStream is %v", options.SyncAlways, options.JetStream)
	}
	if len(options.Accounts) != 2 || len(options.Users) != 2 {
		t.Errorf("%d accounts and %d users; want publishers apart from the service", len(options.Accounts), len(options.Users))
	}
}
