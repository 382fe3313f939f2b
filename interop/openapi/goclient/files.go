//go:build generated

// This file takes out what can be had as a file: exports, and what is held about
// a person.

package main

import (
	"bytes"
	"context"
	"fmt"
)

func files(ctx context.Context, c *ClientWithResponses) error {
	format := ExportUsersParamsFormatCsv
	users, err := got(c.ExportUsersWithResponse(ctx, &ExportUsersParams{Format: &format}))
	if err != nil || !bytes.Contains(users.Body, []byte(user)) {
		return fmt.Errorf("export of users: %s, %w", users.Body, err)
	}
	sessions, err := got(c.ExportSessionsWithResponse(ctx, nil))
	if err != nil || !bytes.HasPrefix(sessions.Body, []byte("PK")) { // a workbook is a ZIP archive
		return fmt.Errorf("export of sessions: %.200s, %w", sessions.Body, err)
	}
	held, err := got(c.GetUserDataWithResponse(ctx, user))
	if err = whole(err, held.Body, held.JSON200); err != nil {
		return fmt.Errorf("a person's data: %w", err)
	}
	if d := held.JSON200; d.User == nil || d.User.Id != user || len(d.Events) == 0 || len(d.Sessions) == 0 || len(d.Refused) == 0 {
		return fmt.Errorf("a person's data: %s", held.Body)
	}
	return nil
}
