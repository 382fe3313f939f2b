// This file streams recorded events: to the end of the log, or on as it grows.

package api

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"boxoffice/access"
	"boxoffice/eventstore"
)

// streamChunk is how many events of a stream are in memory at a time.
const streamChunk = 500

// parsePosition reads a position.
func parsePosition(text string) (eventstore.Position, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, errors.New("must be a position: a whole number from 0")
	}
	return eventstore.Position(n), nil
}

// A streamFormat writes recorded events to a stream.
type streamFormat interface {
	contentType() string
	event(w io.Writer, e recordedEvent) error
	// heartbeat writes what says no more than that the stream is alive.
	heartbeat(w io.Writer) error
}

type ndjsonFormat struct{}

func (ndjsonFormat) contentType() string                      { return ndjsonType }
func (ndjsonFormat) event(w io.Writer, e recordedEvent) error { return encodeJSON(w, e) }
func (ndjsonFormat) heartbeat(io.Writer) error                { return nil }

type sseFormat struct{}

func (sseFormat) contentType() string { return eventStreamType }

func (sseFormat) event(w io.Writer, e recordedEvent) error {
	if _, err := io.WriteString(w, "id: "+strconv.FormatInt(int64(e.Position), 10)+"\ndata: "); err != nil {
		return err
	}
	if err := encodeJSON(w, e); err != nil { // ends with a line break, and has no other
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (sseFormat) heartbeat(w io.Writer) error {
	_, err := io.WriteString(w, ":\n\n")
	return err
}

// A historyStream is one answer that is under way.
type historyStream struct {
	service *service
	request historyRequest
	left    int // how many events it may still have; negative for any number
	live    bool
	format  streamFormat
	out     *bufio.Writer
	conn    *http.ResponseController
}

// A streamPage is what a stream has read and not yet sent.
type streamPage struct {
	events []recordedEvent
	next   eventstore.Position
	end    bool
}

// streamHistory reads the first events before it answers, so that what can't
// be read at all is answered with an error.
func (s *service) streamHistory(ctx context.Context, r historyRequest, format streamFormat, live bool) (*huma.StreamResponse, error) {
	st := &historyStream{service: s, request: r, left: -1, live: live, format: format}
	if r.Limit > 0 {
		st.left = r.Limit
	}
	first, err := st.read(ctx)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		r, w := request(c)
		st.out, st.conn = bufio.NewWriterSize(clientWriter{w}, 64<<10), http.NewResponseController(w)
		c.SetHeader("Content-Type", format.contentType())
		c.SetStatus(http.StatusOK)
		if r.Method == http.MethodHead {
			return
		}
		err := st.run(ctx, first)
		if err == nil || ctx.Err() != nil && live {
			return
		}
		if _, gone := errors.AsType[clientError](err); !gone {
			s.Logger.ErrorContext(ctx, "a stream of recorded events broke off", "error", err)
		}
		panic(http.ErrAbortHandler) // so that nobody takes it for whole
	}}, nil
}

// read reads the next events, no more than the stream may still have.
func (st *historyStream) read(ctx context.Context) (streamPage, error) {
	r := st.request
	r.Limit = streamChunk
	if st.left >= 0 {
		r.Limit = min(r.Limit, st.left)
	}
	events, page, err := st.service.readHistory(ctx, r)
	return streamPage{events, page.Next, page.End}, err
}

// run sends page after page, to the end of the log or for as long as it grows.
func (st *historyStream) run(ctx context.Context, page streamPage) error {
	for {
		if err := st.send(ctx, page); err != nil {
			return err
		}
		if st.left == 0 || page.end && !st.live {
			return nil
		}
		if page.end {
			if err := st.wait(ctx); err != nil {
				return err
			}
		}
		var err error
		if page, err = st.read(ctx); err != nil {
			return err
		}
	}
}

// send sends events, and notes how many of them are readable: who they are about
// may be too many to be told one by one.
func (st *historyStream) send(ctx context.Context, page streamPage) error {
	if st.request.open && st.request.UserID == "" {
		access.AboutMany(ctx, readable(page.events))
	}
	_ = st.conn.SetWriteDeadline(time.Now().Add(streamStall))
	for i := range page.events {
		if err := st.format.event(st.out, page.events[i]); err != nil {
			return err
		}
	}
	st.request.After = page.next
	if st.left >= 0 {
		st.left -= len(page.events)
	}
	return st.flush()
}

// readable is how many events are.
func readable(events []recordedEvent) (n int) {
	for i := range events {
		if events[i].userID != "" {
			n++
		}
	}
	return n
}

func (st *historyStream) flush() error {
	if err := st.out.Flush(); err != nil {
		return err
	}
	if err := st.conn.Flush(); err != nil {
		return clientError{err}
	}
	return nil
}

// wait returns when the log has grown, and shows meanwhile that the stream is
// alive.
func (st *historyStream) wait(ctx context.Context) error {
	for {
		beat, cancel := context.WithTimeout(ctx, st.service.Heartbeat)
		err := st.service.Log.Wait(beat, st.request.After)
		timeUp := beat.Err() != nil
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			return nil
		}
		if !timeUp {
			return err
		}
		_ = st.conn.SetWriteDeadline(time.Now().Add(streamStall))
		if err := st.format.heartbeat(st.out); err != nil {
			return err
		}
		if err := st.flush(); err != nil {
			return err
		}
	}
}
