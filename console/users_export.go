// This file is the users whom a figure counts, as a file. Lists that the API has are
// downloaded from there.

package console

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"boxoffice/access"
	"boxoffice/projections/export"
)

const (
	// maxFiles is how many files are made at a time: each holds a connection to the
	// database, and some tens of megabytes.
	maxFiles = 2
	// fileStall is how long a browser may leave unread what it was sent.
	fileStall = 60 * time.Second
)

// countedExports are the addresses of the users whom a figure counts as files.
func countedExports(q *query) (excel, csv string) {
	values := url.Values{}
	for _, name := range []string{"kpi", "month", "reason", "as_of"} {
		if value := q.Get(name); value != "" {
			values.Set(name, value)
		}
	}
	return fileAddresses("/users/export", values)
}

// fileAddresses are the addresses of a file as a workbook, and as a CSV that Excel reads.
func fileAddresses(path string, values url.Values) (excel, csv string) {
	values.Set("format", "xlsx")
	excel = path + "?" + values.Encode()
	values.Set("format", "csv")
	values.Set("bom", "true")
	return excel, path + "?" + values.Encode()
}

func (v *visit) exportCounted() (*answer, error) {
	q := v.query()
	ask, err := v.membersQuery(q)
	if err != nil {
		return nil, err
	}
	o := export.Options{Format: export.Format(q.oneOf("format", string(export.XLSX), string(export.CSV))), BOM: q.oneOf("bom", "true", "false") == "true"}
	if err := q.err(); err != nil {
		return nil, err
	}
	if o.Format == "" {
		o.Format = export.XLSX
	}
	for _, name := range []string{"kpi", "month", "reason"} {
		if value := q.Get(name); value != "" {
			o.Filters = append(o.Filters, export.Filter{Name: name, Value: value})
		}
	}
	select {
	case v.files <- struct{}{}:
		defer func() { <-v.files }()
	default:
		return nil, &access.Refusal{Kind: access.Unavailable, Reason: "as many files as are made at a time are under way; try again"}
	}
	out := &download{w: v.w, kind: o.Format.ContentType(), name: fmt.Sprintf("users-%s-%s.%s", ask.KPI, ask.Month, o.Format)}
	result, err := export.Members(v.r.Context(), v.Reader, ask, out, o)
	access.AboutMany(v.r.Context(), int(result.Rows))
	switch {
	case err == nil:
		return &answer{done: true}, nil
	case !out.begun:
		return nil, err
	}
	v.failed(v.r.Context(), v.page.pattern, err)
	panic(http.ErrAbortHandler) // so that nobody takes what they have for the whole
}

// A download is a file on its way to a browser. Its answer begins with its first byte.
type download struct {
	w          http.ResponseWriter
	kind, name string
	begun      bool
}

func (d *download) Write(p []byte) (int, error) {
	if !d.begun {
		d.begun = true
		d.w.Header().Set("Content-Type", d.kind)
		d.w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", d.name))
	}
	_ = http.NewResponseController(d.w).SetWriteDeadline(time.Now().Add(fileStall)) // where it can't be set, there is none
	return d.w.Write(p)
}
