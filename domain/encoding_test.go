// This file holds the encoding of facts against golden bytes and damage.

package domain_test

import (
	"encoding/hex"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"boxoffice/domain"
)

var update = flag.Bool("update", false, "write what the folds give into the files that the tests compare with")

// goldenUser has everything that the facts of a user can hold.
func goldenUser() *domain.UserFacts {
	stamp := func(seconds int64, source, id string) domain.Stamp {
		return domain.Stamp{Time: domain.Instant(1_767_225_600_000_000 + seconds*1_000_000), Source: source, ID: id}
	}
	end := func(seconds int64) domain.Field[domain.Instant] { return domain.Some(stamp(seconds, "", "").Time) }
	return userFacts(
		&domain.Event{Stamp: stamp(0, "/player", "1"), Type: domain.PlaybackStarted, Playback: &domain.PlaybackReport{SessionID: "v"}},
		&domain.Event{Stamp: stamp(10, "/crm", "1"), Type: domain.UserRegistered, Profile: &domain.ProfileChange{
			Registers: true, Email: domain.Some("ana@example.org"), FirstName: domain.Some("Ana"), Locale: domain.Some("fr"),
			Custom: map[string][]byte{"lost": []byte("1")},
		}},
		&domain.Event{Stamp: stamp(20, "/crm", "2"), Type: domain.UserUpdated, Profile: &domain.ProfileChange{CustomCleared: true}},
		&domain.Event{Stamp: stamp(30, "/crm", "3"), Type: domain.UserUpdated, Profile: &domain.ProfileChange{
			Locale: domain.Cleared[string](), Custom: map[string][]byte{"genre": []byte(`["drama"]`), "gone": nil},
		}},
		&domain.Event{Stamp: stamp(40, "/billing", "1"), Type: domain.SubscriptionStarted, Entitlement: &domain.EntitlementEvent{
			Kind: domain.Subscription, ID: "s1", Action: domain.Open, End: end(1000), TrialEnd: end(500),
			OfferID: domain.Some("gold"), OfferName: domain.Some("Gold"), Amount: domain.Some(int64(990)), Currency: domain.Some("EUR"),
		}},
		&domain.Event{Stamp: stamp(50, "/billing", "2"), Type: domain.SubscriptionCanceled, Entitlement: &domain.EntitlementEvent{
			Kind: domain.Subscription, ID: "s1", Action: domain.Close, End: end(900),
			Reason: domain.Some("other"), Comment: domain.Some("too dear"),
		}},
		&domain.Event{Stamp: stamp(50, "/billing", "3"), Type: domain.SubscriptionStarted, Entitlement: &domain.EntitlementEvent{
			Kind: domain.Subscription, ID: "s1", Action: domain.Open, TrialEnd: domain.Cleared[domain.Instant](),
			OfferName: domain.Cleared[string](),
		}},
		&domain.Event{Stamp: stamp(60, "/billing", "4"), Type: domain.RentalActivated, Entitlement: &domain.EntitlementEvent{
			Kind: domain.Rental, ID: "r1", Action: domain.Extend, End: end(70), RentalKind: domain.Some("purchase"),
		}},
	)
}

// unpaidUser has what can be known of a subscription besides.
func unpaidUser() *domain.UserFacts {
	stamp := func(seconds int64) domain.Stamp {
		return domain.Stamp{Time: domain.Instant(1_767_225_600_000_000 + seconds*1_000_000), Source: "/billing", ID: "1"}
	}
	event := func(seconds int64, kind domain.Type, e domain.EntitlementEvent) *domain.Event {
		e.Kind, e.ID = domain.Subscription, "s1"
		return &domain.Event{Stamp: stamp(seconds), Type: kind, Entitlement: &e}
	}
	return userFacts(
		event(0, domain.SubscriptionStarted, domain.EntitlementEvent{Action: domain.Open, Interval: domain.Some("month"), IntervalCount: domain.Some[int64](3)}),
		event(10, domain.SubscriptionChanged, domain.EntitlementEvent{Action: domain.Change, TrialEnd: domain.Some(stamp(90).Time), OfferID: domain.Some("gold")}),
		event(20, domain.SubscriptionChanged, domain.EntitlementEvent{Action: domain.Change, TrialEnd: domain.Cleared[domain.Instant]()}),
		event(30, domain.SubscriptionPaymentFailed, domain.EntitlementEvent{Action: domain.Fail, End: domain.Some(stamp(100).Time), Comment: domain.Some("card")}),
		event(40, domain.SubscriptionPaused, domain.EntitlementEvent{Action: domain.Pause, End: domain.Some(stamp(80).Time),
			ResumesAt: domain.Some(stamp(200).Time), Comment: domain.Some("away")}),
	)
}

