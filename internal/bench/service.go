// This file runs the service itself, `boxoffice serve`, as a process of its own,
// and asks it over HTTP.

package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"boxoffice/internal/sqldb"
)

// A service is a running process of the whole service.
type service struct {
	cmd        *exec.Cmd
	complaints *bytes.Buffer
	url        string
	client     *http.Client
	ended      chan struct{} // closed once the process has ended
	err        error         // of the process, then
}

// serviceDir makes a data directory for the service, and its broker's within.
func (b *Bench) serviceDir() (data, broker string, err error) {
	if data, err = os.MkdirTemp(b.dir, "service-"); err != nil {
		return "", "", err
	}
	return data, filepath.Join(data, "nats"), nil
}

// serve starts the service on a data directory and waits until it listens. On
// PostgreSQL it uses d, which is nil on SQLite.
func (b *Bench) serve(ctx context.Context, data string, d *database) (*service, error) {
	cmd, complaints := b.command(ctx, "serve", "--data-dir", data,
		"--http-addr", "127.0.0.1:0", "--nats-addr", "127.0.0.1:0", "--metrics-addr", "")
	cmd.Env = append(cmd.Env, "BOXOFFICE_API_KEYS=admin:"+answerKey)
	if d != nil {
		log, err := d.open(ctx) // makes the master key
		if err != nil {
			return nil, err
		}
		if err := log.close(); err != nil {
			return nil, err
		}
		cmd.Env = append(cmd.Env, "BOXOFFICE_DATABASE_URL="+d.URL, "BOXOFFICE_MASTER_KEY="+d.MasterKey)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &service{cmd: cmd, complaints: complaints, ended: make(chan struct{}),
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}, Timeout: 30 * time.Second}}
	found := make(chan string, 1)
	go func() {
		findAddress(out, found)
		s.err = cmd.Wait()
		close(s.ended)
	}()
	if s.url = <-found; s.url == "" {
		return nil, errors.Join(ctx.Err(), s.stop(), fmt.Errorf("the service didn't start: %s", lastLine(complaints.String())))
	}
	return s, nil
}

// findAddress reads what the service says until it ends, and returns the address
// of its API; an empty one where it ends without having named one.
func findAddress(out io.Reader, found chan<- string) {
	defer close(found)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) > 1 && fields[0] == "API" {
			select {
			case found <- fields[1]:
			default:
			}
		}
	}
	if lines.Err() != nil { // a line beyond measure: the service isn't to wait for a reader
		_, _ = io.Copy(io.Discard, out)
	}
}

// stop ends the service and waits until it has.
func (s *service) stop() error {
	select {
	case <-s.ended:
	default:
		_ = s.cmd.Process.Signal(syscall.SIGTERM) // fails where it has just ended by itself
		select {
		case <-s.ended:
		case <-time.After(stopWithin):
			_ = s.cmd.Process.Kill()
			<-s.ended
		}
	}
	s.client.CloseIdleConnections()
	if s.err != nil {
		return fmt.Errorf("the service ended with %w: %s", s.err, lastLine(s.complaints.String()))
	}
	return nil
}

// call makes one request and returns the status and the body of the answer.
func (s *service) call(ctx context.Context, method, path, contentType string, body []byte) (int, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, s.url+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+answerKey)
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	answer, err := s.client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, text, err
}

// awaitPosition waits until the read models are at a position, as the API says.
func (s *service) awaitPosition(ctx context.Context, position int64, progress func(int64)) error {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		status, body, err := s.call(ctx, http.MethodGet, "/v1/kpis/2025-01", "", nil)
		if err != nil && ctx.Err() == nil {
			return err
		}
		var answer struct{ Position int64 }
		// Until the first events are there, there are no read models to answer.
		if status == http.StatusOK {
			if err := json.Unmarshal(body, &answer); err != nil {
				return err
			}
			if answer.Position >= position {
				return nil
			}
		}
		progress(answer.Position)
		select {
		case <-ticker.C:
		case <-s.ended:
			return s.stop()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// withService runs f with a service whose broker holds the mix's first events,
// and removes everything.
func (b *Bench) withService(ctx context.Context, engine sqldb.Engine, backlog int64, f func(*service) error) (err error) {
	data, broker, err := b.serviceDir()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(data)) }()
	if backlog > 0 {
		if err := b.fill(ctx, broker, 0, backlog); err != nil {
			return err
		}
	}
	var d *database
	if engine == sqldb.Postgres {
		if d, err = b.newDatabase(ctx, engine); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, b.drop(context.WithoutCancel(ctx), d)) }()
	}
	s, err := b.serve(ctx, data, d)
	if err != nil {
		return err
	}
	err = f(s)
	return errors.Join(err, s.stop())
}
