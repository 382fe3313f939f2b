// This file is the command that erases users, through the API of a service that
// runs.

package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"boxoffice/api"
)

// eraseAtOnce is how many users one request erases.
const eraseAtOnce = 1000

func newErase() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "erase ID…",
		Short: "Erase users",
		Long: "Erases users for good, through the API of a running service: what they entered and who they were can't be read any\n" +
			"more when the command ends, and all figures stay what they were. This can't be undone. With - the ids are read from\n" +
			"standard input, one a line, which keeps them out of the shell's history and the list of processes.\n\n" +
			"Ids of which there is no user are listed, and the command exits 1. Giving an id again is safe.",
		Example: "  boxoffice erase 10293\n" +
			"  boxoffice erase --url https://boxoffice.example.org --key bxo_… 10293 10294\n" +
			"  boxoffice erase - < ids.txt",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("erase: name at least one id, or - for standard input (see boxoffice erase --help)")}
			}
			return nil
		},
	}
	c := addSettings(cmd, eraseSettings)
	asJSON := cmd.Flags().Bool("json", false, "print the result as JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ids, err := idsOf(args, cmd.InOrStdin())
		if err != nil {
			return err
		}
		bar := newProgress(cmd.ErrOrStderr(), "erasing")
		bar.count(int64(len(ids)))
		result, err := eraseAll(cmd.Context(), c, ids, bar.at)
		bar.finish()
		if err != nil && len(result.Erased)+len(result.Gone) == 0 {
			return err
		}
		return errors.Join(err, result.print(cmd.OutOrStdout(), *asJSON), result.verdict(err))
	}
	return cmd
}

func eraseSettings(c *config, f *settingFlags) {
	f.text(&c.HTTPAddr, "http-addr", "127.0.0.1:8080", "where the service's API listens on this machine")
	f.text(&c.URL, "url", "", "where the service's API is (default: http:// and --http-addr)")
	f.secretText(&c.APIKeys, "api-keys", "role:key,role:key, as the service has it; an admin's is taken where --key is not given")
	f.secretText(&c.Key, "key", "API key of an admin (default: an admin's of BOXOFFICE_API_KEYS)")
}

// idsOf gives the ids that the arguments name, each once.
func idsOf(args []string, stdin io.Reader) ([]string, error) {
	var ids []string
	seen := map[string]bool{}
	add := func(id string) {
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	for _, arg := range args {
		if arg != "-" {
			add(arg)
			continue
		}
		lines := bufio.NewScanner(stdin)
		for lines.Scan() {
			if line := strings.TrimSuffix(lines.Text(), "\r"); line != "" {
				add(line)
			}
		}
		if err := lines.Err(); err != nil {
			return nil, fmt.Errorf("read the ids: %w", err)
		}
	}
	return ids, nil
}

// An erasureResult says who was erased.
type erasureResult struct {
	Erased   []string `json:"erased"`
	NotFound []string `json:"not_found"`
	// Gone are those of whom there is no user now, where an earlier try was
	// stored and took longer than its answer: they were erased by that, or there
	// was nobody.
	Gone []string `json:"gone"`
}

// eraseAll erases users, some at a time. With an error comes what was done
// until then.
func eraseAll(ctx context.Context, c *config, ids []string, progress func(int64)) (*erasureResult, error) {
	all := &erasureResult{Erased: []string{}, NotFound: []string{}, Gone: []string{}}
	for some := range slices.Chunk(ids, eraseAtOnce) {
		result, err := eraseSome(ctx, c, some)
		if err != nil {
			return all, err
		}
		all.Erased, all.NotFound = append(all.Erased, result.Erased...), append(all.NotFound, result.NotFound...)
		all.Gone = append(all.Gone, result.Gone...)
		progress(int64(len(all.Erased) + len(all.NotFound) + len(all.Gone)))
	}
	return all, nil
}

// eraseTries is how often the service is asked in all where it says that it
// takes longer.
const eraseTries = 30

func eraseSome(ctx context.Context, c *config, ids []string) (*erasureResult, error) {
	for try := 1; ; try++ {
		status, body, err := c.post(ctx, "/v1/erasures", map[string]any{"ids": ids})
		switch {
		case err != nil:
			return nil, err
		case status == http.StatusOK:
			var result erasureResult
			if err := json.Unmarshal(body, &result); err != nil {
				return nil, fmt.Errorf("the service's answer can't be read: %w", err)
			}
			if try > 1 {
				result.Gone, result.NotFound = result.NotFound, nil
			}
			return &result, nil
		case status != http.StatusServiceUnavailable || try == eraseTries:
			return nil, fmt.Errorf("the service answers %d: %s", status, detailOf(body))
		}
		if err := wait(ctx, time.Second); err != nil {
			return nil, err
		}
	}
}

// apiURL is where the API is.
func (c *config) apiURL() string {
	return strings.TrimSuffix(cmp.Or(c.URL, "http://"+c.HTTPAddr), "/")
}

// post sends a JSON body to the API.
func (c *config) post(ctx context.Context, path string, body any) (status int, answer []byte, err error) {
	text, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.apiURL()+path, bytes.NewReader(text))
	if err != nil {
		return 0, nil, fmt.Errorf("BOXOFFICE_URL: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+c.adminKey())
	resp, err := (&http.Client{Timeout: time.Minute}).Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("BOXOFFICE_URL: %w", err)
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	return resp.StatusCode, answer, err
}

// adminKey finds a key of an admin.
func (c *config) adminKey() string {
	if c.Key != "" {
		return c.Key
	}
	keys, err := parseAPIKeys(c.APIKeys)
	if err != nil {
		return ""
	}
	if i := slices.IndexFunc(keys, func(k roleKey) bool { return k.role == api.RoleAdmin }); i >= 0 {
		return keys[i].key
	}
	return ""
}

// detailOf gives what a problem says.
func detailOf(body []byte) string {
	var problem struct{ Title, Detail string }
	if err := json.Unmarshal(body, &problem); err != nil {
		return "not what boxoffice answers; is it the service's address?"
	}
	return cmp.Or(problem.Detail, problem.Title)
}

func (r *erasureResult) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(r)
	}
	fmt.Fprintf(w, "erased %d users\n", len(r.Erased)+len(r.Gone))
	for _, id := range r.NotFound {
		fmt.Fprintln(w, "  there is no user of the id", id)
	}
	return nil
}

// verdict makes ids that weren't found visible in the exit status.
func (r *erasureResult) verdict(err error) error {
	if err != nil || len(r.NotFound) == 0 {
		return nil
	}
	return fmt.Errorf("erase: of %d ids there is no user", len(r.NotFound))
}
