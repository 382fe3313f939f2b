// This file has the pages tested in a browser: it fills a service of its own
// with a small platform and runs browser/*.test.js against it, which do what
// people do. Screenshots of every page are kept with `go test -artifacts`.

package interop

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// browserKeys are the keys of the people who look at the pages.
var browserKeys = map[string]string{
	"admin": adminKey, "support": "interop-support-key", "auditor": "interop-auditor-key", "viewer": "interop-viewer-key",
}

// browserPatience is how long all of it may take: about a minute where nothing
// else is going on.
const browserPatience = 15 * time.Minute

func TestBrowser(t *testing.T) {
	s := serveBrowsers(t)
	s.publish(t, browserPlatform(time.Now()))
	for _, event := range browserRefused {
		s.refuse(t, strings.ReplaceAll(event, "NOW", time.Now().UTC().Format(time.RFC3339)))
	}
	browse(t, s.httpAddr, browserKeys, nil)
}

// Before anything has happened there is something to look at, too.
func TestBrowserWithoutEvents(t *testing.T) {
	browse(t, serveBrowsers(t).httpAddr, browserKeys, nil, "empty.js")
}

// serveBrowsers starts a service that has the keys of the people who look at pages.
func serveBrowsers(t *testing.T) *service {
	t.Helper()
	var keys strings.Builder
	keys.WriteString("BOXOFFICE_API_KEYS=publisher:" + publisherKey)
	for role, key := range browserKeys {
		keys.WriteString("," + role + ":" + key)
	}
	return serve(t, keys.String(), "BOXOFFICE_TIME_ZONE=Europe/Paris")
}

// browse runs the tests of browser against the service at an address: all of
// them, or those of the files.
func browse(t testing.TB, addr string, keys map[string]string, env []string, files ...string) {
	t.Helper()
	chromium := browserPath(t)
	dir, err := filepath.Abs("browser")
	if err != nil {
		t.Fatal(err)
	}
	command(t, dir, nil, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent")
	named, err := json.Marshal(keys)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), browserPatience)
	defer cancel()
	suite := exec.CommandContext(ctx, "node", append([]string{"--test", "--test-concurrency=2", "--test-reporter=spec"}, files...)...)
	suite.Dir = dir
	suite.Env = append(os.Environ(),
		"BOXOFFICE_ADDRESS=http://"+addr, "BOXOFFICE_KEYS="+string(named),
		"CHROMIUM="+chromium, "SCREENSHOTS="+t.ArtifactDir(),
	)
	suite.Env = append(suite.Env, env...)
	suite.WaitDelay = 10 * time.Second
	suite.Stdout, suite.Stderr = t.Output(), t.Output()
	if err := suite.Run(); err != nil {
		t.Error("the pages in a browser:", err)
	}
}

// browserPath is where Chromium is.
func browserPath(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("Chromium has to be installed (apt install chromium)")
	return ""
}

// refuse publishes an event that is refused.
func (s *service) refuse(t *testing.T, event string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.httpAddr+"/v1/events", strings.NewReader(event))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+publisherKey)
	req.Header.Set("Content-Type", "application/cloudevents+json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); resp.StatusCode != http.StatusUnprocessableEntity {
		t.Fatalf("%s was answered with %d, %v:\n%s", event, resp.StatusCode, err, body)
	}
}

// browserRefused are events that somebody has to repair.
var browserRefused = []string{
	`{"specversion":"1.0","id":"refused-1","source":"/platform","type":"subscription.started","subject":"user-03","time":"NOW","data":{"subscription_id":"repaired","offer_id":"standard","amount":-5,"currency":"EUR"}}`,
	`{"specversion":"1.0","id":"refused-2","source":"/platform","type":"unheard.of","subject":"<u>","time":"NOW","data":{}}`,
	`{"specversion":"1.0","id":"refused-3","source":"/platform","type":"rental.started","subject":"user-04","time":"NOW","data":{"rental_id":"r","content_id":"c","kind":"<b>stolen</b>"}}`,
	`{"specversion":"1.0","id":"refused-4","source":"/platform","type":"free_copy.granted","subject":"user-04","time":"NOW","data":{"free_copy_id":"","content_id":"c"}}`,
}

// A browserPlatformWriter writes events, one a line.
type browserPlatformWriter struct {
	strings.Builder
	n int
}

func (w *browserPlatformWriter) event(kind, user string, at time.Time, data map[string]any) {
	w.n++
	line, err := json.Marshal(map[string]any{
		"specversion": "1.0", "id": fmt.Sprint(w.n), "source": "/platform",
		"type": kind, "subject": user, "time": at.UTC().Format(time.RFC3339Nano), "data": data,
	})
	if err != nil {
		panic(err) // maps of texts and numbers can be written
	}
	w.Write(append(line, '\n'))
}

