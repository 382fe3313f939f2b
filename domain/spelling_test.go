package domain_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"boxoffice/domain"
)

// A node is a JSON value that is still to be written, in one of many ways: nil,
// bool, string, numeral, moment, []node or []pair.
type node any

// A numeral is a whole number and its power of ten.
type numeral struct{ n, power int }

// A moment is a time where the catalogue names one.
type moment struct{ micros int64 }

type pair struct {
	name  string
	value node
}

// drawSpelledNode draws any JSON value.
func drawSpelledNode(t *rapid.T, depth int) node {
	kinds := 6
	if depth == 0 {
		kinds = 4
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return nil
	case 1:
		return rapid.Bool().Draw(t, "boolean")
	case 2:
		return drawSpelledText(t)
	case 3:
		return numeral{rapid.IntRange(-9999, 9999).Draw(t, "n"), rapid.IntRange(-9, 9).Draw(t, "power")}
	case 4:
		return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) node { return drawSpelledNode(t, depth-1) }), 0, 3).Draw(t, "array")
	}
	return drawSpelledPairs(t, depth-1)
}

func drawSpelledText(t *rapid.T) string {
	return rapid.StringOfN(rapid.RuneFrom([]rune("aé€😀\"\\/\n\x7f\u2028<z ")), 0, 5, -1).Draw(t, "text")
}

// drawSpelledPairs draws members whose names no type has.
func drawSpelledPairs(t *rapid.T, depth int) []pair {
	names := rapid.SliceOfNDistinct(rapid.Custom(drawSpelledText), 0, 3, rapid.ID).Draw(t, "names")
	pairs := []pair{}
	for _, name := range names {
		pairs = append(pairs, pair{"_" + name, drawSpelledNode(t, depth)})
	}
	return pairs
}

// drawSpelled draws the type and the data of a good event.
func drawSpelled(t *rapid.T) (domain.Type, []pair) {
	kind := rapid.SampledFrom(domain.Types()).Draw(t, "type")
	data := drawSpelledPairs(t, 2)
	moments := rapid.Custom(func(t *rapid.T) node { return moment{rapid.Int64Range(0, 4e15).Draw(t, "µs")} })
	switch kind {
	case domain.UserErased: // keeps nothing of its data
		return kind, nil
	case domain.UserRegistered, domain.UserUpdated:
		data = append(data, pair{"email", drawSpelledText(t)}, pair{"custom", []pair{{"k", numeral{15, -1}}, {"l", []node{"x"}}}})
	case domain.RentalActivated:
		data = append(data, pair{"rental_id", "r" + drawSpelledText(t)}, pair{"expires_at", moments.Draw(t, "end")})
	case domain.SubscriptionStarted:
		data = append(data, pair{"subscription_id", "s"}, pair{"offer_id", "o"}, pair{"trial_ends_at", moments.Draw(t, "trial")},
			pair{"ends_at", rapid.OneOf(moments, rapid.Just[node](nil)).Draw(t, "end")}, pair{"currency", "EUR"},
			pair{"amount", numeral{rapid.IntRange(0, 99).Draw(t, "amount"), 2}})
	case domain.SubscriptionCanceled:
		data = append(data, pair{"subscription_id", "s"}, pair{"comment", drawSpelledText(t)}, pair{"ends_at", moments.Draw(t, "end")})
	case domain.PlaybackProgressed:
		data = append(data, pair{"session_id", "s"}, pair{"content_id", "c"}, pair{"position_s", numeral{rapid.IntRange(0, 99999).Draw(t, "s"), -3}},
			pair{"played", []node{[]node{numeral{0, 0}, numeral{rapid.IntRange(1, 99999).Draw(t, "to"), -3}}}})
	default:
		var least []pair
		for i := 0; i < len(minimal[kind]); i += 2 {
			least = append(least, pair{minimal[kind][i], strings.Trim(minimal[kind][i+1], `"`)})
		}
		data = append(data, least...)
	}
	return kind, data
}

// spell writes a value in one of the ways in which it can be written.
func spell(t *rapid.T, v node) string {
	space := func() string { return rapid.SampledFrom([]string{"", "", " ", "\n\t"}).Draw(t, "space") }
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case string:
		return spellText(t, v)
	case numeral:
		return spellNumber(t, v)
	case moment:
		return `"` + spellMoment(t, v) + `"`
	case []node:
		texts := make([]string, len(v))
		for i := range v {
			texts[i] = space() + spell(t, v[i]) + space()
		}
		return "[" + strings.Join(texts, ",") + "]"
	case []pair:
		texts := make([]string, len(v))
		for i, p := range v {
			texts[i] = space() + spellText(t, p.name) + space() + ":" + space() + spell(t, p.value) + space()
		}
		return "{" + strings.Join(rapid.Permutation(texts).Draw(t, "order"), ",") + "}"
	}
	panic(fmt.Sprintf("a %T", v))
}

