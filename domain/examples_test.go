// This file answers the questions of the examples in testdata/fold.

package domain_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"boxoffice/domain"
)

// TestExamples goes through the examples in testdata/fold. Each begins with
// the rule that it shows, has events, and sections of questions, each with its
// answer:
//
//	QUESTION => ANSWER
//
// An answer of several lines stands indented below its question. With -update
// the answers are rewritten; read them before you believe them.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "fold", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no examples: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			exampleOf(t, archive)
			if *update {
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// An example is one file of them.
type example struct {
	calendar domain.Calendar
	grace    domain.Grace // renewal grace
	events   []*domain.Event
	users    map[string]*exampleUser
}

// exampleOf answers an example's questions, with its events in several orders,
// and compares or, with -update, replaces the answers.
func exampleOf(t *testing.T, archive *txtar.Archive) {
	x := example{calendar: domain.Calendar{Zone: time.UTC}}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range archive.Files {
		f := &archive.Files[i]
		switch f.Name {
		case "zone":
			x.calendar = calendarOf(t, strings.TrimSpace(string(f.Data)))
			continue
		case "renewal grace":
			grace, err := time.ParseDuration(strings.TrimSpace(string(f.Data)))
			if err != nil {
				t.Fatal(err)
			}
			x.grace = domain.Grace(grace.Microseconds())
			continue
		case "events":
			x.events = exampleEvents(t, x.calendar, string(f.Data))
			continue
		}
		x.users = exampleUsers(x.events)
		want := x.answerAll(t, f.Name, string(f.Data))
		switch {
		case *update:
			f.Data = []byte(want)
		case want != string(f.Data):
			t.Errorf("%s:\nwant\n%s\ngot\n%s", f.Name, f.Data, want)
		}
		for range 5 {
			mixed := slices.Concat(x.events, x.events[:len(x.events)/2])
			random.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
			x.users = exampleUsers(mixed)
			if got := x.answerAll(t, f.Name, string(f.Data)); got != want {
				t.Errorf("%s, in another order:\nwant\n%s\ngot\n%s", f.Name, want, got)
			}
		}
	}
	x.restore(t)
}

// restore holds the facts of each user, once forgotten, against those of their
// events as the log gives them after the erasure.
func (x *example) restore(t *testing.T) {
	restored := make(map[string]*domain.UserFacts)
	retracted := retractionsOf(x.events)
	for _, e := range x.events {
		bare, err := domain.Restore(e.Type, e.Stamp, "", e.Public, nil)
		if err != nil {
			t.Fatal(err)
		}
		if restored[e.Subject] == nil {
			restored[e.Subject] = new(domain.UserFacts)
		}
		if retracted[e.Subject].Counts(bare) {
			restored[e.Subject].Add(bare)
		}
	}
	for id, u := range exampleUsers(x.events) {
		u.facts.Forget()
		restored[id].Forget()
		if encoded(t, u.facts) != encoded(t, restored[id]) {
			t.Errorf("what is kept of %s is not what the log gives after the erasure", id)
		}
	}
}

// answerAll returns a section with the answer to each of its questions.
func (x *example) answerAll(t *testing.T, section, text string) string {
	t.Helper()
	var out strings.Builder
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		if line == "" || strings.HasPrefix(line, " ") {
			continue
		}
		question, _, _ := strings.Cut(line, " =>")
		answer := x.answer(t, section, strings.Fields(question))
		if strings.Contains(answer, "\n") {
			answer = strings.ReplaceAll("\n"+answer, "\n", "\n    ")
		} else {
			answer = " " + answer
		}
		fmt.Fprintf(&out, "%s =>%s\n", question, answer)
	}
	return out.String()
}

// answer answers one question. Its words are in the order that each case
// shows; "at" and the like are there to be read.
func (x *example) answer(t *testing.T, section string, q []string) string {
	t.Helper()
	instant := func(i int) domain.Instant { return exampleInstant(t, x.calendar, q[i]) }
	switch {
	case section == "periods" && len(q) == 3: // USER KIND ID
		return x.periods(t, q[0], q[1], q[2])
	case section == "entitlement" && len(q) == 5: // USER KIND ID at T
		return x.entitlement(t, q[0], q[1], q[2], instant(4))
	case section == "status" && len(q) == 3: // USER at T
		return x.status(t, q[0], instant(2))
	case section == "profile" && len(q) == 1: // USER
		return x.profile(t, q[0])
	case section == "month" && len(q) == 3: // MONTH at T
		return x.month(t, month(t, q[0]), instant(2))
	case section == "counts" && len(q) == 2: // at T
		return x.counts(instant(1))
	case section == "session" && len(q) == 5: // USER SESSION CONTENT at T
		return x.session(t, q[0], q[1], q[2], instant(4))
	case section == "contents" && len(q) == 5: // USER from F to U
		return x.contents(t, q[0], instant(2), instant(4))
	}
	t.Fatalf("%s: %q is no question", section, strings.Join(q, " "))
	return ""
}

