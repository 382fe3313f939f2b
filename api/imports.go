// This file takes a table of users over HTTP.

package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/negotiation"

	"boxoffice/access"
	"boxoffice/accounts"
	"boxoffice/accounts/spreadsheet"
)

const (
	csvType   = "text/csv"
	excelType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	// importStall is how long a client may send nothing.
	importStall = 60 * time.Second
	// importBeat is how often a stream says how far the import is, at most.
	importBeat = time.Second
)

// importTypes are what programs say that they send when they send a table.
var importTypes = []string{csvType, excelType, "application/csv", "text/plain", "text/tab-separated-values",
	"application/vnd.ms-excel", "application/octet-stream"}

type importUsersInput struct {
	bodyInput
	DryRun  bool   `query:"dry_run" doc:"Only say what would become of the rows: change nothing"`
	Mapping string `query:"mapping" doc:"What columns are, before what they are by their names: a JSON object of columns and fields, custom.<key>, or null to leave a column out" example:"{\"Plan\":\"custom.plan\",\"Notes\":null}"`
	Unknown string `query:"unknown" enum:"refuse,ignore,custom" default:"refuse" doc:"What becomes of columns that aren't recognised: the file is refused, they are left out, or each is a field of custom of its name"`
	Accept  string `header:"Accept" doc:"application/x-ndjson: a stream that says how far the import is, a line about every second, and ends with the result or the problem"`
}

// An importLine is a line of the stream of an import: one of the three.
type importLine struct {
	Progress nullable[importProgress] `json:"progress" doc:"How far the import is"`
	Result   nullable[importResult]   `json:"result" doc:"What became of the rows: the last line"`
	Problem  nullable[Problem]        `json:"problem" doc:"Why the import ended before the file did: the last line"`
}

// An importProgress says how far an import is.
type importProgress struct {
	Rows      int `json:"rows"`
	Created   int `json:"created"`
	Updated   int `json:"updated"`
	Unchanged int `json:"unchanged"`
	Refused   int `json:"refused"`
}

// An importResult says what became of the rows of a file.
type importResult struct {
	Rows      int          `json:"rows" doc:"How many there are below the first, without blank ones"`
	Created   int          `json:"created"`
	Updated   int          `json:"updated"`
	Unchanged int          `json:"unchanged"`
	Refused   []refusedRow `json:"refused"`
	Columns   []column     `json:"columns,omitempty" doc:"What the columns were taken for: of a dry run"`
}

// A column is a column of a file, and what it was taken for.
type column struct {
	Column string  `json:"column" doc:"Its name in the file"`
	Field  *string `json:"field" doc:"The field that it is; null where it is left out"`
}

func showColumn(c *accounts.ImportColumn) column {
	if c.Field == "" {
		return column{Column: c.Name}
	}
	return column{c.Name, &c.Field}
}

// A refusedRow is a row that changed nothing, for what is wrong with it.
type refusedRow struct {
	Row    int    `json:"row" doc:"Its number, as a spreadsheet program shows it: the first row of the file is 1"`
	Reason string `json:"reason" doc:"Which column, and which rule it breaks"`
}

// writeImport writes what became of the rows, as an [importResult] has it, row by
// row: they may be as many as the file has. columns are nil where they aren't told.
func writeImport(w io.Writer, r *accounts.ImportResult, columns []accounts.ImportColumn) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, `{"rows":%d,"created":%d,"updated":%d,"unchanged":%d,"refused":[`, r.Rows, r.Created, r.Updated, r.Unchanged)
	comma := ""
	for refused := range r.Refused.All() {
		text, err := json.Marshal(refusedRow(refused))
		if err != nil {
			return err
		}
		_, _ = out.WriteString(comma) // Flush returns the error
		_, _ = out.Write(text)
		comma = ","
	}
	_, _ = out.WriteString("]")
	if columns != nil {
		text, err := json.Marshal(show(columns, showColumn))
		if err != nil {
			return err
		}
		_, _ = out.WriteString(`,"columns":`)
		_, _ = out.Write(text)
	}
	_, _ = out.WriteString("}")
	return out.Flush()
}

func (s *service) registerImport() {
	op := register(s, operation{
		id: "import-users", method: http.MethodPost, path: "/v1/imports/users", tag: "Users",
		summary: "Import users from CSV or Excel",
		description: "The first row names the columns: `email`, and any of `id`, `first_name`, `last_name`, `locale`, `country`, `platform`, " +
			"`registered_at` and `custom.<key>`, as these or as other tools name them, or as `mapping` says. " +
			"Columns of boxoffice's own exports that nobody can enter are left out. A row is about the user of its id, or else about the one user with its e-mail, or it makes a user. " +
			"Empty cells say nothing. A row that breaks a rule is refused, with the reason, and the others are imported. " +
			"The first row about a user counts: a further one that says otherwise is refused. " +
			"Importing the same file twice changes nothing the second time. One import runs at a time.",
		noDeadline: true, // a file takes its time; what waits within has deadlines of its own
		errors:     []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType},
	}, s.importUsers)
	schemas := s.api.OpenAPI().Components.Schemas
	binary := &huma.Schema{Type: huma.TypeString, Format: "binary"}
	op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		csvType: {Schema: &huma.Schema{Type: huma.TypeString, Description: "With commas, semicolons, tabs or | ; UTF-8, UTF-16 with a byte order mark, or Windows-1252, unless the content type names a charset; up to 128 MiB"},
			Example: "id,email,first_name,registered_at,custom.shoe\n10293,ana@example.org,Ana,2019-05-01,38\n"},
		excelType: {Schema: binary},
	}}
	op.Responses["200"] = &huma.Response{Description: "What became of the rows", Content: map[string]*huma.MediaType{
		jsonType:   {Schema: schemaOf[importResult](schemas)},
		ndjsonType: {Schema: schemaOf[importLine](schemas)},
	}}
}

