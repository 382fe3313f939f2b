// This file takes a table of users over HTTP.

package api

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/negotiation"

	"boxoffice/internal/spreadsheet"
)

const (
	csvType   = "text/csv"
	excelType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	// maxExcelBody is the largest workbook that is taken; it is kept in memory.
	maxExcelBody = 128 << 20
	// maxCSVBody is the largest CSV that is taken; it is read as it comes.
	maxCSVBody = 1 << 30
	// importStall is how long a client may send nothing.
	importStall = 60 * time.Second
	// importBeat is how often a stream says how far the import is, at most.
	importBeat = time.Second
)

// importTypes are what programs say that they send when they send a table.
var importTypes = []string{csvType, excelType, "application/csv", "text/plain", "text/tab-separated-values",
	"application/vnd.ms-excel", "application/octet-stream"}

type importUsersInput struct {
	DryRun bool   `query:"dry_run" doc:"Only say what would become of the rows: change nothing"`
	Accept string `header:"Accept" doc:"application/x-ndjson: a stream that says how far the import is, a line about every second, and ends with the result or the problem"`

	request *http.Request
	writer  http.ResponseWriter
}

// Resolve keeps the request: its body is read while it comes.
func (in *importUsersInput) Resolve(ctx huma.Context) []error {
	in.request, in.writer = request(ctx)
	return nil
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

func (s *service) registerImport() {
	op := register(s, operation{
		id: "import-users", method: http.MethodPost, path: "/v1/imports/users", tag: "Users",
		summary: "Import users from CSV or Excel",
		description: "The first row names the columns: `email`, and any of `id`, `first_name`, `last_name`, `locale`, `country`, `platform`, " +
			"`registered_at` and `custom.<key>`. A row is about the user of its id, or else about the one user with its e-mail, or it makes a user. " +
			"Empty cells say nothing. A row that breaks a rule is refused, with the reason, and the others are imported. " +
			"The first row about a user counts: a further one that says otherwise is refused. " +
			"Importing the same file twice changes nothing the second time. One import runs at a time.",
		noDeadline: true, // a file takes its time; what waits within has deadlines of its own
		errors:     []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType},
	}, s.importUsers)
	schemas := s.api.OpenAPI().Components.Schemas
	binary := &huma.Schema{Type: huma.TypeString, Format: "binary"}
	op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		csvType: {Schema: &huma.Schema{Type: huma.TypeString, Description: "With commas, semicolons, tabs or | ; UTF-8, UTF-16 with a byte order mark, or Windows-1252; up to 1 GiB"},
			Example: "id,email,first_name,registered_at,custom.shoe\n10293,ana@example.org,Ana,2019-05-01,38\n"},
		excelType: {Schema: binary},
	}}
	op.Responses["200"] = &huma.Response{Description: "What became of the rows", Content: map[string]*huma.MediaType{
		jsonType:   {Schema: schemaOf[importResult](schemas)},
		ndjsonType: {Schema: schemaOf[importLine](schemas)},
	}}
}

func (s *service) importUsers(ctx context.Context, in *importUsersInput) (*huma.StreamResponse, error) {
	if err := importMediaType(in.request); err != nil {
		return nil, err
	}
	release, err := s.oneImport(ctx)
	if err != nil {
		return nil, err
	}
	streamed := false
	defer func() {
		if !streamed {
			release()
		}
	}()
	m, err := s.openImport(ctx, in)
	if err != nil {
		return nil, err
	}
	if negotiation.SelectQValueFast(strings.ToLower(in.Accept), []string{jsonType, ndjsonType}) != ndjsonType {
		if err := m.run(ctx); err != nil {
			return nil, bodyProblem(err)
		}
		return &huma.StreamResponse{Body: func(c huma.Context) {
			c.SetHeader("Content-Type", jsonType)
			_ = encodeJSON(c.BodyWriter(), m.result)
		}}, nil
	}
	streamed = true
	return &huma.StreamResponse{Body: func(c huma.Context) {
		defer release()
		s.streamImport(ctx, c, m)
	}}, nil
}

