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

// handleBrand serves a merchant's colours and picture, each under the hash of its content: another one is at another address.
func (f *Face) handleBrand(w http.ResponseWriter, r *http.Request) {
	id, file := ident.ID(chi.URLParam(r, "merchant")), chi.URLParam(r, "file")
	if !ident.Valid(string(id)) {
		f.fail(w, r, invoice.ErrNotFound)
		return
	}
	m, err := f.Merchants.Find(r.Context(), id)
	if err != nil {
		f.fail(w, r, invoice.ErrNotFound)
		return
	}
	var content []byte
	kind := "text/css; charset=utf-8"
	if sheet, ok := f.brand(m.Look.Brand); ok && brandPath(id, sheet) == r.URL.Path {
		content = []byte(sheet)
	} else if m.Look.Logo != nil && file == m.Look.Logo.Name {
		if content, err = f.Merchants.Logo(r.Context(), id, file); err != nil {
			f.fail(w, r, err)
			return
		}
		if kind = "image/png"; strings.HasSuffix(file, ".jpg") {
			kind = "image/jpeg"
		}
	} else {
		f.fail(w, r, invoice.ErrNotFound)
		return
	}
	h := w.Header()
	f.plain.Apply(h)
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Content-Length", strconv.Itoa(len(content)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(content) //nolint:gosec // a sheet or picture we made ourselves, of a fixed type nobody sniffs
	}
}

// dress puts a merchant's picture and words on a page.
func dress(out *templates.Merchant, m merchant.Merchant, v View, language string) {
	if l := m.Look.Logo; l != nil {
		out.Logo = &templates.Logo{Src: "/m/" + string(m.ID) + "/" + l.Name, Width: l.Width, Height: l.Height, Clear: l.Clear}
	}
	out.Plain = m.Look.NoHeader
	out.Help = m.Look.Text(merchant.TextSupport, language)
	if place := placeOf(v); place != "" {
		out.Note = m.Look.Text(place, language)
	}
}

// placeOf is which of a merchant's texts stands in a view.
func placeOf(v View) string {
	switch v {
	case ViewChoose:
		return merchant.TextIntro
	case ViewWaiting, ViewWaitingExpiring, ViewUnderpaid, ViewDetected, ViewConfirming:
		return merchant.TextPay
	case ViewPaid, ViewPaidLate, ViewOverpaid:
		return merchant.TextPaid
	case ViewExpired, ViewExpiredUnderpaid:
		return merchant.TextExpired
	case ViewFailed, ViewLate, ViewWrongAsset, ViewUnavailable:
		return merchant.TextTrouble
	}
	return "" // what is called off or goes back is the merchant's own doing
}