func spellText(t *rapid.T, s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case rapid.IntRange(0, 3).Draw(t, "escape") == 0:
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(&b, rapid.SampledFrom([]string{`\u%04x`, `\u%04X`}).Draw(t, "case"), unit)
			}
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r == '\n':
			b.WriteString(`\n`)
		case r == '/' && rapid.Bool().Draw(t, "slash"):
			b.WriteString(`\/`)
		default:
			b.WriteRune(r)
		}
	}
	return b.String() + `"`
}

func spellNumber(t *rapid.T, v numeral) string {
	zeros := rapid.IntRange(0, 5).Draw(t, "zeros")
	n := strconv.Itoa(v.n) + strings.Repeat("0", zeros)
	power := v.power - zeros
	if v.n == 0 {
		n, power = rapid.SampledFrom([]string{"0", "-0", "0.00"}).Draw(t, "zero"), rapid.IntRange(-5, 5).Draw(t, "power")
	}
	if shift := len(strings.TrimPrefix(n, "-")) - 1; v.n != 0 && shift > 0 && rapid.Bool().Draw(t, "point") {
		cut := len(n) - shift
		n, power = n[:cut]+"."+n[cut:], power+shift
	}
	if power == 0 && rapid.Bool().Draw(t, "no exponent") {
		return n
	}
	return n + fmt.Sprintf(rapid.SampledFrom([]string{"e%d", "E%+d", "e%+03d"}).Draw(t, "exponent"), power)
}

func spellMoment(t *rapid.T, v moment) string {
	zone := time.FixedZone("", 60*rapid.IntRange(-1439, 1439).Draw(t, "offset"))
	s := time.UnixMicro(v.micros).In(zone).Format("2006-01-02T15:04:05.000000")
	finer := rapid.SampledFrom([]string{"", "0", "9", "999999"}).Draw(t, "finer")
	return s + finer + time.UnixMicro(v.micros).In(zone).Format("Z07:00")
}

// spellEvent writes an event in one of the ways in which it can be written.
func spellEvent(t *rapid.T, kind domain.Type, when moment, data []pair) *domain.Message {
	attributes := []pair{
		{"specversion", "1.0"}, {"id", "é1"}, {"source", "/p"}, {"type", string(kind)}, {"subject", "a\"na"},
		{"time", when}, {"n", numeral{5, 0}}, {"flag", true}, {"data", data},
	}
	if rapid.Bool().Draw(t, "as text") { // the canonical text of the extensions
		attributes[6].value, attributes[7].value = "5", "true"
	}
	for _, p := range []pair{{"datacontenttype", "application/json"}, {"traceparent", "00"}, {"tracestate", drawSpelledText(t)}, {"nothing", nil}} {
		if rapid.Bool().Draw(t, p.name) {
			attributes = append(attributes, p)
		}
	}
	return raw(spell(t, attributes))
}

// TestContentIsOfValues defends: two spellings of the same event have the same
// content, and a change of any value changes it.
func TestContentIsOfValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind, data := drawSpelled(t)
		when := moment{rapid.Int64Range(0, int64(judgedAt)).Draw(t, "time")}
		a := accepted(t, spellEvent(t, kind, when, data))
		b := accepted(t, spellEvent(t, kind, when, data))
		if diff := cmp.Diff(string(a.Content()), string(b.Content())); diff != "" {
			t.Fatal(diff)
		}
		if !json.Valid(a.Content()) {
			t.Fatalf("the content isn't JSON: %s", a.Content())
		}
		later := accepted(t, spellEvent(t, kind, moment{when.micros + 1}, data))
		if cmp.Equal(a.Content(), later.Content()) {
			t.Fatal("another time has the same content")
		}
		if kind == domain.UserErased {
			return
		}
		more := append(slices.Clone(data), pair{"more", nil})
		if cmp.Equal(a.Content(), accepted(t, spellEvent(t, kind, when, more)).Content()) {
			t.Fatal("another member has the same content")
		}
		other := append(slices.Clone(data), pair{"more", numeral{1, 0}})
		if cmp.Equal(accepted(t, spellEvent(t, kind, when, more)).Content(), accepted(t, spellEvent(t, kind, when, other)).Content()) {
			t.Fatal("another value has the same content")
		}
	})
}

