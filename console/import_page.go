// This file is the page of an import: how far it is, what became of its rows, and
// what can be done next.

package console

import (
	"strconv"

	"boxoffice/accounts"
)

// An importPage is what the page of an import shows.
type importPage struct {
	importState
	CSRF, Name string
	Address    string
	// Read and Size are how much of the file has been read.
	Read, Size int64
	// Importable is how many rows would be imported, or were.
	Importable int
	// Kept says that the file is there still.
	Kept bool
	// Choices are the columns, with what each can be. More are further columns, of
	// a file that has too many to choose for.
	Choices []columnChoice
	More    int
	Figures []importFigure
	Tabs    []tab
	Rows    []accounts.RowOutcome
	Pager   pager
}

// An importFigure is how many rows ended in one way.
type importFigure struct {
	Outcome string
	Count   int
	Href    string
}

func (v *visit) importing() (*answer, error) {
	j, err := taskOf[*importing](v)
	if err != nil {
		return nil, err
	}
	q := v.query()
	outcome := accounts.Outcome(q.oneOf("outcome", string(accounts.RowRefused), string(accounts.RowUpdated), string(accounts.RowUnchanged), string(accounts.RowCreated)))
	from := 0
	if text := q.Get("row"); text != "" {
		if from, err = strconv.Atoi(text); err != nil || from < 0 {
			return nil, errInput
		}
	}
	if q.bad {
		return nil, errInput
	}
	p, err := v.importPage(j, outcome, from)
	if err != nil {
		return nil, err
	}
	a := &answer{template: "importing", title: v.T("import.title"), data: p}
	if p.Running {
		a.refresh = lookAgain
	}
	return a, nil
}

func (v *visit) importPage(j *importing, outcome accounts.Outcome, from int) (*importPage, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	p := &importPage{importState: j.state, CSRF: v.token(), Name: j.name, Address: "/users/import/" + taskID(v.r), Kept: j.file != nil}
	p.Read, p.Size = min(p.Progress.Bytes, j.size), j.size
	p.chooseColumns()
	p.Importable = p.Progress.Created + p.Progress.Updated
	if j.rows == nil || p.Running {
		return p, nil
	}
	all := j.rows.count("")
	if all == 0 && (p.Faults != nil || p.Broken) {
		return p, nil
	}
	p.Tabs = []tab{{"users.all", int64(all), p.Address, outcome == ""}}
	for _, o := range []accounts.Outcome{accounts.RowCreated, accounts.RowUpdated, accounts.RowUnchanged, accounts.RowRefused} {
		f := importFigure{string(o), j.rows.count(o), p.Address + "?outcome=" + string(o)}
		p.Figures = append(p.Figures, f)
		p.Tabs = append(p.Tabs, tab{"outcome." + f.Outcome, int64(f.Count), f.Href, o == outcome})
	}
	err := j.rows.read(outcome, from, pageRows, func(o accounts.RowOutcome) error {
		p.Rows = append(p.Rows, o)
		return nil
	})
	if err != nil {
		return nil, err
	}
	total := j.rows.count(outcome)
	p.Pager = pager{First: from + 1, Last: from + len(p.Rows), Total: int64(total)}
	if p.Pager.Last < total {
		p.Pager.Next, p.Pager.NextRows = v.address("row", strconv.Itoa(p.Pager.Last)), min(pageRows, total-p.Pager.Last)
	}
	if from > 0 {
		p.Pager.ToFirst = v.address("row", "")
	}
	var ids []string
	for _, row := range p.Rows {
		if row.UserID != "" {
			ids = append(ids, row.UserID)
		}
	}
	if len(ids) == 0 {
		return p, nil
	}
	return p, v.shown("import-users", ids)
}

// runImport checks the file again, or imports it.
func (v *visit) runImport() (*answer, error) {
	j, err := taskOf[*importing](v)
	if err != nil {
		return nil, err
	}
	mapping, err := v.chosenColumns(j)
	if err != nil {
		return nil, err
	}
	ended, err := v.beginImport(j, v.r.PostFormValue("dry_run") == "1", mapping)
	if err != nil {
		return nil, err
	}
	if ended != nil {
		v.awaitBriefly(ended)
	}
	return &answer{redirect: "/users/import/" + taskID(v.r)}, nil
}