// browserPlatform is a platform with more users than a page has, over the last
// three months: some who subscribed, tried, left or watched, one who did all of
// it, one of whom nothing is known, and one whose every field is HTML.
func browserPlatform(now time.Time) string {
	const day = 24 * time.Hour
	w := &browserPlatformWriter{}
	for i := range 70 {
		user := fmt.Sprintf("user-%02d", i)
		registered := now.Add(-time.Duration(i)*31*time.Hour - 10*time.Minute)
		w.event("user.registered", user, registered, map[string]any{
			"email": user + "@example.org", "first_name": "Person", "last_name": fmt.Sprintf("Number%02d", i),
			"country": []string{"FR", "DE", "ES"}[i%3], "locale": "fr-FR", "platform": []string{"Web", "iOS"}[i%2],
			"custom": map[string]any{"favourite": []string{"drama", "comedy"}[i%2]},
		})
		if i%3 == 0 {
			data := map[string]any{"subscription_id": "sub-" + user, "offer_id": "standard", "offer_name": "Standard", "amount": 999, "currency": "EUR", "interval": "month"}
			if i%2 == 0 {
				data["trial_ends_at"] = registered.Add(14 * day)
			}
			w.event("subscription.started", user, registered.Add(time.Minute), data)
			if i%4 == 0 {
				w.event("subscription.canceled", user, registered.Add(2*time.Minute), map[string]any{
					"subscription_id": "sub-" + user, "reason": []string{"voluntary", "non_payment"}[i/12%2], "comment": "Too expensive",
				})
			}
		}
		if i%4 == 1 {
			w.session(fmt.Sprintf("s-%d", i), user, []string{"The Quiet River", "Distant Empire", "Blue Hours"}[i%3], registered.Add(3*time.Minute))
		}
	}
	w.everything("ana", now.Add(-60*day))
	w.event("user.registered", "bare", now.Add(-3*day), map[string]any{})
	w.markup(`<b>"'&/ ?`, now.Add(-2*day))
	return w.String()
}

// session is a session of 50 minutes of which a part was skipped.
func (w *browserPlatformWriter) session(id, user, title string, at time.Time) {
	content := strings.ReplaceAll(strings.ToLower(title), " ", "-")
	w.event("playback.started", user, at, map[string]any{"session_id": id, "content_id": content, "title": title, "content_length_s": 3600, "device": "TV", "platform": "Android TV"})
	w.event("playback.ended", user, at.Add(50*time.Minute), map[string]any{"session_id": id, "content_id": content, "position_s": 3000, "played": [][2]int{{0, 1200}, {1800, 3000}}, "play_time_s": 2400})
}

// everything is a user who had whatever there is.
func (w *browserPlatformWriter) everything(user string, at time.Time) {
	const day = 24 * time.Hour
	w.event("user.registered", user, at, map[string]any{"email": "ana@example.org", "first_name": "Ana", "last_name": "García", "locale": "es-ES", "country": "ES", "platform": "Web", "custom": map[string]any{"age": "35–49", "genres": []string{"drama", "comedy"}}})
	w.event("subscription.started", user, at.Add(time.Hour), map[string]any{"subscription_id": "ana-week", "offer_id": "week", "offer_name": "A week", "amount": 299, "currency": "EUR", "interval": "week"})
	w.event("subscription.canceled", user, at.Add(2*day), map[string]any{"subscription_id": "ana-week", "ends_at": at.Add(7 * day), "reason": "voluntary", "comment": "Moving abroad"})
	w.event("subscription.started", user, at.Add(20*day), map[string]any{"subscription_id": "ana-month", "offer_id": "standard", "offer_name": "Standard", "trial_ends_at": at.Add(34 * day), "amount": 999, "currency": "EUR", "interval": "month", "payment_interface": "Card"})
	w.event("rental.started", user, at.Add(10*day), map[string]any{"rental_id": "ana-r", "content_id": "the-quiet-river", "title": "The Quiet River", "kind": "rental", "expires_at": at.Add(12 * day), "amount": 399, "currency": "EUR"})
	w.event("rental.started", user, at.Add(11*day), map[string]any{"rental_id": "ana-p", "content_id": "blue-hours", "title": "Blue Hours", "kind": "purchase", "amount": 1199, "currency": "EUR"})
	w.event("free_copy.granted", user, at.Add(12*day), map[string]any{"free_copy_id": "ana-f", "content_id": "distant-empire", "title": "Distant Empire", "expires_at": at.Add(90 * day)})
	w.session("s-a1", user, "The Quiet River", at.Add(10*day))
	w.session("s-a2", user, "Blue Hours", at.Add(11*day))
	w.session("s-a3", user, "Blue Hours", at.Add(13*day))
}

// markup is a user whose every field would be a script.
func (w *browserPlatformWriter) markup(user string, at time.Time) {
	const script = `"><script>alert(1)</script><img src=//example.org/x onerror=alert(2)>`
	w.event("user.registered", user, at, map[string]any{"email": "x@example.org", "first_name": script, "last_name": script, "custom": map[string]any{"<i>key</i>": script}})
	w.event("subscription.started", user, at.Add(time.Hour), map[string]any{"subscription_id": "<s>", "offer_id": "<o>", "offer_name": script})
	w.event("subscription.canceled", user, at.Add(2*time.Hour), map[string]any{"subscription_id": "<s>", "reason": "other", "comment": script})
	w.event("rental.started", user, at.Add(time.Hour), map[string]any{"rental_id": "<r>", "content_id": "c<1>/ ?", "title": script, "kind": "purchase", "amount": 1199, "currency": "USD"})
	w.event("playback.progressed", user, at.Add(time.Hour), map[string]any{"session_id": "<s1>", "content_id": "c<1>/ ?", "title": script, "position_s": 100, "played": [][2]int{{0, 100}}})
}
