// This file runs a side as a process of its own.

package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// stopWithin is how long a process has to end by itself.
const stopWithin = 15 * time.Second

// run lets a side do its work, and makes sure that all of it is done.
func (b *Bench) run(ctx context.Context, what string, spec Spec) (Result, error) {
	said := func(done int64) { b.progress(what, done, spec.Warm+spec.Events) }
	said(0)
	result, err := b.runProcess(ctx, spec, said)
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w", what, err)
	}
	if result.Done != result.Events || result.Acked >= 0 && result.Acked != result.Events {
		return Result{}, fmt.Errorf("%s: of %d events %d are done and %d acknowledged: the measurement is void",
			what, result.Events, result.Done, result.Acked)
	}
	return result, nil
}

func (b *Bench) runProcess(ctx context.Context, spec Spec, said func(int64)) (result Result, err error) {
	cmd, complaints := b.command(ctx, SideCommand...)
	in, err := cmd.StdinPipe()
	if err != nil {
		return Result{}, err
	}
	defer in.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		return Result{}, err
	}
	if err := cmd.Start(); err != nil {
		return Result{}, err
	}
	defer func() {
		in.Close()
		if ended := cmd.Wait(); ended != nil {
			err = errors.Join(ctx.Err(), fmt.Errorf("%w: %s", ended, lastLine(complaints.String())))
		}
	}()
	if err := json.NewEncoder(in).Encode(spec); err != nil {
		return Result{}, err
	}
	return listen(out, said)
}

// listen takes what a side says until it says its result or ends.
func listen(out io.Reader, said func(int64)) (Result, error) {
	decoder := json.NewDecoder(out)
	for {
		var m saying
		if err := decoder.Decode(&m); err != nil {
			return Result{}, fmt.Errorf("it ended without a result: %w", err)
		}
		if m.Result != nil {
			return *m.Result, nil
		}
		said(m.Progress)
	}
}

// command makes a command of this program that is told to stop when ctx ends.
// What it complains of is collected.
func (b *Bench) command(ctx context.Context, args ...string) (*exec.Cmd, *bytes.Buffer) {
	cmd := exec.CommandContext(ctx, b.Program[0], append(b.Program[1:len(b.Program):len(b.Program)], args...)...)
	// What is set for the service isn't meant for what is measured.
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "BOXOFFICE_") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopWithin
	complaints := &bytes.Buffer{}
	cmd.Stderr = complaints
	return cmd, complaints
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
