// This file makes HTML of what pages show: the templates, in each language, and
// the functions that they call.

package console

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"math"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"boxoffice/console/text"
	"boxoffice/domain"
)

//go:embed templates/*.html templates/parts/*.html
var templateFiles embed.FS

// A renderer has the templates of all pages in all languages.
type renderer struct {
	// pages are the templates by language and by the page's name.
	pages map[string]map[string]*template.Template
}

func newRenderer(zone *time.Location, a *assets) (*renderer, error) {
	names, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		return nil, err
	}
	r := &renderer{pages: map[string]map[string]*template.Template{}}
	for _, language := range text.Languages {
		shared, err := template.New("").Funcs(functions(text.For(language, "").In(zone), a)).
			ParseFS(templateFiles, "templates/layout.html", "templates/parts/*.html")
		if err != nil {
			return nil, err
		}
		r.pages[language] = map[string]*template.Template{}
		for _, file := range names {
			page, err := template.Must(shared.Clone()).ParseFS(templateFiles, file)
			if err != nil {
				return nil, err
			}
			r.pages[language][strings.TrimSuffix(path.Base(file), ".html")] = page
		}
	}
	return r, nil
}

// execute runs a template of a page's file.
func (r *renderer) execute(language, page, name string, data any) (template.HTML, error) {
	var b bytes.Buffer
	t, ok := r.pages[language][page]
	if !ok {
		return "", fmt.Errorf("no template %q", page)
	}
	if err := t.ExecuteTemplate(&b, name, data); err != nil {
		return "", err
	}
	return template.HTML(b.String()), nil //nolint:gosec // html/template has made it
}

// functions are what templates call. They write in a language and a time zone.
func functions(d text.Dates, a *assets) template.FuncMap {
	return template.FuncMap{
		"t": d.T, "h": d.H,
		"n":     func(key string, n any, pairs ...any) string { return d.N(key, integer(n), pairs...) },
		"hn":    func(key string, n any, pairs ...any) template.HTML { return d.HN(key, integer(n), pairs...) },
		"int":   func(n any) string { return d.Int(integer(n)) },
		"data":  func(n any) template.HTML { return d.Data(integer(n)) },
		"datum": text.Datum,

		"money":   d.Money,
		"bytes":   d.Bytes,
		"ms":      func(ms any) template.HTML { return length(d.Catalogue, integer(ms)) },
		"rate":    func(tenThousandths any) template.HTML { return rate(d.Catalogue, integer(tenThousandths)) },
		"percent": func(share float64) string { return d.Percent(share, 1) },

		"time":      func(i any) template.HTML { return orDash(i, d.Time) },
		"second":    func(i any) template.HTML { return orDash(i, d.Second) },
		"day":       func(i any) template.HTML { return orDash(i, d.Day) },
		"moment":    func(i any) template.HTML { return orDash(i, d.Moment) },
		"monthName": func(m domain.Month) string { return d.MonthName(m.Month) },
		"shortDate": d.ShortDate,
		"change":    func(share *float64) template.HTML { return change(d.Catalogue, *share) },
		"dataOrDash": func(n *int64) template.HTML {
			if n == nil {
				return dash
			}
			return d.Data(*n)
		},
		"columnName": func(label string) string {
			if d.Has(label) {
				return d.T(label)
			}
			return label // the platform's own
		},
		"importField": func(field string) string {
			switch field {
			case "", leftOut:
				return d.T("import.left-out")
			}
			if key, ok := strings.CutPrefix(field, "custom."); ok {
				return d.T("import.custom", "key", key)
			}
			return d.T("field." + field)
		},
		"add":   func(a, b int) int { return a + b },
		"clock": func(i domain.Instant) string { return d.ClockSeconds(i.Time()) },
		"month": func(m domain.Month) string { return d.Month(m.Year, m.Month) },

		"icon": icon, "status": func(s string) template.HTML { return status(d.Catalogue, s) },
		"reason": func(reason string) string {
			if d.Has("reason." + reason) {
				return d.T("reason." + reason)
			}
			return reason // as it was given
		},
		"healthName": func(name string) string {
			if d.Has("health.value." + name) {
				return d.T("health.value." + name)
			}
			return name
		},
		"english": func(text string) template.HTML { return (&visit{Dates: d}).english(text) },
		"dash":    func() template.HTML { return dash }, "orDash": orDashText,
		"asset": func(name string) string { return a.urls[name] },
		"user":  userPath, "content": contentPath, "held": heldPath,
		"dict": dict, "list": func(items ...any) []any { return items },
	}
}

