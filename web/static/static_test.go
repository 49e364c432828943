package static

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func get(t *testing.T, a *Assets, method, path, encoding string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	if encoding != "" {
		r.Header.Set("Accept-Encoding", encoding)
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w.Result()
}

func TestAddressesCarryTheHashAndAreKeptForEver(t *testing.T) {
	a := New()
	form := regexp.MustCompile(`^/a/[a-z0-9-]+\.[0-9a-f]{10}\.(css|js|svg|png)$`)
	for name, at := range a.paths {
		if !form.MatchString(at) {
			t.Errorf("%s: address %q", name, at)
		}
		res := get(t, a, "GET", a.Path(name), "")
		body, _ := io.ReadAll(res.Body)
		if res.StatusCode != 200 || len(body) == 0 {
			t.Errorf("%s: status %d, %d bytes", name, res.StatusCode, len(body))
		}
		if got := res.Header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
			t.Errorf("%s: Cache-Control %q", name, got)
		}
		if res.Header.Get("X-Content-Type-Options") != "nosniff" || res.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s: headers %v", name, res.Header)
		}
	}
}

func TestGzipOnlyWhenAccepted(t *testing.T) {
	a := New()
	for encoding, want := range map[string]bool{
		"gzip": true, "br, gzip;q=0.5": true, "GZIP": true, "gzip;q=0": false, "gzip; q=0.0": false, "br": false, "": false,
	} {
		res := get(t, a, "GET", a.Path("pay.css"), encoding)
		if got := res.Header.Get("Content-Encoding") == "gzip"; got != want {
			t.Errorf("%q: gzip %v, want %v", encoding, got, want)
		}
		if res.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: Vary %q", encoding, res.Header.Get("Vary"))
		}
		if !want {
			continue
		}
		zip, err := gzip.NewReader(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		plain, _ := io.ReadAll(zip)
		if !bytes.Equal(plain, a.files[a.Path("pay.css")].plain) {
			t.Errorf("%q: other content", encoding)
		}
	}
}

func TestUnknownAddressesAreNotFound(t *testing.T) {
	a := New()
	good := a.Path("pay.css")
	for _, path := range []string{"/a/pay.css", "/a/", "/a/pay.0000000000.css", good + "x", strings.ToUpper(good), "/a/../files/pay.css"} {
		if res := get(t, a, "GET", path, ""); res.StatusCode != 404 {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
	if res := get(t, a, "POST", good, ""); res.StatusCode != 404 {
		t.Errorf("POST: %d", res.StatusCode)
	}
	res := get(t, a, "HEAD", good, "")
	body, _ := io.ReadAll(res.Body)
	if res.StatusCode != 200 || len(body) != 0 || res.Header.Get("Content-Length") == "" {
		t.Errorf("HEAD: %d, %d bytes", res.StatusCode, len(body))
	}
}

// The budget of the first view: style 6 KB on the wire, and of the script's 10 KB no more than six, with three for wallets on top.
func TestBudget(t *testing.T) {
	a := New()
	for name, limit := range map[string]int{"pay.css": 6 << 10, "pay.js": 6 << 10, "wallet.js": 3 << 10, "till.css": 3 << 10, "till.js": 4 << 10} {
		f := a.files[a.Path(name)]
		t.Logf("%s: %d bytes, %d compressed", name, len(f.plain), len(f.gzipped))
		if len(f.gzipped) > limit {
			t.Errorf("%s: %d bytes compressed, limit %d", name, len(f.gzipped), limit)
		}
	}
}

// Customer pages ask nobody else for anything, and the policy allows no evaluation and no stored state.
func TestFilesKeepTheRules(t *testing.T) {
	forbidden := regexp.MustCompile(`(?i)https?://(?:[^w]|w[^w])|//[a-z0-9-]+\.[a-z]|eval\(|new Function|localStorage|sessionStorage|document\.cookie|indexedDB|@import|(?-i:url\()`)
	err := fs.WalkDir(embedded, "files", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(embedded, path)
		if hit := forbidden.Find(bytes.ReplaceAll(data, []byte("http://www.w3.org/2000/svg"), nil)); hit != nil {
			t.Errorf("%s contains %q", path, hit)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestUnknownNamesPanic(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	New().Path("nothing.css")
}
