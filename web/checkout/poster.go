package checkout

import (
	"net/http"
	"strings"

	"checkout/front"
	"checkout/ident"
	"checkout/payterm"
	"checkout/qr"
	"checkout/web/templates"
	"checkout/web/texts"
)

// posterSizes are the sizes of paper a poster is made for.
func posterSizes() []string { return []string{"a4", "a5", "a6", "label"} }

// printed is a link's address as codes carry it: in capitals, which codes write shorter. Hosts and slugs are read either way
// (RFC 3986 section 3.2.2).
func (f *Face) printed(l payterm.Link) string { return strings.ToUpper(f.Base + linkPath(l)) }

// handlePoster is a page to print: a code that leads to the link, never an address of a coin.
func (f *Face) handlePoster(w http.ResponseWriter, r *http.Request) {
	l, _, s, ok := f.linkOf(w, r)
	if !ok {
		return
	}
	if f.Base == "" {
		f.fail(w, r, payterm.ErrLink)
		return
	}
	code, err := qr.Robust(f.printed(l))
	if err != nil {
		f.fail(w, r, err)
		return
	}
	coins, err := f.posterCoins(r, l)
	if err != nil {
		f.fail(w, r, err)
		return
	}
	p := templates.Poster{
		Theme: s.theme, Assets: f.assets(s.merchant), Merchant: templates.Merchant{Name: s.merchant.Name}, Size: "a4", Title: l.Title, Coins: coins, Test: l.Env == ident.Test,
		Code:    templates.QR{Content: f.printed(l), Size: code.Size(), Path: code.Path()},
		Address: strings.TrimPrefix(strings.TrimPrefix(f.Base, "https://"), "http://") + linkPath(l),
	}
	dress(&p.Merchant, s.merchant, ViewChoose, s.lang.Tag)
	if l.Mode == payterm.ModeFixed && !l.Private {
		p.Sum = amountText(s.lang, l.Amount)
	}
	wanted := r.URL.Query().Get("size")
	for _, size := range posterSizes() {
		if size == wanted {
			p.Size = size
		}
	}
	for _, size := range posterSizes() {
		p.Sizes = append(p.Sizes, templates.PosterSize{Name: size, Href: s.query.at(linkPath(l)+"/poster", "size", size), Current: size == p.Size})
	}
	f.site.Render(w, r.WithContext(texts.With(r.Context(), s.lang)), http.StatusOK, templates.PosterPage(p))
}

// posterCoins are what can be paid with, each coin once.
func (f *Face) posterCoins(r *http.Request, l payterm.Link) ([]templates.SaleCoin, error) {
	list, err := f.Links.LinkCoins(r.Context(), l.Slug)
	if err != nil {
		return nil, err
	}
	var coins []templates.SaleCoin
	seen := map[string]bool{}
	for _, c := range f.saleCoins(list) {
		if !seen[c.Coin] {
			seen[c.Coin] = true
			coins = append(coins, templates.SaleCoin{Coin: c.Coin})
		}
	}
	return coins, nil
}

// linkPicture is what a link's picture encodes.
func (f *Face) linkPicture(w http.ResponseWriter, r *http.Request) (code qr.Code, name string, ok bool) {
	if ok, wait := f.limits.pictures.Allow(front.Source(front.Client(r.Context())), f.Now()); !ok {
		f.site.Error(w, r, front.ErrTooMany.In(wait))
		return code, "", false
	}
	l, _, _, ok := f.linkOf(w, r)
	if !ok {
		return code, "", false
	}
	code, err := qr.Robust(f.printed(l))
	if err != nil {
		f.fail(w, r, err)
		return code, "", false
	}
	return code, l.Slug, true
}

func (f *Face) handleLinkSVG(w http.ResponseWriter, r *http.Request) {
	if code, name, ok := f.linkPicture(w, r); ok {
		w.Header().Set("Content-Type", "image/svg+xml")
		w.Header().Set("Content-Disposition", `attachment; filename="`+name+`.svg"`)
		f.site.Answer(w, r, http.StatusOK, []byte(code.SVG()))
	}
}

func (f *Face) handleLinkPNG(w http.ResponseWriter, r *http.Request) {
	code, name, ok := f.linkPicture(w, r)
	if !ok {
		return
	}
	png, err := code.PNG()
	if err != nil {
		f.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "image/png")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`.png"`)
	f.site.Answer(w, r, http.StatusOK, png)
}
