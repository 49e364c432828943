package bitcoin

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"

	"checkout/chain"
	"checkout/money"
)

// unspentUpTo is how many outputs of a transaction are asked for one by one.
const unspentUpTo = 50

// Pays lists what a transaction pays an address. A node without an index of transactions knows those of its mempool, and of
// others only the outputs nobody has spent yet; an empty list says that nothing is known, not that nothing was paid.
func (n *Node) Pays(ctx context.Context, txid, address string) ([]chain.Transfer, error) {
	if !isHash(txid) {
		return nil, nil
	}
	if err := n.identify(ctx); err != nil {
		return nil, err
	}
	var raw string
	err := n.ask(ctx, answerLimit, &raw, "getrawtransaction", txid, 0)
	if _, refused := errors.AsType[*RPCError](err); refused {
		return n.unspent(ctx, txid, address)
	}
	if err != nil {
		return nil, err
	}
	tx, err := n.decodeTx(raw, txid)
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
		var out *struct {
			Value  json.Number `json:"value"`
			Script struct {
				Hex string `json:"hex"`
			} `json:"scriptPubKey"`
		}
		err := n.ask(ctx, answerLimit, &out, "gettxout", txid, i, true)
		if _, refused := errors.AsType[*RPCError](err); refused {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		if out == nil {
			continue
		}
		script, err := hex.DecodeString(out.Script.Hex)
		if err != nil {
			return nil, n.garbage(err.Error())
		}
		to, ok := n.addressOf(script)
		if !ok || to != address {
			continue
		}
		amount, err := n.satoshi(out.Value)
		if err != nil {
			return nil, n.garbage(err.Error())
		}
		list = append(list, chain.Transfer{Network: n.network.ID, TxID: txid, Ordinal: i, Asset: n.asset.ID, Address: to, Amount: amount})
	}
	return list, nil
}

// satoshi is a number of whole coins as nodes write it, with an exponent or without.
func (n *Node) satoshi(value json.Number) (money.Amount, error) {
	coins, ok := new(big.Rat).SetString(value.String())
	if !ok {
		return money.Amount{}, fmt.Errorf("value %q", value)
	}
	units := coins.Mul(coins, big.NewRat(100_000_000, 1))
	if !units.IsInt() || units.Sign() < 0 || units.Cmp(big.NewRat(maxMoney, 1)) > 0 {
		return money.Amount{}, fmt.Errorf("value %q is no amount of satoshi", value)
	}
	return money.New(n.asset.Currency, units.Num()), nil
}