// The encoding of facts is kept in databases. A change of it must be meant, and
// then its version goes up.
func TestEncodingOfFactsIsGolden(t *testing.T) {
	forgotten := goldenUser()
	forgotten.Forget()
	var got strings.Builder
	for _, facts := range []struct{ name, bytes string }{
		{"user", encoded(t, goldenUser())},
		{"forgotten user", encoded(t, forgotten)},
		{"unpaid user", encoded(t, unpaidUser())},
		{"no user", encoded(t, new(domain.UserFacts))},
		{"session", encoded(t, viewing())},
	} {
		got.WriteString(facts.name + "\n" + hex.Dump([]byte(facts.bytes)) + "\n")
	}
	file := filepath.Join("testdata", "fold", "facts.golden")
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("the facts are encoded as\n%s\nand not as %s has them", got.String(), file)
	}
}

// Read models that the version before has made answer until new ones are there, so
// facts in its encoding are read.
func TestFactsInTheEncodingBeforeAreRead(t *testing.T) {
	dump, err := os.ReadFile(filepath.Join("testdata", "fold", "facts-1.golden"))
	if err != nil {
		t.Fatal(err)
	}
	var older []byte
	for line := range strings.Lines(string(dump)) {
		b, err := hex.DecodeString(strings.ReplaceAll(line[8:58], " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		older = append(older, b...)
	}
	facts, err := domain.DecodeUserFacts(older)
	if err != nil {
		t.Fatal(err)
	}
	if encoded(t, facts) != encoded(t, goldenUser()) {
		t.Error("the facts of a user are others in the encoding before")
	}

	monthly := encoded(t, userFacts(&domain.Event{Stamp: domain.Stamp{ID: "1"}, Type: domain.SubscriptionRenewed, Entitlement: &domain.EntitlementEvent{
		Kind: domain.Subscription, ID: "s", Action: domain.Extend, Interval: domain.Some("month"),
	}}))
	facts, err = domain.DecodeUserFacts([]byte("\x01" + monthly[1:len(monthly)-2])) // which has no interval_count
	if err != nil {
		t.Fatal(err)
	}
	if encoded(t, facts) != monthly {
		t.Error("a subscription that has an interval is of another number of them in the encoding before")
	}
}

func TestFactsThatAreDamagedAreRefused(t *testing.T) {
	user, session := encoded(t, goldenUser()), encoded(t, viewing())
	for n := range user {
		if _, err := domain.DecodeUserFacts([]byte(user[:n])); !errors.Is(err, domain.ErrFacts) {
			t.Errorf("a user cut off after %d bytes: %v", n, err)
		}
	}
	for n := range session {
		if _, err := domain.DecodeSessionFacts("v1", "film", []byte(session[:n])); !errors.Is(err, domain.ErrFacts) {
			t.Errorf("a session cut off after %d bytes: %v", n, err)
		}
	}
	for _, c := range []struct{ name, bytes string }{
		{"more than the facts", user + "\x00"},
		{"another version", "\x03" + user[1:]},
		{"an unknown flag", user[:1] + "\x8f" + user[2:]},
		{"a profile of a forgotten user", user[:1] + string(user[1]|8) + user[2:]},
		{"no version", ""},
	} {
		if _, err := domain.DecodeUserFacts([]byte(c.bytes)); !errors.Is(err, domain.ErrFacts) {
			t.Errorf("a user with %s: %v", c.name, err)
		}
	}
	older := encoded(t, userFacts(
		&domain.Event{Stamp: domain.Stamp{ID: "1"}, Type: domain.UserUpdated, Profile: &domain.ProfileChange{CustomCleared: true}},
		&domain.Event{Stamp: domain.Stamp{ID: "2"}, Type: domain.UserUpdated, Profile: &domain.ProfileChange{
			Custom: map[string][]byte{"key": []byte("1")},
		}},
	))
	older = strings.Replace(older, "\x01\x01\x03key\x03", "\x03\x01\x03key\x01", 1)
	if _, err := domain.DecodeUserFacts([]byte(older)); !errors.Is(err, domain.ErrFacts) {
		t.Errorf("a user with a key from before all were removed: %v", err)
	}
	for _, c := range []struct{ name, bytes string }{
		{"more than the facts", session + "\x00"},
		{"another version", "\x02" + session[1:]},
		{"an unknown flag", session[:1] + "\x84" + session[2:]},
	} {
		if _, err := domain.DecodeSessionFacts("v1", "film", []byte(c.bytes)); !errors.Is(err, domain.ErrFacts) {
			t.Errorf("a session with %s: %v", c.name, err)
		}
	}
}

func TestFactsOutOfBoundsAreNotEncoded(t *testing.T) {
	report := playerReport(0)
	report.Playback.Played = []domain.Range{{From: 0, To: 1 << 48}}
	if _, err := sessionFacts(report).AppendBinary(nil); !errors.Is(err, domain.ErrFacts) {
		t.Errorf("a session of ten million days is encoded: %v", err)
	}
	if _, err := new(domain.SessionFacts).AppendBinary(nil); !errors.Is(err, domain.ErrFacts) {
		t.Errorf("a session without an event is encoded: %v", err)
	}
	late := &domain.Event{Stamp: domain.Stamp{Time: domain.Never}, Type: domain.UserUpdated, Profile: &domain.ProfileChange{}}
	first := &domain.Event{Type: domain.PlaybackStarted, Playback: &domain.PlaybackReport{}}
	rental := &domain.Event{Stamp: domain.Stamp{Time: domain.Never}, Type: domain.RentalStarted, Entitlement: &domain.EntitlementEvent{
		Kind: domain.Rental, ID: "r1", Action: domain.Open,
	}}
	for name, facts := range map[string]*domain.UserFacts{
		"who never comes": userFacts(late), "with an update": userFacts(first, late), "with a rental": userFacts(first, rental),
	} {
		if _, err := facts.AppendBinary(nil); !errors.Is(err, domain.ErrFacts) {
			t.Errorf("a user %s that never happens is encoded: %v", name, err)
		}
	}
}

// Bytes of a session are bounded by what was played and not by the number of
// reports.
func TestSessionFactsStaySmall(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := new(domain.SessionFacts)
		for _, n := range rapid.Permutation(reportNumbers(500)).Draw(t, "order") {
			f.Add(playerReport(n))
		}
		if size := len(encoded(t, f)); size > 100 {
			t.Errorf("a session of 500 reports without a gap takes %d bytes", size)
		}
	})
}

