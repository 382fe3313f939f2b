// This file keeps open pages up to date: one stream of server-sent events a
// page, and one reading of the figures for all who look at the same.

package console

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"boxoffice/domain"
	"boxoffice/eventstore"
)

const (
	// liveEvery is how often a page changes at most.
	liveEvery = time.Second
	// liveTick is how often a page is looked at though no event came: the clock
	// alone changes figures.
	liveTick = 10 * time.Second
	// heartbeat is how often a stream with nothing to say shows that it is alive.
	heartbeat = 15 * time.Second
	// catchUp is how often it is looked whether the read models have what the
	// log has.
	catchUp = 50 * time.Millisecond
)

// A liveView is what of a page is kept up to date.
type liveView struct {
	// position is that of the read models, or of the log, which it shows.
	position int64
	// blocks are the HTML of elements by their ids.
	blocks map[string]template.HTML
}

// A hub has the pages that are looked at.
type hub struct {
	server *server
	mu     sync.Mutex
	topics map[string]*topic
}

// A topic is one page as everybody sees it who has it open: of one address, one
// language and one role.
type topic struct {
	last    *liveView
	viewers map[*viewer]bool
	stop    context.CancelFunc
}

// A viewer is one open page. What it hasn't been sent yet is in pending, the
// latest of each block only, so one that is slow holds up nobody.
type viewer struct {
	mu       sync.Mutex
	pending  map[string]template.HTML
	position int64
	wake     chan struct{}
}

