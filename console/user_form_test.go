package console

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"boxoffice/access"
	"boxoffice/access/browser"
	"boxoffice/access/trail"
	"boxoffice/domain"
	"boxoffice/projections"
)

// userNow is a user as the read models have them.
func (w *world) userNow(id string) *projections.User {
	w.t.Helper()
	d, ok, err := w.reader.User(context.Background(), id, domain.InstantOf(testNow))
	if err != nil {
		w.t.Fatal(err)
	}
	if !ok {
		return nil
	}
	return &d.User
}

// goesTo checks that an answer leads on to an address.
func goesTo(t *testing.T, answer *httptest.ResponseRecorder, address string) {
	t.Helper()
	if got := answer.Header().Get("Location"); answer.Code != http.StatusSeeOther || got != address {
		t.Fatalf("%d to %q, not 303 to %q: %s", answer.Code, got, address, answer.Body)
	}
}

var fields = regexp.MustCompile(`<(?:input|select)[^>]* name="([^"]+)"[^>]*>(?:<option value="text">[^<]*</option><option value="json"( selected)?>)?`)

// formOf reads the form in the main part of a page, as a browser sends it.
func formOf(page string) url.Values {
	form := url.Values{}
	main := page[strings.Index(page, "<main"):]
	for _, m := range fields.FindAllStringSubmatch(main, -1) {
		value := ""
		if v := regexp.MustCompile(` value="([^"]*)"`).FindStringSubmatch(m[0]); v != nil {
			value = unescape.Replace(v[1])
		}
		if strings.HasPrefix(m[0], "<select") {
			value = map[bool]string{true: "json", false: "text"}[m[2] != ""]
		}
		form.Add(m[1], value)
	}
	return form
}

var unescape = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">", "&#34;", `"`, "&#39;", "'", "&#43;", "+")

