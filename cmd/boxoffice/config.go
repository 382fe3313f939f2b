// This file is about configuration: what can be set, and where a value comes
// from. A flag beats the environment, which beats the YAML file, which beats
// the default.

package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v4"

	"boxoffice/access/trail"
)

// A config is what is in force for one run of the program.
type config struct {
	DataDir        string
	DatabaseURL    string
	MasterKey      string
	OldMasterKey   string
	NATSURL        string
	NATSCreds      string
	NATSAddr       string
	NATSMonitorURL string
	BrokerMaxBytes int64
	Retention      time.Duration
	HTTPAddr       string
	MetricsAddr    string
	TLSCert        string
	TLSKey         string
	BehindProxy    bool
	APIKeys        string
	OIDCIssuer     string
	OIDCAudience   string
	OIDCRoleClaim  string
	TrailRetention time.Duration
	TimeZone       string
	Trials         bool
	SessionTimeout time.Duration
	LogFormat      string
	Key            string
	URL            string
	ScrubEvery     time.Duration

	settings []setting
	file     string
}

// A setting is one value that can be configured: by flag, by the environment
// variable that is derived from the flag's name, and by the key in the file
// that is derived likewise.
type setting struct {
	flag   *pflag.Flag
	secret bool
}

func (s setting) env() string {
	return "BOXOFFICE_" + strings.ToUpper(strings.ReplaceAll(s.flag.Name, "-", "_"))
}

func (s setting) key() string { return strings.ReplaceAll(s.flag.Name, "-", "_") }

// A group is a set of settings that a command may need.
type group func(*config, *settingFlags)

// settingFlags collects a command's settings while they are declared.
type settingFlags struct {
	*pflag.FlagSet
	config *config
}

// note makes the flag that was declared last a setting.
func (f *settingFlags) note(name string, secret bool) {
	f.config.settings = append(f.config.settings, setting{flag: f.Lookup(name), secret: secret})
}

func (f *settingFlags) text(p *string, name, value, usage string) {
	f.StringVar(p, name, value, usage)
	f.note(name, false)
}

func (f *settingFlags) secretText(p *string, name, usage string) {
	f.StringVar(p, name, "", usage)
	f.note(name, true)
}

func (f *settingFlags) duration(p *time.Duration, name string, value time.Duration, usage string) {
	f.DurationVar(p, name, value, usage)
	f.note(name, false)
}

func (f *settingFlags) flag(p *bool, name string, value bool, usage string) {
	f.BoolVar(p, name, value, usage)
	f.note(name, false)
}

func databaseSettings(c *config, f *settingFlags) {
	placeSettings(c, f)
	f.text(&c.MasterKey, "master-key", "", "key that wraps the users' keys: a key-set file, or aws-kms://ARN (default: a file that is made in the data directory; required with PostgreSQL)")
	f.text(&c.OldMasterKey, "old-master-key", "", "the master key before, a file or aws-kms://ARN, while it is exchanged: what it wraps can be read until `boxoffice scrub` has wrapped it anew")
}

// placeSettings say where the database is, for what needn't read what is
// encrypted there.
func placeSettings(c *config, f *settingFlags) {
	f.text(&c.DataDir, "data-dir", "./data", "where the embedded database and broker, and files of the service, are kept")
	f.secretText(&c.DatabaseURL, "database-url", "postgres://… (default: the embedded database in the data directory)")
}

func brokerSettings(c *config, f *settingFlags) {
	f.secretText(&c.NATSURL, "nats-url", "nats://… (default: the embedded server)")
	f.text(&c.NATSCreds, "nats-creds", "", "credentials file for the NATS server")
	f.text(&c.NATSAddr, "nats-addr", "127.0.0.1:4222", "where the embedded NATS server listens for publishers")
}

