// Package tokenstest runs an OpenID Connect issuer for tests, as a process of
// its own: discovery, key set and signatures are those of a provider library
// that has nothing to do with the code under test.
package tokenstest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"boxoffice/internal/eventually"
)

// Audience is what the tokens of an issuer are meant for, where a test doesn't
// say otherwise.
const Audience = "boxoffice"

// ClientID and ClientSecret are those of the client that has a secret.
const (
	ClientID     = "boxoffice-pages"
	ClientSecret = "s3cret"
)

// An Issuer is a provider that can be stopped and started again.
type Issuer struct {
	t       testing.TB
	program string
	address string
	back    string // where people who sign in are sent back to
	process *exec.Cmd
}

// Build makes the program of an issuer and takes an address for it, which
// nobody listens on yet.
func Build(t testing.TB) *Issuer {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	program := filepath.Join(t.TempDir(), "issuer")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = filepath.Join(filepath.Dir(here), "testdata", "issuer")
	// It is a module of its own, so that the service doesn't depend on what it
	// is tested with.
	build.Env = append(os.Environ(), "GOFLAGS=-mod=readonly", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the issuer: %v\n%s", err, out)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer free.Close()
	i := &Issuer{t: t, program: program, address: free.Addr().String()}
	t.Cleanup(i.Stop)
	return i
}

// URL is the issuer's.
func (i *Issuer) URL() string { return "http://" + i.address }

// Start starts the issuer with a new key, and waits until it answers.
func (i *Issuer) Start() {
	i.t.Helper()
	i.process = exec.Command(i.program, i.arguments()...)
	if err := i.process.Start(); err != nil {
		i.t.Fatal(err)
	}
	eventually.Succeeds(i.t, "the issuer answers", func() error {
		response, err := http.Get(i.URL() + "/.well-known/openid-configuration")
		if err == nil {
			response.Body.Close()
		}
		return err
	})
}

func (i *Issuer) arguments() []string {
	if i.back == "" {
		return []string{i.address}
	}
	return []string{i.address, i.back}
}

// SendBack has the issuer sign people in, from the next start on, for the client
// that is called like [Audience] and has no secret and for [ClientID], and send them
// back to a URL.
func (i *Issuer) SendBack(to string) { i.back = to }

// SignIn does what a person does at the issuer, where the service has sent their
// browser to: it enters name and password, and returns where the issuer sends the
// browser back to. The person is bea, with the role support.
func (i *Issuer) SignIn(to string) string {
	i.t.Helper()
	browser := &http.Client{CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), i.back) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	page, err := browser.Get(to)
	if err != nil {
		i.t.Fatal(err)
	}
	defer page.Body.Close()
	if page.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(page.Body)
		i.t.Fatalf("the issuer answers %s %s", page.Status, body)
	}
	// The form has what the address has, and these.
	form := page.Request.URL.Query()
	form.Set("id", form.Get("authRequestID"))
	form.Set("username", "test-user@127.0.0.1") // those of the library's example storage
	form.Set("password", "verysecure")
	page.Request.URL.RawQuery = ""
	answer, err := browser.PostForm(page.Request.URL.String(), form)
	if err != nil {
		i.t.Fatal(err)
	}
	defer answer.Body.Close()
	back := answer.Header.Get("Location")
	if !strings.HasPrefix(back, i.back) {
		body, _ := io.ReadAll(answer.Body)
		i.t.Fatalf("the issuer answers %s %s", answer.Status, body)
	}
	return back
}

// Stop ends the issuer, where it runs.
func (i *Issuer) Stop() {
	if i.process != nil {
		_ = i.process.Process.Kill()
		_ = i.process.Wait()
		i.process = nil
	}
}

// Rotate makes the issuer sign with a new key, and forget the old one.
func (i *Issuer) Rotate() {
	i.t.Helper()
	response, err := http.Post(i.URL()+"/rotate", "", nil)
	if err != nil {
		i.t.Fatal(err)
	}
	response.Body.Close()
}

// Token has the issuer make a token for [Audience] with the claims.
func (i *Issuer) Token(claims map[string]any) string {
	i.t.Helper()
	return i.TokenFor(Audience, 10*time.Minute, claims)
}

// TokenFor has the issuer make a token for an audience, which lives that long
// from now on.
func (i *Issuer) TokenFor(audience string, life time.Duration, claims map[string]any) string {
	i.t.Helper()
	text, err := json.Marshal(claims)
	if err != nil {
		i.t.Fatal(err)
	}
	scope := fmt.Sprintf("openid aud:%s life:%s claims:%s", audience, life, base64.RawURLEncoding.EncodeToString(text))
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {scope}}
	r, err := http.NewRequest(http.MethodPost, i.URL()+"/oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		i.t.Fatal(err)
	}
	r.SetBasicAuth("sid1", "verysecret") // those of the library's example storage
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		i.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		i.t.Fatal(err)
	}
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.AccessToken == "" {
		i.t.Fatalf("the issuer answered %s: %v", body, err)
	}
	return answer.AccessToken
}
