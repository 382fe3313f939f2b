// This file keeps the master key in a key management service: a server that
// speaks the protocol of AWS KMS, as a process of its own, with a proxy before
// it that counts calls and can be made to fail.

package interop

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// localKMS builds the server at the version that go.mod has.
var localKMS = sync.OnceValues(func() (string, error) {
	return build("local-kms", ".", "github.com/nsmithuk/local-kms")
})

// A kms is a running server and the proxy before it.
type kms struct {
	url   string // of the server itself
	proxy *httptest.Server
	calls atomic.Int64
	// fail, where set, is what the proxy does with a call of that name rather
	// than handing it on; it says whether it did.
	fail atomic.Pointer[func(w http.ResponseWriter, r *http.Request, call string) bool]
}

func startKMS(t *testing.T) *kms {
	t.Helper()
	path, err := localKMS()
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(freeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path)
	dir := t.TempDir()
	cmd.Env = []string{"PORT=" + port, "KMS_REGION=eu-west-1", "KMS_DATA_PATH=" + dir, "KMS_SEED_PATH=" + filepath.Join(dir, "none")}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	k := &kms{url: "http://127.0.0.1:" + port}
	await(t, "the KMS answers", func() (bool, error) {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			conn.Close()
		}
		return err == nil, err
	})
	target, err := url.Parse(k.url)
	if err != nil {
		t.Fatal(err)
	}
	behind := httputil.NewSingleHostReverseProxy(target)
	k.proxy = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k.calls.Add(1)
		call := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "TrentService.")
		if fail := k.fail.Load(); fail != nil && (*fail)(w, r, call) {
			return
		}
		behind.ServeHTTP(w, r)
	}))
	t.Cleanup(k.proxy.Close)
	return k
}

// ask calls the server itself, as an operator does.
func (k *kms) ask(t *testing.T, call, body string) map[string]any {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, k.url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "TrentService."+call)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s %v", call, resp.StatusCode, text, err)
	}
	var answer map[string]any
	if len(text) > 0 {
		if err := json.Unmarshal(text, &answer); err != nil {
			t.Fatal(err)
		}
	}
	return answer
}

// key makes a key and returns its URI.
func (k *kms) key(t *testing.T) string {
	t.Helper()
	made := k.ask(t, "CreateKey", "{}")["KeyMetadata"].(map[string]any)
	return "aws-kms://" + made["Arn"].(string)
}

// settings are what the AWS SDK needs to find the server.
func (k *kms) settings() []string {
	return []string{"AWS_ENDPOINT_URL_KMS=" + k.proxy.URL, "AWS_ACCESS_KEY_ID=AKIAINTEROP", "AWS_SECRET_ACCESS_KEY=secret",
		"AWS_REGION=us-east-1", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true"}
}

// failWith has the proxy answer calls of a name, or all, as AWS KMS would.
func (k *kms) failWith(call, code string) {
	fail := func(w http.ResponseWriter, _ *http.Request, name string) bool {
		if call != "" && name != call {
			return false
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"__type":%q,"Message":"said by the test"}`, code)
		return true
	}
	k.fail.Store(&fail)
}

// eachInstallation runs a test on both engines, with a server of its own.
func eachInstallation(t *testing.T, f func(t *testing.T, k *kms, s *service)) {
	for _, engine := range []sqldb.Engine{sqldb.SQLite, sqldb.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			k := startKMS(t)
			settings := k.settings()
			if engine == sqldb.Postgres {
				settings = append(settings, "BOXOFFICE_DATABASE_URL="+sqltest.URL(t, engine))
			}
			f(t, k, installed(t, settings...))
		})
	}
}

// keyed sets where the master key is, and where the one before.
func (s *service) keyed(key, before string) {
	s.env = append(s.env, "BOXOFFICE_MASTER_KEY="+key, "BOXOFFICE_OLD_MASTER_KEY="+before)
}

// refuses runs a command that has to fail, and wants texts in what it says.
func (s *service) refuses(t *testing.T, args []string, texts ...string) {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = s.env
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Errorf("boxoffice %s went through:\n%s", strings.Join(args, " "), out)
	}
	for _, text := range texts {
		if !strings.Contains(string(out), text) {
			t.Errorf("boxoffice %s says %q, want %q in it", strings.Join(args, " "), out, text)
		}
	}
}

const people = 40

// register publishes people, each known by a mark.
func (s *service) register(t *testing.T, mark string) {
	t.Helper()
	var lines strings.Builder
	for i := range people {
		fmt.Fprintf(&lines, `{"specversion":"1.0","id":"%[1]s-%[2]d","source":"/t","type":"user.registered","subject":"%[1]s-%[2]d",`+
			`"time":"2026-01-05T10:00:00Z","data":{"email":"%[1]s-%[2]d@example.org"}}`+"\n", mark, i)
	}
	s.publish(t, lines.String())
}

// readable sees that what is encrypted in the log of people with these marks
// can be read.
func (s *service) readable(t *testing.T, marks ...string) {
	t.Helper()
	for _, mark := range marks {
		_, body, err := s.ask("/v1/events?limit=1000")
		if n := strings.Count(string(body), mark+"-"); err != nil || strings.Count(string(body), `"email":"`+mark+"-") != people {
			t.Fatalf("of %d people %s the log has %d marks (%v)", people, mark, n, err)
		}
	}
}

// few are the calls of a start or of an exchange, whatever the number of people.
const few = 16

func (k *kms) expectCalls(t *testing.T, what string, least, most int64) {
	t.Helper()
	if n := k.calls.Swap(0); n < least || n > most {
		t.Errorf("%s: %d calls of the KMS, want %d to %d", what, n, least, most)
	}
}