func serviceSettings(c *config, f *settingFlags) {
	f.text(&c.NATSMonitorURL, "nats-monitor-url", "", "the NATS servers' monitoring addresses, separated by commas, to read sync_interval from")
	f.Var((*byteSize)(&c.BrokerMaxBytes), "broker-max-bytes", "what the broker may take in all, such as 50GiB; past it publishers get an error (default: no limit)")
	f.note("broker-max-bytes", false)
	f.duration(&c.Retention, "retention", 72*time.Hour, "how long the broker keeps events that are in the log")
	f.text(&c.HTTPAddr, "http-addr", "127.0.0.1:8080", "where the API listens")
	f.text(&c.MetricsAddr, "metrics-addr", "127.0.0.1:9090", "where Prometheus metrics are served; empty: nowhere")
	f.text(&c.TLSCert, "tls-cert", "", "certificate file (PEM) for the addresses that the service listens on")
	f.text(&c.TLSKey, "tls-key", "", "key file (PEM) for --tls-cert")
	f.flag(&c.BehindProxy, "behind-proxy", false, "a proxy in front does TLS: listen on other addresses than loopback without it")
	f.secretText(&c.APIKeys, "api-keys", "role:key,role:key (default: an admin key is made at the first start and printed once)")
	f.text(&c.OIDCIssuer, "oidc-issuer", "", "URL of an OpenID Connect issuer whose JWTs are taken as keys")
	f.text(&c.OIDCAudience, "oidc-audience", "", "the audience that the issuer's JWTs have to be meant for")
	f.text(&c.OIDCRoleClaim, "oidc-role-claim", "", "the claim of the issuer's JWTs that names the role; dots lead into objects: realm_access.roles")
	f.duration(&c.TrailRetention, "trail-retention", 365*24*time.Hour, "how long the trail of who did what with personal data is kept, at least 720h")
	f.text(&c.TimeZone, "time-zone", "UTC", "IANA name of the platform's time zone")
	f.flag(&c.Trials, "trials", true, "show the trial figure")
	f.duration(&c.SessionTimeout, "session-timeout", 30*time.Minute, "after how long without a report a viewing session counts as abandoned")
	f.duration(&c.ScrubEvery, "scrub-every", 24*time.Hour, "how often what erasures have left in the database's files is removed, where somebody was erased; 0: never")
	f.text(&c.LogFormat, "log-format", "auto", "how the service logs: text, json, or auto (text on a terminal)")
}

func publisherSettings(c *config, f *settingFlags) {
	f.secretText(&c.APIKeys, "api-keys", "role:key,role:key, as the service has it; a publisher's or admin's is taken where --key is not given")
	f.secretText(&c.Key, "key", "API key to publish with on the embedded server of another process (default: a publisher's or admin's of BOXOFFICE_API_KEYS)")
}

// addSettings declares the settings of the groups as flags of the command and
// fills them from the environment and the file before it runs.
func addSettings(cmd *cobra.Command, groups ...group) *config {
	c := &config{}
	flags := &settingFlags{FlagSet: cmd.Flags(), config: c}
	flags.StringVar(&c.file, "config", os.Getenv("BOXOFFICE_CONFIG"), "YAML file with settings, keys named as the flags with _ for -")
	for _, g := range groups {
		g(c, flags)
	}
	cmd.PreRunE = func(*cobra.Command, []string) error { return c.load(os.LookupEnv) }
	cmd.Long += settingsHelp(c)
	return c
}

func settingsHelp(c *config) string {
	return "\n\nEach setting is a flag, or an environment variable (" + c.settings[0].env() + " for --" + c.settings[0].flag.Name +
		" and so on), or a key in the file that --config names (" + c.settings[0].key() + "); the first of these that is there counts."
}

// load fills in what no flag has set, and checks the whole.
func (c *config) load(lookup func(string) (string, bool)) error {
	fromFile, err := readConfigFile(c.file, c.settings)
	if err != nil {
		return err
	}
	for _, s := range c.settings {
		if s.flag.Changed {
			continue
		}
		value, origin := "", ""
		// An empty variable is how shells and compose files say "not set".
		if v, ok := lookup(s.env()); ok && v != "" {
			value, origin = v, s.env()
		} else if v, ok := fromFile[s.key()]; ok {
			value, origin = v, s.key()+" in "+c.file
		} else {
			continue
		}
		if err := s.flag.Value.Set(value); err != nil {
			return fmt.Errorf("%s: %w", origin, wrongValue(s, err))
		}
	}
	return c.check()
}

