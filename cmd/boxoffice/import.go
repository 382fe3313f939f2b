// This file is the command that imports users from a file.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"boxoffice/api"
)

func newImport() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Import users from a CSV file or an Excel workbook",
		Long: "Imports users from a CSV file (with any common delimiter) or an Excel workbook, over the API of a running service\n" +
			"(- is standard input). The first row names the columns: email, and any of id, first_name, last_name, locale, country,\n" +
			"platform, registered_at and custom.<key>, as these or as other tools name them (Email Address, Created (UTC)).\n" +
			"--mapping says what other columns are, and --unknown what becomes of those that nobody has named. A dry run lists\n" +
			"what each column was taken for. Importing a file again changes nothing.\n\n" +
			"A row that breaks a rule is refused and the others are imported; the summary lists the first of them, and the\n" +
			"command exits 1.",
		Example: "  boxoffice import users.xlsx --dry-run\n" +
			"  boxoffice import users.csv\n" +
			"  boxoffice import --dry-run --mapping '{\"Plan\": \"custom.plan\", \"Notes\": null}' members.csv\n" +
			"  boxoffice import --unknown ignore members.csv\n" +
			"  boxoffice import --charset windows-1250 members.csv\n" +
			"  BOXOFFICE_KEY=bxo_… boxoffice import --url https://boxoffice.example.org --json users.csv > outcome.json",
		Args: oneFile,
	}
	c := addSettings(cmd, clientSettings)
	asJSON := cmd.Flags().Bool("json", false, "print the outcome as JSON, with every row that was refused")
	dryRun := cmd.Flags().Bool("dry-run", false, "only say what would become of the rows")
	mapping := cmd.Flags().String("mapping", "", "what columns are: a JSON object of columns and fields, custom.<key>, or null to leave a column out")
	unknown := cmd.Flags().String("unknown", "refuse", "what becomes of columns that aren't recognised: refuse the file, ignore them, or keep them as custom fields (refuse, ignore, custom)")
	charset := cmd.Flags().String("charset", "", "the encoding of a CSV, by its name on the web (windows-1250, shift_jis); it is found out where that is UTF-8, UTF-16 or Windows-1252")
	cmd.RunE = func(cmd *cobra.Command, files []string) error {
		query := url.Values{"unknown": {*unknown}}
		if *mapping != "" {
			query.Set("mapping", *mapping)
		}
		if *dryRun {
			query.Set("dry_run", "true")
		}
		contentType := "application/octet-stream" // the service finds out what it is
		if *charset != "" {
			contentType = mime.FormatMediaType("text/csv", map[string]string{"charset": *charset})
		}
		run := &importRun{config: c, query: query, contentType: contentType, bar: newProgress(cmd.ErrOrStderr(), "importing")}
		started := time.Now()
		outcome, err := run.file(cmd.Context(), files[0], cmd.InOrStdin())
		run.bar.finish()
		if err != nil {
			return err
		}
		if err := outcome.print(cmd.OutOrStdout(), *asJSON, *dryRun, time.Since(started)); err != nil {
			return err
		}
		return outcome.verdict()
	}
	return cmd
}

func oneFile(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usageError{errors.New("import: name one file, or - for standard input (see boxoffice import --help)")}
	}
	return nil
}

// An importRun is one run of the command.
type importRun struct {
	config *config
	// query is how the file is to be imported.
	query       url.Values
	contentType string
	bar         *progress
	// sent is how many bytes of the file have gone to the service.
	sent atomic.Int64
}

// An importOutcome is what the service says of the rows.
type importOutcome struct {
	Rows      int64 `json:"rows"`
	Created   int64 `json:"created"`
	Updated   int64 `json:"updated"`
	Unchanged int64 `json:"unchanged"`
	Refused   []struct {
		Row    int64  `json:"row"`
		Reason string `json:"reason"`
	} `json:"refused"`
	// Columns are what they were taken for, of a dry run.
	Columns []struct {
		Column string  `json:"column"`
		Field  *string `json:"field"`
	} `json:"columns,omitempty"`
}

// An importMessage is a line of the service's answer.
type importMessage struct {
	Progress *struct {
		Rows int64 `json:"rows"`
	} `json:"progress"`
	Result  *importOutcome `json:"result"`
	Problem *api.Problem   `json:"problem"`
	// broken is why there is no further line.
	broken error
}

