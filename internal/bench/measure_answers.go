// This file measures how long answers take at several numbers of users.

package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"boxoffice/internal/sqldb"
)

// Answers measures how long answers take with each of the numbers of users,
// from the reader and from the API's handler.
func (b *Bench) Answers(ctx context.Context, engine sqldb.Engine) (Measure, error) {
	m := Measure{Name: "answers", Engine: engine}
	for _, users := range b.Users {
		result, err := b.answersAt(ctx, engine, users)
		if err != nil {
			return Measure{}, err
		}
		m.Latencies = append(m.Latencies, result.Latencies...)
		m.Notes = append(m.Notes, fmt.Sprintf("%d users, %d events: built in %.0f s with at most %s MB",
			users, result.Events, result.Seconds, peakText(result.PeakBytes)))
	}
	for i := range m.Latencies {
		m.Latencies[i].MedianLimitMS = answerLimit(m.Latencies[i].What)
	}
	m.Notes = append(m.Notes, growth(m.Latencies)...)
	return m, nil
}

func (b *Bench) answersAt(ctx context.Context, engine sqldb.Engine, users int64) (_ Result, err error) {
	d, err := b.newDatabase(ctx, engine)
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, b.drop(context.WithoutCancel(ctx), d)) }()
	spec := d.spec("answers")
	spec.Users, spec.Events, spec.Samples = users, users*eventsPerUser, b.Samples
	return b.run(ctx, fmt.Sprintf("building %d users on %s and asking", users, engine), spec)
}

// growth says how the figures of a month, which must not depend on the number
// of users, compare at the first and the last number.
func growth(all []Latency) []string {
	var notes []string
	for _, first := range all {
		for _, last := range all {
			if strings.HasPrefix(first.What, "KPI month") && first.What == last.What && first.Users == all[0].Users &&
				last.Users == all[len(all)-1].Users && first.Users != last.Users {
				notes = append(notes, fmt.Sprintf("%s: with %d users %.2f of the time with %d", first.What, last.Users, last.MedianMS/first.MedianMS, first.Users))
			}
		}
	}
	return notes
}

// answerLimit is the median that answers have to keep within, in milliseconds;
// 0 for those that have none.
func answerLimit(what string) float64 {
	switch {
	case strings.HasPrefix(what, "KPI month"):
		return 2
	case strings.HasPrefix(what, "users page with q"), strings.HasPrefix(what, "series"):
		return 0
	}
	return 20
}
