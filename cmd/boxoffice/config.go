// This file is about configuration: what can be set, and where a value comes
// from. A flag beats the environment, which beats the YAML file, which beats
// the default.

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v4"
)

// A config is what is in force for one run of the program.
type config struct {
	DataDir          string
	DatabaseURL      string
	MasterKey        string
	OldMasterKey     string
	NATSURL          string
	NATSCreds        string
	NATSAddr         string
	NATSMonitorURL   string
	BrokerMaxBytes   int64
	Retention        time.Duration
	HTTPAddr         string
	MetricsAddr      string
	TLSCert          string
	TLSKey           string
	BehindProxy      bool
	APIKeys          string
	OIDCIssuer       string
	OIDCAudience     string
	OIDCRoleClaim    string
	OIDCClientID     string
	OIDCClientSecret string
	TrailRetention   time.Duration
	TimeZone         string
	RenewalGrace     time.Duration
	Trials           bool
	NoConsole        bool
	SessionTimeout   time.Duration
	LogFormat        string
	Key              string
	URL              string
	ScrubEvery       time.Duration

	settings []*pflag.Flag
	file     string
}

// A setting is a flag that can also be given in the environment, by a variable
// that is derived from the flag's name, and in the file, by a key that is
// derived likewise.
func envOf(f *pflag.Flag) string {
	return "BOXOFFICE_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
}

func keyOf(f *pflag.Flag) string { return strings.ReplaceAll(f.Name, "-", "_") }

// isSecret says that a setting is shown to nobody: URLs may have passwords.
func isSecret(f *pflag.Flag) bool {
	return slices.Contains([]string{"database-url", "nats-url", "api-keys", "key", "oidc-client-secret"}, f.Name)
}

// A group declares settings that a command may need.
type group func(*config, *pflag.FlagSet)

func databaseSettings(c *config, f *pflag.FlagSet) {
	placeSettings(c, f)
	f.StringVar(&c.MasterKey, "master-key", "", "key that wraps the users' keys: a key-set file, or aws-kms://ARN (default: a file that is made in the data directory; required with PostgreSQL)")
	f.StringVar(&c.OldMasterKey, "old-master-key", "", "the master key before, a file or aws-kms://ARN, while it is exchanged: what it wraps can be read until `boxoffice scrub` has rewrapped it")
}

// placeSettings say where the database is, for what needn't read what is
// encrypted there.
func placeSettings(c *config, f *pflag.FlagSet) {
	f.StringVar(&c.DataDir, "data-dir", "./data", "where the embedded database and broker, and files of the service, are kept")
	f.StringVar(&c.DatabaseURL, "database-url", "", "postgres://… (default: the embedded database in the data directory)")
}

func brokerSettings(c *config, f *pflag.FlagSet) {
	f.StringVar(&c.NATSURL, "nats-url", "", "nats://… (default: the embedded server)")
	f.StringVar(&c.NATSCreds, "nats-creds", "", "credentials file for the NATS server")
	natsAddrSetting(c, f)
}

func natsAddrSetting(c *config, f *pflag.FlagSet) {
	f.StringVar(&c.NATSAddr, "nats-addr", "127.0.0.1:4222", "where the embedded NATS server listens for publishers")
}

