package embed

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The loader is small, kept for ever, may be loaded from anywhere, and is what its hash says.
func TestItem70Loader(t *testing.T) {
	ask := func(method, encoding string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, Path, nil)
		r.Header.Set("Accept-Encoding", encoding)
		w := httptest.NewRecorder()
		Handler().ServeHTTP(w, r)
		return w
	}
	w := ask(http.MethodGet, "gzip")
	if n := w.Body.Len(); n > 3*1024 || w.Header().Get("Content-Encoding") != "gzip" {
		t.Errorf("%d bytes", n)
	}
	for name, want := range map[string]string{
		"Cache-Control": "public, max-age=31536000, immutable", "Cross-Origin-Resource-Policy": "cross-origin", "Access-Control-Allow-Origin": "*",
		"Content-Type": "text/javascript; charset=utf-8",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	plain := ask(http.MethodGet, "").Body.String()
	if plain != string(loader) || !strings.HasPrefix(Integrity(), "sha384-") || len(Integrity()) != len("sha384-")+64 {
		t.Error(Integrity())
	}
	if strings.Contains(plain, "localStorage") || strings.Contains(plain, "innerHTML") || strings.Contains(plain, "'*'") {
		t.Error("the loader stores, writes HTML, or speaks to everybody")
	}
	if w := ask(http.MethodPost, ""); w.Code != http.StatusMethodNotAllowed {
		t.Error(w.Code)
	}
	if w := ask(http.MethodHead, ""); w.Code != http.StatusOK || w.Body.Len() != 0 {
		t.Error(w.Code, w.Body.Len())
	}
}
