// These tests hold what importing a table of users comes to.

package accounts

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"boxoffice/accounts/accountstest"
	"boxoffice/wire"
)

func lines(all ...string) string { return strings.Join(all, "\n") }

// Rows of one file see what rows before them did. The first about a user counts,
// and a further one may only say what is so. A dry run says the same.
func TestImportOfWhatTheFileItselfChanges(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.mustCreate(`{"id":"old","email":"old@example.org","first_name":"Old"}`)
		w.mustCreate(`{"id":"two-1","email":"two@example.org"}`)
		w.mustCreate(`{"id":"two-2","email":"two@example.org"}`)
		file := strings.Join([]string{
			"id,email,first_name,registered_at",
			",a@example.org,A,",               // 2: made
			",A@example.org,A,",               // 3: the e-mail in another case: unchanged
			",a@example.org,,",                // 4: unchanged
			"x,x@example.org,X,2024-03-01",    // 5: made
			"x,x@example.org,,2024-03-02",     // 6: later than that
			"x,x@example.org,,2024-03-01",     // 7: the same
			",x@example.org,X,2024-02-01",     // 8: earlier
			"old,new@example.org,,",           // 9: moves
			",new@example.org,Old,",           // 10: is old
			",old@example.org,Other,",         // 11: nobody has that any more
			"y,old@example.org,Y,",            // 12: two would have it
			",old@example.org,Z,",             // 13: other than 11
			"z-1,z@example.org,Z,",            // 14: made
			"z-2,z@example.org,Z,",            // 15: made, with the same e-mail
			",z@example.org,Z,",               // 16: who?
			"z-2,other@example.org,,",         // 17
			",two@example.org,,",              // 18: who?
			"two-1,one@example.org,,",         // 19: it would be two-2
			"two-2,two@example.org,Two,",      // 20: updated
			"bad,bad@example.org,,2027-01-01", // 21: in the future
			"bad,bad@example.org,,",           // 22: the first counts, whatever it is
			",a@example.org,A,2024-01-01",     // 23
			"two-1,two@example.org,,",         // 24: is so
		}, "\n")
		refused := "; 6: row 5 is about this user already; 8: row 5 is about this user already" +
			"; 12: row 11 has the same email and no id: whom it is about would change" +
			"; 13: row 11 is about this user already" +
			"; 16: email is that of several users: the row needs an id" +
			"; 17: row 15 is about this user already" +
			"; 18: email is that of several users: the row needs an id" +
			"; 19: row 18 has the email that is replaced, and no id: whom it is about would change" +
			"; 21: registered_at must not be more than 5 minutes ahead; 22: row 21 is about this user already" +
			"; 23: row 2 is about this user already"
		w.comesTo(file, true, "23 rows: 5 created, 2 updated, 5 unchanged"+refused)
		w.comesTo(file, false, "23 rows: 5 created, 2 updated, 5 unchanged"+refused)
		w.comesTo(file, false, "23 rows: 0 created, 0 updated, 12 unchanged"+refused)
	})
}

// registered_at is when a user registered; a user who is there keeps the first.
func TestImportRegistrations(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.Happen(happened("2024-03-01T10:20:30.123456Z", "ana", "user.registered", `{"email":"ana@example.org"}`),
			happened("2026-11-01T00:00:00Z", "bob", "playback.ended", `{"session_id":"s","content_id":"c"}`),
			happened("2024-05-01T00:00:00Z", "gone", "user.registered", `{}`), happened("2026-11-02T00:00:00Z", "gone", "user.erased", `{}`))
		const header, later = "id,email,registered_at", "2: registered_at is later than the registration that is recorded"
		for _, same := range []string{"2024-03-01", "2024-03-01 11:20:30", "2024-03-01T11:20:30.123", "2024-03-01T10:20:30.123456Z"} {
			w.comesTo(lines(header, "ana,ana@example.org,"+same), false, "1 rows: 0 created, 0 updated, 1 unchanged")
		}
		for _, at := range []string{"2024-03-01T11:20:31", "2024-03-02"} {
			w.comesTo(lines(header, "ana,ana@example.org,"+at), false, "1 rows: 0 created, 0 updated, 0 unchanged; "+later)
		}
		w.comesTo(lines(header,
			"bob,bob@example.org,2025-01-01",
			"gone,gone@example.org,2024-05-01", // 3
			"new,new@example.org,2019-12-31",
			"future,new@example.org,2027-01-01",
			"wrong,new@example.org,01/02/2024",
			"old,new@example.org,1850-01-01"), false, "6 rows: 1 created, 1 updated, 0 unchanged"+
			"; 3: the user of this id was erased after that; 5: registered_at must not be more than 5 minutes ahead"+
			"; 6: registered_at must be a date as YYYY-MM-DD, or a time as YYYY-MM-DDThh:mm:ss, from 1900 to 9999"+
			"; 7: registered_at must be from 1900 to 9999")
		for id, want := range map[string]string{"ana": "2024-03-01T10:20:30.123456Z", "bob": "2024-12-31T23:00:00Z", "new": "2019-12-30T23:00:00Z"} {
			if got := w.mustUser(id).RegisteredAt; got == nil || got.String() != want {
				t.Errorf("%s registered at %v, not %s", id, got, want)
			}
		}
		w.comesTo(lines(header, "ana,ana@example.org,2024-02-29", "gone,gone@example.org,"), false, "2 rows: 1 created, 0 updated, 0 unchanged"+
			"; 2: registered_at is earlier than the registration that is recorded")
		if got := w.mustUser("ana"); got.RegisteredAt.String() != "2024-03-01T10:20:30.123456Z" || got.UpdatedAt.String() != "2024-03-01T10:20:30.123456Z" {
			t.Errorf("ana is %+v", got)
		}
	})
}

