package qr

import (
	"strings"

	"checkout/chain"
)

// Wallet is a wallet by name and the link that pays with it on this device.
type Wallet struct {
	ID   string // "metamask"
	Name string // "MetaMask", the same in every language
	Href string
}

// Wallets are the wallets to name, at most four. page is the https address of the payment page: tokens are best paid in a
// wallet's own browser, where the page tells the wallet chain, token and amount without any doubt. Without a page only
// links that carry the payment themselves are given. The links never go into a QR code.
func (p Payment) Wallets(page string) []Wallet {
	if !strings.HasPrefix(page, "https://") {
		page = "" // wallets open nothing else
	}
	var list []Wallet
	add := func(id, name, href string) {
		if href != "" {
			list = append(list, Wallet{id, name, href})
		}
	}
	switch p.Network.Family {
	case chain.FamilyEVM:
		add("metamask", "MetaMask", p.metaMask(page))
		add("trust", "Trust Wallet", first(p.TrustLink(), trustBrowser(page)))
		add("base", "Base (Coinbase)", wrapped("https://go.cb-w.com/dapp?cb_url=", page))
		add("okx", "OKX Wallet", wrapped("okx://wallet/dapp/url?dappUrl=", page))
	case chain.FamilyTron:
		add("trust", "Trust Wallet", p.TrustLink())
		add("tronlink", "TronLink", tronLink(page))
	case chain.FamilySolana:
		add("trust", "Trust Wallet", p.TrustLink())
	}
	return list
}

// metaMask opens the page in MetaMask's browser, or MetaMask's own form for a token. That form may be preceded by a
// warning, because the link is not signed.
func (p Payment) metaMask(page string) string {
	if page != "" {
		return "https://link.metamask.io/dapp/" + strings.TrimPrefix(page, "https://")
	}
	if p.Asset.Contract == "" || !p.asksFor681() {
		return ""
	}
	return "https://link.metamask.io/send/" + p.transfer()
}

// TrustLink opens Trust Wallet's form to send, filled in. It is empty for coins whose Trust id is not documented.
func (p Payment) TrustLink() string {
	id := p.trustAsset()
	if id == "" {
		return ""
	}
	q := query{base: "https://link.trustwallet.com/send"}
	q.add("asset", id)
	q.add("address", p.Address)
	q.add("amount", p.plain())
	q.add("memo", escape(p.Tag))
	return q.String()
}

// trustAsset is Trust Wallet's id of an asset: a coin of SLIP-44, and the contract of a token.
func (p Payment) trustAsset() string {
	coin, ok := map[string]string{
		"bitcoin": "c0", "litecoin": "c2", "ethereum": "c60", "tron": "c195", "solana": "c501", "polygon": "c966", "bsc": "c20000714",
	}[p.Network.ID]
	if !ok || p.Asset.Contract == "" {
		return coin
	}
	switch p.Network.ID {
	case "ethereum", "tron", "bsc": // tokens elsewhere are not documented, and on Solana are shown thousandfold
		return coin + "_t" + p.Asset.Contract
	}
	return ""
}

// trustBrowser opens the page in Trust Wallet's browser; 60 is Ethereum, where it starts.
func trustBrowser(page string) string {
	return wrapped("https://link.trustwallet.com/open_url?coin_id=60&url=", page)
}

// tronLink opens the page in TronLink's browser. Its own transfer action needs the payer's address, which nobody knows.
func tronLink(page string) string {
	if page == "" {
		return ""
	}
	return "tronlinkoutside://pull.activity?param=" + escape(`{"url":"`+page+`","action":"open","protocol":"TronLink","version":"1.0"}`)
}

// wrapped is a link that carries the page's address; without a page there is none.
func wrapped(prefix, page string) string {
	if page == "" {
		return ""
	}
	return prefix + escape(page)
}

func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}