func (x *example) user(t *testing.T, id string) *exampleUser {
	t.Helper()
	u := x.users[id]
	if u == nil {
		t.Fatalf("there is no user %s", id)
	}
	return u
}

func (x *example) status(t *testing.T, user string, T domain.Instant) string {
	status, since, ok := statusAt(x.user(t, user).facts, x.grace, T)
	if !ok {
		return "not there yet"
	}
	return fmt.Sprintf("%s since %v", status, since)
}

func (x *example) profile(t *testing.T, user string) string {
	f := x.user(t, user).facts
	p := f.Profile()
	return lines(
		"registered_at "+orNull(f.RegisteredAt()), "updated_at "+orNull(f.UpdatedAt()),
		"email "+orNull(p.Email), "first_name "+orNull(p.FirstName), "last_name "+orNull(p.LastName),
		"locale "+orNull(p.Locale), "country "+orNull(p.Country), "platform "+orNull(p.Platform),
		"custom "+string(p.Custom),
	)
}

func lines(each ...string) string { return strings.Join(each, "\n") }

func orNull[T any](v *T) string {
	if v == nil {
		return "null"
	}
	return fmt.Sprint(*v)
}

var exampleKinds = map[string]domain.EntitlementKind{
	"subscription": domain.Subscription, "rental": domain.Rental, "free_copy": domain.FreeCopy,
}

func (x *example) periods(t *testing.T, user, kind, id string) string {
	for _, e := range x.user(t, user).facts.Entitlements() {
		if e.Kind != exampleKinds[kind] || e.ID != id {
			continue
		}
		var all []string
		for _, p := range e.Periods {
			all = append(all, periodText(p))
		}
		if all != nil {
			return strings.Join(all, "\n")
		}
	}
	return "none"
}

func periodText(p domain.Period) string {
	text := fmt.Sprintf("from %v to %v", p.From, p.To)
	if p.From == p.To {
		text = fmt.Sprintf("empty at %v", p.From)
	}
	if trial := p.Trial(); !trial.Empty() {
		text += fmt.Sprintf(", on trial to %v", trial.To)
	}
	if c := p.Cancellation; c != nil {
		text += fmt.Sprintf(", canceled at %v, reason %s, comment %s", c.RequestedAt, orNull(c.Reason), orNull(c.Comment))
	}
	if d := p.PastDue; d != nil {
		text += fmt.Sprintf(", past due since %v, comment %s", d.Since, orNull(d.Comment))
	}
	if d := p.Paused; d != nil {
		text += fmt.Sprintf(", paused, resumes at %s, comment %s", orNull(d.ResumesAt), orNull(d.Comment))
	}
	return text
}

func (x *example) entitlement(t *testing.T, user, kind, id string, T domain.Instant) string {
	for _, e := range x.user(t, user).facts.EntitlementsAt(exampleKinds[kind], T, x.grace) {
		if e.ID != id {
			continue
		}
		p := e.Current
		text := []string{
			fmt.Sprintf("%s, %d periods, the latest %s", e.Status, len(e.Periods), periodText(p)),
			"trial_ends_at " + orNull(p.TrialEnd),
			fmt.Sprintf("offer %s %s, content %s, title %s", orNull(e.OfferID), orNull(e.OfferName), orNull(e.ContentID), orNull(e.Title)),
			fmt.Sprintf("price %s %s every %s by %s", orNull(e.Amount), orNull(e.Currency), intervalText(&e), orNull(e.PaymentInterface)),
		}
		if e.RentalKind != "" {
			text = append(text, "kind "+e.RentalKind)
		}
		return lines(text...)
	}
	return "not listed yet"
}

func intervalText(e *domain.EntitlementView) string {
	if e.IntervalCount == nil || *e.IntervalCount == 1 && e.Interval != nil {
		return orNull(e.Interval)
	}
	return fmt.Sprintf("%d × %s", *e.IntervalCount, orNull(e.Interval))
}

