package evm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"golang.org/x/crypto/sha3"

	"checkout/chain"
	"checkout/chain/rpc"
	"checkout/money"
)

// Check compares an asset with its contract: there is code at the address, and decimals() (EIP-20) answers what we count in.
// ErrMismatch if not. The network's own coin has nothing to compare.
func (n *Node) Check(ctx context.Context, a chain.Asset) error {
	if a.Contract == "" {
		return nil
	}
	return n.pool.First(ctx, func(p *provider) error {
		code, err := p.ask(ctx, "eth_getCode", a.Contract, "latest")
		if err != nil {
			return err
		}
		var text string
		if err := json.Unmarshal(code, &text); err != nil || !strings.HasPrefix(text, "0x") {
			return p.garbage("eth_getCode: no data")
		}
		if text == "0x" {
			return ErrMismatch.Because(fmt.Errorf("asset %s: no contract at %s", a.ID, a.Contract))
		}
		decimals, err := p.view(ctx, a.Contract, "decimals()")
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
	var units *big.Int
	err := n.pool.First(ctx, func(p *provider) error {
		var err error
		if a.Contract != "" {
			units, err = p.view(ctx, a.Contract, "balanceOf(address)", address)
			if err == nil && units == nil {
				err = ErrMismatch.Because(fmt.Errorf("asset %s: %s tells no balance", a.ID, a.Contract))
			}
			return err
		}
		answer, err := p.ask(ctx, "eth_getBalance", address, "latest")
		if err != nil {
			return err
		}
		if units, err = readQuantity(answer); err != nil {
			return p.garbage("eth_getBalance: " + err.Error())
		}
		return nil
	})
	if err != nil {
		return money.Amount{}, err
	}
	return money.New(a.Currency, units), nil
}

// Coin is the network's coin: contracts can send it on without a trace in blocks.
func (n *Node) Coin() chain.Asset { return n.coin }

// Balances is what addresses held of the network's coin after the block at a height. Providers without an archive know the last
// 128 blocks or so.
func (n *Node) Balances(ctx context.Context, addresses []string, height int64) ([]money.Amount, error) {
	if len(addresses) == 0 {
		return nil, nil
	}
	questions := make([]rpc.Question, len(addresses))
	for i, a := range addresses {
		questions[i] = rpc.Question{Method: "eth_getBalance", Params: []any{a, hexOf(height)}}
	}
	amounts := make([]money.Amount, 0, len(addresses))
	err := n.pool.First(ctx, func(p *provider) error {
		amounts = amounts[:0]
		for part := range slices.Chunk(questions, balancesAtOnce) {
			answers, err := p.many(ctx, part)
			if err != nil {
				return err
			}
			for _, answer := range answers {
				units, err := readQuantity(answer)
				if err != nil {
					return p.garbage("eth_getBalance: " + err.Error())
				}
				amounts = append(amounts, money.New(n.coin.Currency, units))
			}
		}
		return nil
	})
	return amounts, err
}

// balancesAtOnce is how many balances are asked for in one exchange: public providers take small batches only.
const balancesAtOnce = 20

func readQuantity(raw json.RawMessage) (*big.Int, error) {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return nil, err
	}
	return quantity(text)
}

// view calls a function of a contract that answers with one number; nil if the contract has no such answer. Arguments are
// addresses (Solidity's contract ABI).
func (p *provider) view(ctx context.Context, contract, signature string, addresses ...string) (*big.Int, error) {
	hash := sha3.NewLegacyKeccak256()
	_, _ = hash.Write([]byte(signature)) // a hash takes everything
	data := fmt.Sprintf("0x%x", hash.Sum(nil)[:4])
	for _, a := range addresses {
		data += strings.Repeat("0", 24) + strings.ToLower(strings.TrimPrefix(a, "0x"))
	}
	answer, err := p.ask(ctx, "eth_call", map[string]string{"to": contract, "data": data}, "latest")
	if refusal, refused := errors.AsType[*rpc.Error](err); refused && reverted(refusal) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var text string
	if err := json.Unmarshal(answer, &text); err != nil || !strings.HasPrefix(text, "0x") {
		return nil, p.garbage("eth_call: no data")
	}
	n, err := word(text)
	if err != nil {
		return nil, nil //nolint:nilerr // the contract answers with something else
	}
	return n, nil
}

// reverted says whether a refusal is the contract's own: code 3 (go-ethereum), or a server error that says so.
func reverted(e *rpc.Error) bool {
	return e.Code == 3 || (e.Code == -32000 && strings.Contains(e.Message, "revert"))
}