// add leaves blocks for the viewer to send.
func (w *viewer) add(blocks map[string]template.HTML, position int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	maps.Copy(w.pending, blocks)
	w.position = position
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// take takes what is to be sent.
func (w *viewer) take() (blocks map[string]template.HTML, position int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	blocks, w.pending = w.pending, map[string]template.HTML{}
	return blocks, w.position
}

// join adds a viewer to the topic of a visit to a page, and begins it with the first.
func (h *hub) join(v *visit, read func(*visit) (*liveView, error), after int64) (*viewer, func()) {
	key := strings.Join([]string{v.Tag, string(v.who.Role), v.r.URL.RequestURI()}, " ")
	w := &viewer{pending: map[string]template.HTML{}, wake: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	t, ok := h.topics[key]
	if !ok {
		ctx, stop := context.WithCancel(context.Background())
		t = &topic{viewers: map[*viewer]bool{}, stop: stop}
		h.topics[key] = t
		look := *v // without the visitor: what is shown is everybody's
		look.r, look.w, look.who.Name = v.r.Clone(ctx), nil, ""
		go h.follow(ctx, t, &look, read)
	} else if t.last != nil && t.last.position > after {
		w.add(t.last.blocks, t.last.position)
	}
	t.viewers[w] = true
	return w, func() { h.leave(key, t, w) }
}

// pageOf turns the request for a stream into one for the page that it keeps up to
// date, which links start from. Of the query there is what the page knows: whatever
// else somebody makes up is no page of its own, to be read for them alone.
func pageOf(r *http.Request, known []string) *http.Request {
	page := r.Clone(r.Context())
	asked, q := r.URL.Query(), url.Values{}
	for _, name := range known {
		if value := asked.Get(name); value != "" {
			q.Set(name, value)
		}
	}
	page.URL.RawQuery = q.Encode()
	page.URL.Path = cmp.Or(strings.TrimPrefix(r.URL.Path, "/live"), "/")
	page.URL.RawPath = ""
	return page
}

func (h *hub) leave(key string, t *topic, w *viewer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if delete(t.viewers, w); len(t.viewers) == 0 {
		t.stop()
		delete(h.topics, key)
	}
}

// follow reads a page again whenever it may have changed, until nobody looks.
func (h *hub) follow(ctx context.Context, t *topic, v *visit, read func(*visit) (*liveView, error)) {
	for known := eventstore.Position(-1); ctx.Err() == nil; {
		reading, cancel := context.WithTimeout(ctx, timeout)
		look := *v
		look.r, look.at = v.r.WithContext(reading), h.server.now()
		view, err := readSafely(&look, read)
		cancel()
		switch {
		case err == nil:
			h.publish(t, view)
			known = eventstore.Position(view.position)
		case ctx.Err() == nil:
			h.server.failed(ctx, v.page.pattern, err)
		}
		h.pause(ctx, known)
	}
}

// readSafely reads a page; one that breaks is an error, as it is where a visitor asks.
func readSafely(v *visit, read func(*visit) (*liveView, error)) (view *liveView, err error) {
	defer func() {
		if broken := recover(); broken != nil {
			v.Logger.Error("a page broke", "page", v.page.pattern, "stack", string(debug.Stack()))
			err = errBroken
		}
	}()
	return read(v)
}

// publish sends the blocks that have changed to all viewers.
func (h *hub) publish(t *topic, view *liveView) {
	h.mu.Lock()
	defer h.mu.Unlock()
	changed := view.blocks
	if t.last != nil {
		changed = map[string]template.HTML{}
		for id, markup := range view.blocks {
			if t.last.blocks[id] != markup {
				changed[id] = markup
			}
		}
	}
	t.last = view
	if len(changed) == 0 {
		return
	}
	for w := range t.viewers {
		w.add(changed, view.position)
	}
}

// pause waits until a page may have changed: the read models have gone past a
// position, or the clock has gone on a while; at least liveEvery.
func (h *hub) pause(ctx context.Context, known eventstore.Position) {
	least := time.NewTimer(liveEvery)
	defer least.Stop()
	waiting, cancel := context.WithTimeout(ctx, liveTick)
	defer cancel()
	if err := h.server.Log.Wait(waiting, known); err == nil {
		h.caughtUp(waiting, known)
	}
	select {
	case <-least.C:
	case <-ctx.Done():
	}
}

// caughtUp returns when the read models have gone past a position.
func (h *hub) caughtUp(ctx context.Context, known eventstore.Position) {
	ticker := time.NewTicker(catchUp)
	defer ticker.Stop()
	for ctx.Err() == nil {
		if status, err := h.server.Reader.Status(ctx); err == nil && status.Position > known {
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
}

// stream serves the stream of a page whose address has these parameters, each of
// which has been read and means something.
func (v *visit) stream(read func(*visit) (*liveView, error), known ...string) (*answer, error) {
	after, err := v.lastSeen()
	if err != nil {
		return nil, err
	}
	look := *v
	look.r = pageOf(v.r, known)
	if v.r.Method == http.MethodHead {
		v.beginStream()
		return &answer{done: true}, nil
	}
	w, leave := v.hub.join(&look, read, after)
	defer leave()
	v.beginStream()
	out := http.NewResponseController(v.w)
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for text := ": here\n\n"; ; {
		if err := out.SetWriteDeadline(time.Now().Add(timeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return nil, err
		}
		if _, err := v.w.Write([]byte(text)); err != nil {
			return &answer{done: true}, nil //nolint:nilerr // who went away needs no answer
		}
		if err := out.Flush(); err != nil {
			return &answer{done: true}, nil //nolint:nilerr // as above
		}
		select {
		case <-v.r.Context().Done():
			return &answer{done: true}, nil
		case <-beat.C:
			text = ": here\n\n"
		case <-w.wake:
			blocks, position := w.take()
			if v.sent != nil && position > after {
				v.sent(position - after)
			}
			after = max(after, position)
			text = message(blocks, position)
		}
	}
}

func (v *visit) beginStream() {
	v.w.Header().Set("Content-Type", "text/event-stream")
	v.w.Header().Set("X-Accel-Buffering", "no")
	v.w.WriteHeader(http.StatusOK)
}

// endStream answers a stream that is nobody's any more: the page that it is of asks
// for itself again, which leads to where one signs in. The answer is no error, since
// browsers write those on their console.
func (v *visit) endStream() {
	v.beginStream()
	_, _ = v.w.Write([]byte("event: ended\ndata:\n\n"))
}

// lastSeen is the position that the page shows already. A page whose stream was
// lost may have missed what the clock alone has changed, and is sent everything.
func (v *visit) lastSeen() (int64, error) {
	last := v.r.URL.Query().Get("after")
	if last == "" || v.r.Header.Get("Last-Event-ID") != "" {
		return 0, nil
	}
	after, err := strconv.ParseInt(last, 10, 64)
	if err != nil || after < 0 {
		return 0, errInput
	}
	return after, nil
}

// message writes blocks as one event: a part of the page each, exchanged in its place.
func message(blocks map[string]template.HTML, position int64) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "id: %d\n", position)
	for _, id := range slices.Sorted(maps.Keys(blocks)) {
		part := `<hx-partial hx-target="#` + id + `" hx-swap="outerMorph">` + string(blocks[id]) + `</hx-partial>`
		for line := range strings.SplitSeq(strings.ReplaceAll(part, "\r", ""), "\n") {
			b.WriteString("data: " + line + "\n")
		}
	}
	b.WriteByte('\n')
	return b.String()
}

// liveBlocks makes blocks of parts of a page's template.
func (v *visit) liveBlocks(page string, data any, parts map[string]string, position int64) (*liveView, error) {
	view := &liveView{position: position, blocks: make(map[string]template.HTML, len(parts))}
	for id, part := range parts {
		markup, err := v.render.execute(v.Tag, page, part, data)
		if err != nil {
			return nil, err
		}
		view.blocks[id] = markup
	}
	return view, nil
}

// instantOr is an instant, or another where there is none.
func instantOr(i *domain.Instant, other domain.Instant) domain.Instant {
	if i == nil {
		return other
	}
	return *i
}
