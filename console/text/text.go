// Package text says things in the reader's language: one catalogue of messages
// a language (en.json, fr.json), and numbers, amounts, dates and durations as
// that language writes them. Everything in it is safe for concurrent use.
package text

import (
	"embed"
	"encoding/json"
	"fmt"
	"html"
	"html/template"
	"strconv"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

//go:embed *.json
var files embed.FS

// Languages are those that there is a catalogue of, the default first.
var Languages = []string{"en", "fr"}

// A Catalogue has the messages of one language.
type Catalogue struct {
	// Tag is the language's, as lang attributes have it.
	Tag       string
	localizer *i18n.Localizer
	messages  map[string]json.RawMessage
}

var (
	catalogues = load()
	matcher    = language.NewMatcher([]language.Tag{language.English, language.French})
)

// load reads the catalogues. They are part of the program, so one that can't be
// read is a mistake that every test sees.
func load() map[string]*Catalogue {
	bundle := i18n.NewBundle(language.English)
	all := make(map[string]*Catalogue, len(Languages))
	for _, tag := range Languages {
		raw, err := files.ReadFile(tag + ".json")
		if err != nil {
			panic(err)
		}
		if _, err := bundle.ParseMessageFileBytes(raw, tag+".json"); err != nil {
			panic(err)
		}
		c := &Catalogue{Tag: tag}
		if err := json.Unmarshal(raw, &c.messages); err != nil {
			panic(fmt.Errorf("%s.json: %w", tag, err))
		}
		all[tag] = c
	}
	for _, c := range all {
		c.localizer = i18n.NewLocalizer(bundle, c.Tag)
	}
	return all
}

// For returns the catalogue of the language that somebody chose, or else that
// their Accept-Language header asks for, or else English.
func For(chosen, accept string) *Catalogue {
	if c, ok := catalogues[chosen]; ok {
		return c
	}
	wanted, _, err := language.ParseAcceptLanguage(accept)
	if err != nil {
		return catalogues[Languages[0]]
	}
	_, i, _ := matcher.Match(wanted...)
	return catalogues[Languages[i]]
}

// Has says whether there is a message of a key.
func (c *Catalogue) Has(key string) bool {
	_, ok := c.messages[key]
	return ok
}

// T returns the message of a key, with the values of its placeholders given as
// name, value, name, value … It panics where there is no such message: keys are
// written in the program, and a test looks all of them up.
func (c *Catalogue) T(key string, pairs ...any) string {
	return c.localize(key, nil, values(pairs, func(v any) any { return v }))
}

// N is T for a message that has a number in it, {{.n}}, on which its form depends.
func (c *Catalogue) N(key string, n int64, pairs ...any) string {
	data := values(pairs, func(v any) any { return v })
	data["n"] = c.Int(n)
	return c.localize(key, n, data)
}

// H is T for a message with markup, in which the placeholders' values are
// escaped unless they are markup themselves.
func (c *Catalogue) H(key string, pairs ...any) template.HTML {
	return template.HTML(c.localize(key, nil, values(pairs, escaped))) //nolint:gosec // messages are ours, values are escaped
}

// HN is N for a message with markup; its {{.n}} stands as a data element.
func (c *Catalogue) HN(key string, n int64, pairs ...any) template.HTML {
	data := values(pairs, escaped)
	data["n"] = string(c.Data(n))
	return template.HTML(c.localize(key, n, data)) //nolint:gosec // as in H
}

func (c *Catalogue) localize(key string, count any, data map[string]any) string {
	message, err := c.localizer.Localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: data, PluralCount: count})
	if err != nil {
		panic(fmt.Errorf("message %q in %s: %w", key, c.Tag, err))
	}
	return message
}

func values(pairs []any, convert func(any) any) map[string]any {
	data := make(map[string]any, len(pairs)/2+1)
	for i := 0; i+1 < len(pairs); i += 2 {
		data[pairs[i].(string)] = convert(pairs[i+1])
	}
	return data
}

func escaped(v any) any {
	if markup, ok := v.(template.HTML); ok {
		return string(markup)
	}
	return html.EscapeString(fmt.Sprint(v))
}

// Data writes a number for people, with its value for programs.
func (c *Catalogue) Data(n int64) template.HTML {
	return Datum(strconv.FormatInt(n, 10), c.Int(n))
}

// Datum writes what people read with the value that programs read.
func Datum(value, shown string) template.HTML {
	return template.HTML(`<data value="` + html.EscapeString(value) + `">` + html.EscapeString(shown) + `</data>`) //nolint:gosec // both are escaped
}
