//go:build generated

// This file calls what changes something: users are made, edited, imported and
// erased, and what was refused is sent again or deleted.

package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// changes makes users, changes them and erases them, and returns what the trail says of that.
func changes(ctx context.Context, c *ClientWithResponses) error {
	id, email, country := "made|by/go", "made@example.org", "PT"
	made, err := got(c.CreateUserWithResponse(ctx, NewUser{Id: &id, Email: &email, Custom: &map[string]any{"shoe": 38}}))
	if err = whole(err, made.Body, made.JSON201); err != nil {
		return fmt.Errorf("make a user: %w", err)
	}
	taken, err := got(c.CreateUserWithResponse(ctx, NewUser{Id: &id}))
	if err = whole(err, taken.Body, taken.ApplicationproblemJSON409); err != nil {
		return fmt.Errorf("make a user twice: %w", err)
	}
	edited, err := got(c.EditUserWithApplicationMergePatchPlusJSONBodyWithResponse(ctx, id, ProfilePatch{Country: &country}))
	if err = whole(err, edited.Body, edited.JSON200); err != nil {
		return fmt.Errorf("edit a user: %w", err)
	}
	if u := edited.JSON200; u.Email == nil || *u.Email != email || u.Country == nil || *u.Country != country {
		return fmt.Errorf("edit a user: %s", edited.Body)
	}
	imported, err := got(c.ImportUsersWithBodyWithResponse(ctx, nil, "text/csv", strings.NewReader("id,email\ngo-1,one@example.org\ngo-2,\n")))
	if err = whole(err, imported.Body, imported.JSON200); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	if r := imported.JSON200; r.Created != 1 || len(r.Refused) != 1 || r.Refused[0].Row != 3 {
		return fmt.Errorf("import: %s", imported.Body)
	}
	erased, err := got(c.EraseUsersWithResponse(ctx, Erasure{Ids: []string{"go-1", "go-2"}}))
	if err = whole(err, erased.Body, erased.JSON200); err != nil {
		return fmt.Errorf("erase users: %w", err)
	}
	if r := erased.JSON200; !slices.Equal(r.Erased, []string{"go-1"}) || !slices.Equal(r.NotFound, []string{"go-2"}) {
		return fmt.Errorf("erase users: %s", erased.Body)
	}
	gone, err := got(c.EraseUserWithResponse(ctx, id))
	if err != nil || gone.HTTPResponse.StatusCode != http.StatusNoContent {
		return fmt.Errorf("erase a user: %s, %w", gone.Body, err)
	}
	return trail(ctx, c)
}

func trail(ctx context.Context, c *ClientWithResponses) error {
	action := "erase-users"
	page, err := got(c.ListTrailWithResponse(ctx, &ListTrailParams{Action: &action}))
	if err = whole(err, page.Body, page.JSON200); err != nil {
		return fmt.Errorf("trail: %w", err)
	}
	if len(page.JSON200.Entries) != 1 || page.JSON200.Entries[0].Role != "admin" {
		return fmt.Errorf("trail: %s", page.Body)
	}
	return nil
}

// repair sends one of the refused events again, repaired, and deletes another.
func repair(ctx context.Context, c *ClientWithResponses) error {
	reason := ListRefusedParamsReasonInvalidData
	refused, err := got(c.ListRefusedWithResponse(ctx, &ListRefusedParams{Reason: &reason}))
	if err = whole(err, refused.Body, refused.JSON200); err != nil {
		return fmt.Errorf("refused for their data: %w", err)
	}
	counts, err := got(c.GetRefusedCountsWithResponse(ctx))
	if err = whole(err, counts.Body, counts.JSON200); err != nil {
		return fmt.Errorf("refused, counted: %w", err)
	}
	kept := refused.JSON200.Refused
	if len(kept) != 2 || counts.JSON200.InvalidData != 2 {
		return fmt.Errorf("refused: %s, counted: %s", refused.Body, counts.Body)
	}
	still, err := got(c.RetryRefusedWithBodyWithResponse(ctx, kept[0].Id, "", nil))
	if err = whole(err, still.Body, still.JSON422); err != nil {
		return fmt.Errorf("retry as it is: %w", err)
	}
	sent, err := got(c.RetryRefusedWithApplicationCloudeventsPlusJSONBodyWithResponse(ctx, kept[0].Id, CloudEvent{
		Specversion: "1.0", Id: "go-client-3", Source: "/client", Type: "playback.started", Subject: user,
		Time: time.Date(2026, 3, 2, 19, 0, 0, 0, time.UTC), Data: &map[string]any{"session_id": "p3", "content_id": "live-1"},
	}))
	if err = whole(err, sent.Body, sent.JSON202); err != nil {
		return fmt.Errorf("retry: %w", err)
	}
	deleted, err := got(c.DeleteRefusedWithResponse(ctx, kept[1].Id))
	if err != nil || deleted.HTTPResponse.StatusCode != http.StatusNoContent {
		return fmt.Errorf("delete what was refused: %s, %w", deleted.Body, err)
	}
	return nil
}
