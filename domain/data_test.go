package domain_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"boxoffice/domain"
)

// minimal has, for each type, the least data that it may have.
var minimal = map[domain.Type][]string{
	domain.UserRegistered:            {},
	domain.UserUpdated:               {},
	domain.UserErased:                {},
	domain.EventRetracted:            {"source", `"/s"`, "id", `"e"`},
	domain.SubscriptionStarted:       {"subscription_id", `"i"`, "offer_id", `"o"`},
	domain.SubscriptionRenewed:       {"subscription_id", `"i"`},
	domain.SubscriptionCanceled:      {"subscription_id", `"i"`},
	domain.SubscriptionResumed:       {"subscription_id", `"i"`},
	domain.SubscriptionChanged:       {"subscription_id", `"i"`},
	domain.SubscriptionPaused:        {"subscription_id", `"i"`},
	domain.SubscriptionPaymentFailed: {"subscription_id", `"i"`},
	domain.RentalStarted:             {"rental_id", `"i"`, "content_id", `"c"`},
	domain.RentalActivated:           {"rental_id", `"i"`, "expires_at", `"2026-12-01T00:00:00Z"`},
	domain.RentalRevoked:             {"rental_id", `"i"`},
	domain.FreeCopyGranted:           {"free_copy_id", `"i"`, "content_id", `"c"`},
	domain.FreeCopyRevoked:           {"free_copy_id", `"i"`},
	domain.PlaybackStarted:           {"session_id", `"s"`, "content_id", `"c"`},
	domain.PlaybackProgressed:        {"session_id", `"s"`, "content_id", `"c"`},
	domain.PlaybackEnded:             {"session_id", `"s"`, "content_id", `"c"`},
}

func minimalDraft(kind domain.Type) draft {
	d := draftOf(kind, minimal[kind]...)
	if d.data == nil {
		d.data = []domain.Attribute{}
	}
	return d
}

// TestRequired defends: what a type's row requires must be there and not null,
// and nothing else.
func TestRequired(t *testing.T) {
	for _, kind := range domain.Types() {
		accepted(t, minimalDraft(kind).structured())
		for i := 0; i < len(minimal[kind]); i += 2 {
			name := minimal[kind][i]
			for _, value := range []string{"", "null"} {
				r := refused(t, minimalDraft(kind).with(name, value).structured(), domain.InvalidData)
				if !strings.Contains(r.Message, name) {
					t.Errorf("%s without %s: the message doesn't name it: %s", kind, name, r.Message)
				}
			}
		}
	}
}

// Values that keep and break the rule of each kind of field.
var (
	goodTexts = []string{`""`, `"a"`, `"` + strings.Repeat("x", 300) + `"`, `null`}
	badTexts  = []string{`1`, `true`, `{}`, `["a"]`, `"a\u0000"`}
	goodIDs   = []string{`"a"`, `" "`, `"` + strings.Repeat("x", 255) + `"`, `"` + strings.Repeat("x", 253) + `\u00e9"`,
		`5`, `-5`, `0`, `-0.0`, `5.0`, `5e0`, `50e-1`, `1e30`, strings.Repeat("9", 36) + `e30`}
	badIDs = []string{`""`, `"` + strings.Repeat("x", 256) + `"`, `"` + strings.Repeat("x", 254) + `é"`, `{}`, `"a\u0000"`, `5.5`, `5e-1`, `1e31`,
		strings.Repeat("9", 41), `true`, `[5]`}
	goodTimes = []string{`"2026-11-23T11:00:00.1234567+02:00"`, `"1900-01-01T00:00:00Z"`, `"9999-12-31T23:59:59.999999Z"`, `null`}
	badTimes  = []string{`""`, `"2026-11-23"`, `"2026-11-23T11:00:00"`, `1795431600`, `"2026-11-23T11:00:60Z"`, `"1899-12-31T23:59:59Z"`,
		`"9999-12-31T23:59:59-00:01"`, `["2026-11-23T11:00:00Z"]`}
	goodCounts    = []string{`0`, `-0`, `0.0`, `0e30`, `1e2`, `100.0`, `1200e-2`, `9007199254740991`, `90071992547409910e-1`, `null`}
	badCounts     = []string{`-1`, `0.5`, `1e-1`, `9007199254740992`, `1e16`, `1e30`, `1e31`, `"5"`, `true`, `9007199254740991.00000000000000000000001`}
	goodDurations = []string{`0`, `-0`, `0.0004`, `12.5`, `1e9`, `1000000000`, `1000000000.000`, `1e-30`, `null`,
		`0.` + strings.Repeat("1", 38), `-0.0001`, `-1`, `-1e30`}
	badNumbers = []string{`1e30`, `1e31`, `0e31`, `1e-31`, `"5"`, `true`, `[1]`, `{}`,
		`0.` + strings.Repeat("1", 39), `1e+00000000000000000000000000000000000001`, `1e99999999999999999999`}
	badDurations  = append([]string{`1000000000.0001`, `1e10`}, badNumbers...)
	goodPlayheads = append([]string{`1e11`, `100000000000.000`, `1795435200.25`}, goodDurations...)
	badPlayheads  = append([]string{`100000000000.0001`, `1e12`}, badNumbers...)
)