// Whoever is there again after an erasure didn't register before it: a row that
// says so is refused, and changes nothing else either.
func TestImportRegistrationsBeforeAnErasure(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.Happen(happened("2024-05-01T00:00:00Z", "back", "user.registered", `{}`), happened("2026-11-02T00:00:00Z", "back", "user.erased", `{}`),
			happened("2026-11-10T00:00:00Z", "back", "user.registered", `{"email":"back@example.org"}`))
		for _, file := range []string{"back,back@example.org,Zoe,2024-05-01", ",back@example.org,Zoe,2024-05-01"} {
			for _, dryRun := range []bool{true, false} {
				w.comesTo(lines("id,email,first_name,registered_at", file), dryRun, "1 rows: 0 created, 0 updated, 0 unchanged; 2: the user of this id was erased after that")
			}
		}
		if got := w.mustUser("back"); got.Profile.FirstName != nil || got.RegisteredAt.String() != "2026-11-10T00:00:00Z" {
			t.Errorf("a refused row has made the user %+v", got)
		}
		w.comesTo(lines("id,email,first_name,registered_at", "back,back@example.org,Zoe,2026-11-05"), false, "1 rows: 0 created, 0 updated, 0 unchanged"+
			"; 2: registered_at is earlier than the registration that is recorded")
	})
}

// What others do to a user at the same time, the log judges, row by row.
func TestImportWhileOthersWrite(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.mustCreate(`{"id":"erased","email":"erased@example.org"}`)
		ingest := w.broker.take
		w.broker.take = func(ctx context.Context, messages []wire.Message) error {
			w.broker.take = ingest
			others := accountstest.Messages(happened("2026-11-23T11:00:00Z", "taken", "user.updated", `{"email":"theirs@example.org"}`),
				happened("2026-11-23T11:00:00Z", "erased", "user.erased", `{}`))
			if err := ingest(ctx, others); err != nil {
				return err
			}
			return ingest(ctx, messages)
		}
		w.comesTo(lines("id,email", "erased,new@example.org", "taken,mine@example.org", "free,free@example.org", "bad"), false, "4 rows: 1 created, 0 updated, 0 unchanged; 2: the user of this id was erased after that"+
			"; 3: a user of this id was made by others at the same time: import the row again; 5: email is missing")
		w.comesTo(lines("id,email", "taken,mine@example.org"), false, "1 rows: 0 created, 1 updated, 0 unchanged")
	})
}

// A tableRow is a row of a file that is drawn.
type tableRow struct{ id, email, first, country, note string }

func (r tableRow) cells() []string { return []string{r.id, r.email, r.first, r.country, r.note} }

// drawRows draws rows about few users, so that many are about the same.
func drawRows(prefix string) *rapid.Generator[[]tableRow] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) tableRow {
		r := tableRow{
			id:      rapid.SampledFrom([]string{"", "", "1", "2", "3"}).Draw(t, "id"),
			email:   rapid.SampledFrom([]string{"", "a@x", "A@x", "b@x", "c@x", "d@x"}).Draw(t, "email"),
			first:   rapid.SampledFrom([]string{"", "Ana", "Bob", "é,\"\n;"}).Draw(t, "first"),
			country: rapid.SampledFrom([]string{"", "", "FR", "DE"}).Draw(t, "country"),
			note:    rapid.SampledFrom([]string{"", "", "x", "38", "true", "-y"}).Draw(t, "note"),
		}
		if r.id != "" {
			r.id = prefix + r.id
		}
		if r.email != "" {
			r.email += "." + prefix
		}
		return r
	}), 1, 8)
}

