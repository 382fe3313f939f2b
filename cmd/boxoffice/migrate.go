// This file is the command that brings a database's schema up to date.

package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"boxoffice/access/apikeys"
	"boxoffice/access/sessions"
	"boxoffice/access/trail"
	"boxoffice/eventstore"
	"boxoffice/internal/sqldb"
	"boxoffice/projections"
)

func newMigrate() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database's schema up to date",
		Long: "Brings the schema of the database up to date, as `boxoffice serve` does at its start unless it is told not to\n" +
			"(--migrate=false). It is safe to run while the service runs, and more than once.",
		Example: "  boxoffice migrate\n  boxoffice migrate --database-url postgres://boxoffice@db/boxoffice --master-key /etc/boxoffice/master-key.json",
		Args:    noArguments,
	}
	c := addSettings(cmd, databaseSettings)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		db, err := openDatabase(cmd.Context(), c)
		if err != nil {
			return err
		}
		defer db.Close()
		if err := migrateAll(cmd.Context(), db); err != nil {
			return err
		}
		fmt.Fprintln(cmd.OutOrStdout(), "the schema is up to date")
		return nil
	}
	return cmd
}

// migrateAll brings every part of the database up to date.
func migrateAll(ctx context.Context, db *sqldb.DB) error {
	for _, migrate := range []func(context.Context, *sqldb.DB) error{
		eventstore.Migrate, apikeys.Migrate, trail.Migrate, sessions.Migrate, projections.Migrate,
	} {
		if err := migrate(ctx, db); err != nil {
			return err
		}
	}
	return nil
}
