// This file serves the page on which people read and try the API. Everything
// that it needs is embedded; it asks no other host.

package api

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"io"
	"net/http"
	"strings"

	"boxoffice/access"
)

//go:embed docspage/index.html docspage/start.js docspage/*.gz
var docsFiles embed.FS

// docsPolicy lets the page load from this service only. Swagger UI sets styles
// on elements, and draws its icons from data URLs.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; " +
	"img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// docsSurface is the page and its files.
var docsSurface = access.Surface{Policy: docsPolicy, Caching: "public, max-age=3600"}

// A docsAsset is one file of the page.
type docsAsset struct {
	contentType string
	plain       []byte
	zipped      []byte // the same, where it is kept compressed
}

// routeDocs routes the page, its files, and the root, which leads to it.
func (s *service) routeDocs() error {
	for path, file := range map[string]struct{ name, contentType string }{
		"/docs":                      {"index.html", "text/html; charset=utf-8"},
		"/docs/start.js":             {"start.js", "text/javascript; charset=utf-8"},
		"/docs/swagger-ui-bundle.js": {"swagger-ui-bundle.js.gz", "text/javascript; charset=utf-8"},
		"/docs/swagger-ui.css":       {"swagger-ui.css.gz", "text/css; charset=utf-8"},
	} {
		asset, err := loadDocsAsset(file.name)
		if err != nil {
			return fmt.Errorf("load the page at %s: %w", path, err)
		}
		asset.contentType = file.contentType
		s.router.Get(path, s.Front.Protect(docsSurface, asset).ServeHTTP)
	}
	s.router.Get("/", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/docs", http.StatusFound)
	})
	return nil
}

func loadDocsAsset(name string) (*docsAsset, error) {
	text, err := docsFiles.ReadFile("docspage/" + name)
	if err != nil {
		return nil, err
	}
	if !strings.HasSuffix(name, ".gz") {
		return &docsAsset{plain: text}, nil
	}
	zipped, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	plain, err := io.ReadAll(zipped)
	return &docsAsset{plain: plain, zipped: text}, err
}

// ServeHTTP answers with the file.
func (a *docsAsset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	body := a.plain
	if a.zipped != nil {
		h.Set("Vary", "Accept-Encoding")
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			body = a.zipped
		}
	}
	_, _ = w.Write(body)
}
