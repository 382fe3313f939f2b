// This file is the log: its events, the latest first and live, or those that a
// filter finds in log order; and one event. Auditors see what is personal as
// ciphertext only, an admin sees it where the user's key is still there.

package console

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"github.com/go-chi/chi/v5"

	"boxoffice/access"
	"boxoffice/domain"
	"boxoffice/eventstore"
)

// A historyPage is what the page of the log shows.
type historyPage struct {
	AsOf   asOf
	Filter userFilter
	Types  []option
	// UserID is whose events are shown, where it is one user's; MayUser says that
	// the role may ask for that.
	UserID  string
	MayUser bool
	Hidden  []param
	// Filtered says that the events are in log order, and not the latest first.
	Filtered     bool
	Rows         []eventRow
	Older, Newer string
	Next         string
}

// An eventRow is one event of the log.
type eventRow struct {
	Position   int64
	RecordedAt domain.Instant
	Time       domain.Instant
	Type       string
	Source, ID string
	// Subject is the user's id, where it may be seen, else the pseudonym.
	Subject string
	// Known says that Subject is a user's id.
	Known bool
	// JSON is the whole event.
	JSON string
}

// historyRows is how many events a page has.
const historyRows = 50

func (v *visit) history() (*answer, error) {
	q := v.query()
	if to, changed := canonicalPeriod(q, "", v.localTime()); changed {
		return &answer{redirect: "/history" + queryText(to)}, nil
	}
	p, err := v.readHistory(q)
	if err != nil {
		return nil, err
	}
	return &answer{template: "history", title: v.T("nav.history"), data: p}, nil
}

// historyStream follows the end of the log.
func (v *visit) historyStream() (*answer, error) {
	if v.who.Role == access.Admin {
		v.sent = func(events int64) { access.AboutMany(v.r.Context(), int(min(events, historyRows))) }
	}
	return v.stream(func(v *visit) (*liveView, error) {
		p, err := v.readHistory(v.query())
		if err != nil {
			return nil, err
		}
		return v.liveBlocks("history", p, map[string]string{"as-of": "as-of-history", "history": "history-table"}, p.AsOf.Position)
	})
}

func (v *visit) readHistory(q *query) (*historyPage, error) {
	p := &historyPage{
		Filter: v.periodForm(q, ""), UserID: q.Get("user_id"), MayUser: v.who.Role == access.Admin,
		Filtered: q.Has("type") || q.Has("user_id") || q.Has("from") || q.Has("to"),
	}
	if p.UserID != "" && !p.MayUser {
		return nil, errAdminsOnly
	}
	ask := eventstore.SealedQuery{
		Type: domain.Type(q.Get("type")), UserID: p.UserID, From: q.instant("from"), To: q.instant("to"),
		After: eventstore.Position(q.number("after")), Limit: historyRows,
	}
	if ask.Type != "" && !domain.KnownType(string(ask.Type)) || ask.UserID != "" && domain.ValidUserID(ask.UserID) != nil || q.bad {
		return nil, errInput
	}
	head, err := v.Log.Head(v.r.Context())
	if err != nil {
		return nil, err
	}
	p.AsOf = asOf{At: v.at, Position: int64(head.Position)}
	for _, t := range domain.Types() {
		p.Types = append(p.Types, option{string(t), string(t), t == ask.Type})
	}
	if p.UserID != "" {
		access.About(v.r.Context(), p.UserID)
		p.Hidden = append(p.Hidden, param{"user_id", p.UserID})
	}
	if p.Filtered {
		err = v.filteredEvents(p, ask)
	} else {
		err = v.latestEvents(p, ask, q.Has("after"), head.Position)
	}
	if p.UserID == "" { // else they are all of one user
		access.About(v.r.Context(), readableIDs(p.Rows)...)
	}
	return p, err
}

// readableIDs are the users whose ids rows show, each once.
func readableIDs(rows []eventRow) []string {
	known := map[string]bool{}
	for i := range rows {
		if rows[i].Known {
			known[rows[i].Subject] = true
		}
	}
	return slices.Sorted(maps.Keys(known))
}

// latestEvents reads the last events up to a place, the latest first.
func (v *visit) latestEvents(p *historyPage, ask eventstore.SealedQuery, placed bool, head eventstore.Position) error {
	last := head
	if placed {
		last = min(ask.After, head)
	} else {
		p.AsOf.Live = "/live/history?after=" + strconv.FormatInt(int64(head), 10)
	}
	ask.After = max(last-historyRows, 0)
	ask.Limit = int(last - ask.After)
	if ask.Limit > 0 {
		page, err := v.Log.ReadSealed(v.r.Context(), ask)
		if err != nil {
			return err
		}
		if p.Rows, err = v.eventRows(page.Records); err != nil {
			return err
		}
	}
	for i, j := 0, len(p.Rows)-1; i < j; i, j = i+1, j-1 {
		p.Rows[i], p.Rows[j] = p.Rows[j], p.Rows[i]
	}
	if ask.After > 0 {
		p.Older = "/history?after=" + strconv.FormatInt(int64(ask.After), 10)
	}
	if last < head {
		p.Newer = "/history"
		if next := last + historyRows; next < head {
			p.Newer += "?after=" + strconv.FormatInt(int64(next), 10)
		}
	}
	return nil
}