// wrongValue says what a setting must be, and quotes nothing: it may be a secret.
func wrongValue(s setting, err error) error {
	switch s.flag.Value.Type() {
	case "bool":
		return errors.New("must be true or false")
	case "duration":
		return errors.New("must be a duration, such as 90s, 30m or 72h")
	}
	if s.secret {
		return errors.New("not a valid value")
	}
	return err
}

// readConfigFile reads a flat YAML mapping of settings to scalars. A command
// takes the settings that it has and leaves those of other commands alone, but
// a key that no command has is an error: it is a setting misspelt.
func readConfigFile(file string, settings []setting) (map[string]string, error) {
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
	known := allSettingKeys()
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

func allSettingKeys() []string {
	var keys []string
	for _, g := range []group{databaseSettings, brokerSettings, serviceSettings, publisherSettings, clientSettings} {
		c := &config{}
		g(c, &settingFlags{FlagSet: pflag.NewFlagSet("", pflag.ContinueOnError), config: c})
		for _, s := range c.settings {
			keys = append(keys, s.key())
		}
	}
	return keys
}

// check holds the values against their rules. Settings that the command
// doesn't have are zero and pass.
func (c *config) check() error {
	if _, err := time.LoadLocation(c.TimeZone); err != nil || c.TimeZone == "Local" {
		return errors.New("BOXOFFICE_TIME_ZONE: must be the IANA name of a time zone, such as Europe/Paris")
	}
	if c.DatabaseURL != "" && !strings.HasPrefix(c.DatabaseURL, "postgres://") && !strings.HasPrefix(c.DatabaseURL, "postgresql://") {
		return errors.New("BOXOFFICE_DATABASE_URL: must start with postgres://")
	}
	if err := c.checkMasterKeys(); err != nil {
		return err
	}
	if err := c.checkBroker(); err != nil {
		return err
	}
	if err := c.checkURL(); err != nil {
		return err
	}
	if _, err := parseAPIKeys(c.APIKeys); err != nil {
		return fmt.Errorf("BOXOFFICE_API_KEYS: %w", err)
	}
	if c.settingsHave("retention") && c.Retention <= 0 {
		return errors.New("BOXOFFICE_RETENTION: must be more than 0")
	}
	if err := c.checkOIDC(); err != nil {
		return err
	}
	if c.settingsHave("trail-retention") && c.TrailRetention < trail.MinRetention {
		return errors.New("BOXOFFICE_TRAIL_RETENTION: must be at least 720h")
	}
	if c.settingsHave("session-timeout") && c.SessionTimeout <= 0 {
		return errors.New("BOXOFFICE_SESSION_TIMEOUT: must be more than 0")
	}
	if c.ScrubEvery < 0 {
		return errors.New("BOXOFFICE_SCRUB_EVERY: must not be negative")
	}
	if c.URL != "" && !hasScheme(c.URL, "http", "https") {
		return errors.New("BOXOFFICE_URL: must be http://HOST:PORT or https://HOST")
	}
	if !slices.Contains([]string{"", "auto", "text", "json"}, c.LogFormat) {
		return errors.New("BOXOFFICE_LOG_FORMAT: must be auto, text or json")
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("BOXOFFICE_TLS_CERT, BOXOFFICE_TLS_KEY: set both or neither")
	}
	return c.checkAddresses()
}

// checkOIDC holds the settings of an issuer against each other: a token is a
// key only where it is told whose, for whom and how it names the role.
func (c *config) checkOIDC() error {
	if c.OIDCIssuer == "" && c.OIDCAudience == "" && c.OIDCRoleClaim == "" {
		return nil
	}
	u, err := url.Parse(c.OIDCIssuer)
	if err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && isLoopback(u.Hostname())) {
		return errors.New("BOXOFFICE_OIDC_ISSUER: must be https://…, as the issuer's tokens have it in iss (http:// on loopback only)")
	}
	if c.OIDCAudience == "" {
		return errors.New("BOXOFFICE_OIDC_AUDIENCE: required with BOXOFFICE_OIDC_ISSUER: the audience that tokens have to be meant for")
	}
	if c.OIDCRoleClaim == "" {
		return errors.New("BOXOFFICE_OIDC_ROLE_CLAIM: required with BOXOFFICE_OIDC_ISSUER: the claim that names the role")
	}
	return nil
}

