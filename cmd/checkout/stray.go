package main

import (
	"fmt"
	"time"

	"checkout/invoice"
)

// strayView is money on a network that was not asked for, as the command line shows it.
type strayView struct {
	Network string `json:"network"`
	Amount  string `json:"amount"`
	Coin    string `json:"currency"`
	Asset   string `json:"asset"`
	Address string `json:"address"`
	TxID    string `json:"txid"`
	Seen    string `json:"seen"`
}

func (v strayView) line() string {
	return fmt.Sprintf("not counted: %s %s came on %s to %s  %s", v.Amount, v.Coin, v.Network, v.Address, v.TxID)
}

func strayViews(inv *invoice.Invoice) []strayView {
	var list []strayView
	for _, x := range inv.Strays {
		t := x.Transfer
		list = append(list, strayView{
			Network: t.Network, Amount: t.Amount.Plain(), Coin: t.Amount.Currency().Code, Asset: t.Asset, Address: t.Address, TxID: t.TxID,
			Seen: x.Seen.Format(time.RFC3339),
		})
	}
	return list
}