func serviceSettings(c *config, f *pflag.FlagSet) {
	f.StringVar(&c.NATSMonitorURL, "nats-monitor-url", "", "the NATS servers' monitoring addresses, separated by commas, to read sync_interval from")
	f.Var((*byteSize)(&c.BrokerMaxBytes), "broker-max-bytes", "what the broker may take in all, such as 50GiB; past it publishers get an error (default: no limit)")
	f.DurationVar(&c.Retention, "retention", 72*time.Hour, "how long the broker keeps events that are in the log")
	f.StringVar(&c.HTTPAddr, "http-addr", "127.0.0.1:8080", "where the API listens")
	f.StringVar(&c.MetricsAddr, "metrics-addr", "127.0.0.1:9090", "where Prometheus metrics are served; empty: nowhere")
	f.StringVar(&c.TLSCert, "tls-cert", "", "certificate file (PEM) for the addresses that the service listens on")
	f.StringVar(&c.TLSKey, "tls-key", "", "key file (PEM) for --tls-cert")
	f.BoolVar(&c.BehindProxy, "behind-proxy", false, "a proxy in front does TLS: listen on other addresses than loopback without it")
	f.StringVar(&c.APIKeys, "api-keys", "", "role:key,role:key (default: an admin key is made at the first start and printed once)")
	f.StringVar(&c.OIDCIssuer, "oidc-issuer", "", "URL of an OpenID Connect issuer whose JWTs are taken as keys")
	f.StringVar(&c.OIDCAudience, "oidc-audience", "", "the audience that the issuer's JWTs have to be meant for")
	f.StringVar(&c.OIDCRoleClaim, "oidc-role-claim", "", "the claim of the issuer's JWTs that names the role; dots lead into objects: realm_access.roles")
	f.StringVar(&c.OIDCClientID, "oidc-client-id", "", "the client as which the issuer knows this service when it signs people in (default: the audience)")
	f.StringVar(&c.OIDCClientSecret, "oidc-client-secret", "", "that client's secret (default: none, as for a public client)")
	f.DurationVar(&c.TrailRetention, "trail-retention", 365*24*time.Hour, "how long the trail of who did what with personal data is kept, at least 720h")
	f.StringVar(&c.TimeZone, "time-zone", "UTC", "IANA name of the platform's time zone")
	f.Var((*dayDuration)(&c.RenewalGrace), "renewal-grace", "for how long after its period's end a subscription may be renewed without a gap, such as 36h or 2d; at most 31d")
	f.BoolVar(&c.Trials, "trials", true, "show the trial figure")
	f.BoolVar(&c.NoConsole, "no-console", false, "serve the API without the web pages")
	f.DurationVar(&c.SessionTimeout, "session-timeout", 30*time.Minute, "after how long without a report a viewing session counts as abandoned")
	f.DurationVar(&c.ScrubEvery, "scrub-every", 24*time.Hour, "how often what erasures have left in the database's files is removed, where somebody was erased; 0: never")
	f.StringVar(&c.LogFormat, "log-format", "auto", "how the service logs: text, json, or auto (text on a terminal)")
}

func publisherSettings(c *config, f *pflag.FlagSet) {
	f.StringVar(&c.APIKeys, "api-keys", "", "role:key,role:key, as the service has it; a publisher's or admin's is taken where --key is not given")
	f.StringVar(&c.Key, "key", "", "API key to publish with on the embedded server of another process (default: a publisher's or admin's of BOXOFFICE_API_KEYS)")
}

// addSettings declares the settings of the groups as flags of the command and
// fills them from the environment and the file before it runs.
func addSettings(cmd *cobra.Command, groups ...group) *config {
	c := newConfig(groups...)
	for _, s := range c.settings {
		cmd.Flags().AddFlag(s)
	}
	cmd.Flags().StringVar(&c.file, "config", os.Getenv("BOXOFFICE_CONFIG"), "YAML file with settings, keys named as the flags with _ for -")
	cmd.PreRunE = func(*cobra.Command, []string) error { return c.load(os.LookupEnv) }
	cmd.Long += "\n\nEach setting is a flag, or an environment variable (" + envOf(c.settings[0]) + " for --" + c.settings[0].Name +
		" and so on), or a key in the file that --config names (" + keyOf(c.settings[0]) + "); the first of these that is there counts."
	return c
}

// newConfig is the configuration with the settings of the groups, at their defaults.
func newConfig(groups ...group) *config {
	c := &config{}
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.SortFlags = false
	for _, g := range groups {
		g(c, flags)
	}
	flags.VisitAll(func(f *pflag.Flag) { c.settings = append(c.settings, f) })
	return c
}

func (c *config) settingsHave(name string) bool {
	return slices.ContainsFunc(c.settings, func(s *pflag.Flag) bool { return s.Name == name })
}

