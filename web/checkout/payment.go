package checkout

import (
	"encoding/json"
	"net/url"
	"strconv"

	"checkout/chain"
	"checkout/invoice"
	"checkout/qr"
	"checkout/web/templates"
)

// payment is what the invoice asks for now, as package qr wants to be told: the due amount of the chosen coin, to its
// address. false: no coin is chosen, or it has no address yet.
func (f *Face) payment(inv *invoice.Invoice) (qr.Payment, bool) {
	asset, network, addr, ok := f.target(inv)
	return qr.Payment{Network: network, Asset: asset, Address: addr.Shown(), Tag: addr.Tag, Due: inv.Outcome.Remaining}, ok
}

// styled adds what the merchant wants of the codes.
func (s scene) styled(p qr.Payment) qr.Payment {
	p.First, p.Upper = qr.Kind(s.merchant.Look.Codes[p.Asset.ID]), s.merchant.Look.UpperCodes
	return p
}

// target is the chosen coin with its network and address.
func (f *Face) target(inv *invoice.Invoice) (chain.Asset, chain.Network, invoice.Address, bool) {
	asset, known := f.Registry.Asset(inv.Asset)
	network, found := f.Registry.Network(asset.Network)
	addr, assigned := inv.Address(inv.Asset)
	return asset, network, addr, known && found && assigned
}

// code is the QR code on the page, with the links that change and save it.
func (f *Face) code(s scene, p qr.Payment) templates.QR {
	wanted := s.query.qr
	if s.inv.FromExchange && wanted != qr.KindTag {
		wanted = qr.KindAddress // forms for withdrawals read nothing else
	}
	shown := p.Text(wanted)
	drawing := f.codes.draw(shown.Content)
	here := s.here()
	file := func(name string) string {
		at := "/i/" + string(s.inv.ID) + "/" + name + "?kind=" + string(shown.Kind)
		if here.keep {
			at += "&m=" + url.QueryEscape(here.method)
		}
		return at
	}
	q := templates.QR{Content: shown.Content, Size: drawing.Size, Path: drawing.Path, Picture: file("qr.svg"), Save: file("qr.png")}
	if shown.Kind == qr.KindTag {
		q.Name = s.lang.Say("pay.tag")
	}
	if p.Due.Sign() <= 0 || len(p.Texts()) < 2 {
		return q // one code needs no tabs, and "with amount" is none without one
	}
	for _, kind := range [...]qr.Kind{qr.KindAddress, qr.KindURI, qr.KindTag} {
		if p.Text(kind).Kind != kind || (s.inv.FromExchange && kind == qr.KindURI) {
			continue
		}
		q.Tabs = append(q.Tabs, templates.Tab{
			Amount: kind == qr.KindURI, Tag: kind == qr.KindTag, Current: kind == shown.Kind,
			Href: here.path(s.inv.ID, "", "qr", string(kind)) + "#qr",
		})
	}
	if len(q.Tabs) < 2 {
		q.Tabs = nil
	}
	return q
}

// device fills in the ways to pay on the device the page is read on.
func (f *Face) device(pay *templates.Pay, s scene, p qr.Payment) {
	if p.Network.Played || s.inv.FromExchange {
		return // a wallet would take the played coin for the real one, and who pays from an exchange has none
	}
	link := p.Link(s.merchant.Name, orderLabel(s.lang, s.inv))
	for _, w := range p.Wallets(f.outsideURL(s)) {
		pay.Wallets.Named = append(pay.Wallets.Named, templates.Wallet{ID: w.ID, Name: w.Name, Href: w.Href})
	}
	if len(pay.Wallets.Named) == 0 {
		pay.Wallets.Open = link
	} else {
		pay.Wallets.Other = link
	}
	injected, ok := injectedOf(p)
	switch {
	case !ok:
	case s.query.embed: // wallets do not show themselves to pages in a frame
		pay.Outside = s.outside().path(s.inv.ID, "")
	default:
		injected.Script = f.site.Assets().Wallet
		injected.Hint = "/i/" + string(s.inv.ID) + "/hint"
		pay.Injected = injected
	}
}

// outsideURL is the page's address for wallets that open it in a browser of their own.
func (f *Face) outsideURL(s scene) string {
	if f.Base == "" {
		return ""
	}
	return f.Base + "/i/" + string(s.inv.ID)
}

// The transactions a wallet in the browser is asked to send. Only the server makes them; the script adds who pays.
type (
	// evmTx is the parameter of eth_sendTransaction.
	evmTx struct {
		To      string `json:"to"`
		Value   string `json:"value"`
		Data    string `json:"data,omitempty"`
		ChainID string `json:"chainId"`
	}
	// evmChain is the parameter of wallet_addEthereumChain (EIP-3085).
	evmChain struct {
		ChainID  string   `json:"chainId"`
		Name     string   `json:"chainName"`
		Currency evmCoin  `json:"nativeCurrency"`
		RPC      []string `json:"rpcUrls"`
	}
	evmCoin struct {
		Name     string `json:"name"`
		Symbol   string `json:"symbol"`
		Decimals int    `json:"decimals"`
	}
	// tronTx is what the script builds a transaction with, in the wallet's own library.
	tronTx struct {
		To       string `json:"to"`
		Contract string `json:"contract,omitempty"`
		Amount   string `json:"amount"` // smallest units
		FeeLimit int64  `json:"feeLimit"`
	}
)

// evmDecimals of every native coin of the EVM family.
const evmDecimals = 18

// injectedOf is what a wallet in the browser is to be asked. There is none for other families and without an amount.
func injectedOf(p qr.Payment) (*templates.Injected, bool) {
	i := &templates.Injected{Family: string(p.Network.Family), To: shortAddress(p.Address)}
	if call, ok := p.Call(); ok {
		i.Tx = jsonText(evmTx{call.To, call.Value, call.Data, call.ChainID})
		if e := p.Network.EVM; e.RPC != "" {
			i.Chain = jsonText(evmChain{"0x" + strconv.FormatInt(e.ChainID, 16), e.Title, evmCoin{p.Network.Coin, p.Network.Coin, evmDecimals}, []string{e.RPC}})
		}
		return i, true
	}
	if call, ok := p.TronCall(); ok {
		i.Tx = jsonText(tronTx{call.To, call.Contract, call.Amount, call.FeeLimit})
		return i, true
	}
	return nil, false
}

// jsonText writes a value of ours; strings and numbers cannot fail.
func jsonText(v any) string {
	raw, _ := json.Marshal(v)
	return string(raw)
}

// shortAddress is an address as people compare it: the first six characters and the last four.
func shortAddress(text string) string {
	if len(text) <= 12 {
		return text
	}
	return text[:6] + "…" + text[len(text)-4:]
}

// tagOf is the tag of a shared address.
func tagOf(p qr.Payment) *templates.Tag {
	if p.Tag == "" {
		return nil
	}
	return &templates.Tag{Memo: p.Network.Tag == chain.TagText, Value: p.Tag}
}
