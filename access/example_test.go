package access_test

import (
	"context"
	"errors"
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
	"boxoffice/internal/sqldb"
)

// A request passes the gate with a key whose role may do what it asks for. What the
// gate doesn't let through is a refusal, which each surface says in its own form.
func Example() {
	ctx := context.Background()
	keyring, player, done := exampleKeys(ctx)
	defer done()
	guard := &access.Guard{Keys: keyring, Attempts: attempts.New(time.Now)}
	gate := access.NewGate(access.Bearer(guard, nil), 0)

	handler := func(operation string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			ctx, done, err := gate.Admit(r, operation)
			if refusal, refused := errors.AsType[*access.Refusal](err); refused {
				fmt.Println(operation+":", refusal.Reason)
				return
			}
			defer done()
			who := access.From(ctx)
			fmt.Printf("%s: %s, as %s\n", operation, who.Name, who.Role)
		}
	}
	ask := func(operation, key string) {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header.Set("Authorization", "Bearer "+key)
		handler(operation)(httptest.NewRecorder(), r)
	}
	ask("publish-events", player)
	ask("list-users", player)
	ask("list-users", "configured-secret")
	ask("list-users", "guess")
	// Output:
	// publish-events: player, as publisher
	// list-users: the key's role may not do this
	// list-users: configured key 1, as admin
	// list-users: the API key is not known, has expired or was revoked
}

// What a publisher may publish is one rule, over HTTP and over NATS.
func ExampleIdentity_Subjects() {
	player := access.Identity{Role: access.Publisher, Name: "player", Types: []string{"playback.*"}}
	fmt.Println(player.MayPublish("playback.started"), player.MayPublish("user.updated"))
	allow, deny := player.Subjects("boxoffice.events.")
	fmt.Println(allow, deny)
	// Output:
	// true false
	// [boxoffice.events.playback.>] [boxoffice.events.user.erased boxoffice.events.event.retracted]
}

// exampleKeys are a key of the configuration, and one that is made for a player.
func exampleKeys(ctx context.Context) (keyring *access.Keyring, player string, done func()) {
	dir, err := os.MkdirTemp("", "access-example-")
	check(err)
	db, err := sqldb.Open(ctx, sqldb.SQLiteURL(filepath.Join(dir, "example.db")))
	check(err)
	check(apikeys.Migrate(ctx, db))
	made, err := apikeys.Open(ctx, db)
	check(err)
	player, _, err = made.Make(ctx, apikeys.Key{Name: "player", Role: string(access.Publisher), Types: []string{"playback.*"}})
	check(err)
	keyring, err = access.NewKeyring(access.KeyringConfig{
		Configured: []access.ConfiguredKey{{Role: access.Admin, Key: "configured-secret"}},
		Made:       made,
		Secret:     []byte(strings.Repeat("s", 32)),
	})
	check(err)
	return keyring, player, func() { made.Close(); db.Close(); os.RemoveAll(dir) }
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
