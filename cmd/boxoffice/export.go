// This file is the command that writes users and viewing sessions to files.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"boxoffice/access/trail"
	"boxoffice/domain"
	"boxoffice/internal/sqldb"
	"boxoffice/projections"
	"boxoffice/projections/export"
)

func newExport() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write users or viewing sessions to an Excel workbook or a CSV",
		Example: "  boxoffice export users --output users.xlsx\n" +
			"  boxoffice export sessions --from 2026-11-01 --to 2026-12-01 --format csv > november.csv",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newExportUsers(), newExportSessions())
	return cmd
}

const exportHelp = "\n\nIt reads the database directly, whether the service runs or not, and writes nothing to it but who did this, into the\n" +
	"trail. Everything in the file is of one moment. The file has personal data in it: only its owner may read it."

// exportSettings are what it takes to read the read models: the database, and
// how the state of a viewing session is told.
func exportSettings(c *config, f *pflag.FlagSet) {
	f.StringVar(&c.DataDir, "data-dir", "./data", "where the embedded database is kept")
	f.StringVar(&c.DatabaseURL, "database-url", "", "postgres://… (default: the embedded database in the data directory)")
	f.DurationVar(&c.SessionTimeout, "session-timeout", 30*time.Minute, "after how long without a report a viewing session counts as abandoned")
}

func newExportUsers() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "users",
		Short: "Write the list of users to a file",
		Long:  "Writes the list of users to an Excel workbook or a CSV, with the filters of GET /v1/users." + exportHelp,
		Example: "  boxoffice export users --output users.xlsx\n" +
			"  boxoffice export users --status active --registered-from 2026-11-01 --output new.csv\n" +
			"  boxoffice export users --as-of 2026-01-01 --format csv > new-year.csv",
		Args: noArguments,
	}
	e := newExportRun(cmd, "export-users")
	f := &exportFlags{cmd: cmd}
	status := f.text("status", "only users of this status: registered, active or canceled")
	registeredFrom := f.text("registered-from", "registered from this instant or date on")
	registeredTo := f.text("registered-to", "registered before this instant or date")
	updatedFrom := f.text("updated-from", "profile last updated from this instant or date on")
	updatedTo := f.text("updated-to", "profile last updated before this instant or date")
	query := f.text("q", "part of \"first_name last_name\", of the e-mail or of the id")
	sort := cmd.Flags().String("sort", string(projections.ByRegisteredDesc), "order: registered_at, -registered_at, updated_at or -updated_at; - is latest first")
	f.names = append(f.names, "sort")
	asOf := cmd.Flags().String("as-of", "", "the instant that is asked about (default: now)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		q := projections.UsersQuery{Sort: projections.UserSort(*sort), Filter: projections.UserFilter{
			Status: domain.Status(*status), Query: *query,
		}}
		if err := errors.Join(
			oneOf("status", *status, "", domain.StatusRegistered, domain.StatusActive, domain.StatusCanceled),
			oneOf("sort", *sort, projections.ByRegisteredAsc, projections.ByRegisteredDesc, projections.ByUpdatedAsc, projections.ByUpdatedDesc),
		); err != nil {
			return err
		}
		return e.run(f.given(), func(r *projections.Reader, zone *time.Location, w io.Writer, o export.Options) (export.Result, error) {
			p := &instantFlags{calendar: domain.Calendar{Zone: zone}}
			q.Filter.RegisteredFrom, q.Filter.RegisteredTo = p.read("registered-from", *registeredFrom), p.read("registered-to", *registeredTo)
			q.Filter.UpdatedFrom, q.Filter.UpdatedTo = p.read("updated-from", *updatedFrom), p.read("updated-to", *updatedTo)
			q.At = p.orNow("as-of", *asOf)
			if p.err != nil {
				return export.Result{}, p.err
			}
			return export.Users(cmd.Context(), r, q, w, o)
		})
	}
	return cmd
}

func newExportSessions() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sessions",
		Short: "Write viewing sessions to a file",
		Long:  "Writes viewing sessions, latest first, to an Excel workbook or a CSV: one user's, or everybody's." + exportHelp,
		Example: "  boxoffice export sessions --from 2026-11-01 --to 2026-12-01 --output november.xlsx\n" +
			"  boxoffice export sessions --user-id 10293 --format csv",
		Args: noArguments,
	}
	e := newExportRun(cmd, "export-sessions")
	f := &exportFlags{cmd: cmd}
	user := f.text("user-id", "only this user's sessions")
	from := f.text("from", "started from this instant or date on")
	to := f.text("to", "started before this instant or date")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *user != "" {
			if err := domain.ValidUserID(*user); err != nil {
				return usageError{fmt.Errorf("--user-id: %w", err)}
			}
			e.about = *user
		}
		return e.run(f.given(), func(r *projections.Reader, zone *time.Location, w io.Writer, o export.Options) (export.Result, error) {
			p := &instantFlags{calendar: domain.Calendar{Zone: zone}}
			q := projections.SessionsQuery{UserID: *user, From: p.read("from", *from), To: p.read("to", *to), At: p.orNow("", "")}
			if p.err != nil {
				return export.Result{}, p.err
			}
			return export.Sessions(cmd.Context(), r, q, w, o)
		})
	}
	return cmd
}

