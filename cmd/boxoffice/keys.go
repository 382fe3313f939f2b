// This file is the commands about keys, and who holds which API key.

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"boxoffice/api"
	"boxoffice/eventstore/vault"
	"boxoffice/ingest"
	"boxoffice/internal/apikeys"
)

func newKeys() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "keys",
		Short:   "Make keys",
		Example: "  boxoffice keys new-master /etc/boxoffice/master-key.json",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newMasterKey(), rotateMasterKey(), pruneMasterKey())
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

// A roleKey is an API key that the configuration gives.
type roleKey struct {
	role api.Role
	key  string
}

// parseAPIKeys reads role:key,role:key. No error quotes a key.
func parseAPIKeys(text string) ([]roleKey, error) {
	var keys []roleKey
	for i, part := range strings.Split(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		role, key, ok := strings.Cut(part, ":")
		if !ok || key == "" {
			return nil, fmt.Errorf("entry %d must be role:key", i+1)
		}
		if !slices.Contains(api.Roles, api.Role(role)) {
			return nil, fmt.Errorf("entry %d: the role must be one of publisher, viewer, support, auditor, admin", i+1)
		}
		if slices.ContainsFunc(keys, func(k roleKey) bool { return k.key == key }) {
			return nil, fmt.Errorf("entry %d: the key is given twice", i+1)
		}
		keys = append(keys, roleKey{api.Role(role), key})
	}
	return keys, nil
}

// A keyring finds out who holds an API key: one of the configuration, or one
// that the service has made.
type keyring struct {
	static api.StaticKeys
	made   *apikeys.Store
}

// openKeyring gathers the keys. Where there are none at all it makes an admin
// key and gives it, this once.
func openKeyring(ctx context.Context, configured string, made *apikeys.Store) (*keyring, string, error) {
	keys, err := parseAPIKeys(configured)
	if err != nil {
		return nil, "", err
	}
	ring := &keyring{made: made}
	for _, k := range keys {
		if err := ring.static.Add(k.key, api.Identity{Role: k.role}); err != nil {
			return nil, "", err
		}
	}
	if len(keys) > 0 {
		return ring, "", nil
	}
	first, err := made.MakeFirst(ctx, "first admin", string(api.RoleAdmin))
	return ring, first, err
}

// Lookup gives the identity of who holds the key.
func (r *keyring) Lookup(ctx context.Context, key string) (api.Identity, bool, error) {
	if who, ok, err := r.static.Lookup(ctx, key); ok || err != nil {
		return who, ok, err
	}
	role, ok, err := r.made.Role(ctx, key)
	return api.Identity{Role: api.Role(role)}, ok, err
}

// publishers is the same for NATS: what the holder of a token may publish.
func (r *keyring) publishers(token string) (ingest.Grant, bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	who, ok, err := r.Lookup(ctx, token)
	switch {
	case err != nil || !ok:
		return ingest.Grant{}, false
	case who.Role == api.RoleAdmin:
		return ingest.GrantAll(), true
	case who.Role == api.RolePublisher:
		return ingest.GrantTypes(who.Types...), true
	}
	return ingest.Grant{}, false
}

// ownKey finds a key that a command of this program may publish with.
func ownKey(c *config) string {
	if c.Key != "" {
		return c.Key
	}
	keys, err := parseAPIKeys(c.APIKeys)
	if err != nil {
		return ""
	}
	for _, role := range []api.Role{api.RolePublisher, api.RoleAdmin} {
		if i := slices.IndexFunc(keys, func(k roleKey) bool { return k.role == role }); i >= 0 {
			return keys[i].key
		}
	}
	return ""
}
