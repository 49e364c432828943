package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"checkout/chain"
	"checkout/fault"
	"checkout/ident"
	"checkout/merchant"
	"checkout/store"
	"checkout/web/brand"
	"checkout/web/embed"
	"checkout/web/texts"
)

type merchantLookCmd struct {
	Merchant  string   `required:"" help:"Id of the merchant."`
	Origin    []string `help:"Who may embed the pages: https://shop.example, or https://*.shop.example for all hosts below. In place of the list there is." placeholder:"ORIGIN"`
	NoOrigins bool     `help:"Nobody may embed the pages."`
	Wildcards bool     `help:"Confirms that every host below a name may embed."`
	Language  string   `help:"Language of the pages unless the customer chooses one; auto: what the browser accepts." placeholder:"TAG"`
	Theme     string   `help:"light, dark, or auto: what the customer's system wants."`
	Brand     string   `help:"The merchant's colour, #rrggbb; auto: ours. It is corrected until it can be read." placeholder:"COLOUR"`

	Code         map[string]string `help:"The QR code a coin shows first: uri, address, or auto for what is usual. usdt-ethereum=uri" placeholder:"COIN=KIND"`
	TokenCodes   bool              `help:"Confirms that a token's code with the amount comes first: a wallet that reads half of it sends the tokens to their contract, for ever."`
	Logo         string            `help:"PNG or JPEG file with the merchant's picture, at most 1 MiB; auto: their first letter." placeholder:"FILE"`
	Header       string            `help:"on: name or logo above the card. off: neither." placeholder:"on|off"`
	Text         map[string]string `help:"What the merchant says: intro, pay, paid, expired, trouble or support. An empty text takes it back." placeholder:"PLACE=TEXT"`
	TextLanguage string            `default:"en" help:"The language of the texts." placeholder:"TAG"`

	UpperCodes string `help:"on: bech32 addresses in capitals in QR codes, which makes them coarser; some wallets and many exchanges cannot read them. off: as they are." placeholder:"on|off"`
}

// lookAnswer is a merchant's look with what a shop needs to embed.
type lookAnswer struct {
	ID       ident.ID `json:"merchant_id"`
	Origins  []string `json:"origins"`
	Language string   `json:"language"`
	Theme    string   `json:"theme"`
	Brand    string   `json:"brand"`
	Contrast string   `json:"contrast,omitempty"` // what became of the brand colour

	Codes      map[string]string `json:"codes,omitempty"`
	UpperCodes bool              `json:"upper_codes"`

	Logo   string                    `json:"logo,omitempty"`
	Header bool                      `json:"header"`
	Texts  map[string]merchant.Texts `json:"texts,omitempty"`

	Script    string `json:"embed_script"`
	Integrity string `json:"embed_integrity"`
}

// errLanguage is the fault of a language there are no texts in.
var errLanguage = fault.New(fault.Invalid, "language", "The pages do not speak this language.").At("--language")

// Run shows a merchant's look, after changing what flags name.
func (c merchantLookCmd) Run(ctx context.Context, s *Settings, out *console) error {
	for _, o := range c.Origin {
		if strings.Contains(o, "*") && !c.Wildcards {
			return setting("--origin", "A wildcard lets every host below the name embed the pages; confirm it with --wildcards.")
		}
	}
	if err := c.checkCodes(); err != nil {
		return err
	}
	if _, ok := texts.Find(c.Language); !ok && c.Language != "" && c.Language != "auto" {
		return errLanguage
	}
	if c.Brand = strings.ToLower(c.Brand); c.Brand != "" && c.Brand != "auto" {
		if _, err := brand.New(c.Brand); err != nil {
			return err
		}
	}
	if _, ok := texts.Find(c.TextLanguage); !ok {
		return errLanguage
	}
	if c.Header != "" && c.Header != "on" && c.Header != "off" {
		return setting("--header", "on or off.")
	}
	logo, err := c.logo()
	if err != nil {
		return err
	}
	return with(ctx, s, out, func(a *app) error {
		look, err := a.restyle(ctx, c, logo)
		if err != nil {
			return err
		}
		answer := lookAnswer{
			ID: ident.ID(c.Merchant), Origins: append([]string{}, look.Origins...), Language: orAuto(look.Language), Theme: orAuto(look.Theme),
			Brand: orAuto(look.Brand), Contrast: readOut(look.Brand), Codes: look.Codes, UpperCodes: look.UpperCodes,
			Header: !look.NoHeader, Texts: look.Texts,
			Script: s.base(s.Listen) + embed.Path, Integrity: embed.Integrity(),
		}
		if look.Logo != nil {
			answer.Logo = look.Logo.Name
		}
		who := "nobody"
		if len(look.Origins) > 0 {
			who = strings.Join(look.Origins, " ")
		}
		out.say(answer, "may embed  %s\nlanguage   %s\ntheme      %s\ncolour     %s %s\ncodes      %s\n\n%s", who, answer.Language, answer.Theme, answer.Brand, answer.Contrast, codesText(look),
			fmt.Sprintf("<script src=%q integrity=%q crossorigin=\"anonymous\" async></script>", answer.Script, answer.Integrity))
		return nil
	})
}

