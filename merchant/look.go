package merchant

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/publicsuffix"

	"checkout/fault"
)

// The faults of a merchant's look.
var (
	ErrOrigin  = fault.New(fault.Invalid, "origin", "A page that may embed is named by scheme, host and port alone: https://shop.example or https://shop.example:8443. http is for localhost only.").At("origin")
	ErrOrigins = fault.New(fault.Invalid, "origins", "At most 50 pages may embed.").At("origin")
	ErrBrand   = fault.New(fault.Invalid, "brand", "A colour is written #rrggbb.").At("brand")
	ErrCode    = fault.New(fault.Invalid, "code", "The first QR code of a coin is uri or address.").At("code")
	ErrTexts   = fault.New(fault.Invalid, "texts", "A text has 1 to 500 characters, and no control characters but line breaks.").At("text")
	ErrTheme   = fault.New(fault.Invalid, "theme", "A theme is light, dark, or auto.").At("theme")
)

// maxOrigins bounds a content policy, which is sent with every page; maxCodes bounds a document.
const (
	maxOrigins = 50
	maxCodes   = 200
)

// Look is how a merchant's customers meet their pages.
type Look struct {
	Origins  []string `json:"origins,omitempty"`  // who may embed the pages: origins, or "https://*.host"
	Language string   `json:"language,omitempty"` // BCP 47; empty: what the browser accepts
	Theme    string   `json:"theme,omitempty"`    // "light" or "dark"; empty: what the system wants
	Brand    string   `json:"brand,omitempty"`    // the merchant's colour, "#rrggbb" in lower case; empty: ours

	Codes      map[string]string `json:"codes,omitempty"`       // by asset id: the QR code shown first, "uri" or "address"
	UpperCodes bool              `json:"upper_codes,omitempty"` // bech32 addresses in capitals, in QR codes only

	Logo     *Logo `json:"logo,omitempty"`
	NoHeader bool  `json:"no_header,omitempty"` // pages show neither name nor logo above the card

	Texts map[string]Texts `json:"texts,omitempty"` // by language, BCP 47
}

// Logo is a merchant's picture as pages place it. The picture itself is kept apart, under its name.
type Logo struct {
	Name   string `json:"name"` // "logo.3f0c9a1e5b7d2468.png"
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Clear  bool   `json:"clear,omitempty"` // parts are see-through: it was drawn for a light ground
}

// Texts are sentences of the merchant's own, plain, by what they are for.
type Texts map[string]string

// The places of a merchant's texts.
const (
	TextIntro   = "intro"   // above the choice of a coin
	TextPay     = "pay"     // while the payment is awaited
	TextPaid    = "paid"    // once it is paid
	TextExpired = "expired" // when its time is over
	TextTrouble = "trouble" // when something went wrong
	TextSupport = "support" // in the help of every page
)

// TextPlaces lists them.
func TextPlaces() []string {
	return []string{TextIntro, TextPay, TextPaid, TextExpired, TextTrouble, TextSupport}
}

const maxText = 500

// checkText takes plain text with line breaks, and nothing that could turn or hide what stands around it.
func checkText(text string) bool {
	return Presentable(strings.ReplaceAll(text, "\n", " "), maxText)
}

// Text is what the merchant says in a place: in the reader's language, else in the pages' usual one, else in English.
func (l Look) Text(place, language string) string {
	for _, tag := range []string{language, l.Language, "en"} {
		if text := l.Texts[tag][place]; text != "" {
			return text
		}
	}
	return ""
}

// Check refuses what may not be stored. Whether a language is one the pages have is for them to say.
func (l Look) Check() error {
	if len(l.Origins) > maxOrigins {
		return ErrOrigins
	}
	for _, o := range l.Origins {
		if !originOrFamily(o) {
			return ErrOrigin
		}
	}
	if l.Brand != "" && (len(l.Brand) != 7 || l.Brand[0] != '#' || strings.Trim(l.Brand[1:], "0123456789abcdef") != "") {
		return ErrBrand
	}
	if len(l.Codes) > maxCodes {
		return ErrCode
	}
	for asset, kind := range l.Codes {
		if asset == "" || (kind != "uri" && kind != "address") {
			return ErrCode
		}
	}
	for _, texts := range l.Texts {
		for place, text := range texts {
			if !slices.Contains(TextPlaces(), place) || !checkText(text) {
				return ErrTexts
			}
		}
	}
	if l.Theme != "" && l.Theme != "light" && l.Theme != "dark" {
		return ErrTheme
	}
	return nil
}

// Embeds says whether a page of an origin may embed the merchant's pages.
func (l Look) Embeds(origin string) bool {
	return slices.ContainsFunc(l.Origins, func(allowed string) bool {
		if suffix, family := strings.CutPrefix(allowed, "https://*."); family {
			host, secure := strings.CutPrefix(origin, "https://")
			return secure && strings.HasSuffix(host, "."+suffix) && Origin(origin)
		}
		return origin == allowed
	})
}

// originOrFamily takes a wildcard for the hosts below one somebody registered, and nothing wilder: not "*.example" nor
// "*.co.uk" nor "*.github.io", below which are strangers (publicsuffix.org).
func originOrFamily(text string) bool {
	if below, family := strings.CutPrefix(text, "https://*."); family {
		if !Origin("https://" + below) {
			return false
		}
		host, _, _ := strings.Cut(below, ":")
		_, err := publicsuffix.EffectiveTLDPlusOne(host)
		return err == nil
	}
	return Origin(text)
}

// Origin says whether text is an origin as browsers write it (RFC 6454): lower case, no default port, nothing after it, and
// https unless it is on this machine.
func Origin(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || text != u.Scheme+"://"+u.Host {
		return false
	}
	host, port := u.Hostname(), u.Port()
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 || port != strconv.FormatUint(n, 10) || (u.Scheme == "https" && n == 443) || (u.Scheme == "http" && n == 80) {
			return false
		}
	} else if strings.HasSuffix(u.Host, ":") {
		return false
	}
	switch u.Scheme {
	case "https":
		return hostName(host)
	case "http":
		return host == "localhost" || host == "127.0.0.1" || host == "::1"
	}
	return false
}

// hostName says whether text is a host as it stands in an origin: labels of letters, digits and hyphens, lower case, others in
// punycode, or an address.
func hostName(text string) bool {
	if strings.Contains(text, ":") { // IPv6, which the URL's grammar has checked
		return strings.Trim(text, "0123456789abcdef:") == ""
	}
	if len(text) > 253 {
		return false
	}
	for label := range strings.SplitSeq(text, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return true
}
