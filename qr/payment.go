package qr

import (
	"slices"

	"checkout/chain"
	"checkout/money"
)

// Payment is what a payer is asked for. It makes every text a wallet may read of it: the payment URI, the texts of the QR
// codes, links into wallets (wallets.go) and what a wallet in the browser is told (evm.go, tron.go). The rules R1 to R12
// are those of payment-uris.md.
type Payment struct {
	Network chain.Network
	Asset   chain.Asset
	Address string       // checked already; written as it is, EVM addresses in the mixed case of EIP-55
	Tag     string       // what a shared address needs: decimal digits (XRP) or a text (TON); empty: the address is the payer's alone
	Due     money.Amount // still to pay; nothing, or of another currency than the asset: any amount
	First   Kind         // of the code shown first, as the merchant wants it; empty, or one there is not: as is usual for the asset
	Upper   bool         // bech32 addresses in capitals in the QR code of the URI, and nowhere else: see Upper
}

// Kind is what a QR code says.
type Kind string

// The kinds of a QR code.
const (
	KindURI     Kind = "uri"     // the payment URI, with the amount where one is asked for
	KindAddress Kind = "address" // the bare address
	KindTag     Kind = "tag"     // the bare tag of a shared address
)

// Text is the text of one QR code.
type Text struct {
	Kind    Kind
	Content string
}

// URI is the payment URI for programs and links. It is empty where there is no safe one: for tokens on Tron, and for
// tokens of the EVM family without an amount or with one that wallets cannot read (R4, R5).
func (p Payment) URI() string {
	switch p.Network.Family {
	case chain.FamilyEVM:
		return p.ethereumURI()
	case chain.FamilyTron:
		if p.Asset.Contract != "" {
			return "" // "tron:" cannot name a token: a wallet would ask for TRX
		}
	case chain.FamilyXRP:
		return p.Asset.Scheme + ":" + p.rippled()
	case chain.FamilySolana:
		return p.solanaURI()
	case chain.FamilyTON:
		return p.tonURI()
	}
	return URI(p.Asset, p.Address, p.Due)
}

// Link is URI for a link a payer taps: whom it is paid to and what for go along where the URI has a place for them.
func (p Payment) Link(label, message string) string {
	if p.bitcoinLike() {
		return Link(p.Asset, p.Address, p.Due, label, message)
	}
	return p.URI()
}

// Texts are the texts of the payment's QR codes, at least one; the first is the one to show first.
func (p Payment) Texts() []Text {
	list := []Text{{KindAddress, p.Address}}
	if uri := p.scanned(); uri != "" {
		list = append(list, Text{KindURI, uri})
		if !p.Asset.AddressFirst || p.Tag != "" {
			slices.Reverse(list)
		}
	}
	if p.Tag != "" && p.Network.Tag == chain.TagNumber {
		list = append(list, Text{KindTag, p.Tag})
	}
	for i, text := range list {
		if text.Kind == p.First && (p.Tag == "" || text.Kind != KindAddress) { // an address without its tag is nobody's
			return append([]Text{text}, slices.Delete(list, i, i+1)...)
		}
	}
	return list
}

// Text is the text of a kind, or the first one if there is none of that kind.
func (p Payment) Text(kind Kind) Text {
	texts := p.Texts()
	for _, text := range texts {
		if text.Kind == kind {
			return text
		}
	}
	return texts[0]
}

// scanned is what the code with the amount says. It is empty where the bare address is the better or the only way.
func (p Payment) scanned() string {
	switch p.Network.Family {
	case chain.FamilyEVM:
		if !p.asksFor681() {
			return "" // a URI without an amount opens the wrong coin in some wallets
		}
	case chain.FamilyTron, chain.FamilySolana:
		if !p.asks() {
			return ""
		}
	case chain.FamilyXRP:
		if p.Tag == "" {
			return ""
		}
		return p.rippled() // without a scheme: the form most wallets and exchanges know
	case chain.FamilyTON:
		if p.Tag == "" {
			return ""
		}
	default:
		if p.Upper {
			return URI(p.Asset, Upper(p.Address), p.Due)
		}
	}
	return p.URI()
}

// asks says whether an amount is asked for.
func (p Payment) asks() bool { return p.Due.Sign() > 0 && p.Due.Currency() == p.Asset.Currency }

// ByHand says that an amount is asked for which no wallet can take over from a code or a link (R4).
func (p Payment) ByHand() bool {
	return p.Network.Family == chain.FamilyEVM && p.asks() && !p.asksFor681()
}

// bitcoinLike says whether URIs are of the BIP21 family with label and message.
func (p Payment) bitcoinLike() bool {
	return p.Network.Family == chain.FamilyBitcoin || p.Network.Family == chain.FamilyRehearsal
}

// rippled is an address of the XRP Ledger with its tag and amount in XRP.
func (p Payment) rippled() string {
	q := query{base: p.Address}
	q.add("dt", p.Tag)
	q.add("amount", p.plain())
	return q.String()
}

// solanaURI is a transfer request of Solana Pay: the recipient is the owner, never a token account.
func (p Payment) solanaURI() string {
	q := query{base: "solana:" + p.Address}
	q.add("amount", p.plain())
	q.add("spl-token", p.Asset.Contract)
	return q.String()
}

// tonURI is a transfer link of TON. Its amount is in smallest units, also of tokens ("jetton").
func (p Payment) tonURI() string {
	q := query{base: "ton://transfer/" + p.Address}
	q.add("jetton", p.Asset.Contract)
	if p.asks() {
		q.add("amount", p.Due.Minor())
	}
	q.add("text", escape(p.Tag))
	return q.String()
}

// plain is the amount in whole coins, or nothing.
func (p Payment) plain() string {
	if !p.asks() {
		return ""
	}
	return p.Due.Plain()
}

// query is an address and parameters in the order they were added. Values must be encoded already.
type query struct{ base, rest string }

// add appends a parameter; one without a value is left out.
func (q *query) add(key, value string) {
	if value == "" {
		return
	}
	separator := "&"
	if q.rest == "" {
		separator = "?"
	}
	q.rest += separator + key + "=" + value
}

func (q query) String() string { return q.base + q.rest }
