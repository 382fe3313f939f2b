// These tests hold what the command that erases users says of them.

package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// Of whom the service doesn't say that they are erased the command doesn't say
// so either, and names them.
func TestEraseAfterAnEarlierTry(t *testing.T) {
	t.Parallel()
	asked := 0
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked++; asked == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, `{"erased":["ana"],"not_found":["ben"]}`)
	}))
	defer service.Close()
	c := addSettings(&cobra.Command{}, clientSettings)
	env := map[string]string{"BOXOFFICE_URL": service.URL, "BOXOFFICE_KEY": "k"}
	if err := c.load(func(name string) (string, bool) { v, ok := env[name]; return v, ok }); err != nil {
		t.Fatal(err)
	}
	result, err := eraseAll(t.Context(), c, []string{"ana", "ben"}, func(int64) {})
	if err != nil {
		t.Fatal(err)
	}
	var shown bytes.Buffer
	if err := result.print(&shown, false); err != nil {
		t.Fatal(err)
	}
	want := "erased 1 users\n  there is no user any more, erased by an earlier try, or there never was one, of the id ben\n"
	if diff := cmp.Diff(want, shown.String()); diff != "" || result.verdict(nil) != nil {
		t.Error(diff, result.verdict(nil))
	}
}
