// This file tests who may do what on a service that runs: with keys that are
// revoked by another process, tokens of a real issuer, and TLS.

package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"boxoffice/access/attempts"
	"boxoffice/access/tokens/tokenstest"
	"boxoffice/internal/eventually"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// ask asks a service with a key, and returns status, headers and body.
func ask(t *testing.T, s *service, key, path string) (int, http.Header, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.api.addr()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(body)
}

// keysCommand runs `boxoffice keys` on the database of a service, as another
// process does: with connections of its own.
func keysCommand(t *testing.T, s *service, args ...string) string {
	t.Helper()
	args = append([]string{"keys"}, args...)
	args = append(args, "--data-dir", s.config.DataDir, "--database-url", s.config.DatabaseURL)
	var out, errs bytes.Buffer
	if status := run(args, nil, &out, &errs); status != 0 {
		t.Fatalf("%v: %d %s", args, status, &errs)
	}
	return out.String()
}

func makeKey(t *testing.T, s *service, args ...string) string {
	t.Helper()
	var made shownKey
	if err := json.Unmarshal([]byte(keysCommand(t, s, append([]string{"make", "--json"}, args...)...)), &made); err != nil {
		t.Fatal(err)
	}
	return made.Key
}

// A key that another process revokes, or that expires, is good for nothing:
// over HTTP at once, and a publisher who is connected over NATS is turned out.
func TestARevokedKeyIsTurnedOut(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db func() *sqldb.DB) {
		var extra []string
		if engine := db().Dialect().Name; engine == sqldb.Postgres {
			master := filepath.Join(t.TempDir(), "master-key.json")
			if status := run([]string{"keys", "new-master", master}, nil, io.Discard, io.Discard); status != 0 {
				t.Fatal("no master key")
			}
			extra = []string{"--database-url", sqltest.URL(t, engine), "--master-key", master}
		}
		s := runningServiceWith(t, extra...)
		awaitPosition(t, s, 0)
		publisher := makeKey(t, s, "--name", "player", "--role", "publisher", "--types", "playback.*")
		ending := makeKey(t, s, "--name", "ending", "--role", "publisher", "--expires", "4s")
		staying := makeKey(t, s, "--name", "other", "--role", "publisher")
		viewer := makeKey(t, s, "--name", "dash", "--role", "viewer")
		conns := map[string]*nats.Conn{}
		for name, key := range map[string]string{"player": publisher, "ending": ending, "other": staying} {
			conn, err := nats.Connect("nats://"+s.embedded.Addr().String(), nats.Token(key), nats.NoReconnect())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conns[name] = conn
		}
		if _, err := conns["player"].Request("boxoffice.events.playback.started", []byte("{}"), 10*time.Second); err != nil {
			t.Fatalf("publishing: %v", err)
		}
		if status, _, body := ask(t, s, viewer, "/v1/user-counts"); status != http.StatusOK {
			t.Fatal(body)
		}
		keysCommand(t, s, "revoke", "dash")
		if status, _, _ := ask(t, s, viewer, "/v1/user-counts"); status != http.StatusUnauthorized {
			t.Errorf("over HTTP a revoked key gets %d", status)
		}
		keysCommand(t, s, "revoke", "player")
		for _, name := range []string{"player", "ending"} {
			eventually.Holds(t, name+" is disconnected", conns[name].IsClosed)
		}
		if err := conns["other"].Flush(); err != nil {
			t.Errorf("the other publisher was turned out too: %v", err)
		}
		if _, err := nats.Connect("nats://"+s.embedded.Addr().String(), nats.Token(publisher)); err == nil {
			t.Error("a revoked key connects again")
		}
	})
}

// Tokens of an issuer are keys. That the issuer is down at the start, or later,
// doesn't concern those who have another key.
func TestTokensOfAnIssuer(t *testing.T) {
	t.Parallel()
	issuer := tokenstest.Build(t)
	issuer.Start()
	early := issuer.Token(map[string]any{"role": "support"})
	issuer.Stop()
	s := runningServiceWith(t, "--oidc-issuer", issuer.URL(), "--oidc-audience", tokenstest.Audience, "--oidc-role-claim", "role")
	awaitPosition(t, s, 0)
	check := func(key, path string, want int, text string) {
		t.Helper()
		if status, _, body := ask(t, s, key, path); status != want || !strings.Contains(body, text) {
			t.Errorf("%s: %d %s, want %d %q", path, status, body, want, text)
		}
	}
	check("the-key", "/v1/users", http.StatusOK, "")
	check(early, "/v1/users", http.StatusServiceUnavailable, "can't be reached")
	check("a.b.c", "/v1/users", http.StatusUnauthorized, "")

	issuer.Start()
	claims := map[string]any{"role": []string{"support"}, "preferred_username": "bea"}
	token := issuer.Token(claims)
	eventually.Succeeds(t, "the token is good", func() error {
		if status, _, body := ask(t, s, token, "/v1/users"); status != http.StatusOK {
			return fmt.Errorf("it gets %d %s", status, body)
		}
		return nil
	})
	check(token, "/v1/refused", http.StatusForbidden, "role")
	check(issuer.Token(map[string]any{"role": "nobody"}), "/v1/users", http.StatusForbidden, "names no role")
	check(issuer.Token(map[string]any{"role": "support", "preferred_username": "shell: root@db"}), "/v1/users", http.StatusUnauthorized, `begin with \"shell:\"`)
	expired := issuer.TokenFor(tokenstest.Audience, -time.Minute, claims)
	check(expired, "/v1/users", http.StatusUnauthorized, "expired")
	check(issuer.TokenFor("elsewhere", time.Minute, claims), "/v1/users", http.StatusUnauthorized, "audience")
	if _, header, _ := ask(t, s, expired, "/v1/users"); header.Get("Www-Authenticate") != `Bearer error="invalid_token"` {
		t.Errorf("Www-Authenticate: %s", header.Get("Www-Authenticate"))
	}

	publisher := issuer.Token(map[string]any{"role": "publisher"})
	conn, err := nats.Connect("nats://"+s.embedded.Addr().String(), nats.Token(publisher), nats.NoReconnect())
	if err != nil {
		t.Fatalf("a publisher's token over NATS: %v", err)
	}
	conn.Close()
	if conn, err := nats.Connect("nats://"+s.embedded.Addr().String(), nats.Token(token), nats.NoReconnect()); err == nil {
		conn.Close()
		t.Error("a token that isn't a publisher's is taken over NATS")
	}

	issuer.Stop()
	check(token, "/v1/users", http.StatusOK, "")
	check("the-key", "/v1/users", http.StatusOK, "")
	eventually.Succeeds(t, "the trail names the token's holder", func() error {
		_, _, body := ask(t, s, "the-key", "/v1/audit/trail?actor=bea")
		if !strings.Contains(body, `"actor":"bea","role":"support","action":"list-users","status":200`) {
			return fmt.Errorf("it is %s", body)
		}
		return nil
	})
}

