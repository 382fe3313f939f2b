// This file is the refused events: looking at them, repairing one, sending it
// again, deleting it. Auditors see neither bodies nor whom they are about.

package console

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"unicode/utf8"

	"boxoffice/access"
	"boxoffice/accounts"
	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/cursor"
)

// refusalReasons are those by which the list can be filtered, in the order in
// which they are looked at.
var refusalReasons = []domain.Reason{
	domain.TooLarge, domain.Malformed, domain.InvalidAttribute, domain.UnknownType, domain.SubjectMismatch,
	domain.InFuture, domain.InvalidData, domain.Erased, domain.Conflict,
}

// A refusedList is what the list shows.
type refusedList struct {
	AsOf    asOf
	Total   int64
	Reasons []tab
	Rows    []refusedRow
	Pager   pager
}

// A refusedRow is one refused event.
type refusedRow struct {
	ID         int64
	ReceivedAt domain.Instant
	Reason     string
	Message    string
	Type       string
	Subject    string
}

// A refusedPage is what the page of one refused event shows.
type refusedPage struct {
	refusedRow
	// Body is the event as it came; Binary says that it isn't text.
	Body   string
	Binary bool
	// MayAct says that it may be sent again and deleted.
	MayAct bool
	CSRF   string
	// Wrong is why it couldn't be sent as it was entered.
	Wrong string
	// Sent says that it was sent, and leaves the list once it is recorded.
	Sent bool
}

func (v *visit) refused() (*answer, error) {
	q := v.query()
	reason := domain.Reason(q.Get("reason"))
	if reason != "" && !slices.Contains(refusalReasons, reason) {
		return nil, errInput
	}
	begin, err := openPage[int64](v, q, cursor.Listing{Name: "refused", Filters: reason}, v.at, pageRows)
	if err != nil {
		return nil, err
	}
	events, next, err := v.Log.Refused(v.r.Context(), eventstore.RefusedQuery{Reason: reason, Before: value(begin.After), Limit: pageRows})
	if err != nil {
		return nil, err
	}
	counts, err := v.Log.CountRefused(v.r.Context())
	if err != nil {
		return nil, err
	}
	list := &refusedList{}
	if list.AsOf, err = v.asOfLog(); err != nil {
		return nil, err
	}
	for _, r := range refusalReasons {
		list.Total += counts[r]
		if counts[r] > 0 || r == reason {
			list.Reasons = append(list.Reasons, tab{"refusal." + string(r), counts[r], v.listAddress("reason", string(r)), r == reason})
		}
	}
	list.Reasons = slices.Insert(list.Reasons, 0, tab{"users.all", list.Total, v.listAddress("reason", ""), reason == ""})
	for i := range events {
		list.Rows = append(list.Rows, v.refusedRow(&events[i]))
	}
	found := list.Total
	if reason != "" {
		found = counts[reason]
	}
	list.Pager = begin.pager(len(list.Rows), nonZero(next)).of(found, false)
	return &answer{template: "refused", title: v.T("nav.refused"), data: list}, nil
}

// refusedRow shows of a refused event what the role may see.
func (v *visit) refusedRow(e *eventstore.RefusedEvent) refusedRow {
	row := refusedRow{ID: e.ID, ReceivedAt: e.ReceivedAt, Reason: string(e.Reason), Message: e.Message}
	admin := v.who.Role == access.Admin
	if e.Type != nil && (admin || domain.KnownType(*e.Type)) {
		row.Type = *e.Type
	}
	if e.Subject != nil && admin {
		row.Subject = *e.Subject
		access.About(v.r.Context(), row.Subject)
	}
	return row
}

// refusedID reads the number in a path.
func (v *visit) refusedID() (int64, bool) {
	text, ok := pathID(v.r)
	id, err := strconv.ParseInt(text, 10, 64)
	return id, ok && err == nil && id > 0
}

func (v *visit) refusedEvent() (*answer, error) {
	p, err := v.readRefused()
	if err != nil {
		return nil, err
	}
	p.Sent = v.r.URL.Query().Get("sent") == "1"
	return &answer{template: "refused-event", title: v.T("refused.title", "id", v.Int(p.ID)), data: p}, nil
}

func (v *visit) readRefused() (*refusedPage, error) {
	id, ok := v.refusedID()
	if !ok {
		return nil, errNoPage
	}
	e, found, err := v.Log.RefusedEvent(v.r.Context(), id)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, errNoPage
	}
	p := &refusedPage{refusedRow: v.refusedRow(&e), MayAct: v.who.May("retry-refused"), CSRF: v.token()}
	if v.who.Role == access.Admin {
		if p.Binary = !utf8.Valid(e.Body); !p.Binary {
			p.Body = indented(e.Body)
		}
	}
	return p, nil
}

// retryRefused sends a refused event again, as it stands in the form.
func (v *visit) retryRefused() (*answer, error) {
	p, err := v.readRefused()
	if err != nil {
		return nil, err
	}
	p.Body, p.Binary = v.r.PostFormValue("body"), false
	retry, err := v.Accounts.Retry(v.r.Context(), p.ID, []byte(p.Body))
	if err != nil {
		return v.notSent(p, err)
	}
	if e := retry.Arrival.Event; e != nil {
		access.About(v.r.Context(), e.Subject)
	}
	if refusal := retry.Arrival.Refusal; refusal != nil {
		p.Wrong = v.T("refusal."+string(refusal.Reason)) + ": " + refusal.Message
		return v.wrongRefused(p), nil
	}
	if err := retry.Send(v.r.Context()); err != nil {
		return v.notSent(p, err)
	}
	return &answer{redirect: "/refused?sent=" + strconv.FormatInt(p.ID, 10)}, nil
}

// notSent shows the form again where it says why, else it is an error like any other.
func (v *visit) notSent(p *refusedPage, err error) (*answer, error) {
	conflict, isConflict := errors.AsType[*accounts.ConflictError](err)
	switch {
	case errors.Is(err, accounts.ErrNoRefused):
		return nil, errNoPage
	case isConflict:
		p.Wrong = conflict.Error()
		return v.wrongRefused(p), nil
	}
	return nil, err
}

func (v *visit) wrongRefused(p *refusedPage) *answer {
	return &answer{template: "refused-event", title: v.T("refused.title", "id", v.Int(p.ID)), data: p, status: http.StatusUnprocessableEntity}
}

func (v *visit) deleteRefused() (*answer, error) {
	p, err := v.readRefused() // whom it was about is in the trail
	if err != nil {
		return nil, err
	}
	if _, err := v.Log.DeleteRefused(v.r.Context(), p.ID); err != nil {
		return nil, err
	}
	return &answer{redirect: "/refused"}, nil
}
