// This file is the commands about keys, and the keys of the configuration.

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"boxoffice/access"
	"boxoffice/eventstore/vault"
)

func newKeys() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "keys",
		Short:   "Make, list and revoke keys",
		Example: "  boxoffice keys make --name player --role publisher --types 'playback.*'\n  boxoffice keys list\n  boxoffice keys revoke player",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newKeysMake(), newKeysList(), newKeysRevoke(), newMasterKey(), rotateMasterKey(), pruneMasterKey())
	return cmd
}

func newMasterKey() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "new-master FILE",
		Short: "Make the key that wraps the users' keys",
		Long: "Makes the master key in a new file that only its owner may read. Everything personal in the log can be read with\n" +
			"this file and the database, and with neither alone: keep a copy of it apart from the database's backups.",
		Example: "  boxoffice keys new-master /etc/boxoffice/master-key.json",
		Args:    cobra.ExactArgs(1),
	}
	ifMissing := cmd.Flags().Bool("if-missing", false, "leave a file that is there as it is")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if vault.IsKMSURI(args[0]) {
			return errNotAFile
		}
		err := vault.NewMasterKeyFile(args[0])
		if *ifMissing && errors.Is(err, fs.ErrExist) {
			return nil
		}
		if err != nil {
			return err
		}
		fmt.Fprintln(cmd.OutOrStdout(), "made", args[0])
		return nil
	}
	return cmd
}

// parseAPIKeys reads role:key,role:key. No error quotes a key.
func parseAPIKeys(text string) ([]access.ConfiguredKey, error) {
	var keys []access.ConfiguredKey
	for i, part := range strings.Split(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		role, key, ok := strings.Cut(part, ":")
		if !ok || key == "" {
			return nil, fmt.Errorf("entry %d must be role:key", i+1)
		}
		if !slices.Contains(access.Roles, access.Role(role)) {
			return nil, fmt.Errorf("entry %d: the role must be one of publisher, viewer, support, auditor, admin", i+1)
		}
		if slices.ContainsFunc(keys, func(k access.ConfiguredKey) bool { return k.Key == key }) {
			return nil, fmt.Errorf("entry %d: the key is given twice", i+1)
		}
		keys = append(keys, access.ConfiguredKey{Role: access.Role(role), Key: key})
	}
	return keys, nil
}

// ownKey finds a key that a command of this program may publish with.
func ownKey(c *config) string {
	if c.Key != "" {
		return c.Key
	}
	return keyOfRole(c, access.Publisher, access.Admin)
}

// keyOfRole returns the first of the configured keys with the first of the roles
// that there is one for; empty where there is none.
func keyOfRole(c *config, roles ...access.Role) string {
	keys, err := parseAPIKeys(c.APIKeys)
	if err != nil {
		return ""
	}
	for _, role := range roles {
		if i := slices.IndexFunc(keys, func(k access.ConfiguredKey) bool { return k.Role == role }); i >= 0 {
			return keys[i].Key
		}
	}
	return ""
}
