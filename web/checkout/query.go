package checkout

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"checkout/ident"
	"checkout/merchant"
	"checkout/qr"
	"checkout/web"
	"checkout/web/texts"
)

// query is the view state: all of it is in the address, so that back, reload and a saved link work, and nothing is
// stored in the browser.
type query struct {
	method    string // the coin the visitor wants
	hasMethod bool
	qr        qr.Kind // of the code; empty: the first one
	keep      bool    // links carry the wish on: it is part of what the page shows
	find      string  // what the reader looks for among the coins
	still     bool    // r=0: the page does not reload itself
	theme     string
	lang      string // as asked for; empty: what the merchant wants or the browser accepts
	embed     bool   // the page stands in a frame
	channel   string // the loader's name for that frame
	origin    string // where the frame's page says it is from; believed only if the merchant lists it
}

// channelName is what a loader may call a frame.
var channelName = regexp.MustCompile(`^[A-Za-z0-9_-]{8,64}$`)

func queryOf(r *http.Request) query {
	values := r.URL.Query()
	q := query{method: values.Get("m"), hasMethod: values.Has("m"), still: values.Get("r") == "0", theme: web.Theme(r)}
	if find := values.Get("find"); len(find) <= 100 {
		q.find = strings.ToValidUTF8(find, "")
	}
	switch kind := qr.Kind(values.Get("qr")); kind {
	case qr.KindAddress, qr.KindURI, qr.KindTag:
		q.qr = kind
	}
	if q.embed = values.Get("embed") == "1"; q.embed {
		if c := values.Get("channel"); channelName.MatchString(c) {
			q.channel = c
		}
		if o := values.Get("origin"); merchant.Origin(o) {
			q.origin = o
		}
	}
	if l, ok := texts.Find(values.Get("lang")); ok {
		q.lang = l.Tag
	}
	return q
}

// wishes are the language and the theme of a merchant's page: the reader's, else the merchant's, else the browser's.
func (q query) wishes(r *http.Request, m merchant.Merchant) (lang *texts.Lang, theme string) {
	lang, theme = web.Language(r), q.theme
	if wanted, ok := texts.Find(m.Look.Language); ok && q.lang == "" {
		lang = wanted
	}
	if theme == "" {
		theme = m.Look.Theme
	}
	return lang, theme
}

// hidden is the reader's choices as a form carries them on, and more pairs of name and value.
func (q query) hidden(more ...string) [][2]string {
	var list [][2]string
	for name, values := range q.values(more...) {
		list = append(list, [2]string{name, values[0]})
	}
	slices.SortFunc(list, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return list
}

// path is an address of the invoice that keeps the reader's choices. what is the part after the id: "", "/method".
func (q query) path(id ident.ID, what string, more ...string) string {
	return q.at("/i/"+string(id)+what, more...)
}

// at is a path of this server that keeps the reader's choices.
func (q query) at(path string, more ...string) string {
	if values := q.values(more...); len(values) > 0 {
		path += "?" + values.Encode()
	}
	return path
}

// values are the reader's choices in their written form.
func (q query) values(more ...string) url.Values {
	values := url.Values{}
	if q.keep && q.hasMethod {
		values.Set("m", q.method)
	}
	if q.qr != "" {
		values.Set("qr", string(q.qr))
	}
	if q.still {
		values.Set("r", "0")
	}
	if q.theme != "" {
		values.Set("theme", q.theme)
	}
	if q.lang != "" {
		values.Set("lang", q.lang)
	}
	if q.embed {
		values.Set("embed", "1")
		for name, value := range map[string]string{"channel": q.channel, "origin": q.origin} {
			if value != "" {
				values.Set(name, value)
			}
		}
	}
	for i := 0; i+1 < len(more); i += 2 {
		values.Set(more[i], more[i+1])
	}
	return values
}