// The key is in the service from the first start on; it goes to a file, and
// back, and nothing is lost on the way.
func TestMasterKeyInAKMS(t *testing.T) {
	eachInstallation(t, func(t *testing.T, k *kms, s *service) {
		inKMS, other, file := k.key(t), k.key(t), filepath.Join(t.TempDir(), "master.json")
		s.keyed(inKMS, "")
		s.start(t)
		s.register(t, "a")
		s.readable(t, "a")
		s.run(t, nil, "scrub")
		s.register(t, "b")
		s.readable(t, "a", "b")
		s.stop()
		k.expectCalls(t, "a start, people and a scrub", 2, 3*few)
		s.keyed(other, "")
		s.refuses(t, []string{"serve"}, "BOXOFFICE_MASTER_KEY: ", "the master key isn't the one")
		k.calls.Store(0)

		s.keyed(file, inKMS)
		s.refuses(t, []string{"scrub"}, "BOXOFFICE_MASTER_KEY: ", "there is no master key")
		s.run(t, nil, "keys", "new-master", file)
		s.start(t)
		s.readable(t, "a", "b")
		s.run(t, nil, "scrub")
		s.register(t, "c")
		s.stop()
		k.expectCalls(t, "to a file", 2, 3*few)
		s.keyed(inKMS, "")
		s.refuses(t, []string{"serve"}, "BOXOFFICE_MASTER_KEY: ", "the master key isn't the one")
		k.calls.Store(0)
		s.keyed(file, "")
		s.start(t)
		s.readable(t, "a", "b", "c")
		s.stop()
		k.expectCalls(t, "with a file", 0, 0)

		s.keyed(other, file)
		s.start(t)
		s.readable(t, "a", "b", "c")
		s.run(t, nil, "scrub")
		s.stop()
		s.keyed(file, "")
		s.refuses(t, []string{"serve"}, "BOXOFFICE_MASTER_KEY: ", "the master key isn't the one")
		k.calls.Store(0)
		s.keyed(other, "")
		s.start(t)
		s.readable(t, "a", "b", "c")
		s.stop()
		k.expectCalls(t, "a start", 2, few)
	})
}

// What keeps the service from its key is said, with the setting and what to do,
// and nothing is changed by it.
func TestAKMSThatRefuses(t *testing.T) {
	eachInstallation(t, func(t *testing.T, k *kms, s *service) {
		key := k.key(t)
		id := fmt.Sprintf(`{"KeyId":%q}`, strings.TrimPrefix(key, "aws-kms://"))
		s.keyed(key, "")
		s.start(t)
		s.register(t, "a")
		s.stop()
		const setting = "boxoffice: BOXOFFICE_MASTER_KEY: "
		scrub := []string{"scrub"}
		lost := func(texts ...string) {
			t.Helper()
			s.refuses(t, scrub, append(texts, setting)...)
		}

		k.ask(t, "DisableKey", id)
		s.refuses(t, []string{"serve"}, setting, "can't be used in its state: enable it")
		k.ask(t, "EnableKey", id)
		k.ask(t, "ScheduleKeyDeletion", id)
		lost("cancel its deletion")
		k.ask(t, "CancelKeyDeletion", id)
		k.ask(t, "EnableKey", id)

		k.failWith("", "AccessDeniedException")
		lost("allow kms:Encrypt and kms:Decrypt on the key")
		k.failWith("Encrypt", "AccessDeniedException")
		lost("allow kms:Encrypt and kms:Decrypt on the key")
		k.failWith("", "UnrecognizedClientException")
		lost("doesn't take the credentials")
		k.failWith("", "ThrottlingException")
		lost("AWS KMS says: ", "ThrottlingException")
		hang := func(_ http.ResponseWriter, r *http.Request, _ string) bool {
			_, _ = io.Copy(io.Discard, r.Body) // only then does the server see the client go
			<-r.Context().Done()
			return true
		}
		k.fail.Store(&hang)
		began := time.Now()
		lost("didn't answer within 10s: see to it that it can be reached")
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("it took %s to give up", took)
		}
		k.fail.Store(nil)

		proper := s.env
		s.env = append(s.env, "AWS_ENDPOINT_URL_KMS=http://"+freeAddr(t))
		lost("AWS KMS can't be asked: see to it that it can be reached")
		s.env = append(proper, "AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=")
		lost("finds credentials (AWS_ACCESS_KEY_ID")
		s.env = proper
		s.keyed(key[:strings.LastIndex(key, "/")]+"/00000000-0000-4000-8000-000000000000", "")
		lost("there is no master key: AWS KMS has no key of this ARN")
		file := filepath.Join(t.TempDir(), "master.json")
		s.run(t, nil, "keys", "new-master", file)
		s.keyed(file, key)
		k.failWith("", "AccessDeniedException")
		s.refuses(t, scrub, "boxoffice: BOXOFFICE_OLD_MASTER_KEY: ", "allow kms:Encrypt and kms:Decrypt on the key")
		k.fail.Store(nil)
		for _, uri := range []string{"gcp-kms://projects/p/locations/l/keyRings/r/cryptoKeys/k", "file:///etc/key", "aws-kms://alias/key"} {
			s.keyed(uri, "")
			s.refuses(t, scrub, setting+"a URI has to name a key of AWS KMS, aws-kms://arn:aws:kms:REGION:ACCOUNT:key/ID")
			s.keyed(key, uri)
			s.refuses(t, scrub, "boxoffice: BOXOFFICE_OLD_MASTER_KEY: a URI has to name a key of AWS KMS")
		}

		// After all that it is as it was.
		s.keyed(key, "")
		s.start(t)
		s.readable(t, "a")
		for _, command := range [][]string{{"keys", "new-master", key}, {"keys", "rotate-master", key}, {"keys", "prune-master"}} {
			s.refuses(t, command, "this is about key-set files")
		}
	})
}
