// This file is the command that erases users, through the API of a service that
// runs.

package main

import (
	"bufio"
	"bytes"
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

	"boxoffice/internal/pause"
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
	c := addSettings(cmd, clientSettings)
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

// idsOf returns the ids that the arguments name, each once.
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
		result, done, err := askToErase(ctx, c, ids)
		switch {
		case result != nil:
			if try > 1 {
				result.Gone, result.NotFound = result.NotFound, nil
			}
			return result, nil
		case done || try == eraseTries || ctx.Err() != nil:
			return nil, err
		}
		if err := pause.Wait(ctx, time.Second); err != nil {
			return nil, err
		}
	}
}

// askToErase asks the service once. It is false where the service says that it
// takes longer.
func askToErase(ctx context.Context, c *config, ids []string) (result *erasureResult, done bool, err error) {
	text, err := json.Marshal(map[string]any{"ids": ids})
	if err != nil {
		return nil, true, err
	}
	req, err := c.request(ctx, http.MethodPost, "/v1/erasures", nil, bytes.NewReader(text))
	if err != nil {
		return nil, true, err
	}
	req.Header.Set("Content-Type", "application/json")
	answer, err := (&http.Client{Timeout: time.Minute}).Do(req)
	if err != nil {
		return nil, true, c.unreachable(err)
	}
	defer answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusOK:
		if err := json.NewDecoder(answer.Body).Decode(&result); err != nil {
			return nil, true, fmt.Errorf("the service's answer can't be read: %w", err)
		}
		return result, true, nil
	case http.StatusServiceUnavailable:
		return nil, false, problemOf(answer)
	}
	return nil, true, problemOf(answer)
}

func (r *erasureResult) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(r)
	}
	fmt.Fprintf(w, "erased %d users\n", len(r.Erased))
	for _, id := range r.Gone {
		fmt.Fprintln(w, "  there is no user any more, erased by an earlier try, or there never was one, of the id", id)
	}
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