// TestContentTellsApart defends: what differs as a value differs as content.
func TestContentTellsApart(t *testing.T) {
	base := progressDraft().with("x", `1`)
	seen := map[string]int{}
	for i, d := range []draft{
		base,
		base.with("x", `"1"`), base.with("x", `1.0000001`), base.with("x", `-1`), base.with("x", `true`), base.with("x", `null`),
		base.with("x", ``), base.with("x", `[1]`), base.with("x", `[[1]]`), base.with("x", `[1,1]`), base.with("x", `{"x":1}`),
		base.with("x", `[1,2]`), base.with("x", `[2,1]`), base.with("x", `[]`), base.with("x", `{}`), base.with("x", `""`),
		base.with("x", `"2026-11-23T11:00:00Z"`), base.with("x", `"2026-11-23T12:00:00+01:00"`), // no field that is a time
		base.with("x", `"é"`), base.with("x", `"e\u0301"`), base.with("x", `1e-30`), base.with("x", `1e30`),
		base.with("title", `null`), base.with("title", `""`),
		base.set("subject", `"bob"`), base.set("dataschema", `""`), base.set("dataschema", `"x"`),
		base.set("ext", `"5"`), base.set("ext", `"05"`), base.set("ext", `""`), base.set("ext", `true`), base.set("ext", `"TRUE"`),
		base.set("exts", `"5"`), base.set("time", `"2026-11-23T11:00:00.000001Z"`), base.set("type", `"playback.ended"`),
	} {
		content := string(accepted(t, d.structured()).Content())
		if j, ok := seen[content]; ok {
			t.Errorf("drafts %d and %d have the same content %s", j, i, content)
		}
		seen[content] = i
	}
}

// TestBinarySaysTheSame defends: the mode makes no difference to an event's
// content.
func TestBinarySaysTheSame(t *testing.T) {
	d := progressDraft().with("position_s", `1`)
	a := accepted(t, d.set("n", `-5`).set("flag", `false`).set("datacontenttype", `"application/json"`).structured())
	b := accepted(t, d.set("n", `"-5"`).set("flag", `"false"`).binary())
	if diff := cmp.Diff(string(a.Content()), string(b.Content())); diff != "" {
		t.Error(diff)
	}
}

// TestPublicAndPersonalMakeData defends: the two parts together are the data,
// with every member in the part where it belongs.
func TestPublicAndPersonalMakeData(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind, data := drawSpelled(t)
		text := spell(t, data)
		e := accepted(t, draftOf(kind).set("data", text).structured())
		if kind == domain.UserErased {
			return
		}
		var personal struct{ Data map[string]json.RawMessage }
		if e.Personal != nil {
			unmarshal(t, e.Personal, &personal)
		}
		var public, whole, given map[string]any
		unmarshal(t, e.Public, &public)
		unmarshal(t, e.Data(), &whole)
		unmarshal(t, []byte(text), &given)
		if diff := cmp.Diff(given, whole); diff != "" {
			t.Fatalf("the data isn't whole: %s", diff)
		}
		if len(public)+len(personal.Data) != len(given) {
			t.Fatalf("a member is in both parts: %s and %s", e.Public, e.Personal)
		}
		for name := range public {
			if strings.HasPrefix(name, "_") || kind == domain.UserRegistered || kind == domain.UserUpdated || name == "comment" {
				t.Fatalf("%s is public", name)
			}
		}
		for name := range personal.Data {
			if strings.HasSuffix(name, "_id") || strings.HasSuffix(name, "_at") {
				t.Fatalf("%s is personal", name)
			}
		}
	})
}

func unmarshal(t require, text []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

// TestRestore defends: an event read back from its parts is the event, and after
// an erasure it is the event without what was personal.
func TestRestore(t *testing.T) {
	var restorer domain.Restorer
	rapid.Check(t, func(t *rapid.T) {
		kind, data := drawSpelled(t)
		e := accepted(t, spellEvent(t, kind, moment{1}, data))
		again, err := domain.Restore(e.Type, e.Stamp, e.Subject, e.Public, e.Personal)
		if err != nil {
			t.Fatalf("restoring: %v", err)
		}
		if diff := cmp.Diff(e, again); diff != "" {
			t.Fatal(diff)
		}
		inPlace, err := restorer.Restore(e.Type, e.Stamp, e.Subject, e.Public, e.Personal)
		if err != nil {
			t.Fatalf("restoring in the place of the event before: %v", err)
		}
		if diff := cmp.Diff(e, inPlace); diff != "" {
			t.Fatal(diff)
		}
		erased, err := domain.Restore(e.Type, e.Stamp, "", e.Public, nil)
		if err != nil {
			t.Fatalf("restoring without what was personal: %v", err)
		}
		want := *e
		want.Subject, want.Personal = "", nil
		if e.Profile != nil {
			want.Profile = &domain.ProfileChange{Registers: e.Profile.Registers}
		}
		if e.Entitlement != nil {
			bare := *e.Entitlement
			bare.Comment = domain.Field[string]{}
			want.Entitlement = &bare
		}
		if diff := cmp.Diff(&want, erased); diff != "" {
			t.Fatal(diff)
		}
	})
}