// TestFields defends the rule of every field of every type.
func TestFields(t *testing.T) {
	words := func(words ...string) []string { return append(words, "null") }
	notWords := []string{`""`, `"VOLUNTARY"`, `" month"`, `"x"`, `1`, `["month"]`, `{}`}
	type rules map[string][2][]string
	subscription := rules{
		"subscription_id":   {goodIDs, badIDs},
		"offer_id":          {goodIDs, badIDs},
		"offer_name":        {goodTexts, badTexts},
		"ends_at":           {goodTimes, badTimes},
		"amount":            {goodCounts, badCounts},
		"currency":          {{`"EUR"`, `"XXX"`, `"eur"`, `"eUr"`, `"\u0065ur"`}, {`"EU"`, `"EURO"`, `""`, `978`, `"ÉUR"`, `"éur"`, `"ſek"`, `"E R"`}},
		"interval":          {words(`"day"`, `"week"`, `"month"`, `"quarter"`, `"year"`), notWords},
		"interval_count":    {{`1`, `1.0`, `12e0`, `1000`, `1e3`, `null`}, {`0`, `-1`, `1.5`, `1001`, `1e30`, `"1"`, `true`, `[1]`}},
		"payment_interface": {goodTexts, badTexts},
	}
	with := func(r rules, name string, values [2][]string) rules {
		all := rules{name: values}
		maps.Copy(all, r)
		return all
	}
	without := func(r rules, name string) rules {
		fewer := maps.Clone(r)
		delete(fewer, name)
		return fewer
	}
	profile := rules{
		"email": {goodTexts, badTexts}, "first_name": {goodTexts, badTexts}, "last_name": {goodTexts, badTexts},
		"locale": {goodTexts, badTexts}, "country": {goodTexts, badTexts}, "platform": {goodTexts, badTexts},
		"custom": {
			{`null`, `{}`, `{"a":"x","b":1.5,"c":true,"d":null,"e":[],"f":["x","y"],"":"z"}`, `{"a":{}}`, `{"a":[1]}`, `{"a":[null]}`,
				`{"a":[["x"]]}`, `{"a":{"b":{"c":[{"d":null}]}}}`},
			{`[]`, `"x"`, `1`, `{"a":1e31}`, `{"a":{"b":[1e31]}}`, `{"a":{"\u0000":1}}`, `{"a":"\u0000"}`, `{"\u0000":"a"}`, `{"a":["\u0000"]}`},
		},
	}
	report := rules{
		"session_id": {goodIDs, badIDs}, "content_id": {goodIDs, badIDs}, "title": {goodTexts, badTexts},
		"device": {goodTexts, badTexts}, "platform": {goodTexts, badTexts},
		"content_length_s": {
			{`0.001`, `0.0005`, `1`, `1000000000`, `1000000000.0004999`, `5.4e3`, `null`, `0`, `-0`, `0.0004999`, `-1`, `-1e30`, `1e-30`},
			{`1000000000.0005`, `1e10`, `1e30`, `1e31`, `"5"`, `false`},
		},
	}
	thousand := strings.TrimSuffix(strings.Repeat("[0,1],", 1_000), ",")
	progressed := with(with(with(report,
		"position_s", [2][]string{goodPlayheads, badPlayheads}),
		"play_time_s", [2][]string{goodDurations, badDurations}),
		"played", [2][]string{
			{`null`, `[]`, `[[0,1]]`, `[[-0,1e9]]`, `[[0,0.0001]]`, `[[5,6],[0,1],[0,10]]`, `[` + thousand + `]`, `[[999999999.9999,1000000000]]`,
				`[[1,1]]`, `[[1,1.0]]`, `[[-0.001,1]]`, `[[-5,-2]]`, `[[-1e30,1e11]]`},
			{`{}`, `"x"`, `5`, `[0,1]`, `[[]]`, `[[0]]`, `[[0,1,2]]`, `[[2,1]]`, `[[-1,-2]]`, `[[0,100000000000.0001]]`, `[[1e12,1e12]]`,
				`[["0","1"]]`, `[[null,1]]`, `[null]`, `[{}]`, `[[0,1e31]]`, `[` + thousand + `,[0,1]]`},
		})
	named := [2][]string{{`"a"`, `"` + strings.Repeat("x", 300) + `"`, `"not a URI"`}, append([]string{`""`, `null`}, badTexts...)}
	catalogue := map[domain.Type]rules{
		domain.UserRegistered:      profile,
		domain.UserUpdated:         profile,
		domain.UserErased:          {},
		domain.EventRetracted:      {"source": named, "id": named},
		domain.SubscriptionStarted: with(subscription, "trial_ends_at", [2][]string{goodTimes, badTimes}),
		domain.SubscriptionRenewed: subscription,
		domain.SubscriptionResumed: subscription,
		domain.SubscriptionChanged: with(without(subscription, "ends_at"), "trial_ends_at", [2][]string{goodTimes, badTimes}),
		domain.SubscriptionPaused: {
			"subscription_id": {goodIDs, badIDs}, "ends_at": {goodTimes, badTimes}, "resumes_at": {goodTimes, badTimes}, "comment": {goodTexts, badTexts},
		},
		domain.SubscriptionPaymentFailed: {
			"subscription_id": {goodIDs, badIDs}, "grace_ends_at": {goodTimes, badTimes}, "comment": {goodTexts, badTexts},
		},
		domain.SubscriptionCanceled: {
			"subscription_id": {goodIDs, badIDs}, "ends_at": {goodTimes, badTimes}, "comment": {goodTexts, badTexts},
			"reason": {words(`"voluntary"`, `"non_payment"`, `"switched"`, `"other"`), notWords},
		},
		domain.RentalStarted: {
			"rental_id": {goodIDs, badIDs}, "content_id": {goodIDs, badIDs}, "title": {goodTexts, badTexts},
			"kind": {words(`"rental"`, `"purchase"`), notWords}, "expires_at": {goodTimes, badTimes},
			"amount": {goodCounts, badCounts}, "currency": subscription["currency"], "payment_interface": {goodTexts, badTexts},
		},
		domain.RentalActivated: {"rental_id": {goodIDs, badIDs}, "expires_at": {goodTimes[:3], badTimes}},
		domain.RentalRevoked:   {"rental_id": {goodIDs, badIDs}, "reason": {goodTexts, badTexts}},
		domain.FreeCopyGranted: {
			"free_copy_id": {goodIDs, badIDs}, "offer_id": {goodIDs, badIDs}, "content_id": {goodIDs, badIDs},
			"title": {goodTexts, badTexts}, "expires_at": {goodTimes, badTimes},
		},
		domain.FreeCopyRevoked:    {"free_copy_id": {goodIDs, badIDs}, "reason": {goodTexts, badTexts}},
		domain.PlaybackStarted:    report,
		domain.PlaybackProgressed: progressed,
		domain.PlaybackEnded:      progressed,
	}
	every := rules{}
	for _, kind := range domain.Types() {
		maps.Copy(every, catalogue[kind])
	}
	for _, kind := range domain.Types() {
		for name := range every {
			values, named := catalogue[kind][name]
			if !named { // anything goes that keeps the rules of all data
				values = [2][]string{{`1.5`, `"x"`, `{"a":[1]}`, `null`}, {`"a\u0000"`, `1e31`}}
			}
			for _, value := range values[0] {
				accepted(t, minimalDraft(kind).with("currency", `"EUR"`).with(name, value).structured())
			}
			for _, value := range values[1] {
				r := refused(t, minimalDraft(kind).with("currency", `"EUR"`).with(name, value).structured(), domain.InvalidData)
				if !strings.Contains(r.Message, name) {
					t.Errorf("%s: the message doesn't name %s: %s", kind, name, r.Message)
				}
			}
		}
	}
}

