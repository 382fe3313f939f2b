package console

import (
	"net/http"
	"os"
	"testing"
	"time"
)

func TestPreview(t *testing.T) {
	if os.Getenv("PREVIEW") == "" {
		return
	}
	w := newWorld(t).platform()
	go http.ListenAndServe("127.0.0.1:18080", w.handler)
	time.Sleep(40 * time.Second)
}
