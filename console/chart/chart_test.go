package chart

import (
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files again")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	got = strings.ReplaceAll(got, "><", ">\n<") + "\n"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

func whole(v float64) string { return strconv.Itoa(int(v)) }

func TestChartsAreDrawnAsTheyWere(t *testing.T) {
	was := 5.0
	bars := Bars{
		ID: "days", Title: "By day", Description: "2 on the first, 7 so far; the numbers follow", Class: "c-reg", Hatch: "ha-reg", Height: 120, Label: whole,
		Columns: []Column{
			{Title: "1 November: 2", Label: "1", Value: 2, Text: "2", Was: &was, Shaded: true},
			{Title: "2 November: none", Value: 0, Text: "0", Marked: true},
			{Title: "3 November: 7 so far", Label: "3", Value: 7, Text: "7", Open: true, Now: true},
		},
	}
	golden(t, "bars.svg", string(bars.Draw()))
	stack := Bars{
		ID: "unsubscribed", Title: "By month", Description: "3 in all", Class: "c-off", Hatch: "ha-off", Height: 96, Label: whole, Sparse: true,
		Columns: []Column{{Title: "October: 3", Value: 3, Text: "3", Parts: []float64{1, 0, 2, 0}}, {Title: "November: 0", Now: true, Text: "0"}},
	}
	golden(t, "stack.svg", string(stack.Draw()))
	day := func(d int) time.Time { return time.Date(2026, 11, d, 0, 0, 0, 0, time.UTC) }
	lane := Lane{
		Label: "Standard: from 2 November, canceled on the 10th", Class: "c-on",
		Spans:  []Span{{From: day(2), To: day(5), Class: "try"}, {From: day(5), To: day(18)}, {From: day(18), To: day(20), Class: "due"}, {From: day(25)}},
		Paused: []Span{{From: day(20), To: day(25)}}, Canceled: []time.Time{day(10)}, Seen: []time.Time{day(3)},
	}
	golden(t, "lane.svg", string(lane.Draw(Range{day(1), day(30)}, []time.Time{day(1)}, day(15))))
	golden(t, "axis.svg", string(Axis(Range{day(1), day(30)}, []Tick{{At: day(1), Label: "Nov 2026"}, {At: day(15), Label: "15", Minor: true}})))
	golden(t, "seen.svg", string(Seen([][2]float64{{0, 242}, {300, 400}, {900, 2000}}, 1000, "Watched 0:00 to 4:02")))
}

func TestTheScaleHasFewRoundSteps(t *testing.T) {
	for _, c := range []struct {
		largest float64
		want    []float64
	}{
		{0, nil}, {1, []float64{1}}, {7, []float64{2, 4, 6}}, {35, []float64{10, 20, 30}}, {646, []float64{200, 400, 600}},
		{777, []float64{200, 400, 600}}, {3229, []float64{1000, 2000, 3000}}, {420, []float64{200, 400}},
	} {
		if got := steps(c.largest, true); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("steps(%v) are %v, want %v", c.largest, got, c.want)
		}
	}
}

// checkInside reads the markup as XML and checks that each number is finite and
// that nothing stands outside: across 0 to 100 %, down 0 to the height.
func checkInside(t *testing.T, markup string, height float64) {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(markup))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("not well-formed: %v\n%s", err, markup)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		for _, a := range start.Attr {
			checkPlace(t, start.Name.Local+" "+a.Name.Local, a.Value, height)
		}
	}
}

func checkPlace(t *testing.T, what, value string, height float64) {
	t.Helper()
	name := what[strings.LastIndex(what, " ")+1:]
	switch name {
	case "x", "x1", "x2", "y", "y1", "y2", "width", "height":
	default:
		return
	}
	text, across := strings.CutSuffix(value, "%")
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		t.Fatalf("%s is %q", what, value)
	}
	if across && (f < 0 || f > 100) || !across && (f < -1 || f > height) {
		t.Fatalf("%s is %q, which is outside", what, value)
	}
}

func FuzzBars(f *testing.F) {
	f.Add(1.0, 2.0, 3.0, "a", true)
	f.Add(math.NaN(), math.Inf(1), -1.0, "<\"&", false)
	f.Add(math.MaxFloat64, math.MaxFloat64, 0.1, "\x00", true)
	f.Fuzz(func(t *testing.T, a, b, c float64, text string, open bool) {
		text = strings.Map(func(r rune) rune {
			if r < 0x20 || r == 0xfffd || r >= 0xd800 && r < 0xe000 || r > 0xfffd {
				return -1
			}
			return r
		}, text)
		bars := Bars{ID: "x", Title: text, Class: "c-reg", Hatch: "ha-reg", Height: 96, Label: whole, Columns: []Column{
			{Title: text, Value: a, Text: text, Was: &b, Open: open}, {Value: b, Label: text, Now: open}, {Value: c, Parts: []float64{a, b, c}},
		}}
		checkInside(t, string(bars.Draw()), 96+footroom)
		checkInside(t, string(Seen([][2]float64{{a, b}, {b, c}}, c, text)), 20)
		at := func(v float64) time.Time { return time.Unix(int64(sound(v))%4e9, 0) }
		lane := Lane{Label: text, Spans: []Span{{From: at(a), To: at(b)}, {From: at(c)}}, Canceled: []time.Time{at(b)}, Seen: []time.Time{at(c)}}
		checkInside(t, string(lane.Draw(Range{at(b), at(a)}, []time.Time{at(c)}, at(a))), laneHeight)
	})
}