// load fills in what no flag has set, and checks the whole.
func (c *config) load(lookup func(string) (string, bool)) error {
	fromFile, err := readConfigFile(c.file)
	if err != nil {
		return err
	}
	for _, s := range c.settings {
		if s.Changed {
			continue
		}
		// An empty variable is how shells and compose files say "not set".
		origin := envOf(s)
		value, ok := lookup(origin)
		if !ok || value == "" {
			origin = keyOf(s) + " in " + c.file
			value, ok = fromFile[keyOf(s)]
		}
		if !ok {
			continue
		}
		if err := s.Value.Set(value); err != nil {
			return fmt.Errorf("%s: %w", origin, wrongValue(s, err))
		}
	}
	return c.check()
}

// wrongValue says what a setting must be, and quotes nothing: it may be a secret.
func wrongValue(s *pflag.Flag, err error) error {
	switch s.Value.Type() {
	case "bool":
		return errors.New("must be true or false")
	case "duration":
		return errors.New("must be a duration, such as 90s, 30m or 72h")
	}
	if isSecret(s) {
		return errors.New("not a valid value")
	}
	return err
}

// readConfigFile reads a flat YAML mapping of settings to scalars. A command
// takes the settings that it has and leaves those of other commands alone, but
// a key that no command has is an error: it is a setting misspelt.
func readConfigFile(file string) (map[string]string, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--config: %w", err)
	}
	var nodes map[string]yaml.Node
	if err := yaml.Unmarshal(text, &nodes); err != nil {
		return nil, fmt.Errorf("--config: %s: %w", file, err)
	}
	var known []string
	for _, g := range []group{databaseSettings, brokerSettings, serviceSettings, publisherSettings, clientSettings} {
		for _, s := range newConfig(g).settings {
			known = append(known, keyOf(s))
		}
	}
	values := map[string]string{}
	for key, node := range nodes {
		if !slices.Contains(known, key) {
			return nil, fmt.Errorf("--config: %s: there is no setting %q", file, key)
		}
		if node.Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("--config: %s: %s must be a single value", file, key)
		}
		values[key] = node.Value
	}
	return values, nil
}

// print writes what is in force as a file that --config reads, with secrets
// hidden.
func (c *config) print(w io.Writer) error {
	for _, s := range c.settings {
		value := s.Value.String()
		if isSecret(s) && value != "" {
			value = "(hidden)"
		}
		line, err := yaml.Marshal(map[string]string{keyOf(s): value})
		if err != nil {
			return err
		}
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	return nil
}

// A dayDuration is a duration that may be written in days, of 24 hours each.
type dayDuration time.Duration

// Set reads a duration: 36h, 2d, 1d12h. Nothing is none.
func (d *dayDuration) Set(text string) error {
	invalid := errors.New("must be a duration, such as 90m, 36h or 2d")
	text = strings.TrimSpace(text)
	total := time.Duration(0)
	if days, rest, inDays := strings.Cut(text, "d"); inDays {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return invalid
		}
		total, text = time.Duration(n)*24*time.Hour, rest //nolint:gosec // 16 bits
	}
	if text != "" {
		rest, err := time.ParseDuration(text)
		if err != nil {
			return invalid
		}
		total += rest
	}
	*d = dayDuration(total)
	return nil
}

func (d *dayDuration) String() string { return time.Duration(*d).String() }

// Type names the kind of value in the help.
func (d *dayDuration) Type() string { return "duration in days" }

// A byteSize is a number of bytes, written with or without a unit.
type byteSize int64

// maxBytes is up to where a number of bytes is exact, whatever its unit.
const maxBytes = 1 << 53

// Set reads a size. Nothing is no limit.
func (b *byteSize) Set(text string) error {
	if text = strings.TrimSpace(text); text == "" {
		text = "0"
	}
	n, err := humanize.ParseBytes(text)
	if err != nil || n > maxBytes {
		return errors.New("must be a number of bytes, such as 1073741824 or 1GiB")
	}
	*b = byteSize(n)
	return nil
}

func (b *byteSize) String() string {
	if *b == 0 {
		return ""
	}
	return strconv.FormatInt(int64(*b), 10)
}

// Type names the kind of value in the help.
func (b *byteSize) Type() string { return "bytes" }