func reportNumbers(n int) []int {
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i
	}
	return numbers
}

func FuzzDecodeUserFacts(f *testing.F) {
	f.Add([]byte(encoded(f, goldenUser())))
	f.Add([]byte(encoded(f, unpaidUser())))
	f.Add([]byte(encoded(f, new(domain.UserFacts))))
	f.Fuzz(func(t *testing.T, b []byte) {
		facts, err := domain.DecodeUserFacts(b)
		if err != nil {
			return
		}
		once := encoded(t, facts)
		if encoded(t, throughBytes(t, facts)) != once {
			t.Errorf("what was read is written in two ways")
		}
		resultsOf(facts, domain.Calendar{}, domain.Grace(day))
	})
}

func FuzzDecodeSessionFacts(f *testing.F) {
	f.Add([]byte(encoded(f, viewing())))
	f.Add([]byte(encoded(f, sessionFacts(playerReport(1)))))
	f.Fuzz(func(t *testing.T, b []byte) {
		facts, err := domain.DecodeSessionFacts("v1", "film", b)
		if err != nil {
			return
		}
		once := encoded(t, facts)
		if encoded(t, sessionThroughBytes(t, facts)) != once {
			t.Errorf("what was read is written in two ways")
		}
		v := facts.View(0, timeout)
		if v.WatchedMS < 0 || v.DurationMS < 0 || v.CompletionRate != nil && (*v.CompletionRate < 0 || *v.CompletionRate > 10_000) {
			t.Errorf("a view that can't be: %+v", v)
		}
	})
}

func BenchmarkUserFactsDecodeAddEncode(b *testing.B) {
	buf, _ := goldenUser().AppendBinary(nil)
	viewed := playerReport(0)
	b.ReportAllocs()
	for b.Loop() {
		f, err := domain.DecodeUserFacts(buf)
		if err != nil {
			b.Fatal(err)
		}
		f.Add(viewed)
		if _, err := f.AppendBinary(buf[:0]); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(buf)), "bytes")
}

func BenchmarkUserFactsContributions(b *testing.B) {
	f, c := goldenUser(), calendarOf(b, "Europe/Paris")
	b.ReportAllocs()
	for b.Loop() {
		f.Contributions(c, 0)
	}
}
