// This file is one import on its way: it is checked, and then done for real. Both go on
// by themselves, as audit entries of their own.

package console

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"boxoffice/access"
	"boxoffice/accounts"
	"boxoffice/accounts/spreadsheet"
)

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
	// mapping is what somebody has chosen that columns are.
	mapping accounts.Mapping
}

// An importState is how far an import is.
type importState struct {
	// Running says that it is under way; Dry that it is, or was, a dry run.
	Running, Dry bool
	Progress     accounts.ImportProgress
	// Total is how many rows there are, as the dry run has counted them.
	Total   int
	Columns []accounts.ImportColumn
	// Unclear says that it has stopped since it isn't clear what columns are.
	Unclear bool
	// At is when it began, or when it ended.
	At time.Time
	// Faults are why it has stopped, for people; Broken says that it isn't for people.
	Faults []string
	Broken bool
	// Done says that it has been imported, to the end.
	Done bool
}

// chosen is what somebody has chosen that columns are; nil for nothing.
func (j *importing) chosen() accounts.Mapping {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.mapping
}

func (j *importing) running() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.state.Running
}

// holdsFile says that the file is there still.
func (j *importing) holdsFile() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.file != nil
}

// discard lets go of the files, unless a run is under way: false then.
func (j *importing) discard() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.state.Running {
		return false
	}
	j.dropFile()
	if j.rows != nil {
		j.rows.close()
		j.rows = nil
	}
	return true
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
// returns what is closed at its end. The mapping, where there is one, goes in the
// place of the one before.
func (v *visit) beginImport(j *importing, dry bool, mapping accounts.Mapping) (<-chan struct{}, error) {
	ended, begun := j.begin(dry, mapping)
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
func (j *importing) begin(dry bool, mapping accounts.Mapping) (ended <-chan struct{}, begun bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.state.Running || j.file == nil {
		return j.ended, false
	}
	if j.rows != nil {
		j.rows.close()
		j.rows = nil
	}
	if mapping != nil {
		j.mapping = mapping
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
	if unclear, ok := errors.AsType[*accounts.ColumnsError](err); ok {
		j.state.Unclear, j.state.Columns = true, unclear.Columns
	}
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
	o := accounts.ImportOptions{DryRun: dry, Size: j.size, Mapping: j.chosen()}
	if o.Mapping != nil {
		call.Parameters = append(call.Parameters, "mapping")
	}
	ctx, end, err := j.Audit.Begin(ctx, call)
	if err != nil {
		return err
	}
	status := http.StatusServiceUnavailable
	defer func() { end(status) }()
	m, err := j.Accounts.OpenImport(ctx, io.NewSectionReader(j.file, 0, j.size), o)
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
