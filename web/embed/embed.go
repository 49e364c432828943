// Package embed serves the script by which shops put payment pages into their own.
//
// Shops keep its address and its hash in their pages, so one version's bytes never change: a change is a new version.
package embed

import (
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	_ "embed" // the loader
	"encoding/base64"
	"net/http"
	"strconv"

	"checkout/web/static"
)

//go:embed v1.js
var loader []byte

// Path is where the loader is served.
const Path = "/embed/v1.js"

// Integrity is the loader's hash as shops write it into their pages (W3C Subresource Integrity).
func Integrity() string {
	sum := sha512.Sum384(loader)
	return "sha384-" + base64.StdEncoding.EncodeToString(sum[:])
}

// Handler serves the loader. Any page may load it: who may frame a payment page is for that page to say.
func Handler() http.Handler {
	squeezed := compress(loader)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
			return
		}
		body := loader
		h := w.Header()
		h.Set("Content-Type", "text/javascript; charset=utf-8")
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		h.Set("Access-Control-Allow-Origin", "*") // a hash is only checked of what may be read
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Vary", "Accept-Encoding")
		if static.AcceptsGzip(r.Header.Get("Accept-Encoding")) {
			h.Set("Content-Encoding", "gzip")
			body = squeezed
		}
		h.Set("Content-Length", strconv.Itoa(len(body)))
		if r.Method == http.MethodGet {
			_, _ = w.Write(body)
		}
	})
}

func compress(data []byte) []byte {
	var out bytes.Buffer
	zip, _ := gzip.NewWriterLevel(&out, gzip.BestCompression) // a known level
	_, _ = zip.Write(data)                                    // a buffer takes everything
	_ = zip.Close()
	return out.Bytes()
}
