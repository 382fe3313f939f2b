// This file compares the answers of the read models with those of a plain count
// over what the model says is in the log.

package projectionstest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"boxoffice/domain"
	"boxoffice/internal/oracle"
	"boxoffice/projections"
)

// sessionTimeout is after how long a viewing session is abandoned.
const sessionTimeout = 30 * time.Minute

// compareAnswers compares what the read models answer now, and answered at some
// instants before.
func (s *schedule) compareAnswers() {
	counted := s.count()
	reader := projections.NewReader(s.models, sessionTimeout)
	for _, at := range []domain.Instant{now, now - 20*day, start + 40*day} {
		if diff := cmp.Diff(s.wantAnswers(counted, at), answers(s.t, reader, at)); diff != "" {
			s.t.Fatalf("the answers at %s (-want +got):\n%s", at, diff)
		}
	}
}

// count returns a plain count of what the model says is in the log.
func (s *schedule) count() *oracle.Oracle {
	zone, err := time.LoadLocation(zones[s.zone])
	if err != nil {
		s.t.Fatal(err)
	}
	counted := oracle.New(oracle.Options{Zone: zone, RenewalGrace: renewalGrace, SessionTimeout: sessionTimeout})
	for _, e := range s.model.Events {
		if outcome, err := counted.Add(e.Draft.Text()); err != nil || outcome != oracle.Recorded {
			s.t.Fatalf("the model has in the log what the plain count says is %s: %v", outcome, err)
		}
	}
	return counted
}

// months are those of the schedule's events.
var months = []string{"2026-01", "2026-02", "2026-03", "2026-04", "2026-05"}

func (s *schedule) wantAnswers(o *oracle.Oracle, at domain.Instant) []string {
	t := oracle.Instant(at)
	counts := o.UserCounts(t)
	lines := []string{countsLine(o.Position(), counts.Registered, counts.Active, counts.Canceled)}
	for _, month := range months {
		k, err := o.KPI(month, t)
		if err != nil {
			s.t.Fatal(err)
		}
		if k.Registered == nil {
			continue // it hasn't begun
		}
		by := k.Unsubscribed.ByReason
		lines = append(lines, monthLine(month, k.Registered.Count, k.Registered.PreviousMonth.ToDate, k.Active.Count, k.Trial.Count,
			k.Cancellations.Count, by.Voluntary, by.NonPayment, by.Switched, by.Other, by.Expired, by.Paused, k.Cancellations.ByReason.Switched))
	}
	for _, u := range o.Users(oracle.UsersQuery{At: t}) {
		lines = append(lines, userLine(u.ID, u.Status, int64(u.StatusSince), u.Email, u.FirstName))
	}
	var sessions []string
	for _, x := range o.Sessions(oracle.SessionsQuery{At: t}) {
		sessions = append(sessions, sessionLine(x.UserID, x.SessionID, x.ContentID, x.State, int64(x.Duration), int64(x.Watched)))
	}
	slices.Sort(sessions) // of erased users, those that tie are in no order
	return append(lines, sessions...)
}

// answers asks about everything as it is at an instant.
func answers(t testing.TB, r *projections.Reader, at domain.Instant) []string {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	counts, err := r.UserCounts(ctx, at)
	must(err)
	lines := []string{countsLine(int(counts.Position), counts.Registered, counts.Active, counts.Canceled)}
	first, err := domain.ParseMonth(months[0])
	must(err)
	last, err := domain.ParseMonth(months[len(months)-1])
	must(err)
	figures, err := r.KPIs(ctx, first, last, at)
	must(err)
	for _, k := range figures {
		if !k.Begun {
			continue
		}
		lines = append(lines, monthLine(k.Month.String(), k.Registered, k.PreviousToDate, k.Active, k.Trial, k.Cancellations,
			k.Unsubscribed[domain.ChurnVoluntary], k.Unsubscribed[domain.ChurnNonPayment], k.Unsubscribed[domain.ChurnSwitched],
			k.Unsubscribed[domain.ChurnOther], k.Unsubscribed[domain.ChurnExpired], k.Unsubscribed[domain.ChurnPaused],
			k.CancellationsFor[domain.ChurnSwitched]))
	}
	users, err := r.Users(ctx, projections.UsersQuery{Sort: projections.ByRegisteredDesc, At: at, Limit: 100})
	must(err)
	for _, u := range users.Users {
		lines = append(lines, userLine(u.ID, string(u.Status), int64(u.StatusSince), u.Profile.Email, u.Profile.FirstName))
	}
	found, err := r.Sessions(ctx, projections.SessionsQuery{At: at, Limit: 100})
	must(err)
	var sessions []string
	for _, x := range found.Sessions {
		sessions = append(sessions, sessionLine(x.UserID, x.SessionID, x.ContentID, string(x.State), x.DurationMS, x.WatchedMS))
	}
	slices.Sort(sessions)
	return append(lines, sessions...)
}

func countsLine[N int | int64](position int, registered, active, canceled N) string {
	return fmt.Sprintf("at position %d: %d registered, %d active, %d canceled", position, registered, active, canceled)
}

func monthLine[N int | int64](month string, registered, before, active, trial, cancellations N, left ...N) string {
	return fmt.Sprintf("%s: %d registered (%d), %d active, %d on trial, %d cancellations, left %v", month, registered, before, active, trial, cancellations, left)
}

func userLine(id, status string, since int64, email, name *string) string {
	return fmt.Sprintf("%s is %s since %d, %s, %s", id, status, since, textOf(email), textOf(name))
}

func sessionLine(user *string, session, content, state string, duration, watched int64) string {
	return fmt.Sprintf("%s viewed %s in %s: %s, %d ms, %d ms", textOf(user), content, session, state, duration, watched)
}

func textOf(s *string) string {
	if s == nil {
		return "-"
	}
	return fmt.Sprintf("%q", *s)
}