// dash stands where there is no value.
const dash template.HTML = `<span class="dash">–</span>`

// orDashText writes a text, or a dash where there is none.
func orDashText(s any) any {
	switch s := s.(type) {
	case string:
		if s != "" {
			return s
		}
	case *string:
		if s != nil && *s != "" {
			return *s
		}
	}
	return dash
}

// orDash writes an instant, or a dash where there is none.
func orDash(i any, write func(time.Time) template.HTML) template.HTML {
	switch i := i.(type) {
	case domain.Instant:
		if i != domain.Never && i != domain.Always {
			return write(i.Time())
		}
	case *domain.Instant:
		if i != nil {
			return orDash(*i, write)
		}
	case time.Time:
		if !i.IsZero() {
			return write(i)
		}
	}
	return dash
}

// length writes milliseconds for people, and seconds for programs.
func length(c *text.Catalogue, ms int64) template.HTML {
	return text.Datum(strconv.FormatFloat(float64(ms)/1000, 'f', -1, 64), c.Duration(float64(ms)/1000))
}

// rate writes a share in ten-thousandths as whole percents, and for programs as it is.
func rate(c *text.Catalogue, tenThousandths int64) template.HTML {
	share := float64(tenThousandths) / 10000
	return text.Datum(strconv.FormatFloat(share, 'f', -1, 64), c.Percent(share, 0))
}

// change writes by how much something has changed, with the direction as a sign.
func change(c *text.Catalogue, share float64) template.HTML {
	sign := "▲ "
	if share < 0 {
		sign = "▼ "
	}
	return template.HTML(`<span class="delta">`+sign) + //nolint:gosec // ours
		text.Datum(strconv.FormatFloat(math.Round(share*1e4)/1e4, 'f', -1, 64), c.Percent(math.Abs(share), 1)) + `</span>`
}

// icon refers to one of the symbols that every page has.
func icon(name string) template.HTML {
	return template.HTML(`<svg class="i" aria-hidden="true"><use href="#i-` + template.HTMLEscapeString(name) + `"/></svg>`) //nolint:gosec // escaped
}

// status writes a status with its shape and its word.
func status(c *text.Catalogue, s string) template.HTML {
	class := template.HTMLEscapeString(strings.ReplaceAll(s, "_", "-"))
	return template.HTML(`<span class="st ` + class + `"><svg aria-hidden="true"><use href="#s-` + class + `"/></svg>` + //nolint:gosec // escaped
		template.HTMLEscapeString(c.T("status."+s)) + `</span>`)
}

// integer reads a number of any of the types that figures have.
func integer(n any) int64 {
	switch n := n.(type) {
	case int:
		return int64(n)
	case int64:
		return n
	case *int64:
		return *n
	case uint64:
		return int64(n) //nolint:gosec // counts are far from the end
	case interface{ Int64() int64 }:
		return n.Int64()
	}
	i, err := strconv.ParseInt(fmt.Sprint(n), 10, 64)
	if err != nil {
		panic(fmt.Errorf("%v isn't a number", n))
	}
	return i
}

// reservedIDs are the names that stand where users' ids do, for pages of their own.
var reservedIDs = map[string]bool{"new": true, "import": true, "erase": true, "export": true}

// userPath is the address of a user's page. Of an id that is a page's name the
// first letter is percent-encoded, which makes it an id.
func userPath(id string) string { return "/users/" + pathSegment(id) }

// heldPath is the address of everything that is held about a user, as a file.
func heldPath(id string) string { return "/v1/users/" + url.PathEscape(id) + "/data" }

// contentPath is the address of a content's page.
func contentPath(id string) string { return "/contents/" + pathSegment(id) }

func pathSegment(id string) string {
	if reservedIDs[id] {
		return "%" + strings.ToUpper(strconv.FormatInt(int64(id[0]), 16)) + id[1:]
	}
	return url.PathEscape(id)
}

// dict makes a map of name, value, name, value …, for parts that take several values.
func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, errors.New("dict: a name without a value")
	}
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: %v isn't a name", pairs[i])
		}
		m[name] = pairs[i+1]
	}
	return m, nil
}
