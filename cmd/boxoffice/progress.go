// This file shows how far long work is, to people at a terminal.

package main

import (
	"cmp"
	"io"
	"path/filepath"
	"time"

	"github.com/schollz/progressbar/v3"
)

// A progress is a bar on a terminal, and nothing elsewhere. It shows itself
// once work has taken two seconds.
type progress struct {
	w       io.Writer
	what    string
	bar     *progressbar.ProgressBar
	started time.Time
}

func newProgress(w io.Writer, what string) *progress {
	return &progress{w: w, what: what, started: time.Now()}
}

// file begins a bar for a file of a size in bytes, -1 where that isn't known.
func (p *progress) file(name string, size int64) {
	p.begin(p.what+" "+filepath.Base(name), size, true)
}

// count begins a bar for a number of things, -1 where that isn't known.
func (p *progress) count(n int64) { p.begin(p.what, n, false) }

func (p *progress) begin(text string, size int64, bytes bool) {
	p.finish()
	if !isTerminal(p.w) {
		return
	}
	p.bar = progressbar.NewOptions64(size,
		progressbar.OptionSetWriter(p.w),
		progressbar.OptionSetDescription(text),
		progressbar.OptionShowBytes(bytes),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetRenderBlankState(false),
	)
}

// at says how far the work is.
func (p *progress) at(n int64) {
	if p.bar != nil && time.Since(p.started) > 2*time.Second {
		_ = p.bar.Set64(n) // a terminal that can't be written to is no reason to stop
	}
}

// finish takes the bar away.
func (p *progress) finish() {
	if p.bar != nil {
		_ = p.bar.Finish()
		p.bar = nil
	}
}

// step says what is being done and how much of it, where one thing comes after
// the other; total is 0 where that isn't known.
func (p *progress) step(what string, done, total int64) {
	if what != p.what || p.bar == nil {
		p.what = what
		p.count(cmp.Or(total, -1))
	}
	p.at(done)
}
