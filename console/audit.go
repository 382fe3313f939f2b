// This file is the trail: who saw or changed personal data.

package console

import (
	"strings"
	"time"

	"boxoffice/access/trail"
	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/cursor"
)

// A trailPage is what the page shows.
type trailPage struct {
	AsOf          asOf
	Filter        userFilter
	Actor, Action string
	Rows          []trailRow
	Pager         pager
}

type trailRow struct {
	trail.Entry
	// Subjects are pseudonyms, Parameters names.
	Pseudonyms, Names string
}

func (v *visit) audit() (*answer, error) {
	q := v.query()
	if to, changed := canonicalPeriod(q, "", v.localTime()); changed {
		return &answer{redirect: "/audit" + queryText(to)}, nil
	}
	ask := trail.Query{From: timeOf(q.instant("from")), To: timeOf(q.instant("to")), Actor: q.Get("actor"), Action: q.Get("action")}
	begin, err := openPage[int64](v, q, cursor.Listing{Name: "trail", Filters: ask}, v.at, pageRows)
	if err != nil {
		return nil, err
	}
	ask.Before, ask.Limit = value(begin.After), pageRows
	entries, next, err := v.Trail.Entries(v.r.Context(), ask)
	if err != nil {
		return nil, err
	}
	now, err := v.asOfLog()
	if err != nil {
		return nil, err
	}
	p := &trailPage{AsOf: now, Filter: v.periodForm(q, ""), Actor: ask.Actor, Action: ask.Action}
	for _, e := range entries {
		p.Rows = append(p.Rows, trailRow{e, pseudonyms(e.Subjects), strings.Join(e.Parameters, ", ")})
	}
	p.Pager = begin.pager(len(p.Rows), nonZero(next))
	return &answer{template: "audit", title: v.T("audit.title"), data: p}, nil
}

// pseudonyms writes the users of an entry, the first few of them.
func pseudonyms(subjects []trail.Subject) string {
	const few = 3
	var texts []string
	for _, s := range subjects[:min(len(subjects), few)] {
		texts = append(texts, eventstore.UserKey(s).String())
	}
	if len(subjects) > few {
		texts = append(texts, "…")
	}
	return strings.Join(texts, ", ")
}

func timeOf(i *domain.Instant) *time.Time {
	if i == nil {
		return nil
	}
	t := i.Time()
	return &t
}