// oneOf holds a flag against the values that it may have.
func oneOf[T ~string](flag, value string, allowed ...T) error {
	var names []string
	for _, a := range allowed {
		if value == string(a) {
			return nil
		}
		if a != "" {
			names = append(names, string(a))
		}
	}
	return usageError{fmt.Errorf("--%s: must be one of %s", flag, strings.Join(names, ", "))}
}

// exportFlags are the flags that say what a file has in it.
type exportFlags struct {
	cmd   *cobra.Command
	names []string
}

func (f *exportFlags) text(name, usage string) *string {
	f.names = append(f.names, name)
	return f.cmd.Flags().String(name, "", usage)
}

// given returns the filters as the parameters of the API that they are.
func (f *exportFlags) given() []export.Filter {
	var filters []export.Filter
	for _, name := range f.names {
		if flag := f.cmd.Flags().Lookup(name); flag.Value.String() != "" {
			filters = append(filters, export.Filter{Name: strings.ReplaceAll(name, "-", "_"), Value: flag.Value.String()})
		}
	}
	return filters
}

// instantFlags reads flags that are instants or dates; of what is wrong with
// them the first stays.
type instantFlags struct {
	calendar domain.Calendar
	err      error
}

func (p *instantFlags) read(flag, text string) *domain.Instant {
	if text == "" {
		return nil
	}
	i, err := p.calendar.ParseDateOrInstant(text)
	if err != nil && p.err == nil {
		p.err = usageError{fmt.Errorf("--%s: %w", flag, err)}
	}
	return &i
}

func (p *instantFlags) orNow(flag, text string) domain.Instant {
	if at := p.read(flag, text); at != nil {
		return *at
	}
	return domain.InstantOf(time.Now())
}

// An exportRun is what both commands share: where the file goes.
type exportRun struct {
	cmd    *cobra.Command
	action string // the operation of the API that does the same
	config *config
	output *string
	format *string
	asJSON *bool
	// about is the id of the one user whom the file is about; empty for many.
	about string
}

func newExportRun(cmd *cobra.Command, action string) *exportRun {
	return &exportRun{
		cmd:    cmd,
		action: action,
		config: addSettings(cmd, exportSettings),
		output: cmd.Flags().StringP("output", "o", "-", "file to write; - is standard output"),
		format: cmd.Flags().String("format", "", "xlsx or csv (default: by the file's name, else xlsx)"),
		asJSON: cmd.Flags().Bool("json", false, "print the summary as JSON"),
	}
}

// An exportSummary is what was written.
type exportSummary struct {
	export.Result
	File    string  `json:"file"`
	Seconds float64 `json:"seconds"`
}

func (e *exportRun) run(filters []export.Filter, write func(*projections.Reader, *time.Location, io.Writer, export.Options) (export.Result, error)) error {
	format, err := e.formatOf()
	if err != nil {
		return err
	}
	reader, zone, closeAll, err := e.openReader(e.cmd.Context())
	if err != nil {
		return err
	}
	defer closeAll()
	return e.audited(reader, func() (int64, error) {
		return e.file(export.Options{Format: format, Filters: filters}, func(w io.Writer, o export.Options) (export.Result, error) {
			return write(reader, zone, w, o)
		})
	})
}

// audited has write make the file and give how many rows it has, and notes
// that in the trail.
func (e *exportRun) audited(reader *projections.Reader, write func() (int64, error)) error {
	ctx := e.cmd.Context()
	entry := trail.Entry{Action: e.action, Parameters: e.parameters()}
	if e.about != "" {
		one := int64(1)
		entry.People = &one
		switch user, err := reader.UserKey(ctx, e.about); {
		case err == nil:
			entry.Subjects = []trail.Subject{trail.Subject(user)}
		case !errors.Is(err, projections.ErrNoUser):
			return err
		}
	}
	db, err := openDatabase(ctx, e.config)
	if err != nil {
		return err
	}
	defer db.Close()
	return withAuditEntry(ctx, db, newLogger(e.cmd.ErrOrStderr(), "text", slog.LevelInfo), entry, func(entry *trail.Entry) error {
		rows, err := write()
		if e.about == "" {
			entry.People = &rows
		}
		return err
	})
}

