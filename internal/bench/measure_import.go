// This file measures how fast users are imported from a file over the API, and
// with how much memory.

package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"boxoffice/internal/sqldb"
	"boxoffice/projections/export/sheet"
)

// An Import is one file that was imported.
type Import struct {
	// File is what the file is, "csv" or "xlsx", with Rows of users.
	File string `json:"file"`
	Rows int64  `json:"rows"`
	// Again says that its users were there already, so that it changed nothing.
	Again   bool    `json:"again"`
	Seconds float64 `json:"seconds"`
	// PeakBytes is the most memory that the service had in use from its start on.
	PeakBytes int64 `json:"peak_bytes"`
}

// maxRows is how many rows the API takes, and a sheet of Excel has.
const maxRows = 1_048_575

// importedFiles are what is imported, with what each kind is called over HTTP.
var importedFiles = []struct{ kind, mediaType string }{
	{"csv", "text/csv"},
	{"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
}

// Import measures importing a file of new users, and the same file once more,
// each kind of file with a service and a database of its own.
func (b *Bench) Import(ctx context.Context, engine sqldb.Engine) (Measure, error) {
	m := Measure{Name: "import", Engine: engine}
	for _, file := range importedFiles {
		path, err := b.usersFile(file.kind)
		if err != nil {
			return m, fmt.Errorf("make a file of users: %w", err)
		}
		err = b.withService(ctx, engine, 0, func(s *service) error {
			if err := s.awaitPosition(ctx, 0, func(int64) {}); err != nil { // the read models are there
				return err
			}
			for _, again := range []bool{false, true} {
				figure := Import{File: file.kind, Rows: b.Rows, Again: again}
				if err := b.importFile(ctx, s, path, file.mediaType, &figure); err != nil {
					return fmt.Errorf("import a %s: %w", file.kind, err)
				}
				m.Imports = append(m.Imports, figure)
			}
			return nil
		})
		if err = errors.Join(err, os.Remove(path)); err != nil {
			return m, err
		}
	}
	return m, nil
}

// usersFile writes a file of as many users as are imported.
func (b *Bench) usersFile(kind string) (path string, err error) {
	path = filepath.Join(b.dir, "users."+kind)
	file, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	table := sheet.Table{Name: "Users"}
	for _, name := range []string{"id", "email", "first_name", "last_name", "locale", "country", "platform", "registered_at"} {
		table.Columns = append(table.Columns, sheet.Column{Name: name})
	}
	if kind == "csv" {
		c, err := sheet.NewCSV(file, table)
		if err != nil {
			return "", err
		}
		return path, errors.Join(b.writeUsers(c.Row), c.Close())
	}
	x, err := sheet.NewXLSX(table, sheet.Options{TempDir: b.dir})
	if err != nil {
		return "", err
	}
	err = b.writeUsers(x.Row)
	if err == nil {
		_, err = x.WriteTo(file)
	}
	return path, errors.Join(err, x.Close())
}

func (b *Bench) writeUsers(row func([]any) error) error {
	p := population{users: b.Rows, now: time.Now()}
	for user := range b.Rows {
		if err := row([]any{p.id(user), fmt.Sprintf("user-%d@mail.example", user), "Ana", fmt.Sprintf("Nº %d", user),
			"fr-FR", "FR", "web", p.registered(user).UTC().Format(time.DateOnly)}); err != nil {
			return err
		}
	}
	return nil
}

// importFile imports a file, and holds that every row came to what it has to.
func (b *Bench) importFile(ctx context.Context, s *service, path, mediaType string, figure *Import) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/v1/imports/users", file)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+answerKey)
	request.Header.Set("Content-Type", mediaType)
	request.Header.Set("Accept", "application/x-ndjson")
	started := time.Now()
	answer, err := (&http.Client{Transport: s.client.Transport}).Do(request) // it takes its time
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	result, err := b.followImport(answer, figure)
	if err != nil {
		return err
	}
	figure.Seconds = time.Since(started).Seconds()
	done := result.Created
	if figure.Again {
		done = result.Unchanged
	}
	if result.Rows != figure.Rows || done != figure.Rows {
		return fmt.Errorf("of %d rows, %d were created and %d unchanged", result.Rows, result.Created, result.Unchanged)
	}
	if figure.PeakBytes = peakMemory(s.cmd.Process.Pid); figure.PeakBytes == 0 {
		return errors.New("the memory of a process can't be measured on this system")
	}
	return nil
}

// An importCount is what became of the rows so far, or of all.
type importCount struct{ Rows, Created, Unchanged int64 }

// followImport reads an answer to its last line, which is the result.
func (b *Bench) followImport(answer *http.Response, figure *Import) (*importCount, error) {
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the API answers %s", answer.Status)
	}
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		var line struct {
			Progress, Result *importCount
			Problem          *struct{ Detail string }
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return nil, err
		}
		switch {
		case line.Problem != nil:
			return nil, errors.New(line.Problem.Detail)
		case line.Result != nil:
			return line.Result, nil
		case line.Progress != nil:
			b.progress("importing a "+figure.File, line.Progress.Rows, figure.Rows)
		}
	}
	return nil, errors.Join(errors.New("the answer broke off"), lines.Err())
}
