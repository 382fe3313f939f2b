package domain_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"boxoffice/domain"
)

var updateGolden = flag.Bool("update-events", false, "rewrite the expected results of testdata/events")

// TestGolden defends the forms that the log keeps and others rely on: what is
// public, what is personal, the rendered event, and the content, a hash of which
// is stored. A difference here is a change of what is stored.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/events/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			want, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			e := accepted(t, raw(string(want.Files[0].Data)))
			got := &txtar.Archive{Comment: want.Comment, Files: []txtar.File{
				want.Files[0],
				{Name: "public.json", Data: line(e.Public)},
				{Name: "personal.json", Data: line(e.Personal)},
				{Name: "cloudevent.json", Data: line(e.MarshalCloudEvent())},
				{Name: "content.json", Data: line(e.Content())},
			}}
			if *updateGolden {
				if err := os.WriteFile(name, txtar.Format(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(txtar.Format(want)), string(txtar.Format(got))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// line returns a JSON text as a line, nothing for none.
func line(json []byte) []byte {
	if json == nil {
		return nil
	}
	return append(append([]byte{}, json...), '\n')
}

// TestDecodedValues defends what the folds read of an event.
func TestDecodedValues(t *testing.T) {
	end := judgedAt + 3_600_000_000
	const endText = `"2026-11-23T14:00:00+01:00"`
	cases := []struct {
		name  string
		draft draft
		want  domain.Event // its parsed part
	}{
		{"registered", draftOf(domain.UserRegistered, "email", `"a"`, "locale", `null`, "custom", `{"a": [ "x" ],"b":null,"c":1.50,"d":"\u0041"}`),
			domain.Event{Profile: &domain.ProfileChange{Registers: true, Email: domain.Some("a"), Locale: domain.Cleared[string](),
				Custom: map[string][]byte{"a": []byte(`["x"]`), "b": nil, "c": []byte("1.50"), "d": []byte(`"\u0041"`)}}}},
		{"updated", draftOf(domain.UserUpdated, "first_name", `"f"`, "last_name", `"l"`, "country", `"c"`, "platform", `"p"`, "custom", `null`),
			domain.Event{Profile: &domain.ProfileChange{FirstName: domain.Some("f"), LastName: domain.Some("l"), Country: domain.Some("c"),
				Platform: domain.Some("p"), CustomCleared: true}}},
		{"subscription started", draftOf(domain.SubscriptionStarted, "subscription_id", `"i"`, "offer_id", `"o"`, "offer_name", `"n"`,
			"trial_ends_at", `null`, "ends_at", endText, "amount", `1e2`, "currency", `"EUR"`, "interval", `"day"`, "payment_interface", `"p"`),
			domain.Event{Entitlement: &domain.EntitlementEvent{Kind: domain.Subscription, Action: domain.Open, ID: "i",
				OfferID: domain.Some("o"), OfferName: domain.Some("n"), TrialEnd: domain.Cleared[domain.Instant](), End: domain.Some(end),
				Amount: domain.Some[int64](100), Currency: domain.Some("EUR"), Interval: domain.Some("day"), PaymentInterface: domain.Some("p")}}},
		{"ids that are integers", draftOf(domain.SubscriptionStarted, "subscription_id", `-5.0`, "offer_id", `12e29`, "amount", `1`, "currency", `"eUr"`),
			domain.Event{Entitlement: &domain.EntitlementEvent{Kind: domain.Subscription, Action: domain.Open, ID: "-5",
				OfferID: domain.Some("12" + strings.Repeat("0", 29)), Amount: domain.Some[int64](1), Currency: domain.Some("EUR")}}},
		{"nested custom", draftOf(domain.UserUpdated, "custom", `{"a": {"b": [1, null, {"c": "\u0041"}]}, "d": [ null ]}`),
			domain.Event{Profile: &domain.ProfileChange{Custom: map[string][]byte{"a": []byte(`{"b":[1,null,{"c":"\u0041"}]}`), "d": []byte(`[null]`)}}}},
		{"subscription renewed", draftOf(domain.SubscriptionRenewed, "subscription_id", `"i"`, "trial_ends_at", endText, "reason", `"x"`, "offer_id", `null`),
			domain.Event{Entitlement: &domain.EntitlementEvent{Kind: domain.Subscription, Action: domain.Extend, ID: "i", OfferID: domain.Cleared[string]()}}},
		{"subscription canceled", draftOf(domain.SubscriptionCanceled, "subscription_id", `"i"`, "ends_at", endText, "reason", `"non_payment"`,
			"comment", `"c"`, "offer_id", `"o"`),
			domain.Event{Entitlement: &domain.EntitlementEvent{Kind: domain.Subscription, Action: domain.Close, ID: "i", End: domain.Some(end),
				Reason: domain.Some("non_payment"), Comment: domain.Some("c")}}},
		{"subscription changed", draftOf(domain.SubscriptionChanged, "subscription_id", `"i"`, "trial_ends_at", endText, "ends_at", endText, "interval", `"quarter"`,
			"interval_count", `2.0`, "offer_id", `null`),
			domain.Event{Entitlement: &domain.EntitlementEvent{Kind: domain.Subscription, Action: domain.Change, ID: "i", TrialEnd: domain.Some(end),
				Interval: domain.Some("quarter"), IntervalCount: domain.Some[int64](2), OfferID: domain.Cleared[string]()}}},
		{"subscription paused", draftOf(domain.SubscriptionPaused, "subscription_id", `"i"`, "ends_at", endText, "resumes_at", `null`, "comment", `"c"`, "reason", `"x"`),
			domain.Event{Entitlement: &domain.EntitlementEvent{Kind: domain.Subscription, Action: domain.Pause, ID: "i", End: domain.Some(end),
				ResumesAt: domain.Cleared[domain.Instant](), Comment: domain.Some("c")}}},
		{"payment failed", draftOf(domain.SubscriptionPaymentFailed, "subscription_id", `"i"`, "grace_ends_at", endText, "ends_at", `null`, "comment", `"c"`),
			domain.Event{Entitlement: &domain.EntitlementEvent{Kind: domain.Subscription, Action: domain.Fail, ID: "i", End: domain.Some(end),
				Comment: domain.Some("c")}}},
		{"subscription resumed", draftOf(domain.SubscriptionResumed, "subscription_id", `"i"`, "ends_at", `null`),
			domain.Event{Entitlement: &domain.EntitlementEvent{Kind: domain.Subscription, Action: domain.Extend, ID: "i", End: domain.Cleared[domain.Instant]()}}},
		{"rental started", draftOf(domain.RentalStarted, "rental_id", `"i"`, "content_id", `"c"`, "title", `"t"`, "kind", `null`, "expires_at", endText,
			"amount", `null`, "currency", `null`, "payment_interface", `null`, "interval", `"day"`),
			domain.Event{Entitlement: &domain.EntitlementEvent{Kind: domain.Rental, Action: domain.Open, ID: "i", ContentID: domain.Some("c"),
				Title: domain.Some("t"), End: domain.Some(end), Amount: domain.Cleared[int64](), Currency: domain.Cleared[string](),
				PaymentInterface: domain.Cleared[string]()}}},
		{"purchase", draftOf(domain.RentalStarted, "rental_id", `"i"`, "content_id", `"c"`, "kind", `"purchase"`),
			domain.Event{Entitlement: &domain.EntitlementEvent{Kind: domain.Rental, Action: domain.Open, ID: "i", ContentID: domain.Some("c"),
				RentalKind: domain.Some("purchase")}}},
		{"rental activated", draftOf(domain.RentalActivated, "rental_id", `"i"`, "expires_at", endText, "title", `"t"`),
			domain.Event{Entitlement: &domain.EntitlementEvent{Kind: domain.Rental, Action: domain.Extend, ID: "i", End: domain.Some(end)}}},
		{"rental revoked", draftOf(domain.RentalRevoked, "rental_id", `"i"`, "reason", `"x"`, "comment", `"c"`, "expires_at", endText),
			domain.Event{Entitlement: &domain.EntitlementEvent{Kind: domain.Rental, Action: domain.Close, ID: "i", Reason: domain.Some("x")}}},
		{"free copy granted", draftOf(domain.FreeCopyGranted, "free_copy_id", `"i"`, "offer_id", `"o"`, "content_id", `null`, "title", `"t"`, "expires_at", endText),
			domain.Event{Entitlement: &domain.EntitlementEvent{Kind: domain.FreeCopy, Action: domain.Open, ID: "i", OfferID: domain.Some("o"),
				ContentID: domain.Cleared[string](), Title: domain.Some("t"), End: domain.Some(end)}}},
		{"free copy revoked", draftOf(domain.FreeCopyRevoked, "free_copy_id", `"i"`, "reason", `null`),
			domain.Event{Entitlement: &domain.EntitlementEvent{Kind: domain.FreeCopy, Action: domain.Close, ID: "i", Reason: domain.Cleared[string]()}}},
		{"playback started", progressDraft().set("type", `"playback.started"`).with("title", `"t"`).with("content_length_s", `0.0005`).with("position_s", `5`).
			with("played", `[[0,1]]`).with("play_time_s", `1`).with("device", `"d"`).with("platform", `null`),
			domain.Event{Playback: &domain.PlaybackReport{SessionID: "s-1", ContentID: "c-1", Title: domain.Some("t"), ContentLength: domain.Some[int64](1),
				Device: domain.Some("d"), Platform: domain.Cleared[string]()}}},
		{"playback progressed", progressDraft().with("position_s", `1.0005`).with("played", `[[0,1.2344999], [1.2345,1e1]]`).with("play_time_s", `null`).
			with("content_length_s", `null`),
			domain.Event{Playback: &domain.PlaybackReport{SessionID: "s-1", ContentID: "c-1", Position: domain.Some[int64](1001),
				Played: []domain.Range{{From: 0, To: 1234}, {From: 1235, To: 10_000}}, ContentLength: domain.Cleared[int64]()}}},
		{"what players say before they know", progressDraft().with("position_s", `-1`).with("play_time_s", `-0.5`).with("content_length_s", `-1`).
			with("played", `[[-2,-1],[-1,1.5],[3,3]]`),
			domain.Event{Playback: &domain.PlaybackReport{SessionID: "s-1", ContentID: "c-1", Position: domain.Some[int64](0), PlayTime: domain.Some[int64](0),
				Played: []domain.Range{{From: 0, To: 0}, {From: 0, To: 1500}, {From: 3000, To: 3000}}}}},
		{"a live playhead", progressDraft().with("position_s", `1e11`).with("content_length_s", `0`).with("played", `[[1795435200.25,99999999999.5]]`),
			domain.Event{Playback: &domain.PlaybackReport{SessionID: "s-1", ContentID: "c-1", Position: domain.Some[int64](100_000_000_000_000),
				Played: []domain.Range{{From: 1_795_435_200_250, To: 99_999_999_999_500}}}}},
		{"playback ended", progressDraft().set("type", `"playback.ended"`).with("position_s", `null`).with("played", `null`).with("play_time_s", `1e9`),
			domain.Event{Playback: &domain.PlaybackReport{SessionID: "s-1", ContentID: "c-1", Ended: true, Position: domain.Cleared[int64](),
				PlayTime: domain.Some[int64](1_000_000_000_000)}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e := accepted(t, c.draft.structured())
			got := domain.Event{Profile: e.Profile, Entitlement: e.Entitlement, Playback: e.Playback}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
