package browser_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"boxoffice/access"
	"boxoffice/access/apikeys"
	"boxoffice/access/attempts"
	"boxoffice/access/browser"
	"boxoffice/access/sessions"
	"boxoffice/internal/sqldb"
)

// A browser signs in with a link, and its requests pass the same gate as those of
// programs; what changes something carries the token of the page it was sent from.
func Example() {
	ctx := context.Background()
	people, key, done := exampleBrowser(ctx)
	defer done()
	link, err := people.Link(ctx, key)
	check(err)

	answer := httptest.NewRecorder()
	check(people.SignInByLink(answer, httptest.NewRequest(http.MethodPost, "/signin", nil), link))
	cookie := answer.Result().Cookies()[0]

	gate := access.NewGate(people, 0)
	ask := func(method, token string) {
		r := httptest.NewRequest(method, "/users", nil)
		r.AddCookie(cookie)
		r.Header.Set(browser.FormHeader, token)
		ctx, done, err := gate.Admit(r, "erase-users")
		if err != nil {
			fmt.Println(err)
			return
		}
		defer done()
		fmt.Println("let through:", access.From(ctx).Name)
	}
	page := httptest.NewRequest(http.MethodGet, "/users", nil)
	page.AddCookie(cookie)
	ask(http.MethodPost, people.FormToken(page))
	ask(http.MethodPost, "")
	// Output:
	// let through: first admin
	// the form is not of this session: load the page again and send it once more
}

// exampleBrowser is what a process signs people in with, and the key of an admin.
func exampleBrowser(ctx context.Context) (people *browser.Browser, key string, done func()) {
	dir, err := os.MkdirTemp("", "browser-example-")
	check(err)
	db, err := sqldb.Open(ctx, sqldb.SQLiteURL(filepath.Join(dir, "example.db")))
	check(err)
	check(apikeys.Migrate(ctx, db))
	check(sessions.Migrate(ctx, db))
	made, err := apikeys.Open(ctx, db)
	check(err)
	signedIn, err := sessions.Open(ctx, db, nil)
	check(err)
	key, err = made.MakeFirst(ctx, "first admin", string(access.Admin))
	check(err)
	secret := []byte(strings.Repeat("s", 32)) // the same in every process
	keyring, err := access.NewKeyring(access.KeyringConfig{Made: made, Secret: secret})
	check(err)
	people, err = browser.New(browser.Config{
		Guard:   &access.Guard{Keys: keyring, Attempts: attempts.New(time.Now)},
		Keyring: keyring, Sessions: signedIn, Secret: secret, CallbackPath: "/signin/callback",
	})
	check(err)
	return people, key, func() { signedIn.Close(); made.Close(); db.Close(); os.RemoveAll(dir) }
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
