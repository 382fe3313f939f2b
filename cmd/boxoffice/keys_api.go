// This file is the commands that make, list and revoke API keys. They work on
// the database, whether the service runs or not, and on a service that runs
// they take effect at once.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"boxoffice/access"
	"boxoffice/access/apikeys"
	"boxoffice/access/trail"
	"boxoffice/domain"
	"boxoffice/internal/sqldb"
)

func newKeysMake() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "make --name NAME --role ROLE",
		Short: "Make an API key",
		Long: "Makes an API key and shows it, this once: only a hash is stored. The name stands in the trail of who did what, and\n" +
			"is used once: a key that takes another's place needs a name of its own. Roles: publisher, viewer, support, auditor, admin.",
		Example: "  boxoffice keys make --name dashboard --role viewer\n" +
			"  boxoffice keys make --name player --role publisher --types 'playback.*' --expires 90d\n" +
			"  boxoffice keys make --name privacy --role publisher --types user.erased --expires 2027-12-31",
		Args: noArguments,
	}
	c := addSettings(cmd, placeSettings)
	var wanted apikeys.Key
	cmd.Flags().StringVar(&wanted.Name, "name", "", "the key's name, for people: at most 100 characters")
	cmd.Flags().StringVar(&wanted.Role, "role", "", "what its holder may do")
	cmd.Flags().StringSliceVar(&wanted.Types, "types", nil, "of a publisher: the types that it may publish, such as 'playback.*' (default: all but user.erased and event.retracted, which have to be named)")
	expires := cmd.Flags().String("expires", "", "when it ends: a date (in UTC), a time (RFC 3339), or after how long: 90d, 12h (default: never)")
	asJSON := cmd.Flags().Bool("json", false, "print the result as JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkWanted(&wanted, *expires, time.Now()); err != nil {
			return usageError{err}
		}
		return changeKeys(cmd, c, access.MakeKey, func(keys *apikeys.Store) error {
			key, made, err := keys.Make(cmd.Context(), wanted)
			if errors.Is(err, apikeys.ErrNameTaken) {
				return fmt.Errorf("--name: %w", apikeys.ErrNameTaken)
			}
			if err != nil {
				return err
			}
			return printMade(cmd.OutOrStdout(), key, &made, *asJSON)
		})
	}
	return cmd
}

func newKeysList() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the API keys",
		Long:    "Lists the API keys that were made, those too that have expired or were revoked. The keys themselves are nowhere.",
		Example: "  boxoffice keys list\n  boxoffice keys list --json",
		Args:    noArguments,
	}
	c := addSettings(cmd, placeSettings)
	asJSON := cmd.Flags().Bool("json", false, "print the list as JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return withKeys(cmd.Context(), c, func(_ *sqldb.DB, keys *apikeys.Store) error {
			list, err := keys.List(cmd.Context())
			if err != nil {
				return err
			}
			return printKeys(cmd.OutOrStdout(), list, *asJSON)
		})
	}
	return cmd
}

func newKeysRevoke() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "revoke NAME",
		Short: "Revoke an API key",
		Long: "Makes an API key good for nothing, at once and for good: over HTTP from the next request on, and what it has open,\n" +
			"streams and connections of publishers, ends within some seconds.",
		Example: "  boxoffice keys revoke player",
		Args:    cobra.ExactArgs(1),
	}
	c := addSettings(cmd, placeSettings)
	asJSON := cmd.Flags().Bool("json", false, "print the result as JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return changeKeys(cmd, c, access.RevokeKey, func(keys *apikeys.Store) error {
			revoked, err := keys.Revoke(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if !revoked {
				return fmt.Errorf("there is no key named %q that isn't revoked already; `boxoffice keys list` shows all", args[0])
			}
			if *asJSON {
				return printJSON(cmd.OutOrStdout(), map[string]string{"revoked": args[0]})
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "revoked", args[0])
			return err
		})
	}
	return cmd
}

// withKeys opens the keys of the database that the configuration names.
func withKeys(ctx context.Context, c *config, do func(*sqldb.DB, *apikeys.Store) error) error {
	db, err := openDatabase(ctx, c)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := apikeys.Migrate(ctx, db); err != nil {
		return err
	}
	keys, err := apikeys.Open(ctx, db)
	if err != nil {
		return err
	}
	defer keys.Close()
	return do(db, keys)
}

// changeKeys is the same for what changes who may do what, which is in the trail.
func changeKeys(cmd *cobra.Command, c *config, action string, do func(*apikeys.Store) error) error {
	ctx := cmd.Context()
	return withKeys(ctx, c, func(db *sqldb.DB, keys *apikeys.Store) error {
		if err := trail.Migrate(ctx, db); err != nil {
			return err
		}
		return withAuditEntry(ctx, db, newLogger(cmd.ErrOrStderr(), "text", slog.LevelInfo), trail.Entry{Action: action}, func(*trail.Entry) error { return do(keys) })
	})
}

// checkWanted holds what is asked for against the rules, and fills in the end.
func checkWanted(k *apikeys.Key, expires string, now time.Time) (err error) {
	if err = access.CheckNewKey(k, domain.Types()); err == nil {
		k.ExpiresAt, err = apikeys.ParseEnd(expires, now)
	}
	if bad, ok := errors.AsType[*apikeys.FieldError](err); ok {
		return fmt.Errorf("--%s: %w", bad.Field, bad)
	}
	return err
}

// A shownKey is a key as programs get it.
type shownKey struct {
	Key       string     `json:"key,omitempty"` // where it is shown
	Name      string     `json:"name"`
	Role      string     `json:"role"`
	Types     []string   `json:"types"` // null for no limit
	State     string     `json:"state"` // good, expired, revoked
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at"`
	RevokedAt *time.Time `json:"revoked_at"`
}

func showKey(k *apikeys.Key) shownKey {
	state := "good"
	switch {
	case k.RevokedAt != nil:
		state = "revoked"
	case !k.Good(time.Now()):
		state = "expired"
	}
	return shownKey{Name: k.Name, Role: k.Role, Types: k.Types, State: state, CreatedAt: k.CreatedAt, ExpiresAt: k.ExpiresAt, RevokedAt: k.RevokedAt}
}

func printMade(w io.Writer, key string, made *apikeys.Key, asJSON bool) error {
	if asJSON {
		shown := showKey(made)
		shown.Key = key
		return printJSON(w, shown)
	}
	_, err := fmt.Fprintf(w, "The key of %s, role %s. It is shown this once:\n\n  %s\n", made.Name, made.Role, key)
	return err
}

func printKeys(w io.Writer, keys []apikeys.Key, asJSON bool) error {
	if asJSON {
		shown := make([]shownKey, len(keys))
		for i := range keys {
			shown[i] = showKey(&keys[i])
		}
		return printJSON(w, shown)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tROLE\tTYPES\tMADE\tEXPIRES\tSTATE")
	for i := range keys {
		k := showKey(&keys[i])
		types := strings.Join(k.Types, ",")
		if k.Types == nil {
			types = "-"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", k.Name, k.Role, types, shortTime(&k.CreatedAt), shortTime(k.ExpiresAt), k.State)
	}
	return table.Flush()
}

func shortTime(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return t.UTC().Format("2006-01-02T15:04Z")
}

func printJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}
