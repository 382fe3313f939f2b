// This file is what became of the rows of an import, as a file.

package console

import (
	"encoding/csv"
	"strconv"
	"strings"

	"boxoffice/access"
	"boxoffice/accounts"
)

// importReport is what became of each row, as a file.
func (v *visit) importReport() (*answer, error) {
	j, err := taskOf[*importing](v)
	if err != nil {
		return nil, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.rows == nil || j.state.Running {
		return nil, errNoPage
	}
	access.AboutMany(v.r.Context(), j.rows.count(""))
	h := v.w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="import-report.csv"`)
	out := csv.NewWriter(v.w)
	_ = out.Write([]string{"row", "outcome", "user_id", "reason"})
	err = j.rows.read("", 0, j.rows.count(""), func(o accounts.RowOutcome) error {
		return out.Write([]string{strconv.Itoa(o.Row), string(o.Outcome), harmless(o.UserID), harmless(o.Reason)})
	})
	if out.Flush(); err == nil {
		err = out.Error()
	}
	if err != nil {
		v.failed(v.r.Context(), v.page.pattern, err) // the answer has begun
	}
	return &answer{done: true}, nil
}

// harmless is a text that no spreadsheet program takes for a formula.
func harmless(text string) string {
	if text != "" && strings.ContainsRune("=+-@", rune(text[0])) {
		return "'" + text
	}
	return text
}
