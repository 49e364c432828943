// Package web is what the web faces share: drawing a page into an answer, and saying that something went wrong.
package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/a-h/templ"

	"checkout/fault"
	"checkout/front"
	"checkout/web/static"
	"checkout/web/templates"
	"checkout/web/texts"
)

// Site draws pages.
type Site struct {
	Files *static.Assets
	Log   *slog.Logger

	assets templates.Assets
	zips   sync.Pool // of *gzip.Writer: each holds some hundred kilobytes
}

// NewSite readies a site.
func NewSite(files *static.Assets, log *slog.Logger) *Site {
	s := &Site{Files: files, Log: log, assets: templates.Assets{
		Style: files.Path("pay.css"), Script: files.Path("pay.js"), Wallet: files.Path("wallet.js"), Logo: files.Path("logo.svg"), Sheet: files.Path("sheet.css"), SheetScript: files.Path("sheet.js"),
		Offer: files.Path("offer.css"), OfferScript: files.Path("offer.js"), Poster: files.Path("poster.css"), Till: files.Path("till.css"), TillScript: files.Path("till.js"), Icon192: files.Path("icon-192.png"), Icon512: files.Path("icon-512.png"),
		FavWait: files.Path("fav-wait.svg"), FavSeen: files.Path("fav-seen.svg"),
		FavPaid: files.Path("fav-paid.svg"), FavAttn: files.Path("fav-attn.svg"),
	}}
	s.zips.New = func() any {
		zip, _ := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed) // a known level cannot fail
		return zip
	}
	return s
}

// Assets are the addresses of the static files.
func (s *Site) Assets() templates.Assets { return s.assets }

// FilesPrefix is where Files are to be served.
const FilesPrefix = static.Prefix

// smallest answer worth compressing: below it the frame of gzip eats what is won.
const smallest = 300

// Render draws a component and answers with it. Nothing is sent before all of it is drawn, so that a failure half way
// is an error page and not half a page. There is no ETag: a page with somebody's payment on it is stored nowhere.
func (s *Site) Render(w http.ResponseWriter, r *http.Request, status int, c templ.Component) {
	var page bytes.Buffer
	if err := c.Render(r.Context(), &page); err != nil {
		s.Error(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	s.Answer(w, r, status, page.Bytes())
}

// Answer sends a body whose content type is set, compressed when the client takes that. It does not vary in the sense
// of caches: whatever goes through here is for one reader only.
func (s *Site) Answer(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	h := w.Header()
	if len(body) >= smallest {
		if static.AcceptsGzip(r.Header.Get("Accept-Encoding")) {
			h.Set("Content-Encoding", "gzip")
			body = s.compress(body)
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the reader may have gone; nothing is left to do
	}
}

func (s *Site) compress(body []byte) []byte {
	var out bytes.Buffer
	zip := s.zips.Get().(*gzip.Writer)
	defer s.zips.Put(zip)
	zip.Reset(&out)
	_, _ = zip.Write(body) // a buffer takes everything
	_ = zip.Close()
	return out.Bytes()
}

// Error answers with the page a fault deserves. What is ours to mend is logged with its cause; the reader gets a
// reference to it and no more.
func (s *Site) Error(w http.ResponseWriter, r *http.Request, err error) {
	f := fault.Of(err)
	status := front.Status(f.Kind)
	page := templates.Failure{Text: f.Text}
	switch f.Kind {
	case fault.Internal:
		page.Text, page.Reference = "", front.RequestID(r.Context())
		s.Log.LogAttrs(r.Context(), slog.LevelError, "page failed", slog.String("request", page.Reference), slog.String("cause", err.Error()))
	case fault.NotFound, fault.Unauthorized:
		// Always the same page to the byte, whatever is missing and whatever was asked.
		status, page.Text = http.StatusNotFound, ""
	case fault.TooMany, fault.Unavailable:
		page.Text = ""
		if f.After > 0 {
			w.Header().Set("Retry-After", front.RetryAfter(f.After))
		}
		if f.Kind == fault.Unavailable {
			s.Log.LogAttrs(r.Context(), slog.LevelWarn, "page unavailable", slog.String("request", front.RequestID(r.Context())), slog.String("cause", err.Error()))
		}
	}
	s.fail(w, r, status, page)
}

// Status answers with the page of a bare status: for refusals made before a handler has the word.
func (s *Site) Status(w http.ResponseWriter, r *http.Request, status int) {
	s.fail(w, r, status, templates.Failure{})
}

func (s *Site) fail(w http.ResponseWriter, r *http.Request, status int, page templates.Failure) {
	page.Theme, page.Assets, page.Status = Theme(r), s.assets, status
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "private, no-store")
	h.Del("ETag")
	var body bytes.Buffer
	if err := templates.FailurePage(page).Render(texts.With(context.WithoutCancel(r.Context()), Language(r)), &body); err != nil {
		s.Log.LogAttrs(r.Context(), slog.LevelError, "error page failed", slog.String("cause", err.Error()))
		http.Error(w, http.StatusText(status), status)
		return
	}
	s.Answer(w, r, status, body.Bytes())
}

// Language is the language a query asks for, else the first of ours the browser accepts, else English. Where somebody is says
// nothing of what they read.
func Language(r *http.Request) *texts.Lang {
	if l, ok := texts.Find(r.URL.Query().Get("lang")); ok {
		return l
	}
	if l := texts.Match(r.Header.Get("Accept-Language")); l != nil {
		return l
	}
	return texts.English()
}

// Theme is the theme a query asks for: "light", "dark", or none.
func Theme(r *http.Request) string {
	if theme := strings.ToLower(r.URL.Query().Get("theme")); theme == "light" || theme == "dark" {
		return theme
	}
	return ""
}