func (s *service) importUsers(ctx context.Context, in *importUsersInput) (*huma.StreamResponse, error) {
	o, err := in.options()
	if err != nil {
		return nil, err
	}
	file := &patientBody{conn: http.NewResponseController(in.writer), body: in.request.Body}
	m, err := s.Accounts.OpenImport(ctx, file, o)
	if err != nil {
		return nil, err
	}
	var columns []accounts.ImportColumn
	if in.DryRun {
		columns = m.Columns()
	}
	if negotiation.SelectQValueFast(strings.ToLower(in.Accept), []string{jsonType, ndjsonType}) != ndjsonType {
		defer m.Close(ctx)
		result, err := m.Run(ctx)
		access.AboutMany(ctx, result.Rows)
		if err != nil {
			return nil, err
		}
		return &huma.StreamResponse{Body: func(c huma.Context) {
			c.SetHeader("Content-Type", jsonType)
			_ = writeImport(c.BodyWriter(), &result, columns) // if the client has gone, nobody is left to be told
			_, _ = c.BodyWriter().Write([]byte("\n"))
		}}, nil
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		defer m.Close(ctx)
		s.streamImport(ctx, c, m, columns)
	}}, nil
}

// options are how the file is to be imported.
func (in *importUsersInput) options() (accounts.ImportOptions, error) {
	o := accounts.ImportOptions{DryRun: in.DryRun, Size: in.request.ContentLength, Unknown: accounts.UnknownColumns(in.Unknown)}
	var err error
	if o.Charset, err = importCharset(in.request); err != nil || in.Mapping == "" {
		return o, err
	}
	o.Mapping, err = accounts.ReadMapping(in.Mapping)
	if wrong, ok := errors.AsType[*accounts.InvalidError](err); ok {
		return o, invalid("query.mapping", wrong.Error(), nil)
	}
	return o, err
}

// importCharset is the encoding that a body says it is in, empty for none. What
// can't be a table is refused.
func importCharset(r *http.Request) (string, error) {
	given, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if r.Header.Get("Content-Encoding") != "" || r.Header.Get("Content-Type") != "" && (err != nil || !slices.Contains(importTypes, given)) {
		return "", newProblem(http.StatusUnsupportedMediaType, "the body must be "+csvType+" or "+excelType+", not compressed")
	}
	charset := params["charset"]
	if charset != "" && !spreadsheet.KnownCharset(charset) {
		return "", newProblem(http.StatusUnsupportedMediaType, "the charset of the body isn't known: it must be one of the WHATWG's, as utf-8 or windows-1250")
	}
	return charset, nil
}

// A patientBody is a body that may take as long as it likes, as long as it keeps
// coming.
type patientBody struct {
	conn *http.ResponseController
	body io.Reader
}

// A bodyError is the error of a body that doesn't come whole.
type bodyError struct{ error }

func (e bodyError) Unwrap() error { return e.error }

func (b *patientBody) Read(p []byte) (int, error) {
	_ = b.conn.SetReadDeadline(time.Now().Add(importStall))
	n, err := b.body.Read(p)
	_ = b.conn.SetReadDeadline(time.Time{}) // else it ends the request while it is answered
	if err != nil && err != io.EOF {
		err = bodyError{err}
	}
	return n, err
}

// streamImport runs an import and says meanwhile how far it is. The answer has
// begun, so that what goes wrong is its last line.
func (s *service) streamImport(ctx context.Context, c huma.Context, m *accounts.Import, columns []accounts.ImportColumn) {
	_, w := request(c)
	conn := http.NewResponseController(w)
	// The body is still coming while the answer goes out.
	_ = conn.EnableFullDuplex()
	c.SetHeader("Content-Type", ndjsonType)
	c.SetStatus(http.StatusOK)
	write := func(line importLine) error {
		_ = conn.SetWriteDeadline(time.Now().Add(streamStall))
		if err := encodeJSON(clientWriter{w}, line); err != nil {
			return err
		}
		if err := conn.Flush(); err != nil {
			return clientError{err}
		}
		return nil
	}
	var told time.Time
	m.Progress = func(p accounts.ImportProgress) error {
		if now := time.Now(); now.Sub(told) >= importBeat {
			told = now
			return write(importLine{Progress: present(importProgress{p.Rows, p.Created, p.Updated, p.Unchanged, p.Refused})})
		}
		return nil
	}
	result, err := m.Run(ctx)
	access.AboutMany(ctx, result.Rows)
	if err != nil {
		_ = write(importLine{Problem: nullable[Problem]{s.problemOf(ctx, err)}})
		return
	}
	_ = writeLastLine(timedWriter{w, conn}, &result, columns) // if the client has gone, nobody is left to be told
}

// writeLastLine writes the [importLine] with the result.
func writeLastLine(w io.Writer, r *accounts.ImportResult, columns []accounts.ImportColumn) error {
	if _, err := io.WriteString(w, `{"progress":null,"result":`); err != nil {
		return err
	}
	if err := writeImport(w, r, columns); err != nil {
		return err
	}
	_, err := io.WriteString(w, `,"problem":null}`+"\n")
	return err
}

// A timedWriter allows a client its time for each part of an answer.
type timedWriter struct {
	io.Writer
	conn *http.ResponseController
}

func (w timedWriter) Write(p []byte) (int, error) {
	_ = w.conn.SetWriteDeadline(time.Now().Add(streamStall))
	return w.Writer.Write(p)
}
