// This file reads the trail.

package trail

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"boxoffice/internal/sqldb"
)

// Entries returns a page of the trail, and the Before of the next page, 0 on the
// last. Their IDs are not filled in with users' ids, which the trail hasn't got.
func (t *Trail) Entries(ctx context.Context, q Query) (entries []Entry, next int64, err error) {
	if q.Limit < 1 {
		return nil, 0, errors.New("read the trail: the limit isn't positive")
	}
	where, args := "", []any{}
	filter := func(condition string, value any) {
		args = append(args, value)
		if where != "" {
			where += " AND "
		}
		where += fmt.Sprintf("%s $%d", condition, len(args))
	}
	if q.From != nil {
		filter("e.at >=", sqldb.Micros(q.From.UnixMicro()))
	}
	if q.To != nil {
		filter("e.at <", sqldb.Micros(q.To.UnixMicro()))
	}
	if q.Actor != "" {
		filter("e.actor =", q.Actor)
	}
	if q.Action != "" {
		filter("e.action =", q.Action)
	}
	if q.Before > 0 {
		filter("e.id <", q.Before)
	}
	if where != "" {
		where = "WHERE " + where
	}
	args = append(args, q.Limit+1)
	entries, err = t.read(ctx, where+fmt.Sprintf(" ORDER BY e.id DESC LIMIT $%d", len(args)), args)
	if err != nil {
		return nil, 0, fmt.Errorf("read the trail: %w", err)
	}
	if len(entries) > q.Limit {
		entries = entries[:q.Limit]
		next = entries[q.Limit-1].ID
	}
	return entries, next, nil
}

func (t *Trail) read(ctx context.Context, where string, args []any) ([]Entry, error) {
	rows, err := t.db.SQL().QueryContext(ctx, `SELECT e.id, e.at, e.actor, e.role, e.action, coalesce(o.status, e.status, 0),
		coalesce(o.people, e.people), coalesce(o.subjects, e.subjects), e.parameters
		FROM entries e LEFT JOIN outcomes o ON o.entry = e.id `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var entries []Entry
	for rows.Next() {
		var e Entry
		var at sqldb.Micros
		var subjects []byte
		var parameters string
		if err := rows.Scan(&e.ID, &at, &e.Actor, &e.Role, &e.Action, &e.Status, &e.People, &subjects, &parameters); err != nil {
			return nil, err
		}
		e.At, e.Subjects = time.UnixMicro(int64(at)).UTC(), split(subjects)
		if parameters != "" {
			e.Parameters = strings.Split(parameters, ",")
		}
		entries = append(entries, e)
	}
	return entries, rows.Err()
}