// oneImport lets one import at a time run, whichever process it runs in: two
// would both make the users whom neither finds.
func (s *service) oneImport(ctx context.Context) (release func(), err error) {
	unlock, ok, err := s.Log.TryLock(ctx, "import")
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, unavailable("another import is running; try again when it has ended")
	}
	return func() {
		if err := unlock(); err != nil {
			s.Logger.ErrorContext(ctx, "the lock of imports could not be given back", "error", err)
		}
	}, nil
}

// importMediaType refuses what can't be a table.
func importMediaType(r *http.Request) error {
	given, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if r.Header.Get("Content-Encoding") != "" || r.Header.Get("Content-Type") != "" && (err != nil || !slices.Contains(importTypes, given)) {
		return newProblem(http.StatusUnsupportedMediaType, "the body must be "+csvType+" or "+excelType+", not compressed")
	}
	return nil
}

// openImport reads as much of the body as says what it is, and waits until the
// read models, by which users are found, show what is in the log.
func (s *service) openImport(ctx context.Context, in *importUsersInput) (*importer, error) {
	if err := s.caughtUp(ctx, s.VerdictWithin); err != nil {
		return nil, err
	}
	table, excel, err := openTable(in.writer, in.request)
	if err != nil {
		return nil, bodyProblem(err)
	}
	columns, err := readColumns(table.Header, !excel)
	if err != nil {
		return nil, err
	}
	return s.newImporter(table, columns, in.DryRun), nil
}

// openTable opens the body as what it is, whatever it says that it is.
func openTable(w http.ResponseWriter, r *http.Request) (table *spreadsheet.Table, excel bool, err error) {
	conn := http.NewResponseController(w)
	body := bufio.NewReaderSize(&patientBody{conn: conn, body: http.MaxBytesReader(w, r.Body, maxCSVBody)}, 64<<10)
	start, err := body.Peek(8)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, err
	}
	if !spreadsheet.IsExcel(start) {
		table, err = spreadsheet.OpenCSV(body, isImportColumn)
		return table, false, err
	}
	if r.ContentLength > maxExcelBody {
		return nil, true, &http.MaxBytesError{Limit: maxExcelBody}
	}
	book, err := io.ReadAll(io.LimitReader(body, maxExcelBody+1))
	if err != nil {
		return nil, true, err
	}
	if len(book) > maxExcelBody {
		return nil, true, &http.MaxBytesError{Limit: maxExcelBody}
	}
	table, err = spreadsheet.OpenExcel(bytes.NewReader(book), int64(len(book)))
	return table, true, err
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

// bodyProblem gives the answer to what is wrong with a body; other errors stay
// as they are.
func bodyProblem(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return newProblem(http.StatusRequestEntityTooLarge, "a workbook has at most 128 MiB, and a CSV 1 GiB: divide it, or save the workbook as CSV")
	}
	if _, ok := errors.AsType[bodyError](err); ok {
		return newProblem(http.StatusBadRequest, "the body can't be read to its end: it breaks off, or took too long. "+
			"Rows before may be imported; importing the whole file leaves these alone")
	}
	return badFile(err)
}

// streamImport runs an import and says meanwhile how far it is. The answer has
// begun, so that what goes wrong is its last line.
func (s *service) streamImport(ctx context.Context, c huma.Context, m *importer) {
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
	m.progress = func(r importResult) error {
		if now := time.Now(); now.Sub(told) >= importBeat {
			told = now
			return write(importLine{Progress: nullable[importProgress]{&importProgress{r.Rows, r.Created, r.Updated, r.Unchanged, len(r.Refused)}}})
		}
		return nil
	}
	last := importLine{Result: nullable[importResult]{&m.result}}
	if err := m.run(ctx); err != nil {
		last = importLine{Problem: nullable[Problem]{s.problemOf(ctx, bodyProblem(err))}}
	}
	_ = write(last) // if the client has gone, nobody is left to be told
}
