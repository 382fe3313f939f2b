package console

import (
	"strings"
	"testing"

	"boxoffice/access"
)

// A month that is still to come has no figures, which isn't none, and nothing there
// changes by itself.
func TestAMonthToComeHasNoFigures(t *testing.T) {
	t.Parallel()
	w := newWorld(t).platform()
	page := w.get(access.Viewer, "/?month=2027-01").Body.String()
	for _, id := range []string{"registered", "active", "trial", "unsubscribed"} {
		_, table, _ := strings.Cut(page, `id="`+id+`-table"`)
		table, _, _ = strings.Cut(table, "</table>")
		_, row, _ := strings.Cut(table, `data-id="2027-01"`)
		row, _, _ = strings.Cut(row, "</tr>")
		if !strings.Contains(row, `<td class="n"><span class="dash">–</span></td>`) || strings.Contains(row, "<data") {
			t.Errorf("%s of the month is %s", id, row)
		}
		if _, now, _ := strings.Cut(table, `data-id="2026-11"`); !strings.HasPrefix(now[strings.Index(now, "<td"):], `<td class="n"><data`) {
			t.Errorf("%s of the present month is %s", id, now)
		}
	}
	if strings.Contains(page, "hx-sse:connect") || strings.Contains(page, `class="live"`) {
		t.Error("a month to come is live")
	}
	if far := w.get(access.Viewer, "/?month=2040-01"); !strings.Contains(far.Body.String(), "None of these months has begun.") {
		t.Errorf("far ahead: %d %s", far.Code, far.Body)
	}
}