func (x *example) month(t *testing.T, m domain.Month, T domain.Instant) string {
	first, last, begun := x.calendar.Window(m, T)
	if !begun {
		return "no figures"
	}
	sum := func(k domain.Counter, m domain.Month, T domain.Instant) int {
		n := 0
		for _, u := range x.users {
			n += x.calendar.Figure(u.facts.Contributions(x.calendar, x.grace), k, m, T)
		}
		return n
	}
	cut, whole := x.calendar.SameTimeInPreviousMonth(m, T)
	to := cut.String()
	if whole {
		to = "its end"
	}
	unsubscribed, reasons := 0, ""
	for _, r := range domain.ChurnReasons {
		if n := sum(domain.UnsubscribedCounter(r), m, T); n > 0 {
			unsubscribed += n
			reasons += fmt.Sprintf(", %s %d", r, n)
		}
	}
	var canceled strings.Builder
	for _, r := range domain.CancellationReasons {
		if n := sum(domain.CancellationsCounter(r), m, T); n > 0 {
			fmt.Fprintf(&canceled, ", %s %d", r, n)
		}
	}
	return lines(
		fmt.Sprintf("from %v to %v", first, last),
		fmt.Sprintf("registered %d; the month before %d, up to %s %d", sum(domain.CounterRegistered, m, T),
			sum(domain.CounterRegistered, m.Prev(), first-1), to, sum(domain.CounterRegistered, m.Prev(), cut)),
		fmt.Sprintf("active %d, trial %d", sum(domain.CounterActive, m, T), sum(domain.CounterTrial, m, T)),
		fmt.Sprintf("unsubscribed %d%s", unsubscribed, reasons),
		fmt.Sprintf("cancellations %d%s", sum(domain.CounterCancellations, m, T), canceled.String()),
	)
}

func (x *example) counts(T domain.Instant) string {
	counts := make(map[domain.Status]int)
	for _, u := range x.users {
		for _, s := range []domain.Status{domain.StatusRegistered, domain.StatusActive, domain.StatusCanceled} {
			entries := u.facts.Contributions(x.calendar, x.grace)
			counts[s] += x.calendar.Figure(entries, domain.UsersCounter(s), x.calendar.MonthOf(T), T)
		}
	}
	return fmt.Sprintf("registered %d, active %d, canceled %d",
		counts[domain.StatusRegistered], counts[domain.StatusActive], counts[domain.StatusCanceled])
}

func (x *example) session(t *testing.T, user, session, content string, T domain.Instant) string {
	f := x.user(t, user).sessions[[2]string{session, content}]
	if f == nil {
		return "none"
	}
	v := f.View(T, timeout)
	return lines(
		fmt.Sprintf("%s, started %v, last event %v", v.State, v.StartedAt, v.LastEventAt),
		fmt.Sprintf("played for %s s, watched %s s of %s, at %s", seconds(&v.DurationMS), seconds(&v.WatchedMS), seconds(v.ContentLengthMS), seconds(v.PositionMS)),
		fmt.Sprintf("completion %s, completed %s", rate(v.CompletionRate), orNull(v.Completed)),
		fmt.Sprintf("title %s, device %s, platform %s", orNull(v.Title), orNull(v.Device), orNull(v.Platform)),
	)
}

func seconds(ms *int64) string {
	if ms == nil {
		return "null"
	}
	return fmt.Sprintf("%d.%03d", *ms/1000, *ms%1000)
}

func rate(tenThousandths *int64) string {
	if tenThousandths == nil {
		return "null"
	}
	return fmt.Sprintf("%d.%04d", *tenThousandths/10_000, *tenThousandths%10_000)
}

func (x *example) contents(t *testing.T, user string, from, to domain.Instant) string {
	sessions := make(map[string][]*domain.SessionFacts)
	for _, s := range x.user(t, user).sessions {
		if from <= s.StartedAt() && s.StartedAt() < to {
			sessions[s.ContentID()] = append(sessions[s.ContentID()], s)
		}
	}
	var views []domain.ContentView
	for _, of := range sessions {
		views = append(views, domain.ViewedContent(of))
	}
	slices.SortFunc(views, func(a, b domain.ContentView) int {
		return cmp.Or(cmp.Compare(b.LastEventAt, a.LastEventAt), cmp.Compare(a.ContentID, b.ContentID))
	})
	var all []string
	for _, v := range views {
		all = append(all, fmt.Sprintf("%s %s: %d sessions, played for %s s, watched %s s of %s, completion %s, first started %v, last event %v",
			v.ContentID, orNull(v.Title), v.Sessions, seconds(&v.DurationMS), seconds(&v.WatchedMS), seconds(v.ContentLengthMS),
			rate(v.CompletionRate), v.FirstStartedAt, v.LastEventAt))
	}
	if all == nil {
		return "none"
	}
	return lines(all...)
}
