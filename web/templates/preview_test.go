package templates

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"checkout/web/static"
	"checkout/web/texts"
)

// previewHandler serves every view in every language and theme, /v/{language}/{theme}/{view}, failures by their status, and a
// sheet of them all at the root. No database is near.
func previewHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(static.Prefix, static.New())
	draw := func(w http.ResponseWriter, r *http.Request, c templ.Component) {
		l, ok := texts.Find(r.PathValue("lang"))
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = c.Render(texts.With(r.Context(), l), w)
	}
	theme := func(r *http.Request) string { return strings.TrimPrefix(r.PathValue("theme"), "auto") }
	mux.HandleFunc("/v/{lang}/{theme}/{view}", func(w http.ResponseWriter, r *http.Request) {
		l, ok := texts.Find(r.PathValue("lang"))
		if !ok || !slices.Contains(previewViews(), r.PathValue("view")) {
			http.NotFound(w, r)
			return
		}
		var languages []Language
		for _, other := range texts.All() {
			languages = append(languages, Language{Tag: other.Tag, Name: other.Name, Href: "/v/" + other.Tag + "/" + r.PathValue("theme") + "/" + r.PathValue("view"), Current: other == l})
		}
		for _, sample := range []func(*texts.Lang, string, string, []Language) templ.Component{sampleOffer, sampleTill} {
			if c := sample(l, r.PathValue("view"), theme(r), languages); c != nil {
				draw(w, r, c)
				return
			}
		}
		page := previewPageIn(l, r.PathValue("view"))
		page.Theme, page.Languages = theme(r), languages
		draw(w, r, shown(page, r.PathValue("view")))
	})
	mux.HandleFunc("/t/{token}/alive", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("/v/{lang}/{theme}/error/{status}", func(w http.ResponseWriter, r *http.Request) {
		status, _ := strconv.Atoi(r.PathValue("status"))
		f := Failure{Assets: sampleAssets(), Status: status, Theme: theme(r)}
		if status == 500 {
			f.Reference = "3c91d0aa-000417"
		}
		draw(w, r, FailurePage(f))
	})
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprint(w, "<!doctype html><meta charset=utf-8><title>Views</title><style>body{font:15px system-ui;margin:32px;columns:4}h2{font-size:15px;margin:0 0 4px}ul{margin:0 0 20px;padding:0;list-style:none;break-inside:avoid}</style>")
		for _, view := range append(previewViews(), "error/404", "error/429", "error/500", "error/503") {
			_, _ = fmt.Fprintf(w, "<ul><li><h2>%s</h2>", view)
			for _, l := range texts.All() {
				_, _ = fmt.Fprintf(w, `<li><a href="/v/%[1]s/light/%[2]s">%[3]s</a> · <a href="/v/%[1]s/dark/%[2]s">dark</a>`, l.Tag, view, l.Name)
			}
			_, _ = fmt.Fprint(w, "</ul>")
		}
	})
	return mux
}

// shown is a page; the one of a lost connection shows what only the script brings up.
func shown(page Page, view string) templ.Component {
	if view != "offline" {
		return PageView(page)
	}
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		var b strings.Builder
		if err := PageView(page).Render(ctx, &b); err != nil {
			return err
		}
		_, err := io.WriteString(w, strings.Replace(b.String(), `data-testid="offline" hidden`, `data-testid="offline"`, 1))
		return err
	})
}

// The pictures of a preview: in both directions of writing, light and dark, at the widths people have.
var (
	previewLanguages = []string{"en", "ar"}
	previewThemes    = []string{"light", "dark"}
	previewWidths    = []int64{360, 768, 1280}
)

// TestPreview takes a picture of every view and puts them all on one contact sheet. It needs a folder:
//
//	make preview
//
// With CHECKOUT_PREVIEW_SERVE it serves the pages instead, until it is stopped.
func TestPreview(t *testing.T) {
	if at := os.Getenv("CHECKOUT_PREVIEW_SERVE"); at != "" {
		t.Logf("http://%s", at)
		server := &http.Server{Addr: at, Handler: previewHandler(), ReadHeaderTimeout: 5 * time.Second}
		t.Fatal(server.ListenAndServe())
	}
	folder := os.Getenv("CHECKOUT_PREVIEW")
	if folder == "" {
		t.Skip("CHECKOUT_PREVIEW names no folder for the pictures")
	}
	if err := os.MkdirAll(folder, 0o750); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(previewHandler())
	defer server.Close()
	ctx, cancel := chromedp.NewContext(t.Context(), chromedp.WithAllocatorOptions(chromedp.NoSandbox))
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	only := os.Getenv("CHECKOUT_PREVIEW_ONLY")
	sheet := new(strings.Builder)
	sheet.WriteString("<!doctype html><meta charset=utf-8><title>Every view</title><style>body{font:13px system-ui;margin:24px;background:#d9dce2}h2{margin:24px 0 8px}div{display:flex;gap:12px;align-items:flex-start;overflow:auto}figure{margin:0}img{display:block;height:340px;background:#fff;box-shadow:0 1px 4px #0003}figcaption{color:#444;padding:4px 0 12px}</style>")
	for _, view := range previewViews() {
		if only != "" && !strings.Contains(" "+only+" ", " "+view+" ") {
			continue
		}
		fmt.Fprintf(sheet, "<h2>%s</h2><div>", view)
		for _, lang := range previewLanguages {
			for _, theme := range previewThemes {
				for _, width := range previewWidths {
					name := fmt.Sprintf("%s-%s-%s-%d.png", view, lang, theme, width)
					picture(ctx, t, server.URL+"/v/"+lang+"/auto/"+view, filepath.Join(folder, name), width, 800, 1, theme)
					fmt.Fprintf(sheet, "<figure><img src=%q><figcaption>%s %s %d</figcaption></figure>", name, lang, theme, width)
				}
			}
		}
		sheet.WriteString("</div>")
	}
	picture(ctx, t, server.URL+"/v/en/light/waiting#qr", filepath.Join(folder, "waiting-qr.png"), 360, 640, 2, "light")
	index := filepath.Join(folder, "index.html")
	if err := os.WriteFile(index, []byte(sheet.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	whole, err := filepath.Abs(index)
	if err != nil {
		t.Fatal(err)
	}
	picture(ctx, t, "file://"+whole, filepath.Join(folder, "contact-sheet.png"), 3600, 800, 1, "light")
}

func picture(ctx context.Context, t *testing.T, url, file string, width, height int64, scale float64, scheme string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
		t.Fatal(err)
	}
	// A blank page first: a second address that differs in its fragment alone would not load again.
	err := chromedp.Do(ctx, chromedp.EmulateViewport(width, height, chromedp.EmulateScale(scale)), chromedp.Navigate("about:blank"), chromedp.Navigate(url), chromedp.Sleep(500*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	wide, err := chromedp.Run(ctx, chromedp.Evaluate[int64]("document.documentElement.scrollWidth"))
	if err != nil || wide > width {
		t.Errorf("%s: %d px wide on a screen of %d (%v)", url, wide, width, err)
	}
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, png, 0o644); err != nil {
		t.Fatal(err)
	}
}