// TestFieldsTogether defends the rules over several fields.
func TestFieldsTogether(t *testing.T) {
	for _, kind := range []domain.Type{domain.SubscriptionStarted, domain.SubscriptionRenewed, domain.SubscriptionResumed, domain.SubscriptionChanged,
		domain.RentalStarted} {
		d := minimalDraft(kind)
		r := refused(t, d.with("amount", "5").structured(), domain.InvalidData)
		if !strings.Contains(r.Message, "currency") {
			t.Errorf("the message doesn't name the currency: %s", r.Message)
		}
		refused(t, d.with("amount", "5").with("currency", "null").structured(), domain.InvalidData)
		accepted(t, d.with("currency", `"EUR"`).with("amount", "5").structured())
		accepted(t, d.with("currency", `"EUR"`).structured())
		accepted(t, d.with("currency", `null`).with("amount", "null").structured())
	}
	d := draftOf(domain.FreeCopyGranted, "free_copy_id", `"i"`)
	refused(t, d.structured(), domain.InvalidData)
	refused(t, d.with("offer_id", "null").with("content_id", "null").structured(), domain.InvalidData)
	accepted(t, d.with("offer_id", `"o"`).structured())
	accepted(t, d.with("offer_id", `"o"`).with("content_id", "null").structured())
	accepted(t, d.with("content_id", `"c"`).with("offer_id", "null").structured())
}

