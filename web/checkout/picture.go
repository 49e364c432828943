package checkout

import (
	"net/http"
	"sync"

	"checkout/front"
	"checkout/invoice"
	"checkout/qr"
)

// drawing is a QR code as the page draws it.
type drawing struct {
	Size int
	Path string
}

// codes keeps drawings by what they encode. Encoding takes most of a millisecond, far more than the rest of a page,
// and a page asks for the same two codes again and again.
type codes struct {
	mu    sync.Mutex
	limit int
	drawn map[string]drawing
}

func newCodes(limit int) *codes { return &codes{limit: limit, drawn: map[string]drawing{}} }

// draw draws a text's code. A text no code can hold gives an empty drawing, and the page does without.
func (c *codes) draw(text string) drawing {
	c.mu.Lock()
	d, ok := c.drawn[text]
	c.mu.Unlock()
	if ok {
		return d
	}
	code, err := qr.Encode(text)
	if err != nil {
		return drawing{}
	}
	d = drawing{Size: code.Size(), Path: code.Path()}
	c.mu.Lock()
	defer c.mu.Unlock()
	for old := range c.drawn {
		if len(c.drawn) < c.limit {
			break
		}
		delete(c.drawn, old)
	}
	c.drawn[text] = d
	return d
}

// picture finds what a picture is to encode: nothing unless the page itself would show it.
func (f *Face) picture(w http.ResponseWriter, r *http.Request) (content, name string, ok bool) {
	if ok, wait := f.limits.pictures.Allow(front.Source(front.Client(r.Context())), f.Now()); !ok {
		f.site.Error(w, r, front.ErrTooMany.In(wait))
		return "", "", false
	}
	s, err := f.set(r)
	if err == nil && !s.payable() {
		err = invoice.ErrNotFound
	}
	if err != nil {
		f.fail(w, r, err)
		return "", "", false
	}
	p, found := f.payment(s.inv)
	if !found {
		f.fail(w, r, invoice.ErrNotFound)
		return "", "", false
	}
	return s.styled(p).Text(qr.Kind(r.URL.Query().Get("kind"))).Content, s.inv.ID.Short(), true
}

func (f *Face) handleSVG(w http.ResponseWriter, r *http.Request) {
	content, _, ok := f.picture(w, r)
	if !ok {
		return
	}
	f.answerSVG(w, r, content)
}

func (f *Face) answerSVG(w http.ResponseWriter, r *http.Request, content string) {
	svg, err := qr.SVG(content)
	if err != nil {
		f.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "image/svg+xml")
	f.site.Answer(w, r, http.StatusOK, []byte(svg))
}

func (f *Face) handlePNG(w http.ResponseWriter, r *http.Request) {
	content, name, ok := f.picture(w, r)
	if !ok {
		return
	}
	f.answerPNG(w, r, content, name)
}

func (f *Face) answerPNG(w http.ResponseWriter, r *http.Request, content, name string) {
	png, err := qr.PNG(content)
	if err != nil {
		f.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "image/png")
	w.Header().Set("Content-Disposition", `inline; filename="`+name+`.png"`)
	f.site.Answer(w, r, http.StatusOK, png)
}