// parameters returns the names that the flags which were given have as
// parameters of the API.
func (e *exportRun) parameters() []string {
	var names []string
	e.cmd.Flags().Visit(func(f *pflag.Flag) {
		if !e.config.settingsHave(f.Name) && !slices.Contains([]string{"config", "output", "json"}, f.Name) {
			names = append(names, strings.ReplaceAll(f.Name, "-", "_"))
		}
	})
	return names
}

// file writes the file, says so, and returns how many rows it has.
func (e *exportRun) file(o export.Options, write func(io.Writer, export.Options) (export.Result, error)) (int64, error) {
	started := time.Now()
	bar := newProgress(e.cmd.ErrOrStderr(), "exporting")
	bar.count(-1)
	defer bar.finish()
	o.Progress = bar.at
	summary := exportSummary{File: *e.output}
	err := e.toOutput(func(w io.Writer) (err error) {
		summary.Result, err = write(w, o)
		return err
	})
	bar.finish()
	if errors.Is(err, projections.ErrNoUser) {
		err = errors.New("--user-id: there is no user of this id")
	}
	if err != nil {
		return summary.Rows, err
	}
	summary.Seconds = time.Since(started).Seconds()
	return summary.Rows, e.print(summary)
}

// formatOf returns the format that is asked for, or that the file's name says.
func (e *exportRun) formatOf() (export.Format, error) {
	format := *e.format
	if format == "" {
		format = strings.TrimPrefix(strings.ToLower(filepath.Ext(*e.output)), ".")
		if format != string(export.CSV) {
			format = string(export.XLSX)
		}
	}
	if err := oneOf("format", format, export.XLSX, export.CSV); err != nil {
		return "", err
	}
	if *e.output == "-" && format == string(export.XLSX) && isTerminal(e.cmd.OutOrStdout()) {
		return "", usageError{errors.New("a workbook isn't for a terminal: name a file with --output, or take --format csv")}
	}
	return export.Format(format), nil
}

// openReader opens the read models for reading. The data directory's lock keeps
// a second service off it, not those who read: the database is made for that.
func (e *exportRun) openReader(ctx context.Context) (_ *projections.Reader, _ *time.Location, closeAll func(), err error) {
	db, err := openToRead(ctx, e.config)
	if err != nil {
		return nil, nil, nil, err
	}
	models, err := projections.Open(ctx, db)
	if err != nil {
		db.Close()
		return nil, nil, nil, err
	}
	closeAll = func() { models.Close(); db.Close() }
	reader := projections.NewReader(models, e.config.SessionTimeout)
	status, err := reader.Status(ctx)
	if err == nil {
		var zone *time.Location
		if zone, err = time.LoadLocation(status.TimeZone); err == nil {
			return reader, zone, closeAll, nil
		}
	}
	closeAll()
	return nil, nil, nil, err
}

// openToRead opens the database that the configuration names, which has to be
// there.
func openToRead(ctx context.Context, c *config) (*sqldb.DB, error) {
	if c.DatabaseURL != "" {
		db, err := sqldb.OpenReadOnly(ctx, c.DatabaseURL)
		if err != nil {
			return nil, fmt.Errorf("BOXOFFICE_DATABASE_URL: %w", err)
		}
		return db, nil
	}
	file := filepath.Join(c.DataDir, "boxoffice.db")
	if _, err := os.Stat(file); err != nil {
		return nil, fmt.Errorf("BOXOFFICE_DATA_DIR: no database is there: %w", err)
	}
	db, err := sqldb.OpenReadOnly(ctx, sqldb.SQLiteURL(file))
	if err != nil {
		return nil, fmt.Errorf("BOXOFFICE_DATA_DIR: %w", err)
	}
	return db, nil
}

// toOutput has write fill the file, which takes its name when it is whole.
func (e *exportRun) toOutput(write func(io.Writer) error) error {
	if *e.output == "-" {
		return write(e.cmd.OutOrStdout())
	}
	file, err := os.CreateTemp(filepath.Dir(*e.output), ".boxoffice-export-") // only its owner may read it
	if err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	err = errors.Join(write(file), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), *e.output)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// print says what was written: where the file itself isn't.
func (e *exportRun) print(s exportSummary) error {
	w := e.cmd.OutOrStdout()
	if *e.output == "-" {
		w = e.cmd.ErrOrStderr()
	}
	if *e.asJSON {
		return json.NewEncoder(w).Encode(s)
	}
	_, err := fmt.Fprintf(w, "exported %d rows at log position %d in %.1f s\n", s.Rows, s.Position, s.Seconds)
	return err
}