// TestData defends: data is a JSON object, which only user.erased may lack.
func TestData(t *testing.T) {
	with := func(kind domain.Type, data string) *domain.Message {
		d := draftOf(kind)
		if data != "" {
			d = d.set("data", data)
		}
		return d.structured()
	}
	for _, data := range []string{"", "null", "[]", `"x"`, "1", "true"} {
		refused(t, with(domain.UserUpdated, data), domain.InvalidData)
	}
	for _, data := range []string{"[]", `"x"`, "1", "true", `{"n":1e31}`, `{"n":"\u0000"}`} {
		refused(t, with(domain.UserErased, data), domain.InvalidData)
	}
	for _, data := range []string{"", "null", "{}", `{"email":5,"n":"x"}`} {
		e := accepted(t, with(domain.UserErased, data))
		want := &domain.Event{Stamp: domain.Stamp{Time: judgedAt - 3_600_000_000, Source: "/platform", ID: "e-1"},
			Type: domain.UserErased, Subject: "ana", Public: []byte("{}")}
		if diff := cmp.Diff(want, e); diff != "" {
			t.Errorf("%s: %s", data, diff)
		}
	}
	accepted(t, draftOf(domain.UserErased).binary())
	refused(t, minimalDraft(domain.UserUpdated).set("data_base64", `"e30="`).structured(), domain.InvalidData)
	refused(t, draftOf(domain.UserErased).set("data_base64", `"e30="`).structured(), domain.InvalidData)
	refused(t, draftOf(domain.UserUpdated).set("data_base64", `""`).structured(), domain.InvalidData)
	accepted(t, minimalDraft(domain.UserUpdated).set("data_base64", `null`).structured())
}

