// Package static keeps the styles, the script and the pictures of the pages in the binary and serves them.
//
// A file's address carries a hash of its content, so browsers may keep it for ever and a new release needs no
// purge. Nothing is fetched from anywhere else.
package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed files
var embedded embed.FS

// Prefix is where the files are served.
const Prefix = "/a/"

// hashLength is the number of hex digits of a content hash in an address: 40 bits tell releases apart.
const hashLength = 10

// Assets are the embedded files by name and by address.
type Assets struct {
	paths map[string]string // "pay.css" → "/a/pay.0123456789.css"
	files map[string]file   // by path
}

// file is an answer made in advance.
type file struct {
	contentType string
	plain       []byte
	gzipped     []byte // nil where compression wins nothing
}

// New reads the embedded files, hashes and compresses them. It panics when a file's kind is not known, which a test
// would show before any release.
func New() *Assets {
	a := &Assets{paths: map[string]string{}, files: map[string]file{}}
	entries, err := fs.ReadDir(embedded, "files")
	if err != nil {
		panic("static: " + err.Error())
	}
	for _, e := range entries {
		data, err := fs.ReadFile(embedded, path.Join("files", e.Name()))
		if err != nil {
			panic("static: " + err.Error())
		}
		a.add(e.Name(), data)
	}
	return a
}

func (a *Assets) add(name string, data []byte) {
	ext := path.Ext(name)
	var contentType string
	switch ext {
	case ".css":
		contentType = "text/css; charset=utf-8"
		data = minify(data)
	case ".js":
		contentType = "text/javascript; charset=utf-8"
	case ".svg":
		contentType = "image/svg+xml"
	case ".png":
		contentType = "image/png"
	default:
		panic(fmt.Sprintf("static: %s: no content type", name))
	}
	sum := sha256.Sum256(data)
	at := Prefix + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:])[:hashLength] + ext
	a.paths[name] = at
	f := file{contentType: contentType, plain: data}
	if small := compress(data); len(small) < len(data) {
		f.gzipped = small
	}
	a.files[at] = f
}

// minify takes comments and the white space people read by out of a style sheet: the file keeps its explanations, the
// reader's connection does not. Our sheets have no strings that contain comment signs, braces or a colon.
func minify(css []byte) []byte {
	var plain strings.Builder
	for rest := string(css); rest != ""; {
		before, comment, _ := strings.Cut(rest, "/*")
		plain.WriteString(before)
		_, rest, _ = strings.Cut(comment, "*/")
	}
	text := strings.Join(strings.Fields(plain.String()), " ")
	// A space before a colon stays: "a :hover" is another selector than "a:hover".
	for _, pair := range [...][2]string{{": ", ":"}, {", ", ","}, {"; ", ";"}, {" {", "{"}, {"{ ", "{"}, {" }", "}"}, {"} ", "}"}, {";}", "}"}} {
		text = strings.ReplaceAll(text, pair[0], pair[1])
	}
	return []byte(text)
}

func compress(data []byte) []byte {
	var out bytes.Buffer
	zip, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		panic("static: " + err.Error())
	}
	if _, err := zip.Write(data); err != nil {
		panic("static: " + err.Error())
	}
	if err := zip.Close(); err != nil {
		panic("static: " + err.Error())
	}
	return out.Bytes()
}

// Path is the address of a file by its name. It panics on an unknown name: names stand in code, not in data.
func (a *Assets) Path(name string) string {
	at, ok := a.paths[name]
	if !ok {
		panic("static: no file " + name)
	}
	return at
}

// Content is a file as it is served, by its name. It panics on an unknown name, as Path does.
func (a *Assets) Content(name string) []byte { return a.files[a.Path(name)].plain }

// ServeHTTP answers GET and HEAD of exact addresses. Anything else, an outdated hash included, is 404: what is
// cached for ever must never be answered with other content.
func (a *Assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, ok := a.files[r.URL.Path]
	if !ok || (r.Method != http.MethodGet && r.Method != http.MethodHead) {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	body := f.plain
	if f.gzipped != nil {
		h.Set("Vary", "Accept-Encoding")
		if AcceptsGzip(r.Header.Get("Accept-Encoding")) {
			h.Set("Content-Encoding", "gzip")
			body = f.gzipped
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(body) // the reader may have gone; nothing is left to do
	}
}

// AcceptsGzip reads an Accept-Encoding header: gzip is named and not refused by a zero weight.
func AcceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			weight = strings.ReplaceAll(weight, " ", "")
			return !strings.HasPrefix(weight, "q=0") || strings.Trim(weight, "q=0.") != ""
		}
	}
	return false
}
