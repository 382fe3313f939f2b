// This file is the command that runs the service.

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// roles are what a process of the service may be told to do.
type roles struct{ ingest, project, api bool }

var roleNames = []string{"ingest", "project", "api"}

func newServe() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the service",
		Long: "Runs the service: takes events from the broker into the log, keeps the read models, and answers the API.\n" +
			"With nothing configured it is whole in one process, with a NATS server and a database of its own under the data\n" +
			"directory. With BOXOFFICE_DATABASE_URL and BOXOFFICE_NATS_URL it runs on PostgreSQL and a NATS cluster, in as many\n" +
			"processes as wanted.",
		Example: "  boxoffice serve\n" +
			"  boxoffice serve --time-zone Europe/Paris --http-addr 127.0.0.1:9000\n" +
			"  boxoffice serve --config /etc/boxoffice.yaml --roles ingest,project\n" +
			"  boxoffice serve --print-config",
		Args: noArguments,
	}
	c := addSettings(cmd, databaseSettings, brokerSettings, serviceSettings)
	names := cmd.Flags().StringSlice("roles", roleNames, "what this process does: ingest, project, api")
	migrate := cmd.Flags().Bool("migrate", true, "bring the database's schema up to date at the start")
	printOnly := cmd.Flags().Bool("print-config", false, "print what is in force, with secrets hidden, and end")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *printOnly {
			return c.print(cmd.OutOrStdout())
		}
		r, err := parseRoles(*names)
		if err != nil {
			return err
		}
		boundMemory()
		s, err := startService(cmd.Context(), c, r, *migrate, newLogger(cmd.ErrOrStderr(), c.LogFormat))
		if err != nil {
			return err
		}
		s.greet(cmd.OutOrStdout())
		return ignoreStop(cmd.Context(), s.run(cmd.Context()))
	}
	return cmd
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("%s takes no arguments (see %s --help)", cmd.Name(), cmd.CommandPath())}
	}
	return nil
}

func parseRoles(names []string) (roles, error) {
	var r roles
	for _, name := range names {
		switch strings.TrimSpace(name) {
		case "ingest":
			r.ingest = true
		case "project":
			r.project = true
		case "api":
			r.api = true
		default:
			return r, usageError{fmt.Errorf("--roles: %q is none of %s", name, strings.Join(roleNames, ", "))}
		}
	}
	if !slices.Contains([]bool{r.ingest, r.project, r.api}, true) {
		return r, usageError{errors.New("--roles: name at least one of " + strings.Join(roleNames, ", "))}
	}
	return r, nil
}

// ignoreStop makes a stop that was asked for a success.
func ignoreStop(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
