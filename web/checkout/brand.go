package checkout

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"checkout/ident"
	"checkout/invoice"
	"checkout/merchant"
	"checkout/web/brand"
	"checkout/web/templates"
)

// assets are the files of a merchant's pages.
func (f *Face) assets(m merchant.Merchant) templates.Assets {
	a := f.site.Assets()
	if sheet, ok := f.brand(m.Look.Brand); ok {
		a.Brand = brandPath(m.ID, sheet)
	}
	return a
}

func brandPath(m ident.ID, sheet string) string {
	return "/m/" + string(m) + "/theme." + brand.Hash(sheet) + ".css"
}

// brand is the style sheet of a colour; there are as many as merchants have.
func (f *Face) brand(colour string) (string, bool) {
	if colour == "" {
		return "", false
	}
	if kept, ok := f.brands.Load(colour); ok {
		return kept.(string), true
	}
	p, err := brand.New(colour)
	if err != nil {
		return "", false // checked when it was stored
	}
	sheet := p.Sheet()
	f.brands.Store(colour, sheet)
	return sheet, true
}

// handleBrand serves a merchant's colours under the hash of their content: another colour is another address.
func (f *Face) handleBrand(w http.ResponseWriter, r *http.Request) {
	id := ident.ID(chi.URLParam(r, "merchant"))
	if !ident.Valid(string(id)) || !strings.HasPrefix(chi.URLParam(r, "sheet"), "theme.") {
		f.fail(w, r, invoice.ErrNotFound)
		return
	}
	m, err := f.Merchants.Find(r.Context(), id)
	if err != nil {
		f.fail(w, r, invoice.ErrNotFound)
		return
	}
	sheet, ok := f.brand(m.Look.Brand)
	if !ok || brandPath(id, sheet) != r.URL.Path {
		f.fail(w, r, invoice.ErrNotFound)
		return
	}
	h := w.Header()
	f.plain.Apply(h)
	h.Set("Content-Type", "text/css; charset=utf-8")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Content-Length", strconv.Itoa(len(sheet)))
	if r.Method == http.MethodGet {
		_, _ = w.Write([]byte(sheet))
	}
}
