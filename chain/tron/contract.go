package tron

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"

	"checkout/chain"
	"checkout/money"
)

// Check compares an asset with its contract: decimals() (TIP-20) answers what we count in. ErrMismatch if not. TRX has nothing
// to compare.
func (n *Node) Check(ctx context.Context, a chain.Asset) error {
	if a.Contract == "" {
		return nil
	}
	return n.pool.First(ctx, func(p *provider) error {
		decimals, err := p.view(ctx, a.Contract, "decimals()", "")
		if err != nil {
			return err
		}
		if decimals == nil || !decimals.IsInt64() || decimals.Int64() != int64(a.Currency.Scale) {
			return ErrMismatch.Because(fmt.Errorf("asset %s: %s counts in %v decimals, not %d", a.ID, a.Contract, decimals, a.Currency.Scale))
		}
		return nil
	})
}

// Balance is how much of an asset an address holds in the newest block.
func (n *Node) Balance(ctx context.Context, a chain.Asset, address string) (money.Amount, error) {
	account, ok := chain.ParseTronAddress(address)
	if !ok {
		return money.Amount{}, fmt.Errorf("%q is no address of Tron", address)
	}
	var units *big.Int
	err := n.pool.First(ctx, func(p *provider) error {
		if a.Contract == "" {
			var held struct {
				Balance json64 `json:"balance"`
			}
			err := p.ask(ctx, &held, "/wallet/getaccount", map[string]string{"address": chain.TronHex(account)})
			units = big.NewInt(int64(held.Balance))
			return err
		}
		var err error
		units, err = p.view(ctx, a.Contract, "balanceOf(address)", strings.Repeat("0", 24)+chain.TronHex(account)[2:])
		if err == nil && units == nil {
			err = ErrMismatch.Because(fmt.Errorf("asset %s: %s tells no balance", a.ID, a.Contract))
		}
		return err
	})
	if err != nil {
		return money.Amount{}, err
	}
	return money.New(a.Currency, units), nil
}

// Coin is TRX: contracts can send it on without a trace in blocks.
func (n *Node) Coin() chain.Asset { return n.coin }

// Balances is what addresses held of TRX after the newest solid block. The height is one that was solid before.
func (n *Node) Balances(ctx context.Context, addresses []string, _ int64) ([]money.Amount, error) {
	amounts := make([]money.Amount, len(addresses))
	for i, a := range addresses {
		account, ok := chain.ParseTronAddress(a)
		if !ok {
			return nil, fmt.Errorf("%q is no address of Tron", a)
		}
		err := n.pool.First(ctx, func(p *provider) error {
			var held struct {
				Balance json64 `json:"balance"`
			}
			err := p.ask(ctx, &held, "/walletsolidity/getaccount", map[string]string{"address": chain.TronHex(account)})
			amounts[i] = money.Units(n.coin.Currency, int64(held.Balance))
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return amounts, nil
}

// view calls a function of a contract that answers with one number; nil if the contract has no such answer, or is not there.
// It is not sent, so nobody pays for it. A call that a contract undoes has a message, and what it left behind is no answer.
func (p *provider) view(ctx context.Context, contract, signature, parameter string) (*big.Int, error) {
	account, _ := chain.ParseTronAddress(contract) // looked at when the asset was added
	var answer struct {
		Results []string `json:"constant_result"`
		Result  *struct {
			OK      bool   `json:"result"`
			Code    string `json:"code"`
			Message string `json:"message"` // hex
		} `json:"result"`
	}
	err := p.ask(ctx, &answer, "/wallet/triggerconstantcontract", map[string]any{
		"owner_address": chain.TronHex([20]byte{}), "contract_address": chain.TronHex(account), "function_selector": signature, "parameter": parameter,
	})
	if err != nil {
		return nil, err
	}
	if answer.Result == nil {
		return nil, p.garbage("triggerconstantcontract: no result")
	}
	message, _ := hex.DecodeString(answer.Result.Message) // what cannot be read is not the one text that matters
	switch {
	case !answer.Result.OK && string(message) == noContract:
		return nil, nil
	case !answer.Result.OK: // the node's own trouble: it runs no calls, or had no time
		return nil, p.refused("/wallet/triggerconstantcontract", answer.Result.Code+" "+string(message))
	case len(message) > 0 || len(answer.Results) != 1 || !isWord(answer.Results[0]):
		return nil, nil
	}
	n, _ := new(big.Int).SetString(answer.Results[0], 16) // its shape was looked at
	return n, nil
}

// noContract is what a node says of an address that is no contract; with the same code it says that it runs no calls at all.
const noContract = "Smart contract is not exist."

// Pays lists what a transaction in a block pays an address. An empty list says that nothing is known, not that nothing was
// paid.
func (n *Node) Pays(ctx context.Context, txid, address string) ([]chain.Transfer, error) {
	txid = strings.TrimPrefix(strings.ToLower(txid), "0x")
	if !isHash(txid) {
		return nil, nil
	}
	var list []chain.Transfer
	err := n.pool.First(ctx, func(p *provider) error {
		list = nil
		var info rawInfo
		if err := p.ask(ctx, &info, "/wallet/gettransactioninfobyid", map[string]string{"value": txid}); err != nil || info.ID == "" {
			return err
		}
		b, err := n.blockOf(ctx, p, int64(info.Height))
		if err != nil {
			return err
		}
		for _, tx := range b.Txs {
			for _, out := range tx.Outputs {
				if tx.ID == txid && out.Address == address {
					list = append(list, out)
				}
			}
		}
		return nil
	})
	return list, err
}