// checkBroker holds the broker's addresses against the schemes that they may
// have, so that a slip of the pen isn't a connection that is tried for ever.
func (c *config) checkBroker() error {
	for address := range strings.SplitSeq(c.NATSURL, ",") {
		if c.NATSURL != "" && !hasScheme(address, "nats", "tls", "ws", "wss") {
			return errors.New("BOXOFFICE_NATS_URL: must be nats://HOST:PORT, or several of these with commas between them")
		}
	}
	for _, address := range c.monitorURLs() {
		if !hasScheme(address, "http", "https") {
			return errors.New("BOXOFFICE_NATS_MONITOR_URL: must be http://HOST:PORT, or several of these with commas between them")
		}
	}
	if c.NATSCreds != "" {
		if _, err := os.ReadFile(c.NATSCreds); err != nil {
			return fmt.Errorf("BOXOFFICE_NATS_CREDS: %w", err)
		}
	}
	return nil
}

// hasScheme says that an address is a URL with a host and one of the schemes.
func hasScheme(address string, schemes ...string) bool {
	u, err := url.Parse(strings.TrimSpace(address))
	return err == nil && u.Host != "" && slices.Contains(schemes, u.Scheme)
}

func (c *config) settingsHave(flag string) bool {
	return slices.ContainsFunc(c.settings, func(s setting) bool { return s.flag.Name == flag })
}

// checkAddresses keeps keys and personal data from crossing a network in clear
// text because somebody forgot TLS.
func (c *config) checkAddresses() error {
	addresses := []struct{ env, addr string }{{"BOXOFFICE_HTTP_ADDR", c.HTTPAddr}, {"BOXOFFICE_METRICS_ADDR", c.MetricsAddr}}
	if c.NATSURL == "" {
		addresses = append(addresses, struct{ env, addr string }{"BOXOFFICE_NATS_ADDR", c.NATSAddr})
	}
	for _, a := range addresses {
		if a.addr == "" {
			continue
		}
		host, port, err := net.SplitHostPort(a.addr)
		if err != nil {
			return fmt.Errorf("%s: must be HOST:PORT", a.env)
		}
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return fmt.Errorf("%s: the port must be a number from 0 to 65535", a.env)
		}
		if !isLoopback(host) && c.settingsHave("tls-cert") && c.TLSCert == "" && !c.BehindProxy {
			return fmt.Errorf("%s: listening on another address than loopback needs TLS (--tls-cert, --tls-key), or --behind-proxy where a proxy does it", a.env)
		}
	}
	return nil
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// print writes what is in force as a file that --config reads, with secrets
// hidden.
func (c *config) print(w io.Writer) error {
	for _, s := range c.settings {
		value := s.flag.Value.String()
		if s.secret && value != "" {
			value = "(hidden)"
		}
		line, err := yaml.Marshal(map[string]string{s.key(): value})
		if err != nil {
			return err
		}
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	return nil
}

// A byteSize is a number of bytes, written with or without a unit.
type byteSize int64

var byteUnits = []struct {
	suffix string
	factor int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1}, {"", 1}}

func (b *byteSize) Set(text string) error {
	text = strings.TrimSpace(text)
	if text == "" {
		*b = 0
		return nil
	}
	for _, u := range byteUnits {
		digits, ok := strings.CutSuffix(text, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || n < 0 || n > (1<<62)/u.factor {
			break
		}
		*b = byteSize(n * u.factor)
		return nil
	}
	return errors.New("must be a number of bytes, such as 1073741824 or 1GiB")
}

func (b *byteSize) String() string {
	if *b == 0 {
		return ""
	}
	return strconv.FormatInt(int64(*b), 10)
}

// Type names the kind of value in the help.
func (b *byteSize) Type() string { return "bytes" }
