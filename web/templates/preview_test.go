package templates

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"checkout/web/static"
)

// previewHandler serves every view under its name, and failures under their status.
func previewHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(static.Prefix, static.New())
	for _, view := range sampleViews() {
		page := samplePage(view)
		mux.Handle("/"+view, templ.Handler(PageView(page)))
		page.Theme = "dark"
		mux.Handle("/dark/"+view, templ.Handler(PageView(page)))
	}
	for _, status := range []int{404, 421, 429, 500, 503} {
		f := Failure{Assets: sampleAssets(), Status: status}
		if status == 500 {
			f.Reference = "3c91d0aa-000417"
		}
		mux.Handle("/error/"+strconv.Itoa(status), templ.Handler(FailurePage(f)))
	}
	return mux
}

// TestPreview takes a picture of every view at the sizes people have. It needs a folder to put them in:
//
//	CHECKOUT_PREVIEW=$PWD/preview go test ./web/templates -run Preview
func TestPreview(t *testing.T) {
	folder := os.Getenv("CHECKOUT_PREVIEW")
	if folder == "" {
		t.Skip("CHECKOUT_PREVIEW names no folder for the pictures")
	}
	server := httptest.NewServer(previewHandler())
	defer server.Close()
	ctx, cancel := chromedp.NewContext(t.Context(), chromedp.WithAllocatorOptions(chromedp.NoSandbox))
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}

	only := os.Getenv("CHECKOUT_PREVIEW_ONLY")
	for _, view := range sampleViews() {
		if only != "" && !strings.Contains(" "+only+" ", " "+view+" ") {
			continue
		}
		picture(ctx, t, server.URL+"/"+view, filepath.Join(folder, view+".png"), 1280, 800, 1, "light")
		picture(ctx, t, server.URL+"/"+view, filepath.Join(folder, view+"-dark.png"), 1280, 800, 1, "dark")
		picture(ctx, t, server.URL+"/"+view, filepath.Join(folder, view+"-phone.png"), 360, 640, 2, "light")
	}
	picture(ctx, t, server.URL+"/waiting#qr", filepath.Join(folder, "waiting-phone-qr.png"), 360, 640, 2, "light")
	for _, status := range []string{"404", "500", "503"} {
		picture(ctx, t, server.URL+"/error/"+status, filepath.Join(folder, "error-"+status+".png"), 1280, 800, 1, "light")
	}
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
