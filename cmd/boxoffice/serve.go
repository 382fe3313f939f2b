// This file is the command that runs the service.

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// A role is a part of the service that a process may be told to do.
type role string

const (
	roleIngest  role = "ingest"
	roleProject role = "project"
	roleAPI     role = "api"
)

var allRoles = []role{roleIngest, roleProject, roleAPI}

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
	names := cmd.Flags().StringSlice("roles", strings.Split(roleNames(), ", "), "what this process does: "+roleNames())
	migrate := cmd.Flags().Bool("migrate", true, "bring the database's schema up to date at the start")
	printOnly := cmd.Flags().Bool("print-config", false, "print what is in force, with secrets hidden, and end")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *printOnly {
			return c.print(cmd.OutOrStdout())
		}
		roles, err := parseRoles(*names)
		if err != nil {
			return err
		}
		boundMemory()
		s, err := startService(cmd.Context(), c, roles, *migrate, newLogger(cmd.ErrOrStderr(), c.LogFormat, slog.LevelInfo))
		if err != nil {
			return ignoreStop(cmd.Context(), err)
		}
		s.greet(cmd.OutOrStdout())
		return ignoreStop(cmd.Context(), s.wait())
	}
	return cmd
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("%s takes no arguments (see %s --help)", cmd.Name(), cmd.CommandPath())}
	}
	return nil
}

func parseRoles(names []string) ([]role, error) {
	var roles []role
	for _, name := range names {
		r := role(strings.TrimSpace(name))
		if !slices.Contains(allRoles, r) {
			return nil, usageError{fmt.Errorf("--roles: %q is none of %s", name, roleNames())}
		}
		roles = append(roles, r)
	}
	if len(roles) == 0 {
		return nil, usageError{errors.New("--roles: name at least one of " + roleNames())}
	}
	return roles, nil
}

// roleNames are the names of all roles, for people.
func roleNames() string {
	names := make([]string, len(allRoles))
	for i, r := range allRoles {
		names[i] = string(r)
	}
	return strings.Join(names, ", ")
}

// ignoreStop makes a stop that was asked for a success.
func ignoreStop(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
