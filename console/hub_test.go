package console

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"boxoffice/access"
	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/eventually"
	"boxoffice/projections"
)

// A liveLog and a liveReader stand where a test says.
type liveLog struct {
	Log
	mu      sync.Mutex
	at      eventstore.Position
	changed chan struct{}
}

func newLiveLog() *liveLog { return &liveLog{at: 1, changed: make(chan struct{})} }

func (l *liveLog) position() (eventstore.Position, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.at, l.changed
}

// grow appends an event.
func (l *liveLog) grow() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at++
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *liveLog) Wait(ctx context.Context, after eventstore.Position) error {
	for {
		at, changed := l.position()
		if at > after {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

type liveReader struct {
	Reader
	log   *liveLog
	reads atomic.Int64
}

func (r *liveReader) Status(context.Context) (projections.ReaderStatus, error) {
	at, _ := r.log.position()
	return projections.ReaderStatus{Position: at}, nil
}

// UserCounts stands for what a page reads.
func (r *liveReader) UserCounts(context.Context, domain.Instant) (projections.UserCounts, error) {
	r.reads.Add(1)
	at, _ := r.log.position()
	return projections.UserCounts{Registered: int64(at)}, nil
}

// A liveWorld is a hub over a log and a reader, with a page of two blocks: one
// that changes with the log, and one that never does.
type liveWorld struct {
	t      *testing.T
	hub    *hub
	log    *liveLog
	reader *liveReader
}

func newLiveWorld(t *testing.T) *liveWorld {
	l := newLiveLog()
	w := &liveWorld{t: t, log: l, reader: &liveReader{log: l}}
	s := &server{Config: Config{Reader: w.reader, Log: l, Clock: func() time.Time { return testNow }}}
	w.hub = &hub{server: s, topics: map[string]*topic{}}
	s.hub = w.hub
	return w
}

func (w *liveWorld) read(v *visit) (*liveView, error) {
	counts, err := v.Reader.UserCounts(v.r.Context(), v.at)
	if err != nil {
		return nil, err
	}
	return &liveView{position: counts.Registered, blocks: map[string]template.HTML{
		"figures": template.HTML(fmt.Sprint(counts.Registered)), "still": "the same",
	}}, nil
}

// visit is that of a viewer with a role.
func (w *liveWorld) visit(role access.Role) *visit {
	v := w.hub.server.visit(page{pattern: "/live"}, httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/live?after=0", nil))
	v.who.Role = role
	return v
}

// next waits for what a viewer is sent.
func (w *liveWorld) next(viewer *viewer) map[string]template.HTML {
	w.t.Helper()
	select {
	case <-viewer.wake:
	case <-time.After(time.Minute):
		w.t.Fatal("a viewer hears nothing")
	}
	blocks, _ := viewer.take()
	return blocks
}

// One change costs one reading, whatever the number of those who look; everybody
// gets what has changed, and nothing else; and when the last has left, nothing runs.
func TestAChangeIsReadOnceForAThousandViewers(t *testing.T) {
	before := runtime.NumGoroutine()
	w := newLiveWorld(t)
	const viewers, changes = 1000, 3
	var all []*viewer
	var leaves []func()
	for range viewers {
		viewer, leave := w.hub.join(w.visit(access.Viewer), w.read, 0)
		all, leaves = append(all, viewer), append(leaves, leave)
	}
	for _, viewer := range all {
		if got := w.next(viewer); len(got) != 2 || got["figures"] != "1" {
			t.Fatalf("at first a viewer gets %v", got)
		}
	}
	for i := range changes {
		w.log.grow()
		for _, viewer := range all {
			if got := w.next(viewer); len(got) != 1 || got["figures"] != template.HTML(fmt.Sprint(i+2)) {
				t.Fatalf("after change %d a viewer gets %v", i+1, got)
			}
		}
		if n := w.reader.reads.Load(); n != int64(i+2) {
			t.Fatalf("after %d changes the figures were read %d times for %d viewers", i+1, n, viewers)
		}
	}
	for i, leave := range leaves {
		if len(w.hub.topics) != 1 {
			t.Fatalf("after %d of %d have left there are %d topics", i, viewers, len(w.hub.topics))
		}
		leave()
	}
	if len(w.hub.topics) != 0 {
		t.Error("the topic outlives its viewers")
	}
	eventually.Holds(t, "nothing runs any more", func() bool { return runtime.NumGoroutine() <= before })
}

// Who comes late gets all that the page has, unless they have seen it.
func TestALateViewerGetsWhatItLacks(t *testing.T) {
	w := newLiveWorld(t)
	first, leave := w.hub.join(w.visit(access.Viewer), w.read, 0)
	defer leave()
	w.next(first)
	late, leaveLate := w.hub.join(w.visit(access.Viewer), w.read, 0)
	defer leaveLate()
	if got := w.next(late); len(got) != 2 || got["figures"] != "1" {
		t.Errorf("who comes late gets %v", got)
	}
	current, leaveCurrent := w.hub.join(w.visit(access.Viewer), w.read, 1)
	defer leaveCurrent()
	w.log.grow()
	if got := w.next(current); len(got) != 1 || got["figures"] != "2" {
		t.Errorf("who has seen position 1 gets %v", got)
	}
	// What another role sees is another topic.
	other, leaveOther := w.hub.join(w.visit(access.Admin), w.read, 0)
	defer leaveOther()
	if got := w.next(other); len(got) != 2 {
		t.Errorf("another role gets %v", got)
	}
	if len(w.hub.topics) != 2 {
		t.Errorf("there are %d topics for two roles", len(w.hub.topics))
	}
}

// Who doesn't take what is sent holds up nobody, and gets the latest of each block
// in the end, once.
func TestASlowViewerHoldsNobodyUp(t *testing.T) {
	w := newLiveWorld(t)
	slow, leaveSlow := w.hub.join(w.visit(access.Viewer), w.read, 0)
	defer leaveSlow()
	quick, leaveQuick := w.hub.join(w.visit(access.Viewer), w.read, 0)
	defer leaveQuick()
	w.next(quick)
	for i := range 3 {
		w.log.grow()
		if got := w.next(quick); got["figures"] != template.HTML(fmt.Sprint(i+2)) {
			t.Fatalf("beside a slow viewer a quick one gets %v", got)
		}
	}
	if got := w.next(slow); len(got) != 2 || got["figures"] != "4" {
		t.Errorf("the slow viewer gets %v", got)
	}
	if blocks, position := slow.take(); len(blocks) != 0 || position != 4 {
		t.Errorf("and then %v at %d", blocks, position)
	}
}

// A reading that fails is tried again, and nobody is sent anything for it.
func TestAFailedReadingIsTriedAgain(t *testing.T) {
	w := newLiveWorld(t)
	w.hub.server.Logger = slog.New(slog.DiscardHandler)
	var failed atomic.Bool
	viewer, leave := w.hub.join(w.visit(access.Viewer), func(v *visit) (*liveView, error) {
		if !failed.Swap(true) {
			return nil, errors.New("the database is away")
		}
		return w.read(v)
	}, 0)
	defer leave()
	if got := w.next(viewer); len(got) != 2 {
		t.Errorf("after a failure a viewer gets %v", got)
	}
}

// A stream ends with its request, and leaves its topic; what it writes names each
// block, and the position to go on from.
func TestAStreamEndsWithItsRequest(t *testing.T) {
	w := newWorld(t).platform()
	ctx, cancel := context.WithCancel(t.Context())
	r := httptest.NewRequest(http.MethodGet, "/live?after=1", nil).WithContext(ctx)
	for _, c := range w.signedIn(access.Viewer) {
		r.AddCookie(c)
	}
	out := &streamed{header: http.Header{}}
	ended := make(chan struct{})
	go func() { w.handler.ServeHTTP(out, r); close(ended) }()
	eventually.Holds(t, "the stream has a message", func() bool {
		return strings.Contains(out.text(), "id: 20\n") && strings.Contains(out.text(), `<hx-partial hx-target="#figures" hx-swap="outerMorph">`)
	})
	cancel()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Fatal("the stream outlives its request")
	}
}

// streamed is a response whose text can be looked at while it is written.
type streamed struct {
	header http.Header
	mu     sync.Mutex
	body   strings.Builder
}

func (s *streamed) Header() http.Header { return s.header }
func (s *streamed) WriteHeader(int)     {}
func (s *streamed) Flush()              {}

func (s *streamed) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.body.Write(p)
}

func (s *streamed) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.body.String()
}
