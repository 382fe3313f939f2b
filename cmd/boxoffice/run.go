// This file turns a command line into a command: what all commands share.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// run carries out one command line and returns the exit status: 0 where it did
// what it was asked, 1 where it didn't, 2 where it didn't understand.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(stderr, "boxoffice:", oneLine(err.Error()))
	var usage usageError
	if errors.As(err, &usage) {
		return 2
	}
	return 1
}

// oneLine returns a text in one line: messages of some libraries have several.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// A usageError is a command line that can't be understood.
type usageError struct{ error }

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "boxoffice",
		Short: "The event-sourced record of what the users of a streaming platform do",
		Long: "boxoffice takes the events that a video streaming platform publishes into an append-only log,\n" +
			"and serves what follows from them: monthly figures, users, entitlements and viewing sessions.",
		Example: "  boxoffice demo                     # look at it with a simulated platform\n" +
			"  boxoffice serve                    # run it here, nothing to install\n" +
			"  boxoffice publish events.ndjson    # publish events from a file",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w (see %s --help)", err, cmd.CommandPath())}
	})
	root.AddCommand(newServe(), newDemo(), newPublish(), newImport(), newExport(), newErase(), newScrub(), newMigrate(), newKeys(), newBench())
	return root
}

// newLogger makes the service's log, of what is at least of a level. Nothing personal goes into it: neither
// user ids nor anything of an event but its place and its reason.
func newLogger(w io.Writer, format string, least slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: least}
	if format == "text" || format != "json" && isTerminal(w) {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