// TestMessagesQuoteNothing defends: a refusal's message is for those who may not
// see personal data. It names attributes and fields of the specification, and
// nothing that is the publisher's: no values, no names of extensions or of fields
// that no type names.
func TestMessagesQuoteNothing(t *testing.T) {
	quotesNothing := func(m *domain.Message, reason domain.Reason) {
		t.Helper()
		if r := refused(t, m, reason); strings.Contains(strings.ToLower(r.Message), "secret") {
			t.Errorf("the message quotes the event: %s", r.Message)
		}
	}
	for _, d := range []draft{
		draftOf(domain.UserUpdated, "email", `["SECRET"]`),
		draftOf(domain.UserUpdated, "custom", `["SECRET"]`),
		draftOf(domain.UserUpdated, "custom", `{"SECRET":1e31}`),
		draftOf(domain.UserUpdated, "SECRET@example.org", `1e31`),
		draftOf(domain.UserUpdated, "SECRET", `1e31`),
		draftOf(domain.UserUpdated, "SECRET", `"\u0000"`),
		draftOf(domain.UserUpdated, `SECRET\u0000`, `1`),
		draftOf(domain.SubscriptionCanceled, "subscription_id", `"i"`, "reason", `"SECRET"`),
		progressDraft().with("position_s", `"SECRET"`),
	} {
		quotesNothing(d.structured(), domain.InvalidData)
	}
	for _, d := range []draft{
		progressDraft().set("subject", `"SECRET\n"`), progressDraft().set("time", `"SECRET"`), progressDraft().set("SECRET", `"x"`),
		progressDraft().set("source", `"SECRET SECRET"`), progressDraft().set("specversion", `"SECRET"`), progressDraft().set("ext", `["SECRET"]`),
		progressDraft().set("secret", `{}`), progressDraft().set("secret", `1.5`), progressDraft().set("secret", `"\u0000"`),
	} {
		quotesNothing(d.structured(), domain.InvalidAttribute)
	}
	for _, attributes := range [][]domain.Attribute{
		{{Name: "secret", Value: "50%"}}, {{Name: "secret", Value: "a%00"}}, {{Name: "SECRET_", Value: "x"}},
		{{Name: "secret", Value: "1"}, {Name: "Secret", Value: "1"}},
		{{Name: "subject", Value: "secret"}},
	} {
		m := progressDraft().binary()
		m.Attributes = append(m.Attributes, attributes...)
		quotesNothing(m, domain.InvalidAttribute)
	}
}

// TestMessagesNameAttributesOfTheSpecification defends: a message names the place
// where a rule is broken, but no extension, whose name is the publisher's.
func TestMessagesNameAttributesOfTheSpecification(t *testing.T) {
	header := func(attributes ...domain.Attribute) *domain.Message {
		m := progressDraft().binary()
		m.Attributes = append(m.Attributes, attributes...)
		return m
	}
	for _, c := range []struct {
		message *domain.Message
		want    string
	}{
		{progressDraft().set("secret", `["x"]`).structured(), "an extension must be a text, a boolean or an integer"},
		{progressDraft().set("secret", `1.5`).structured(), "an extension must be an integer of 32 bits where it is a number"},
		{progressDraft().set("id", `["x"]`).structured(), "id must be a text"},
		{progressDraft().set("SECRET", `"x"`).structured(), "an attribute's name must have only a to z and 0 to 9"},
		{header(domain.Attribute{Name: "Secret", Value: "50%"}), "an extension must be percent-encoded"},
		{header(domain.Attribute{Name: "secret", Value: "a%00"}), "an extension must not have U+0000 in it"},
		{header(domain.Attribute{Name: "secret", Value: "1"}, domain.Attribute{Name: "Secret", Value: "2"}), "an extension must not be given twice"},
		{header(domain.Attribute{Name: "dataschema", Value: "50%"}), "dataschema must be percent-encoded"},
		{header(domain.Attribute{Name: "Subject", Value: "bob"}), "subject must not be given twice"},
	} {
		if r := refused(t, c.message, domain.InvalidAttribute); r.Message != c.want {
			t.Errorf("the message is %q, not %q", r.Message, c.want)
		}
	}
}