func (c merchantLookCmd) change(l merchant.Look) merchant.Look {
	if len(c.Origin) > 0 || c.NoOrigins {
		l.Origins = c.Origin
	}
	set := func(to *string, value string) {
		switch value {
		case "":
		case "auto":
			*to = ""
		default:
			*to = value
		}
	}
	set(&l.Language, c.Language)
	set(&l.Theme, c.Theme)
	set(&l.Brand, c.Brand)
	if c.Header != "" {
		l.NoHeader = c.Header == "off"
	}
	l.Texts = c.texts(l.Texts)
	if c.UpperCodes != "" {
		l.UpperCodes = c.UpperCodes == "on"
	}
	codes := maps.Clone(l.Codes)
	if codes == nil {
		codes = map[string]string{}
	}
	for asset, kind := range c.Code {
		if codes[asset] = kind; kind == "auto" {
			delete(codes, asset)
		}
	}
	if l.Codes = codes; len(codes) == 0 {
		l.Codes = nil
	}
	return l
}

// texts are the merchant's with those the flags name.
func (c merchantLookCmd) texts(old map[string]merchant.Texts) map[string]merchant.Texts {
	if len(c.Text) == 0 {
		return old
	}
	all, own := maps.Clone(old), maps.Clone(old[c.TextLanguage])
	if all == nil {
		all = map[string]merchant.Texts{}
	}
	if own == nil {
		own = merchant.Texts{}
	}
	for place, text := range c.Text {
		if own[place] = text; text == "" {
			delete(own, place)
		}
	}
	if all[c.TextLanguage] = own; len(own) == 0 {
		delete(all, c.TextLanguage)
	}
	return all
}

// logo reads the picture --logo names; nil if it names none.
func (c merchantLookCmd) logo() (*brand.Picture, error) {
	if c.Logo == "" || c.Logo == "auto" {
		return nil, nil //nolint:nilnil // there is none
	}
	file, err := os.Open(c.Logo)
	if err != nil {
		return nil, setting("--logo", "The picture cannot be read.").Because(err)
	}
	defer func() { _ = file.Close() }()
	raw, err := io.ReadAll(io.LimitReader(file, brand.MaxLogoFile+1))
	if err != nil {
		return nil, setting("--logo", "The picture cannot be read.").Because(err)
	}
	p, err := brand.Logo(raw)
	return &p, err
}

// restyle changes a merchant's look, and keeps the picture that goes with it in the same transaction.
func (a *app) restyle(ctx context.Context, c merchantLookCmd, logo *brand.Picture) (look merchant.Look, err error) {
	merchants := store.Merchants{DB: a.db}
	err = a.db.Together(ctx, func(ctx context.Context) error {
		look, err = merchants.Restyle(ctx, ident.ID(c.Merchant), func(l merchant.Look) merchant.Look {
			switch l = c.change(l); {
			case logo != nil:
				l.Logo = &merchant.Logo{Name: logo.Name, Width: logo.Width, Height: logo.Height, Clear: logo.Clear}
			case c.Logo == "auto":
				l.Logo = nil
			}
			return l
		})
		switch {
		case err != nil:
			return err
		case logo != nil:
			return merchants.KeepLogo(ctx, ident.ID(c.Merchant), logo.Name, logo.Data)
		case c.Logo == "auto":
			return merchants.KeepLogo(ctx, ident.ID(c.Merchant), "", nil)
		}
		return nil
	})
	return look, err
}

// checkCodes refuses coins nobody knows, and the dangerous choice that was not confirmed.
func (c merchantLookCmd) checkCodes() error {
	if c.UpperCodes != "" && c.UpperCodes != "on" && c.UpperCodes != "off" {
		return setting("--upper-codes", "on or off.")
	}
	known := chain.Catalogue()
	for id, kind := range c.Code {
		asset, ok := known.Asset(id)
		if !ok {
			return setting("--code", "There is no coin "+id+".")
		}
		network, _ := known.Network(asset.Network)
		if kind == "uri" && asset.Contract != "" && network.Family == chain.FamilyEVM && !c.TokenCodes {
			return setting("--code", "A wallet that reads only half of this code sends the tokens to their contract, for ever; confirm it with --token-codes.")
		}
	}
	return nil
}

// codesText lists what is not as usual: "btc=address, capitals".
func codesText(l merchant.Look) string {
	var list []string
	for _, asset := range slices.Sorted(maps.Keys(l.Codes)) {
		list = append(list, asset+"="+l.Codes[asset])
	}
	if l.UpperCodes {
		list = append(list, "capitals")
	}
	if len(list) == 0 {
		return "auto"
	}
	return strings.Join(list, ", ")
}

// readOut says how well a colour can be read, and what it became.
func readOut(colour string) string {
	p, err := brand.New(colour)
	if err != nil {
		return ""
	}
	ratio := fmt.Sprintf("%.1f:1 AA ok", brand.Contrast(p.Light.Brand, "#ffffff"))
	if p.Corrected() {
		ratio += ", corrected from " + p.Given + " to " + p.Light.Brand
	}
	return ratio
}

func orAuto(text string) string {
	if text == "" {
		return "auto"
	}
	return text
}