// filteredEvents reads the next events that a filter finds, in log order.
func (v *visit) filteredEvents(p *historyPage, ask eventstore.SealedQuery) error {
	var records []eventstore.SealedRecord
	for {
		page, err := v.Log.ReadSealed(v.r.Context(), ask)
		if err != nil {
			return err
		}
		records = append(records, page.Records...)
		ask.After, ask.Limit = page.Next, ask.Limit-len(page.Records)
		if page.End || ask.Limit <= 0 {
			if !page.End {
				p.Next = v.address("after", strconv.FormatInt(int64(page.Next), 10))
			}
			break
		}
	}
	var err error
	p.Rows, err = v.eventRows(records)
	return err
}

// eventRows makes rows of records: sealed, or readable where that may be.
func (v *visit) eventRows(records []eventstore.SealedRecord) ([]eventRow, error) {
	rows := make([]eventRow, len(records))
	for i := range records {
		r := &records[i]
		stamp := domain.Stamp{Time: r.Time, Source: r.Source, ID: r.ID}
		rows[i] = eventRow{
			Position: int64(r.Position), RecordedAt: r.RecordedAt, Time: r.Time, Type: string(r.Type), Source: r.Source, ID: r.ID,
			Subject: r.User.String(), JSON: indented(domain.MarshalSealed(r.Type, stamp, r.User.String(), r.Public, r.Sealed)),
		}
	}
	if v.who.Role != access.Admin || len(records) == 0 {
		return rows, nil
	}
	open, err := v.Log.Unseal(v.r.Context(), records)
	if err != nil {
		return nil, err
	}
	for i := range open {
		if !open[i].Erased {
			rows[i].Subject, rows[i].Known = open[i].Event.Subject, true
			rows[i].JSON = indented(open[i].Event.MarshalCloudEvent())
		}
	}
	return rows, nil
}

// indented writes JSON with a line for each value.
func indented(text []byte) string {
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return string(text)
	}
	return b.String()
}

// An eventPage is what the page of one event shows.
type eventPage struct {
	eventRow
	Erased       bool
	Older, Newer string
	// Retraction is the address of the event that retracts it; empty for none.
	Retraction string
	// Named is the address of the event that it retracts; Idle says why there is
	// none, as the key of a text.
	Named, Idle string
	// Retract is where the event is retracted, where the role may do that.
	Retract string
	// Soon says that it has just been retracted, and is about to show.
	Soon bool

	user eventstore.UserKey
	kind domain.Type
}

func (v *visit) event() (*answer, error) {
	p, err := v.readEvent()
	if err != nil {
		return nil, err
	}
	p.Soon = v.r.URL.Query().Get("retracted") == "soon" && p.Retraction == ""
	return &answer{template: "event", title: v.T("event.title", "position", v.Int(p.Position)), data: p}, nil
}

// eventPath is the address of an event's page.
func eventPath(p eventstore.Position) string { return "/history/" + strconv.FormatInt(int64(p), 10) }

func (v *visit) readEvent() (*eventPage, error) {
	position, err := strconv.ParseInt(chi.URLParam(v.r, "position"), 10, 64)
	if err != nil || position < 1 {
		return nil, errNoPage
	}
	page, err := v.Log.ReadSealed(v.r.Context(), eventstore.SealedQuery{After: eventstore.Position(position - 1), Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(page.Records) == 0 || int64(page.Records[0].Position) != position {
		return nil, errNoPage
	}
	rows, err := v.eventRows(page.Records)
	if err != nil {
		return nil, err
	}
	record := &page.Records[0]
	p := &eventPage{eventRow: rows[0], Erased: v.who.Role == access.Admin && !rows[0].Known, user: record.User, kind: record.Type}
	if rows[0].Known {
		access.About(v.r.Context(), rows[0].Subject)
	}
	if position > 1 {
		p.Older = eventPath(record.Position - 1)
	}
	if !page.End {
		p.Newer = eventPath(record.Position + 1)
	}
	if record.Type == domain.EventRetracted {
		return p, v.findRetracted(p, record)
	}
	return p, v.findRetraction(p)
}

// findRetracted finds what an event.retracted retracts.
func (v *visit) findRetracted(p *eventPage, record *eventstore.SealedRecord) error {
	event, err := domain.Restore(record.Type, domain.Stamp{}, "", record.Public, nil)
	if err != nil {
		return err
	}
	located, err := v.Log.Locate(v.r.Context(), []eventstore.EventID{eventstore.EventID(*event.Retraction)})
	if err != nil {
		return err
	}
	switch at := located[0]; {
	case at.Position == 0:
		p.Idle = "event.names-none"
	case at.User != p.user || !domain.CanBeRetracted(at.Type):
		p.Idle = "event.names-other"
	default:
		p.Named = eventPath(at.Position)
	}
	return nil
}

// findRetraction finds out whether an event is retracted, or may be.
func (v *visit) findRetraction(p *eventPage) error {
	if !domain.CanBeRetracted(p.kind) {
		return nil
	}
	head, err := v.Log.Head(v.r.Context())
	if err != nil {
		return err
	}
	retractions, err := v.Log.Retractions(v.r.Context(), []eventstore.UserKey{p.user}, head.Position)
	if err != nil {
		return err
	}
	for _, r := range retractions {
		if r.Names == (domain.Retraction{Source: p.Source, ID: p.ID}) {
			p.Retraction = eventPath(r.Position)
			return nil
		}
	}
	if p.Known && v.who.May("retract-event") {
		p.Retract = eventPath(eventstore.Position(p.Position)) + "/retract"
	}
	return nil
}
