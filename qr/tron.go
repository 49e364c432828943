package qr

import "checkout/chain"

// tronFeeLimit is the most a token transfer may burn in fees, in sun: 100 TRX. A transfer takes up to about 30 TRX from
// an account without energy of its own; more than the limit and the network undoes it.
const tronFeeLimit = 100_000_000

// TronCall is what the browser's Tron wallet is asked to send.
type TronCall struct {
	To       string // the recipient
	Contract string // of the token; empty: TRX
	Amount   string // smallest units, decimal digits
	FeeLimit int64  // sun
}

// TronCall is the transaction that pays. There is none without an amount, or for other families.
func (p Payment) TronCall() (TronCall, bool) {
	if p.Network.Family != chain.FamilyTron || !p.asks() {
		return TronCall{}, false
	}
	return TronCall{To: p.Address, Contract: p.Asset.Contract, Amount: p.Due.Minor(), FeeLimit: tronFeeLimit}, true
}
