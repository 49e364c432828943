package bitcoin

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"checkout/chain"
	"checkout/chain/rpc"
	"checkout/money"
)

// unspentUpTo is how many outputs of a transaction are asked for one by one.
const unspentUpTo = 100

// Pays lists what a transaction in a block pays an address. A node without an index of transactions knows only the outputs nobody
// has spent yet; an empty list says that nothing is known, not that nothing was paid.
func (n *Node) Pays(ctx context.Context, txid, address string) ([]chain.Transfer, error) {
	txid = strings.ToLower(txid)
	if !isHash(txid) {
		return nil, nil
	}
	if err := n.identify(ctx); err != nil {
		return nil, err
	}
	var found struct {
		Hex           string `json:"hex"`
		Confirmations int64  `json:"confirmations"`
	}
	err := n.ask(ctx, rpc.AnswerLimit, &found, "getrawtransaction", txid, 1)
	if refusal, refused := errors.AsType[*rpc.Error](err); refused && refusal.Code == codeNotFound {
		return n.unspent(ctx, txid, address)
	}
	if err != nil {
		return nil, err
	}
	if found.Confirmations < 1 {
		return nil, nil
	}
	tx, err := n.decodeTx(found.Hex, txid)
	if err != nil {
		return nil, n.garbage(err.Error())
	}
	var list []chain.Transfer
	for _, out := range tx.Outputs {
		if out.Address == address {
			list = append(list, out)
		}
	}
	return list, nil
}

// unspent looks through the outputs of a transaction that are still there.
func (n *Node) unspent(ctx context.Context, txid, address string) ([]chain.Transfer, error) {
	var list []chain.Transfer
	for i := range int64(unspentUpTo) {
		var raw json.RawMessage // null: there is no such output, or it is spent
		err := n.ask(ctx, rpc.AnswerLimit, &raw, "gettxout", txid, i, false)
		if refusal, refused := errors.AsType[*rpc.Error](err); refused && refusal.Code == codeNotFound {
			return list, nil // btcd says so of an output there is not
		}
		if err != nil {
			return nil, err
		}
		if len(raw) == 0 || string(raw) == "null" {
			continue
		}
		out, ok, err := n.output(raw, address)
		if err != nil {
			return nil, n.garbage("output: " + err.Error())
		}
		if ok {
			out.TxID, out.Ordinal = txid, i
			list = append(list, out)
		}
	}
	return list, nil
}

// output reads an unspent output, if it pays an address.
func (n *Node) output(raw json.RawMessage, address string) (chain.Transfer, bool, error) {
	var out struct {
		Value  json.Number `json:"value"`
		Script struct {
			Hex string `json:"hex"`
		} `json:"scriptPubKey"`
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		return chain.Transfer{}, false, err
	}
	script, err := hex.DecodeString(out.Script.Hex)
	if err != nil {
		return chain.Transfer{}, false, err
	}
	if to, ok := n.addressOf(script); !ok || to != address {
		return chain.Transfer{}, false, nil
	}
	amount, err := n.satoshi(out.Value)
	return chain.Transfer{Network: n.network.ID, Asset: n.asset.ID, Address: address, Amount: amount}, err == nil, err
}

// satoshi is a number of whole coins as nodes write it, with an exponent or without.
func (n *Node) satoshi(value json.Number) (money.Amount, error) {
	coins, ok := new(big.Rat).SetString(value.String())
	if !ok {
		return money.Amount{}, fmt.Errorf("value %q", value)
	}
	units := coins.Mul(coins, big.NewRat(satoshi, 1))
	if !units.IsInt() || units.Sign() < 0 || units.Cmp(big.NewRat(n.coin.maxMoney, 1)) > 0 {
		return money.Amount{}, fmt.Errorf("value %q is no amount of satoshi", value)
	}
	return money.New(n.asset.Currency, units.Num()), nil
}
