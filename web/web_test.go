package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"checkout/fault"
	"checkout/web/static"
)

func openSite(t *testing.T) (*Site, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	return NewSite(static.New(), slog.New(slog.NewTextHandler(&log, nil))), &log
}

func text(s string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error { _, err := io.WriteString(w, s); return err })
}

func TestRender(t *testing.T) {
	site, _ := openSite(t)
	long := strings.Repeat("<p>hello</p>", 100)
	for _, c := range []struct {
		name, method, accept, body string
		zipped                     bool
	}{
		{"plain", "GET", "", long, false},
		{"compressed", "GET", "gzip", long, true},
		{"too short to compress", "GET", "gzip", "<p>hi</p>", false},
		{"head", "HEAD", "", long, false},
	} {
		r := httptest.NewRequest(c.method, "/", nil)
		r.Header.Set("Accept-Encoding", c.accept)
		w := httptest.NewRecorder()
		site.Render(w, r, 200, text(c.body))
		res := w.Result()
		if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/html; charset=utf-8" || res.Header.Get("Content-Length") == "" {
			t.Errorf("%s: %d %v", c.name, res.StatusCode, res.Header)
		}
		var body io.Reader = res.Body
		if got := res.Header.Get("Content-Encoding") == "gzip"; got != c.zipped {
			t.Errorf("%s: compressed %v", c.name, got)
		} else if got {
			zip, err := gzip.NewReader(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			body = zip
		}
		got, _ := io.ReadAll(body)
		if want := c.body; (c.method == "HEAD") != (len(got) == 0) || (len(got) > 0 && string(got) != want) {
			t.Errorf("%s: %.40q", c.name, got)
		}
	}
}

// Half a page is never sent.
func TestRenderFailure(t *testing.T) {
	site, log := openSite(t)
	w := httptest.NewRecorder()
	site.Render(w, httptest.NewRequest("GET", "/", nil), 200, templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, _ = io.WriteString(w, "half a page")
		return errors.New("the rest is missing")
	}))
	if w.Code != 500 || strings.Contains(w.Body.String(), "half") || !strings.Contains(w.Body.String(), `data-status="500"`) || !strings.Contains(log.String(), "the rest is missing") {
		t.Errorf("%d %s, log %s", w.Code, w.Body, log)
	}
}

func TestErrorPages(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		says   string
		lacks  string
		logged bool
	}{
		{fault.New(fault.Invalid, "x", "That is not a number."), 400, "That is not a number.", "", false},
		{fault.New(fault.NotFound, "x", "There is no such invoice."), 404, "Nothing here", "There is no such", false},
		{fault.New(fault.Unauthorized, "x", "No."), 404, "Nothing here", "No.", false},
		{fault.New(fault.Forbidden, "x", "Please use our form."), 403, "Please use our form.", "", false},
		{fault.New(fault.Conflict, "x", "It is paid."), 409, "It is paid.", "", false},
		{fault.New(fault.Gone, "x", "It is over."), 410, "It is over.", "", false},
		{fault.New(fault.TooMany, "x", "Stop.").In(3 * time.Second), 429, "A little too fast", "", false},
		{fault.New(fault.Unavailable, "x", "Node down").Because(errors.New("10.0.0.1 refused")), 503, "Payment details unavailable", "10.0.0.1", true},
		{errors.New("password=hunter2"), 500, "Something went wrong on our side", "hunter2", true},
	} {
		site, log := openSite(t)
		w := httptest.NewRecorder()
		site.Error(w, httptest.NewRequest("GET", "/", nil), c.err)
		body := w.Body.String()
		if w.Code != c.status || !strings.Contains(body, c.says) || (c.lacks != "" && strings.Contains(body, c.lacks)) {
			t.Errorf("%v: %d %s", c.err, w.Code, body)
		}
		if w.Header().Get("Cache-Control") != "private, no-store" || strings.Count(body, "<h1>") != 1 {
			t.Errorf("%v: %v", c.err, w.Header())
		}
		if (log.Len() > 0) != c.logged {
			t.Errorf("%v: log %q", c.err, log)
		}
		if c.status == 429 && w.Header().Get("Retry-After") != "3" {
			t.Errorf("Retry-After %q", w.Header().Get("Retry-After"))
		}
	}
}

func TestStatusPage(t *testing.T) {
	site, _ := openSite(t)
	w := httptest.NewRecorder()
	site.Status(w, httptest.NewRequest("GET", "/", nil), 421)
	if w.Code != 421 || !strings.Contains(w.Body.String(), "does not answer for that name") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestTheme(t *testing.T) {
	for query, want := range map[string]string{"": "", "theme=dark": "dark", "theme=LIGHT": "light", "theme=x": "", "theme=dark%22": ""} {
		if got := Theme(httptest.NewRequest("GET", "/?"+query, nil)); got != want {
			t.Errorf("%q: %q", query, got)
		}
	}
}