// barBeat is how often the bar is moved.
const barBeat = 200 * time.Millisecond

// file sends a file to the service, and shows meanwhile how far it is.
func (r *importRun) file(ctx context.Context, name string, stdin io.Reader) (*importOutcome, error) {
	body, size, err := openImportFile(name, stdin)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	request, err := r.request(ctx, body, size)
	if err != nil {
		return nil, err
	}
	r.bar.file(name, size)
	messages := make(chan importMessage)
	go r.call(request, messages)
	ticker := time.NewTicker(barBeat)
	defer ticker.Stop()
	for whole := false; ; {
		select {
		case <-ticker.C:
			if !whole {
				r.bar.at(r.sent.Load())
			}
		case m := <-messages:
			switch {
			case m.Result != nil:
				return m.Result, nil
			case m.Problem != nil:
				return nil, problemError(m.Problem)
			case m.broken != nil:
				return nil, m.broken
			}
			// A workbook is read only once it is there as a whole.
			if !whole && m.Progress != nil && r.sent.Load() >= size && size >= 0 {
				whole = true
				r.bar.count(-1)
			}
			if whole && m.Progress != nil {
				r.bar.at(m.Progress.Rows)
			}
		}
	}
}

func openImportFile(name string, stdin io.Reader) (io.ReadCloser, int64, error) {
	if name == "-" {
		return io.NopCloser(stdin), -1, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case info.IsDir():
		err = fmt.Errorf("%s is a directory", name)
	case info.Mode().IsRegular():
		return f, info.Size(), nil
	default:
		return f, -1, nil
	}
	f.Close()
	return nil, 0, err
}

func (r *importRun) request(ctx context.Context, body io.ReadCloser, size int64) (*http.Request, error) {
	request, err := r.config.request(ctx, http.MethodPost, "/v1/imports/users", r.query, &sentBody{body, &r.sent})
	if err != nil {
		return nil, err
	}
	request.ContentLength = size
	request.Header.Set("Accept", "application/x-ndjson")
	request.Header.Set("Content-Type", r.contentType)
	return request, nil
}

// call makes the request, and hands on each line of the answer.
func (r *importRun) call(request *http.Request, messages chan<- importMessage) {
	hand := func(m importMessage) bool {
		select {
		case messages <- m:
			return true
		case <-request.Context().Done():
			return false
		}
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		messages <- importMessage{broken: r.config.unreachable(err)}
		return
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		messages <- importMessage{broken: problemOf(answer)}
		return
	}
	for lines := json.NewDecoder(answer.Body); ; {
		var m importMessage
		if err := lines.Decode(&m); err != nil {
			messages <- importMessage{broken: fmt.Errorf("the answer of the service broke off; importing the file again goes on from there: %w", err)}
			return
		}
		if !hand(m) || m.Result != nil || m.Problem != nil {
			return
		}
	}
}

// A sentBody counts what the client has taken of a file.
type sentBody struct {
	io.ReadCloser
	sent *atomic.Int64
}

func (b *sentBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.sent.Add(int64(n))
	return n, err
}

func (o *importOutcome) print(w io.Writer, asJSON, dryRun bool, took time.Duration) error {
	if asJSON {
		return json.NewEncoder(w).Encode(o)
	}
	would := ""
	if dryRun {
		would = "would be "
	}
	fmt.Fprintf(w, "%d rows in %.1f s: %s%d created, %d updated, %d unchanged, %d refused\n",
		o.Rows, took.Seconds(), would, o.Created, o.Updated, o.Unchanged, len(o.Refused))
	for _, row := range o.Refused[:min(shownRefusals, len(o.Refused))] {
		fmt.Fprintf(w, "  refused: row %d: %s\n", row.Row, oneLine(row.Reason))
	}
	if more := len(o.Refused) - shownRefusals; more > 0 {
		fmt.Fprintf(w, "  and %d more (--json lists all)\n", more)
	}
	for _, column := range o.Columns {
		taken := "left out"
		if column.Field != nil {
			taken = *column.Field
		}
		fmt.Fprintf(w, "  column %s: %s\n", oneLine(column.Column), oneLine(taken))
	}
	return nil
}

// verdict makes refused rows visible in the exit status.
func (o *importOutcome) verdict() error {
	if len(o.Refused) == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d rows break a rule", len(o.Refused), o.Rows)
}
