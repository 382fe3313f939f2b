// This file serves what the pages load: named by the hash of its content, so
// that it can be kept for ever, and compressed once, at the start.

package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"
)

//go:embed assets/*.css assets/*.js assets/*.svg
var assetFiles embed.FS

// assetsPath is where they are served.
const assetsPath = "/assets/"

// An asset is a file that pages load.
type asset struct {
	contentType string
	plain       []byte
	gzip, zstd  []byte
}

// assets are all that pages load, by the name that has the hash in it.
type assets struct {
	byName map[string]*asset
	// urls are the addresses, by the file's own name.
	urls map[string]string
}

func loadAssets() (*assets, error) {
	all := &assets{byName: map[string]*asset{}, urls: map[string]string{}}
	entries, err := assetFiles.ReadDir("assets")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		text, err := assetFiles.ReadFile("assets/" + e.Name())
		if err != nil {
			return nil, err
		}
		a, err := newAsset(e.Name(), text)
		if err != nil {
			return nil, err
		}
		name := hashedName(e.Name(), text)
		all.byName[name], all.urls[e.Name()] = a, assetsPath+name
	}
	return all, nil
}

// hashedName puts the hash of a file's content into its name.
func hashedName(name string, text []byte) string {
	sum := sha256.Sum256(text)
	stem, ending, _ := strings.Cut(name, ".")
	return stem + "." + base64.RawURLEncoding.EncodeToString(sum[:9]) + "." + ending
}

func newAsset(name string, text []byte) (*asset, error) {
	a := &asset{contentType: mime.TypeByExtension(path.Ext(name)), plain: text}
	var zipped bytes.Buffer
	w, err := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	a.gzip = zipped.Bytes()
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	if err != nil {
		return nil, err
	}
	a.zstd = encoder.EncodeAll(text, nil)
	return a, encoder.Close()
}

// ServeHTTP serves an asset.
func (all *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, ok := all.byName[strings.TrimPrefix(r.URL.Path, assetsPath)]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	body := a.plain
	switch encoding := acceptedEncoding(r); {
	case encoding == "zstd" && len(a.zstd) < len(a.plain):
		body = a.zstd
		h.Set("Content-Encoding", encoding)
	case encoding != "" && len(a.gzip) < len(a.plain):
		body = a.gzip
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

// acceptedEncoding is the best of those that a client takes: zstd, gzip, or none.
func acceptedEncoding(r *http.Request) string {
	best := ""
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		name, parameters, _ := strings.Cut(strings.TrimSpace(part), ";")
		if q := strings.ReplaceAll(parameters, " ", ""); strings.HasPrefix(q, "q=0") && strings.Trim(q, "q=0.") == "" {
			continue
		}
		switch strings.ToLower(name) {
		case "zstd":
			return "zstd"
		case "gzip":
			best = "gzip"
		}
	}
	return best
}
