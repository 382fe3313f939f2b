// This file holds what is configured against its rules.

package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"boxoffice/access/trail"
)

// check holds the values against their rules. Settings that the command
// doesn't have are zero and pass.
func (c *config) check() error {
	_, zoneErr := time.LoadLocation(c.TimeZone)
	_, keysErr := parseAPIKeys(c.APIKeys)
	positive := func(name string, d time.Duration) bool { return !c.settingsHave(name) || d > 0 }
	for _, rule := range []struct {
		holds bool
		must  string
	}{
		{zoneErr == nil && c.TimeZone != "Local", "BOXOFFICE_TIME_ZONE: must be the IANA name of a time zone, such as Europe/Paris"},
		{0 <= c.RenewalGrace && c.RenewalGrace <= 31*24*time.Hour, "BOXOFFICE_RENEWAL_GRACE: must be from 0 to 31d"},
		{c.DatabaseURL == "" || isPostgres(c.DatabaseURL), "BOXOFFICE_DATABASE_URL: must start with postgres://"},
		{keysErr == nil, fmt.Sprintf("BOXOFFICE_API_KEYS: %v", keysErr)},
		{positive("retention", c.Retention), "BOXOFFICE_RETENTION: must be more than 0"},
		{!c.settingsHave("trail-retention") || c.TrailRetention >= trail.MinRetention, "BOXOFFICE_TRAIL_RETENTION: must be at least 720h"},
		{positive("session-timeout", c.SessionTimeout), "BOXOFFICE_SESSION_TIMEOUT: must be more than 0"},
		{c.ScrubEvery >= 0, "BOXOFFICE_SCRUB_EVERY: must not be negative"},
		{c.URL == "" || hasScheme(c.URL, "http", "https"), "BOXOFFICE_URL: must be http://HOST:PORT or https://HOST"},
		{slices.Contains([]string{"", "auto", "text", "json"}, c.LogFormat), "BOXOFFICE_LOG_FORMAT: must be auto, text or json"},
		{(c.TLSCert == "") == (c.TLSKey == ""), "BOXOFFICE_TLS_CERT, BOXOFFICE_TLS_KEY: set both or neither"},
	} {
		if !rule.holds {
			return errors.New(rule.must)
		}
	}
	for _, check := range []func() error{c.checkMasterKeys, c.checkBroker, c.checkOIDC, c.checkAddresses} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// isPostgres says that a URL is one of PostgreSQL's.
func isPostgres(url string) bool {
	return strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://")
}

// checkOIDC holds the settings of an issuer against each other: a token is a
// key only where it is told whose, for whom and how it names the role.
func (c *config) checkOIDC() error {
	if c.OIDCIssuer+c.OIDCAudience+c.OIDCRoleClaim+c.OIDCClientID+c.OIDCClientSecret == "" {
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
