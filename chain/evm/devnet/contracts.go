package devnet

import (
	"context"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"golang.org/x/crypto/sha3"
)

// The contracts, compiled from the sources beside them with solc 0.8.37 --optimize.
var (
	//go:embed contracts/Token.bin
	tokenCode string
	//go:embed contracts/Trickster.bin
	tricksterCode string
)

// Tx is a transaction an account of the node sends.
type Tx struct {
	From  string // the first account if empty
	To    string // empty: a contract is made
	Value *big.Int
	Data  string // hex, with 0x
	Nonce *int64 // of an earlier transaction, to take its place
	Tip   int64  // wei of gas price on top of what is usual: what takes another's place pays more
}

func (t Tx) request() map[string]any {
	out := map[string]any{"from": t.From, "gas": "0x2dc6c0"} // enough for all, so that what reverts is sent as well
	if t.To != "" {
		out["to"] = t.To
	}
	if t.Value != nil {
		out["value"] = quantity(t.Value)
	}
	if t.Data != "" {
		out["data"] = t.Data
	}
	if t.Nonce != nil {
		out["nonce"] = quantity(big.NewInt(*t.Nonce))
	}
	if t.Tip > 0 {
		out["gasPrice"] = quantity(big.NewInt(3_000_000_000 + t.Tip))
	}
	return out
}

// Send hands a transaction to the node and names it.
func (p *Process) Send(ctx context.Context, t Tx) (txid string, err error) {
	if t.From == "" {
		t.From = p.accounts[0]
	}
	return txid, p.rpc.Call(ctx, &txid, "eth_sendTransaction", t.request())
}

// Pay sends coins, in wei.
func (p *Process) Pay(ctx context.Context, to string, wei *big.Int) (txid string, err error) {
	return p.Send(ctx, Tx{To: to, Value: wei})
}

// PayToken sends units of a token from the first account, which must hold them.
func (p *Process) PayToken(ctx context.Context, token, to string, units *big.Int) (txid string, err error) {
	return p.Send(ctx, Tx{To: token, Data: Call("transfer(address,uint256)", to, units)})
}

// Token makes a token whose first account holds a billion of.
func (p *Process) Token(ctx context.Context, name, symbol string, decimals uint8, feeBasisPoints int64) (address string, err error) {
	code := "0x" + strings.TrimSpace(tokenCode) + encode(name, symbol, big.NewInt(int64(decimals)), big.NewInt(feeBasisPoints))
	if address, err = p.deploy(ctx, code); err != nil {
		return "", err
	}
	billion := new(big.Int).Mul(big.NewInt(1_000_000_000), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(decimals)), nil))
	txid, err := p.Send(ctx, Tx{To: address, Data: Call("mint(address,uint256)", p.accounts[0], billion)})
	if err != nil {
		return "", err
	}
	_, err = p.receipt(ctx, txid)
	return address, err
}

// Trickster makes the contract that does what is hard to tell from a payment.
func (p *Process) Trickster(ctx context.Context) (address string, err error) {
	return p.deploy(ctx, "0x"+strings.TrimSpace(tricksterCode))
}

func (p *Process) deploy(ctx context.Context, code string) (address string, err error) {
	txid, err := p.Send(ctx, Tx{Data: code})
	if err != nil {
		return "", err
	}
	return p.receipt(ctx, txid)
}

// receipt waits for a transaction to succeed, and names the contract it made.
func (p *Process) receipt(ctx context.Context, txid string) (contract string, err error) {
	if !p.mining {
		if err := p.Mine(ctx, 1); err != nil {
			return "", err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		var raw json.RawMessage
		if err := p.rpc.Call(ctx, &raw, "eth_getTransactionReceipt", txid); err != nil {
			return "", err
		}
		var r *struct {
			Status   string `json:"status"`
			Contract string `json:"contractAddress"`
		}
		if err := json.Unmarshal(raw, &r); err != nil {
			return "", err
		}
		if r != nil && r.Status != "0x1" {
			return "", errors.New("the transaction failed")
		}
		if r != nil {
			return r.Contract, nil
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("no receipt of %s: %w", txid, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Call is the data of a call to a contract: the function's selector and its arguments (Solidity ABI). Arguments are
// addresses as text, *big.Int, or lists of those; other text is a string.
func Call(signature string, arguments ...any) string {
	hash := sha3.NewLegacyKeccak256()
	_, _ = hash.Write([]byte(signature)) // a hash takes everything
	return "0x" + hex.EncodeToString(hash.Sum(nil)[:4]) + encode(arguments...)
}

// encode writes arguments: fixed ones in place, those of any length behind, with an offset in their place.
func encode(arguments ...any) string {
	var head, tail string
	for _, a := range arguments {
		fixed, long := argument(a)
		if long == "" {
			head += fixed
			continue
		}
		head += word(big.NewInt(int64(len(arguments)*32 + len(tail)/2)))
		tail += long
	}
	return head + tail
}

func argument(a any) (fixed, long string) {
	switch v := a.(type) {
	case *big.Int:
		return word(v), ""
	case []string:
		long = word(big.NewInt(int64(len(v))))
		for _, one := range v {
			fixed, _ := argument(one)
			long += fixed
		}
		return "", long
	case []*big.Int:
		long = word(big.NewInt(int64(len(v))))
		for _, one := range v {
			long += word(one)
		}
		return "", long
	case string:
		if strings.HasPrefix(v, "0x") && len(v) == 42 {
			n, _ := new(big.Int).SetString(v[2:], 16)
			return word(n), ""
		}
		text := hex.EncodeToString([]byte(v))
		return "", word(big.NewInt(int64(len(v)))) + text + strings.Repeat("0", (64-len(text)%64)%64)
	}
	panic(fmt.Sprintf("devnet: an argument of type %T", a))
}

func word(n *big.Int) string { return fmt.Sprintf("%064x", n) }