// Guessing is as slow over NATS as over HTTP, and holds up nobody who is known.
func TestGuessingOverNATS(t *testing.T) {
	s := runningServiceWith(t)
	connect := func(key string) error {
		conn, err := nats.Connect("nats://"+s.embedded.Addr().String(), nats.Token(key), nats.NoReconnect())
		if err == nil {
			conn.Close()
		}
		return err
	}
	known, unknown := makeKey(t, s, "--name", "known", "--role", "publisher"), makeKey(t, s, "--name", "unknown", "--role", "publisher")
	if err := connect(known); err != nil {
		t.Fatal(err)
	}
	for range attempts.Free {
		if err := connect("guess"); err == nil {
			t.Fatal("a guess is let in")
		}
	}
	if err := connect(unknown); err == nil {
		t.Error("after as many guesses as are free, another is looked at")
	}
	if err := connect(known); err != nil {
		t.Errorf("a key that is known is turned away: %v", err)
	}
}

// With a certificate everything that is listened on speaks TLS, and an address
// other than loopback is taken.
func TestTLS(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	s := runningServiceWith(t, "--tls-cert", cert, "--tls-key", key, "--http-addr", "0.0.0.0:0")
	pool := x509.NewCertPool()
	text, err := os.ReadFile(cert)
	if err != nil || !pool.AppendCertsFromPEM(text) {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(s.api.addr())
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}
	response, err := client.Get("https://127.0.0.1:" + port + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if got := response.Header.Get("Strict-Transport-Security"); got != "max-age=31536000" || response.ProtoMajor != 2 {
		t.Errorf("Strict-Transport-Security is %q, over %s", got, response.Proto)
	}
	if response, err := http.Get("http://127.0.0.1:" + port + "/healthz"); err == nil {
		response.Body.Close()
		if response.StatusCode != http.StatusBadRequest {
			t.Errorf("without TLS it answers %s", response.Status)
		}
	}
	if conn, err := nats.Connect("nats://"+s.embedded.Addr().String(), nats.Token("the-key"), nats.NoReconnect()); err == nil {
		conn.Close()
		t.Error("NATS takes a connection whose certificate isn't checked")
	}
	conn, err := nats.Connect("tls://"+s.embedded.Addr().String(), nats.Token("the-key"), nats.RootCAs(cert), nats.NoReconnect())
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

// certificate makes a certificate for 127.0.0.1 that signs itself.
func certificate(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

// The refused events that are kept are in the metrics, by reason.
func TestRefusedAreCounted(t *testing.T) {
	s := runningServiceWith(t)
	gauge := newRefusedGauge()
	for _, reason := range []string{"malformed", "malformed", "unknown_type"} {
		body := map[string]string{"malformed": `{"specversion":7}`, "unknown_type": `{"specversion":"1.0","id":"1","source":"/t","type":"x","subject":"a","time":"2026-01-01T00:00:00Z","data":{}}`}[reason]
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.api.addr()+"/v1/events", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer the-key")
		r.Header.Set("Content-Type", "application/cloudevents+json")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
	}
	want := map[string]float64{}
	eventually.Succeeds(t, "three events are refused", func() error {
		counts, err := s.store.CountRefused(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		total := int64(0)
		for reason, n := range counts {
			total += n
			want[string(reason)] = float64(n)
		}
		if total != 3 {
			return fmt.Errorf("refused are %v", counts)
		}
		return nil
	})
	s.countRefused(t.Context(), gauge)
	registry := prometheus.NewRegistry()
	registry.MustRegister(gauge)
	families, err := registry.Gather()
	if err != nil || len(families) != 1 {
		t.Fatal(families, err)
	}
	got := map[string]float64{}
	for _, m := range families[0].GetMetric() {
		got[m.GetLabel()[0].GetValue()] = m.GetGauge().GetValue()
	}
	if !maps.Equal(got, want) || got["unknown_type"] != 1 {
		t.Errorf("the gauge says %v, want %v", got, want)
	}
}
