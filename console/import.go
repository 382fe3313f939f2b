// This file imports a table of users: the file is uploaded and kept, a dry run
// says what would become of each row, and then it is done for real. Both go on by
// themselves, and the page of the import says how far they are.

package console

import (
	"context"
	"encoding/csv"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"boxoffice/access"
	"boxoffice/access/browser"
	"boxoffice/accounts"
	"boxoffice/accounts/spreadsheet"
	"boxoffice/internal/tempfile"
)

const (
	// mostUploaded is how large a file may be, in bytes.
	mostUploaded = 128 << 20
	// uploadStall is how long a browser may send nothing.
	uploadStall = 60 * time.Second
	// mostNameBytes is how much of a file's name is shown.
	mostNameBytes = 200
)

// An importForm is what the page shows on which a file is chosen.
type importForm struct {
	CSRF string
	// Wrong is why the file wasn't taken: the key of a text.
	Wrong string
	Most  int64
}

func (v *visit) chooseImport() (*answer, error) { return v.importForm("", http.StatusOK), nil }

func (v *visit) importForm(wrong string, status int) *answer {
	return &answer{template: "import", title: v.T("import.title"), status: status, data: &importForm{CSRF: v.token(), Wrong: wrong, Most: mostUploaded}}
}

// The reasons for which a file isn't taken; keys of texts.
var (
	errNoFile    = errors.New("import.no-file")
	errFileSize  = errors.New("import.too-large")
	errFileCount = errors.New("import.too-many")
)

func (v *visit) uploadImport() (*answer, error) {
	j, err := v.receive()
	switch {
	case errors.Is(err, errNoFile):
		return v.importForm(err.Error(), http.StatusUnprocessableEntity), nil
	case errors.Is(err, errFileSize):
		return v.importForm(err.Error(), http.StatusRequestEntityTooLarge), nil
	case errors.Is(err, errFileCount):
		return v.importForm(err.Error(), http.StatusServiceUnavailable), nil
	case err != nil:
		return nil, err
	}
	id := newTaskID()
	v.tasks.add(id, v.owner(), j)
	ended, err := v.beginImport(j, true)
	if err != nil {
		return nil, err
	}
	v.awaitBriefly(ended)
	return &answer{redirect: "/users/import/" + id}, nil
}

// receive keeps the file that is uploaded.
func (v *visit) receive() (*importing, error) {
	part, err := v.uploadedFile()
	if err != nil {
		return nil, err
	}
	if !v.uploads.take() {
		return nil, errFileCount
	}
	j := &importing{server: v.server, name: fileName(part.FileName())}
	if j.file, err = tempfile.New(); err == nil {
		j.size, err = io.Copy(j.file, io.LimitReader(part, mostUploaded+1))
	}
	if err == nil && j.size == 0 {
		err = errNoFile
	}
	if err == nil && j.size > mostUploaded {
		err = errFileSize
	}
	if err != nil {
		j.discard()
		return nil, err
	}
	return j, nil
}

// uploadedFile is the part of the form that is the file. What comes before it is
// the session's token, which has let the request through the gate.
func (v *visit) uploadedFile() (*multipart.Part, error) {
	kind, params, err := mime.ParseMediaType(v.r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return nil, errInput
	}
	form := multipart.NewReader(&patientBody{http.NewResponseController(v.w), v.r.Body}, params["boundary"])
	for range 2 {
		part, err := form.NextPart()
		if err != nil {
			return nil, errInput
		}
		switch part.FormName() {
		case browser.FormField:
		case "file":
			if part.FileName() == "" {
				return nil, errNoFile
			}
			return part, nil
		default:
			return nil, errInput
		}
	}
	return nil, errNoFile
}

// A patientBody is a body that may take as long as it likes, as long as it keeps
// coming.
type patientBody struct {
	conn *http.ResponseController
	body io.Reader
}

func (b *patientBody) Read(p []byte) (int, error) {
	_ = b.conn.SetReadDeadline(time.Now().Add(uploadStall)) // where it can't be set, there is none
	n, err := b.body.Read(p)
	_ = b.conn.SetReadDeadline(time.Time{})
	return n, err
}

