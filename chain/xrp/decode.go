package xrp

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"checkout/chain"
	"checkout/money"
)

// rippleEpoch is the second the ledger counts time from: 2000-01-01 (xrpl.org, "Specifying Time").
const rippleEpoch = 946_684_800

// The answers of a server, as far as they matter (xrpl.org, "ledger", "tx").
type (
	rawLedger struct {
		Index     int64  `json:"ledger_index"`
		Hash      string `json:"ledger_hash"`
		Validated bool   `json:"validated"`
		Ledger    struct {
			Parent string  `json:"parent_hash"`
			Closed int64   `json:"close_time"`
			Txs    []rawTx `json:"transactions"`
		} `json:"ledger"`
	}
	rawTx struct {
		Hash        string  `json:"hash"`
		Type        string  `json:"TransactionType"`
		Account     string  `json:"Account"`
		Sequence    uint32  `json:"Sequence"`
		Ticket      uint32  `json:"TicketSequence"`
		Destination string  `json:"Destination"`
		Tag         *uint32 `json:"DestinationTag"`
		Meta        rawMeta `json:"metaData"`
	}
	rawMeta struct {
		Result    string          `json:"TransactionResult"`
		Delivered json.RawMessage `json:"delivered_amount"` // text: drops of XRP; an object: an issued currency
	}
)

// isHash says whether text is 32 bytes in upper-case hex.
func isHash(text string) bool {
	_, err := hex.DecodeString(text)
	return err == nil && len(text) == 64 && text == strings.ToUpper(text)
}

// header reads the header of a ledger that must have an index, unless that is below zero.
func (l rawLedger) header(height int64) (chain.Header, error) {
	switch {
	case !isHash(l.Hash) || !isHash(l.Ledger.Parent):
		return chain.Header{}, errors.New("a ledger without its hashes")
	case l.Index < 0 || l.Ledger.Closed < 0, height >= 0 && l.Index != height:
		return chain.Header{}, fmt.Errorf("ledger %d was given", l.Index)
	}
	return chain.Header{
		BlockRef: chain.BlockRef{Height: l.Index, Hash: l.Hash}, Parent: l.Ledger.Parent, Time: time.Unix(l.Ledger.Closed+rippleEpoch, 0).UTC(),
	}, nil
}

func (n *Node) block(l rawLedger, h chain.Header) (chain.Block, error) {
	out := chain.Block{Header: h, Txs: make([]chain.Tx, len(l.Ledger.Txs))}
	for i, raw := range l.Ledger.Txs {
		var err error
		if out.Txs[i], err = n.transaction(raw); err != nil {
			return chain.Block{}, err
		}
	}
	return out, nil
}

// transaction reads what a payment delivered: nothing, if it failed.
func (n *Node) transaction(raw rawTx) (chain.Tx, error) {
	if !isHash(raw.Hash) {
		return chain.Tx{}, fmt.Errorf("transaction %.80q", raw.Hash)
	}
	tx := chain.Tx{ID: raw.Hash, Inputs: []string{raw.Account + ":" + strconv.FormatUint(uint64(max(raw.Sequence, raw.Ticket)), 10)}}
	if raw.Type != "Payment" || raw.Meta.Result != "tesSUCCESS" {
		return tx, nil
	}
	amount, ok, err := n.delivered(raw.Meta.Delivered)
	if err != nil {
		return chain.Tx{}, fmt.Errorf("transaction %s: %w", raw.Hash, err)
	}
	if !ok || amount.Sign() == 0 {
		return tx, nil
	}
	if _, ok := chain.ParseXRPAddress(raw.Destination); !ok {
		return chain.Tx{}, fmt.Errorf("transaction %s pays %.80q", raw.Hash, raw.Destination)
	}
	tag := ""
	if raw.Tag != nil {
		tag = strconv.FormatUint(uint64(*raw.Tag), 10)
	}
	tx.Outputs = []chain.Transfer{{
		Network: n.network.ID, TxID: raw.Hash, Asset: n.asset.ID, Address: chain.Shared(raw.Destination, tag), Amount: amount,
	}}
	return tx, nil
}

// delivered reads what was delivered; false: it is an issued currency. A server that does not say it (it answers "unavailable"
// for payments of before 2014) cannot be asked what a payment is worth.
func (n *Node) delivered(raw json.RawMessage) (money.Amount, bool, error) {
	if len(raw) > 0 && raw[0] == '{' {
		return money.Amount{}, false, nil
	}
	var drops string
	if err := json.Unmarshal(raw, &drops); err != nil {
		return money.Amount{}, false, errors.New("nothing says what was delivered")
	}
	amount, err := money.ParseMinor(n.asset.Currency, drops)
	if err != nil || amount.Sign() < 0 {
		return money.Amount{}, false, fmt.Errorf("%.40q was delivered", drops)
	}
	return amount, true, nil
}
