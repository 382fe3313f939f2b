// This file is the commands that exchange the master key.

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"boxoffice/eventstore"
	"boxoffice/eventstore/vault"
)

func rotateMasterKey() *cobra.Command {
	return &cobra.Command{
		Use:   "rotate-master FILE",
		Short: "Add a new master key, which wraps from now on",
		Long: "Adds a new key to the key-set file and makes it the one that wraps from now on; the old one stays in the file, to\n" +
			"unwrap. To exchange the master key:\n\n" +
			"  1. boxoffice keys rotate-master FILE, and give the file to every process in the place of the old one\n" +
			"  2. boxoffice scrub, which rewraps the service's own keys\n" +
			"  3. boxoffice keys prune-master, which removes the old key where nothing is left under it\n\n" +
			"A process that runs reads the file again when it needs to. Keep a copy of the file apart from the database's\n" +
			"backups; backups from before step 2 can only be read with the old key.\n\n" +
			"To go from a file to a key management service, back, or from one of its keys to another, this command isn't needed:\n\n" +
			"  1. start every process with the new one as BOXOFFICE_MASTER_KEY and the old one as BOXOFFICE_OLD_MASTER_KEY\n" +
			"  2. boxoffice scrub, with both\n" +
			"  3. start every process without BOXOFFICE_OLD_MASTER_KEY: it starts where nothing is left under the old one",
		Example: "  boxoffice keys rotate-master /etc/boxoffice/master-key.json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if vault.IsKMSURI(args[0]) {
				return errNotAFile
			}
			if err := vault.RotateMasterKeyFile(args[0]); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "added a key to", args[0]+"; `boxoffice scrub` puts it to use")
			return nil
		},
	}
}

func pruneMasterKey() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "prune-master",
		Short: "Remove old master keys, where nothing is left under them",
		Long: "Removes every key from the key-set file but the one that wraps, after having tried that it alone opens the database.\n" +
			"Where it doesn't, nothing is changed: `boxoffice scrub` has to run first. See `boxoffice keys rotate-master`.",
		Example: "  boxoffice keys prune-master\n" +
			"  boxoffice keys prune-master --database-url postgres://boxoffice@db/boxoffice --master-key /etc/boxoffice/master-key.json",
		Args: noArguments,
	}
	c := addSettings(cmd, databaseSettings)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if vault.IsKMSURI(c.MasterKey) {
			return errNotAFile
		}
		db, err := openDatabase(cmd.Context(), c)
		if err != nil {
			return err
		}
		defer db.Close()
		err = vault.PruneMasterKeyFile(c.masterKeyFile(), func(pruned vault.MasterKey) error {
			store, err := eventstore.Open(cmd.Context(), db, pruned, nil)
			if err != nil {
				return fmt.Errorf("%w; run `boxoffice scrub` first", err)
			}
			return store.Close()
		})
		if err != nil {
			return nameMasterKey(err)
		}
		fmt.Fprintln(cmd.OutOrStdout(), "old keys are removed from", c.masterKeyFile())
		return nil
	}
	return cmd
}
