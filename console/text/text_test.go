package text

import (
	"slices"
	"testing"
	"time"
)

func TestEveryLanguageHasEveryMessage(t *testing.T) {
	english := catalogues["en"]
	for tag, c := range catalogues {
		for key := range english.messages {
			if !c.Has(key) {
				t.Errorf("%s.json has no %q", tag, key)
			}
		}
		for key := range c.messages {
			if !english.Has(key) {
				t.Errorf("%s.json has %q, which en.json hasn't", tag, key)
			}
		}
	}
}

func TestALanguageIsFoundByChoiceThenByHeader(t *testing.T) {
	for _, c := range []struct{ chosen, accept, want string }{
		{"", "", "en"}, {"", "fr-CA,fr;q=0.9,en;q=0.8", "fr"}, {"en", "fr", "en"}, {"fr", "en", "fr"},
		{"", "de,en;q=0.5", "en"}, {"", "ja", "en"}, {"xx", "fr", "fr"}, {"", ";;;=", "en"},
	} {
		if got := For(c.chosen, c.accept).Tag; got != c.want {
			t.Errorf("For(%q, %q) is %s, want %s", c.chosen, c.accept, got, c.want)
		}
	}
}

func TestNumbersAreWrittenAsTheLanguageHasThem(t *testing.T) {
	en, fr := catalogues["en"], catalogues["fr"]
	for _, c := range []struct{ got, want string }{
		{en.Int(0), "0"}, {en.Int(999), "999"}, {en.Int(1000), "1,000"}, {en.Int(-1234567), "−1,234,567"},
		{fr.Int(1234567), "1\u202f234\u202f567"},
		{en.Percent(0.18968, 1), "19.0%"}, {fr.Percent(0.18968, 1), "19,0\u00a0%"}, {en.Percent(-0.4, 1), "−40.0%"},
		{en.Decimal(-0.04, 1), "0.0"}, {en.Decimal(1234.5, 1), "1,234.5"},
		{en.Money(999, "EUR"), "€9.99"}, {fr.Money(999, "EUR"), "9,99\u00a0€"}, {en.Money(1500, "JPY"), "¥1,500"},
		{en.Money(999, "USD"), "$9.99"}, {fr.Money(999, "USD"), "9,99\u00a0USD\u00a0"}, {en.Money(100, "ZZZ"), "ZZZ1.00"},
		{en.Duration(92371), "25 h 39 min"}, {en.Duration(1019.087), "16 min 59 s"}, {en.Duration(17.902), "18 s"}, {en.Duration(59.6), "1 min 00 s"},
		{Playhead(4967.0), "1:22:47"}, {Playhead(242), "4:02"}, {Playhead(0), "0:00"},
		{en.Bytes(512), "512\u00a0B"}, {en.Bytes(1536), "1.5\u00a0KiB"}, {en.Bytes(64 << 20), "64\u00a0MiB"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestDatesAreInTheZoneAndTheLanguage(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 30, 23, 30, 5, 776194000, time.UTC)
	en, fr := catalogues["en"].In(paris), catalogues["fr"].In(paris)
	for _, c := range []struct{ got, want string }{
		{en.Date(at), "1 Dec 2026"}, {fr.Date(at), "1er déc. 2026"}, {fr.LongDate(at), "1er décembre"}, {fr.Date(at.AddDate(0, 0, 1)), "2 déc. 2026"}, {en.LongDate(at), "1 December"}, {en.Weekday(at), "Tue"},
		{string(en.Time(at)), `<time datetime="2026-11-30T23:30:05.776194Z">1 Dec 2026 <small>00:30</small></time>`},
		{en.Month(2026, 11), "November 2026"}, {fr.Month(2026, 11), "novembre 2026"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestValuesInMarkupAreEscaped(t *testing.T) {
	got := catalogues["en"].H("who.role", "name", "<b>&", "role", Datum(`"`, "<"))
	want := "“&lt;b&gt;&amp;”, role <data value=\"&#34;\">&lt;</data>"
	if string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if !slices.Contains(Languages, "fr") {
		t.Error("French is gone")
	}
}
