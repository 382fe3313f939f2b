package accounts_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"boxoffice/accounts"
)

// service has the log, the read models, the broker and the lock of a platform; in
// the program, accounts.New makes it of the real ones.
func service() *accounts.Service {
	s, err := accounts.InMemory()
	if err != nil {
		log.Fatal(err)
	}
	return s
}

// Making and editing a user: what is entered is read first, and what breaks a rule
// is told field by field, as a form wants it.
func Example() {
	ctx, people := context.Background(), service()

	profile, err := accounts.ReadProfile([]accounts.Field{
		{Name: "email", Value: jsontext.Value(`"ana@example.org"`)},
		{Name: "first_name", Value: jsontext.Value(`"Ana"`)},
	})
	if err != nil {
		log.Fatal(err)
	}
	user, err := people.Create(ctx, "10293", profile)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(user.ID, *user.Profile.Email, user.RegisteredAt)

	_, err = people.Create(ctx, "10293", profile)
	fmt.Println(errors.Is(err, accounts.ErrTaken), err)

	_, err = accounts.ReadProfile([]accounts.Field{
		{Name: "email", Value: jsontext.Value(`7`)},
		{Name: "nickname", Value: jsontext.Value(`"A"`)},
	})
	if invalid, ok := errors.AsType[*accounts.InvalidError](err); ok {
		for _, f := range invalid.Faults {
			fmt.Printf("%s %s: %s\n", f.Field, f.Message, f.Value)
		}
	}

	// Output:
	// 10293 ana@example.org 2026-11-23T12:00:00Z
	// true there is a user of this id already
	// email must be a text: 7
	// nickname unknown field: "A"
}

// A dry run says of each row what would become of it.
func ExampleService_OpenImport() {
	ctx, people := context.Background(), service()

	file := "id;email;first_name\n10293;ana@example.org;Ana\n;ana@example.org;Eve\n;;Nobody\n"
	for _, dryRun := range []bool{true, false} {
		table, err := people.OpenImport(ctx, strings.NewReader(file), accounts.ImportOptions{DryRun: dryRun})
		if err != nil {
			log.Fatal(err)
		}
		table.Row = func(o accounts.RowOutcome) {
			if dryRun {
				fmt.Printf("row %d: %s, user %q, %q\n", o.Row, o.Outcome, o.UserID, o.Reason)
			}
		}
		table.Progress = func(p accounts.ImportProgress) error {
			fmt.Printf("%d of %d rows, %d bytes\n", p.Done(), p.Rows, p.Bytes)
			return nil
		}
		result, err := table.Run(ctx)
		table.Close(ctx)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(result.Created, "created,", result.Refused.Len(), "refused")
	}

	// Output:
	// row 2: created, user "10293", ""
	// row 3: refused, user "", "row 2 is about this user already"
	// row 4: refused, user "", "email is missing"
	// 3 of 3 rows, 76 bytes
	// 1 created, 2 refused
	// 3 of 3 rows, 76 bytes
	// 1 created, 2 refused
}

// Erasing names who was there.
func ExampleService_Erase() {
	ctx, people := context.Background(), service()
	if _, err := people.Create(ctx, "ana", accounts.Profile{}); err != nil {
		log.Fatal(err)
	}
	erased, err := people.Erase(ctx, []string{"nobody", "ana"})
	fmt.Println(erased, err)

	// Output:
	// [ana] <nil>
}
