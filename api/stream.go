// This file sends answers that are made while they are sent.

package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// streamStall is how long a client may leave what it was sent unread.
const streamStall = 60 * time.Second

// stream answers with what write writes. An error before the first byte is
// answered as such; after it, the answer breaks off, so that nobody takes it
// for whole. A client that goes away, or that leaves what it was sent unread
// for too long, ends the work.
func (s *service) stream(header map[string]string, write func(context.Context, io.Writer) error) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(c huma.Context) {
		r, w := request(c)
		begun, head := false, r.Method == http.MethodHead
		out := &begunWriter{to: clientWriter{w}, conn: http.NewResponseController(w), begin: func() {
			begun = true
			for name, value := range header {
				c.SetHeader(name, value)
			}
			c.SetStatus(http.StatusOK)
		}}
		if head {
			out.to = headWriter{}
		}
		err := write(c.Context(), out) // which has the request's values, too
		switch {
		case err == nil, head && begun:
		case !begun:
			s.writeProblem(c, s.problemOf(r.Context(), err))
		default:
			if _, gone := errors.AsType[clientError](err); !gone && r.Context().Err() == nil {
				s.Logger.ErrorContext(r.Context(), "a file broke off", "error", err)
			}
			panic(http.ErrAbortHandler)
		}
	}}
}

// A begunWriter begins an answer with its first byte.
type begunWriter struct {
	to    io.Writer
	conn  *http.ResponseController
	begin func()
}

func (w *begunWriter) Write(p []byte) (int, error) {
	if w.begin != nil {
		w.begin()
		w.begin = nil
	}
	_ = w.conn.SetWriteDeadline(time.Now().Add(streamStall))
	return w.to.Write(p)
}

// A headWriter ends an answer to HEAD where the body would begin.
type headWriter struct{}

var errHeadOnly = clientError{errors.New("only the header is asked for")}

func (headWriter) Write([]byte) (int, error) { return 0, errHeadOnly }

// A clientError comes from the client's connection: it has gone, or it doesn't
// read.
type clientError struct{ error }

// A clientWriter writes to a client, and tells its errors from others.
type clientWriter struct{ io.Writer }

func (w clientWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if err != nil {
		err = clientError{err}
	}
	return n, err
}
