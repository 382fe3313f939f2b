package console

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	aChart = regexp.MustCompile(`<svg class="chart plot [^"]*" id="([^"]*)"|<ol class="lanes" id="([^"]*)"`)
	aBody  = regexp.MustCompile(`(?s)<table class="[^"]*" id="([^"]*)">.*?<tbody>(.*?)</tbody>`)
	aRow   = regexp.MustCompile(`<tr[^>]*>`)
)

// What programs hold on to in pages: every chart has a table with its numbers, and
// every row of a table says of what it is.
func TestChartsHaveTablesAndRowsHaveIDs(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("testdata/*.html")
	if err != nil || len(pages) < 20 {
		t.Fatal(pages, err)
	}
	charts, rows := 0, 0
	for _, file := range pages {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		page := string(raw)
		for _, found := range aChart.FindAllStringSubmatch(page, -1) {
			id := found[1] + found[2]
			if charts++; !strings.Contains(page, `id="`+id+`-table"`) {
				t.Errorf("%s: the chart %s has no table", file, id)
			}
		}
		for _, body := range aBody.FindAllStringSubmatch(page, -1) {
			if body[1] == "columns" || strings.Contains(body[2], `<div class="none">`) { // those of a file are nobody's
				continue
			}
			for _, row := range aRow.FindAllString(body[2], -1) {
				if rows++; !strings.Contains(row, ` data-id="`) {
					t.Errorf("%s: %s says nothing", file, row)
				}
			}
		}
	}
	if charts < 10 || rows < 100 {
		t.Errorf("there are %d charts and %d rows", charts, rows)
	}
}
