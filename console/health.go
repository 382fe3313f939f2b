// This file is how the service is: its parts, how far the read models are behind
// the log, what was refused, and the last erasure.

package console

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"boxoffice/domain"
	"boxoffice/eventstore"
)

// A Part is one part of the service, and whether it does its work.
type Part struct {
	// Name is database, broker, ingest, projections, erasure or workers.
	Name  string
	Ready bool
	// Detail is what is wrong, or worth knowing; empty for nothing.
	Detail string
	// Values are figures, such as how far the part is behind, by name: numbers,
	// times and texts.
	Values map[string]any
}

// A healthPage is what the page shows.
type healthPage struct {
	AsOf  asOf
	Parts []healthPart
	// Ill is how many parts don't do their work.
	Ill int
	// Log and Models are positions; nil where they can't be read.
	Log, Models, Behind *int64
	// Refused are the refused events by reason; RefusedUnknown says that they can't
	// be counted.
	Refused        []tab
	RefusedTotal   int64
	RefusedUnknown bool
	// Erased is the last erasure, as the log has it; nil where there was none.
	Erased *lastErasure
	// ErasedUnknown says that it can't be read.
	ErasedUnknown bool
}

// A healthPart is one part with its figures.
type healthPart struct {
	Name   string
	Ready  bool
	Detail string
	Values []healthValue
}

// A healthValue is one figure of a part: one of a number, a length, a time, a
// state of a worker, or a text.
type healthValue struct {
	Name   string
	Number *int64
	Millis *int64
	Time   *domain.Instant
	State  string
	Text   string
}

// A lastErasure is where and when the last person was erased, and how many there
// were together.
type lastErasure struct {
	Position int64
	At       domain.Instant
	All      int64
}

func (v *visit) health() (*answer, error) {
	p := v.readHealth()
	p.AsOf.Live = "/live/health"
	return &answer{template: "health", title: v.T("health.title"), data: p}, nil
}

// healthStream keeps the page up to date.
func (v *visit) healthStream() (*answer, error) {
	return v.stream(func(v *visit) (*liveView, error) {
		p := v.readHealth()
		p.AsOf.Live = "/live/health"
		return v.liveBlocks("health", p, map[string]string{
			"as-of": "as-of-health", "parts": "parts", "positions": "positions", "refused-reasons": "refused-reasons", "last-erasure": "last-erasure",
		}, p.AsOf.Position)
	})
}

// readHealth reads what can be read: a part that doesn't answer takes away what it
// would have said, and nothing else.
func (v *visit) readHealth() *healthPage {
	p := &healthPage{AsOf: asOf{At: v.at}}
	ctx := v.r.Context()
	for _, part := range v.Health(ctx) {
		if !part.Ready {
			p.Ill++
		}
		p.Parts = append(p.Parts, showPart(part))
	}
	v.readPositions(ctx, p)
	v.readRefusals(ctx, p)
	v.readErasure(ctx, p)
	return p
}

func (v *visit) readPositions(ctx context.Context, p *healthPage) {
	head, err := v.Log.Head(ctx)
	if err != nil {
		v.failed(ctx, v.page.pattern, err)
		return
	}
	p.AsOf.Position = int64(head.Position)
	p.Log = &p.AsOf.Position
	models, err := v.Reader.Status(ctx)
	if err != nil {
		v.failed(ctx, v.page.pattern, err)
		return
	}
	at, behind := int64(models.Position), max(int64(head.Position-models.Position), 0)
	p.Models, p.Behind = &at, &behind
}

func (v *visit) readRefusals(ctx context.Context, p *healthPage) {
	counts, err := v.Log.CountRefused(ctx)
	if err != nil {
		v.failed(ctx, v.page.pattern, err)
		p.RefusedUnknown = true
		return
	}
	for _, r := range refusalReasons {
		if counts[r] > 0 {
			p.RefusedTotal += counts[r]
			p.Refused = append(p.Refused, tab{Label: "refusal." + string(r), Count: counts[r], Href: "/refused?reason=" + string(r)})
		}
	}
}

func (v *visit) readErasure(ctx context.Context, p *healthPage) {
	last, err := v.Log.LastErasure(ctx)
	if err == nil && last.Position == 0 {
		return
	}
	var page eventstore.SealedPage
	if err == nil {
		page, err = v.Log.ReadSealed(ctx, eventstore.SealedQuery{After: last.Position - 1, Limit: 1})
	}
	if err == nil && len(page.Records) == 0 {
		err = fmt.Errorf("there is no event at position %d", last.Position)
	}
	if err != nil {
		v.failed(ctx, v.page.pattern, err)
		p.ErasedUnknown = true
		return
	}
	p.Erased = &lastErasure{Position: int64(last.Position), At: page.Records[0].RecordedAt, All: last.Erasures}
}

// showPart puts a part's figures in the order of their names.
func showPart(p Part) healthPart {
	shown := healthPart{Name: p.Name, Ready: p.Ready, Detail: p.Detail}
	for _, name := range slices.Sorted(maps.Keys(p.Values)) {
		shown.Values = append(shown.Values, showValue(p.Name, name, p.Values[name]))
	}
	return shown
}

func showValue(part, name string, value any) healthValue {
	shown := healthValue{Name: name}
	switch value := value.(type) {
	case float64: // a length in seconds
		ms := int64(value * 1000)
		shown.Millis = &ms
	case time.Time:
		at := domain.InstantOf(value)
		shown.Time = &at
	case string:
		if part == "workers" {
			shown.State = value
		} else {
			shown.Text = value
		}
	default:
		n := integer(value)
		shown.Number = &n
	}
	return shown
}
