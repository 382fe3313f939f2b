// This file is what became of the rows of an import, as a file.

package console

import (
	"encoding/csv"
	"net/http"
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
	rows, ok := j.outcome()
	if !ok {
		return nil, errNoPage
	}
	defer rows.close()
	n := rows.count("")
	access.AboutMany(v.r.Context(), n)
	file := &download{w: v.w, kind: "text/csv; charset=utf-8", name: "import-report.csv"}
	out := csv.NewWriter(file)
	_ = out.Write([]string{"row", "outcome", "user_id", "reason"}) // Flush returns the error
	err = rows.read("", 0, n, func(o accounts.RowOutcome) error {
		return out.Write([]string{strconv.Itoa(o.Row), string(o.Outcome), harmless(o.UserID), harmless(o.Reason)})
	})
	if out.Flush(); err == nil {
		err = out.Error()
	}
	switch {
	case err == nil:
		return &answer{done: true}, nil
	case !file.begun:
		return nil, err
	}
	v.failed(v.r.Context(), v.page.pattern, err)
	panic(http.ErrAbortHandler) // so that nobody takes what they have for the whole
}

// outcome shares what became of the rows, so that it is read without holding up
// whoever else looks at the import, however slowly; false where nobody knows yet.
func (j *importing) outcome() (*spool, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.rows == nil || j.state.Running {
		return nil, false
	}
	return j.rows.share(), true
}

// harmless is a text that no spreadsheet program takes for a formula.
func harmless(text string) string {
	if text != "" && strings.ContainsRune("=+-@", rune(text[0])) {
		return "'" + text
	}
	return text
}