// fileOf writes rows as CSV.
func fileOf(rows []tableRow) string {
	var file bytes.Buffer
	w := csv.NewWriter(&file)
	_ = w.Write([]string{"id", "email", "first_name", "country", "custom.note"})
	for _, r := range rows {
		_ = w.Write(r.cells())
	}
	w.Flush()
	return file.String()
}

// A rowByRow does what the rows of a file say, one user at a time.
type rowByRow struct {
	*world
	// about and asked are whom rows were about already, by id, and by e-mail
	// where they had no id.
	about, asked map[string]bool
}

// put does what a row says: of the first about a user, unless an earlier one
// without an id would be about another user then.
func (w rowByRow) put(r tableRow) {
	w.t.Helper()
	profile := map[string]any{"email": r.email}
	for name, value := range map[string]string{"first_name": r.first, "country": r.country} {
		if value != "" {
			profile[name] = value
		}
	}
	if r.note != "" {
		profile["custom"] = map[string]any{"note": r.note}
	}
	if r.email == "" {
		return
	}
	id, email := r.id, strings.ToLower(r.email)
	if id == "" {
		users := w.withEmail(email)
		again := w.asked[email]
		w.asked[email] = true
		if len(users) > 1 || again {
			return
		}
		if len(users) == 1 {
			id = users[0]
		}
	}
	there, had := false, ""
	if id != "" {
		if w.about[id] {
			return
		}
		w.about[id] = true
		if user, ok := w.user(id); ok {
			there, had = true, strings.ToLower(*user.Profile.Email)
		}
	}
	if r.id != "" && had != email && (w.asked[email] || w.asked[had]) {
		return
	}
	body, err := json.Marshal(profile)
	if err != nil {
		w.t.Fatal(err)
	}
	if there {
		if _, err := w.edit(id, string(body)); err != nil {
			w.t.Fatal(err)
		}
		return
	}
	if id != "" {
		body = append(fmt.Appendf(nil, `{"id":%q,`, id), body[1:]...)
	}
	w.mustCreate(string(body))
}

// withEmail are the ids of the users who have an e-mail.
func (w *world) withEmail(email string) []string {
	w.t.Helper()
	var ids []string
	for _, u := range w.allUsers() {
		if u.Profile.Email != nil && strings.EqualFold(*u.Profile.Email, email) {
			ids = append(ids, u.ID)
		}
	}
	return ids
}

// usersOf are the users of one drawing, as they are without its mark.
func (w *world) usersOf(prefix string) []string {
	var own []string
	for _, line := range w.users() {
		if strings.Contains(line, prefix) {
			own = append(own, strings.ReplaceAll(line, prefix, "·"))
		}
	}
	slices.Sort(own)
	return own
}

// Importing a file is doing its rows one by one; a dry run says what will be; and
// the state that it leaves, as a file, changes nothing.
func TestImportIsItsRows(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for seed := range 20 {
			one, all := fmt.Sprintf("one%d.", seed), fmt.Sprintf("all%d.", seed)
			rows := drawRows(one).Example(seed)
			oneByOne := rowByRow{w, map[string]bool{}, map[string]bool{}}
			for _, r := range rows {
				oneByOne.put(r)
			}
			file := strings.ReplaceAll(fileOf(rows), one, all)
			dry := inALine(w.imported(file, true))
			if wet := inALine(w.imported(file, false)); dry != wet {
				t.Errorf("the dry run of\n%s\nsaid %s\nand it came to %s", file, dry, wet)
			}
			if diff := cmp.Diff(w.usersOf(one), w.usersOf(all)); diff != "" {
				t.Errorf("of\n%s\nthe users are, one by one and imported: %s", file, diff)
			}
			// The state that the file leaves, as a file, is unchanged.
			before := w.usersOf(all)
			for _, times := range []string{"second", "third"} {
				if result := inALine(w.imported(w.stateOf(all), false)); !strings.Contains(result, " 0 created, 0 updated, ") {
					t.Errorf("the %s time it came to %s", times, result)
				}
			}
			if diff := cmp.Diff(before, w.usersOf(all)); diff != "" {
				t.Error(diff)
			}
		}
	})
}

// stateOf writes the users of one drawing as a file.
func (w *world) stateOf(prefix string) string {
	w.t.Helper()
	var rows []tableRow
	for _, u := range w.allUsers() {
		var custom struct{ Note string }
		if u.Profile.Custom != nil {
			if err := json.Unmarshal(u.Profile.Custom, &custom); err != nil {
				w.t.Fatal(err)
			}
		}
		text := func(s *string) string {
			if s == nil {
				return ""
			}
			return *s
		}
		if row := (tableRow{u.ID, text(u.Profile.Email), text(u.Profile.FirstName), text(u.Profile.Country), custom.Note}); strings.Contains(row.id+row.email, prefix) {
			rows = append(rows, row)
		}
	}
	return fileOf(rows)
}
