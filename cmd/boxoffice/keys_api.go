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
	"slices"
	"strconv"
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
	cmd.Flags().StringSliceVar(&wanted.Types, "types", nil, "of a publisher: the types that it may publish, such as 'playback.*' (default: all but user.erased, which has to be named)")
	expires := cmd.Flags().String("expires", "", "when it ends: a date (in UTC), a time (RFC 3339), or after how long: 90d, 12h (default: never)")
	asJSON := cmd.Flags().Bool("json", false, "print the result as JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkWanted(&wanted, *expires, time.Now()); err != nil {
			return usageError{err}
		}
		return changeKeys(cmd, c, actionMakeKey, func(keys *apikeys.Store) error {
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
		return changeKeys(cmd, c, actionRevokeKey, func(keys *apikeys.Store) error {
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

// changeKeys is the same for what changes who may do what, which is taken down.
func changeKeys(cmd *cobra.Command, c *config, action string, do func(*apikeys.Store) error) error {
	ctx := cmd.Context()
	return withKeys(ctx, c, func(db *sqldb.DB, keys *apikeys.Store) error {
		if err := trail.Migrate(ctx, db); err != nil {
			return err
		}
		return takenDown(ctx, db, newLogger(cmd.ErrOrStderr(), "text"), trail.Entry{Action: action}, func(*trail.Entry) error { return do(keys) })
	})
}

// maxKeyName is how many characters a key's name has at most.
const maxKeyName = 100

// checkWanted holds what is asked for against the rules, and fills in the end.
func checkWanted(k *apikeys.Key, expires string, now time.Time) error {
	if k.Name == "" || len([]rune(k.Name)) > maxKeyName || strings.ContainsFunc(k.Name, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd }) {
		return errors.New("--name: must be 1 to 100 characters, none of them a control character")
	}
	if access.Reserved(k.Name) {
		return fmt.Errorf("--name: %w", access.ErrNameReserved)
	}
	if !slices.Contains(access.Roles, access.Role(k.Role)) {
		return errors.New("--role: must be one of publisher, viewer, support, auditor, admin")
	}
	if k.Types != nil && access.Role(k.Role) != access.Publisher {
		return errors.New("--types: goes with the role publisher only")
	}
	for _, pattern := range k.Types {
		if !knownPattern(pattern) {
			return fmt.Errorf("--types: %q must be a type of the catalogue, such as playback.started, or its first part and a star: playback.*", pattern)
		}
	}
	if expires == "" {
		return nil
	}
	end, err := parseExpiry(expires, now)
	if err != nil {
		return err
	}
	if !end.After(now) {
		return errors.New("--expires: must be in the future")
	}
	k.ExpiresAt = &end
	return nil
}

// knownPattern says whether there is a type that a pattern names.
func knownPattern(pattern string) bool {
	prefix, ok := strings.CutSuffix(pattern, ".*")
	return pattern == "*" || domain.KnownType(pattern) ||
		ok && slices.ContainsFunc(domain.Types(), func(t domain.Type) bool { return strings.HasPrefix(string(t), prefix+".") })
}

// parseExpiry reads when a key ends.
func parseExpiry(text string, now time.Time) (time.Time, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return now.UTC().AddDate(0, 0, int(n)).Truncate(time.Second), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil {
		return now.UTC().Add(d).Truncate(time.Second), nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, errors.New("--expires: must be a date such as 2027-12-31, a time such as 2027-12-31T18:00:00Z, or a duration such as 90d or 12h")
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