func TestUserForms(t *testing.T) {
	w := newWorld(t).platform()
	page := w.get(access.Admin, "/users/auth0%7Cana/edit").Body.String()
	golden(t, "user-edit", page)
	golden(t, "user-edit-markup", w.get(access.Admin, "/users/%3Cb%3E%22%27&/edit").Body.String())
	blank := w.get(access.Admin, "/users/new").Body.String()
	golden(t, "user-new", regexp.MustCompile(`name="made" value="[^"]+"`).ReplaceAllString(blank, `name="made" value="…"`))

	// What is sent as it was shown changes nothing.
	head, err := w.store.Head(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	goesTo(t, w.post(access.Admin, "/users/auth0%7Cana/edit", formOf(page)), "/users/auth0%7Cana?saved=1")
	if after, _ := w.store.Head(context.Background()); after != head {
		t.Errorf("an unchanged form was recorded")
	}

	// What is changed is so afterwards, and the rest stays, though somebody else has changed it meanwhile.
	form := formOf(page)
	form.Set("first_name", " Anne ")
	form.Set("country", "")
	form["custom_key"] = append(form["custom_key"][:2], "tier", "answer")
	form["custom_value"] = []string{"50+", "", "gold & <i>", "42"}
	form["custom_kind"] = []string{"text", "json", "text", "json"}
	form["custom_was"] = append(form["custom_was"][:2], "", "")
	form["custom_old"] = append(form["custom_old"][:2], "", "")
	w.happen(`{"specversion": "1.0", "id": "other", "source": "/platform", "type": "user.updated", "subject": "auth0|ana", "time": "2026-11-30T16:00:00Z", "data": {"last_name": "Ruiz"}}`)
	goesTo(t, w.post(access.Admin, "/users/auth0%7Cana/edit", form), "/users/auth0%7Cana?saved=1")
	u := w.userNow("auth0|ana")
	if *u.Profile.FirstName != "Anne" || *u.Profile.LastName != "Ruiz" || u.Profile.Country != nil ||
		!reflect.DeepEqual(customParams(u), []param{{"age", "50+"}, {"answer", "42"}, {"tier", "gold & <i>"}}) {
		t.Errorf("the user is %+v with %s", u.Profile, u.Profile.Custom)
	}
	if shown := w.get(access.Admin, "/users/auth0%7Cana?saved=1").Body.String(); !strings.Contains(shown, `role="status"><svg class="i" aria-hidden="true"><use href="#i-ok"/></svg><p><b>Saved.`) {
		t.Errorf("the page doesn't say that it was saved")
	}
}

func TestWrongUserForms(t *testing.T) {
	w := newWorld(t).platform()
	for _, c := range []struct {
		name, path string
		form       url.Values
	}{
		{"user-edit-wrong", "/users/louis/edit", url.Values{
			"first_name": {"<Ludo>"}, "email": {"louis at"},
			"custom_key": {"newsletter", "", "newsletter", "deep"}, "custom_value": {"{", "nobody's", "x", `{"a": "\u0000"}`}, "custom_kind": {"json", "text", "text", "json"},
			"custom_was": {"false", "", "", ""}, "custom_old": {"1", "", "", ""},
		}},
		{"user-taken", "/users/new", url.Values{"made": {"made-up"}, "id": {"louis"}, "email": {"l@example.org"}}},
		{"user-id-wrong", "/users/new", url.Values{"made": {"made-up"}, "id": {".."}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer := w.post(access.Admin, c.path, c.form)
			if answer.Code != http.StatusUnprocessableEntity {
				t.Fatalf("%d: %s", answer.Code, answer.Body)
			}
			golden(t, c.name, answer.Body.String())
		})
	}
	if u := w.userNow("louis"); *u.Profile.FirstName != "Louis" {
		t.Errorf("a wrong form has changed %+v", u.Profile)
	}
	more := w.post(access.Admin, "/users/louis/edit", url.Values{"more": {"1"}, "first_name": {"Ludo"}, "custom_key": {"a"}, "custom_value": {"b"}})
	if form := formOf(more.Body.String()); more.Code != http.StatusOK || len(form["custom_key"]) != 2 || form.Get("first_name") != "Ludo" || form.Get("custom_value") != "b" {
		t.Errorf("a row more is answered with %d and %v", more.Code, form)
	}
	for path, want := range map[string]int{"/users/nobody/edit": 404, "/users/%6Eew/edit": 200, "/users/louis/edit?x": 200} {
		if got := w.get(access.Admin, path).Code; got != want {
			t.Errorf("%s is answered with %d, not %d", path, got, want)
		}
	}
}

// A form that is sent twice makes one user.
func TestNewUser(t *testing.T) {
	w := newWorld(t)
	form := formOf(w.get(access.Admin, "/users/new").Body.String())
	form.Set("email", "zoe@example.org")
	for range 2 {
		goesTo(t, w.post(access.Admin, "/users/new", form), "/users/"+form.Get("made")+"?saved=1")
	}
	if u := w.userNow(form.Get("made")); u == nil || *u.Profile.Email != "zoe@example.org" {
		t.Errorf("the user is %+v", u)
	}
	form.Set("id", "erase")
	goesTo(t, w.post(access.Admin, "/users/new", form), "/users/%65rase?saved=1")
	if n, err := w.reader.CountUsers(context.Background(), projections.UsersQuery{At: domain.InstantOf(testNow), Limit: 10}); n != 2 || err != nil {
		t.Errorf("there are %d users, %v", n, err)
	}
	soon := w.get(access.Admin, "/users/later?saved=soon")
	golden(t, "user-soon", soon.Body.String())

	entries, _, err := w.trail.Entries(context.Background(), trail.Query{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	made := 0
	for _, e := range entries {
		if e.Action == "create-user" {
			made++
		}
	}
	if made != 3 {
		t.Errorf("%d entries of making a user, not of each form that was sent: %+v", made, entries)
	}
}

func TestFormsOfOthers(t *testing.T) {
	w := newWorld(t).platform()
	for _, path := range []string{"/users/new", "/users/louis/edit"} {
		for _, role := range []access.Role{access.Viewer, access.Support, access.Auditor} {
			if got := w.get(role, path).Code; got != http.StatusForbidden {
				t.Errorf("%s is shown to %s with %d", path, role, got)
			}
			if got := w.post(role, path, url.Values{"first_name": {"Eve"}}).Code; got != http.StatusForbidden {
				t.Errorf("%s is done for %s with %d", path, role, got)
			}
		}
		if got := w.post(access.Admin, path, url.Values{browser.FormField: {"guess"}, "first_name": {"Eve"}}).Code; got != http.StatusForbidden {
			t.Errorf("a form without the session's token is answered with %d", got)
		}
	}
}