// fileName is the name of a file as it is shown.
func fileName(name string) string {
	name = path.Base(strings.ReplaceAll(strings.ToValidUTF8(name, "\uFFFD"), `\`, "/"))
	return strings.ToValidUTF8(name[:min(len(name), mostNameBytes)], "")
}

// An importing is one file on its way: being checked, waiting for somebody to
// decide, being imported, or done.
type importing struct {
	*server
	name string
	size int64

	mu    sync.Mutex
	file  *os.File // nil once it has been imported
	ended chan struct{}
	state importState
	rows  *spool // nil while it is written
}

// An importState is how far an import is.
type importState struct {
	// Running says that it is under way; Dry that it is, or was, a dry run.
	Running, Dry bool
	Progress     accounts.ImportProgress
	// Total is how many rows there are, as the dry run has counted them.
	Total   int
	Columns []accounts.ImportColumn
	// At is when it began, or when it ended.
	At time.Time
	// Faults are why it has stopped, for people; Broken says that it isn't for people.
	Faults []string
	Broken bool
	// Done says that it has been imported, to the end.
	Done bool
}

func (j *importing) running() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.state.Running
}

// discard lets go of the files.
func (j *importing) discard() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.dropFile()
	if j.rows != nil {
		j.rows.close()
		j.rows = nil
	}
}

// dropFile lets go of what was uploaded. The caller has the lock, or the only reference.
func (j *importing) dropFile() {
	if j.file != nil {
		_ = j.file.Close()
		j.file = nil
	}
	if j.size >= 0 {
		j.uploads.free()
		j.size = -1
	}
}

// beginImport begins a run, where none is under way and there is a file still, and
// returns what is closed at its end.
func (v *visit) beginImport(j *importing, dry bool) (<-chan struct{}, error) {
	ended, begun := j.begin(dry)
	if !begun {
		return ended, nil
	}
	broken := func(err error) { j.end(dry, nil, nil, err) }
	err := v.inBackground("importing users", func(ctx context.Context) { j.run(ctx, dry) }, broken)
	if err != nil {
		broken(err)
	}
	return ended, err
}

// begin notes that a run begins, where none is under way and there is a file still.
func (j *importing) begin(dry bool) (ended <-chan struct{}, begun bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.state.Running || j.file == nil {
		return j.ended, false
	}
	if j.rows != nil {
		j.rows.close()
		j.rows = nil
	}
	j.ended = make(chan struct{})
	j.state = importState{Running: true, Dry: dry, Total: j.state.Total, Columns: j.state.Columns, At: j.Clock()}
	return j.ended, true
}

// run runs the import, and notes how it ended.
func (j *importing) run(ctx context.Context, dry bool) {
	rows, err := newSpool()
	if err == nil {
		err = j.runAudited(ctx, dry, rows)
	}
	faults, broken := faultsOf(err)
	if broken {
		j.failed(ctx, "importing users", err)
	}
	j.end(dry, rows, faults, err)
}

// end notes how a run ended; rows is nil where nobody knows what became of them.
func (j *importing) end(dry bool, rows *spool, faults []string, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	defer close(j.ended)
	j.state.Running, j.state.At = false, j.Clock()
	j.state.Faults, j.state.Broken = faults, err != nil && faults == nil
	j.rows = rows
	switch {
	case err != nil:
	case dry:
		j.state.Total = j.state.Progress.Rows
	default:
		j.state.Done = true
		j.dropFile()
	}
}

// runAudited runs the import as an audit entry of its own.
func (j *importing) runAudited(ctx context.Context, dry bool, rows *spool) error {
	call := access.Call{Operation: "import-users", Method: http.MethodPost}
	if dry {
		call.Parameters = []string{"dry_run"}
	}
	ctx, end, err := j.Audit.Begin(ctx, call)
	if err != nil {
		return err
	}
	status := http.StatusServiceUnavailable
	defer func() { end(status) }()
	m, err := j.Accounts.OpenImport(ctx, io.NewSectionReader(j.file, 0, j.size), accounts.ImportOptions{DryRun: dry, Size: j.size})
	if err != nil {
		return err
	}
	defer m.Close(ctx)
	j.mu.Lock()
	j.state.Columns = m.Columns()
	j.mu.Unlock()
	m.Row = rows.add
	m.Progress = func(p accounts.ImportProgress) error {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.state.Progress = p
		return rows.err
	}
	result, err := m.Run(ctx)
	access.AboutMany(ctx, result.Rows)
	if flushed := rows.flush(); err == nil {
		err = flushed
	}
	if err == nil {
		status = http.StatusOK
	}
	return err
}

// faultsOf says why an import has stopped; broken says that it isn't for people.
func faultsOf(err error) (faults []string, broken bool) {
	invalid, isInvalid := errors.AsType[*accounts.InvalidError](err)
	refusal, refused := errors.AsType[*access.Refusal](err)
	_, format := errors.AsType[*spreadsheet.FormatError](err)
	_, unavailable := errors.AsType[*accounts.UnavailableError](err)
	_, stopped := errors.AsType[*accounts.StoppedError](err)
	switch {
	case err == nil:
		return nil, false
	case isInvalid:
		for _, f := range invalid.Faults {
			text := f.Message
			if f.Value != nil {
				text += ": " + customText([]byte(f.Value))
			}
			faults = append(faults, text)
		}
		return faults, false
	case refused:
		return []string{refusal.Reason}, false
	case format, unavailable, stopped, errors.Is(err, accounts.ErrImportRunning), errors.Is(err, accounts.ErrFileTooLarge), errors.Is(err, accounts.ErrTooManyRows):
		return []string{err.Error()}, false
	}
	return nil, true
}

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
	Kept    bool
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
	ended, err := v.beginImport(j, v.r.PostFormValue("dry_run") == "1")
	if err != nil {
		return nil, err
	}
	if ended != nil {
		v.awaitBriefly(ended)
	}
	return &answer{redirect: "/users/import/" + taskID(v.r)}, nil
}

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
