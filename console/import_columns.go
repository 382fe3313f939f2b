// This file offers what each column of a file can be: what it was taken for, and a
// choice.

package console

import (
	"fmt"
	"slices"
	"strings"

	"boxoffice/accounts"
)

const (
	// maxChoices is how many columns are shown, and how many a choice is offered
	// for.
	maxChoices = 300
	// leftOut is the choice to leave a column out.
	leftOut = "-"
)

// A columnChoice is a column of a file, and what it can be.
type columnChoice struct {
	// N is its number in the file, from 1.
	N    int
	Name string
	// Taken is the field that it was taken for, empty for one that is left out.
	Taken string
	// Unclear says why it has to be chosen, as the key of a text; empty where it
	// doesn't have to.
	Unclear string
	Options []columnOption
}

// A columnOption is one thing that a column can be: a field, leftOut, or nothing
// yet.
type columnOption struct {
	Value   string
	Current bool
}

// chooseColumns fills in the choices.
func (p *importPage) chooseColumns() {
	shown := p.Columns[:min(len(p.Columns), maxChoices)]
	p.More = len(p.Columns) - len(shown)
	for i, c := range shown {
		p.Choices = append(p.Choices, choiceOf(i+1, c))
	}
}

func choiceOf(n int, c accounts.ImportColumn) columnChoice {
	choice := columnChoice{N: n, Name: c.Name, Taken: c.Field}
	current := c.Field
	switch {
	case c.Unclear && c.Field == "":
		choice.Unclear = "import.column.unknown"
		choice.Options = append(choice.Options, columnOption{"", true})
	case c.Unclear:
		choice.Unclear = "import.column.twice"
	case c.Field == "":
		current = leftOut
	}
	values := append(accounts.ImportFields(), customChoices(c)...)
	for _, value := range append(values, leftOut) {
		choice.Options = append(choice.Options, columnOption{value, value == current})
	}
	return choice
}

// customChoices are the fields of custom that a column can be: the one that it is,
// and the one of its name.
func customChoices(c accounts.ImportColumn) []string {
	var fields []string
	if strings.HasPrefix(c.Field, "custom.") {
		fields = append(fields, c.Field)
	}
	if key := strings.TrimSpace(c.Name); key != "" && !strings.HasPrefix(strings.ToLower(key), "custom.") && !slices.Contains(fields, "custom."+key) {
		fields = append(fields, "custom."+key)
	}
	return fields
}

// NoEmail says that no column is the e-mail.
func (p *importPage) NoEmail() bool {
	return p.Unclear && !slices.ContainsFunc(p.Columns, func(c accounts.ImportColumn) bool { return c.Field == "email" })
}

// chosenColumns is what somebody has chosen that the columns of a file are; nil where
// they were asked for nothing.
func (v *visit) chosenColumns(j *importing) (accounts.Mapping, error) {
	j.mu.Lock()
	columns := j.state.Columns
	j.mu.Unlock()
	var m accounts.Mapping
	for i, c := range columns[:min(len(columns), maxChoices)] {
		chosen, ok := v.r.PostForm[fmt.Sprintf("column-%d", i+1)]
		if !ok {
			continue
		}
		if m == nil {
			m = accounts.Mapping{}
		}
		switch value := chosen[0]; {
		case value == leftOut:
			m[c.Name] = ""
		case accounts.IsImportField(value):
			m[c.Name] = value
		case value != "" && value != c.Field: // the empty key of custom is what its column's name says
			return nil, errInput
		}
	}
	return m, nil
}
