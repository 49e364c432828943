package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"checkout/chain"
	"checkout/chain/evm/devnet"
	"checkout/ident"
	"checkout/invoice"
	"checkout/money"
	"checkout/store"
	"checkout/wallet"
)

// demoEVMAccount is the account m/44'/60'/0' of the phrase "abandon … about": everybody can derive its keys. Never fund it.
const demoEVMAccount = "xpub6DCoCpSuQZB2jawqnGMEPS63ePKWkwWPH4TU45Q7LPXWuNd8TMtVxRrgjtEshuqpK3mdhaWHPFsBngh5GFZaM6si3yZdUsT8ddYM3PwnATt"

// demoBlockTime is how often the private EVM network makes a block.
const demoBlockTime = 2 * time.Second

// evmNode is a private EVM network with two stablecoins, and a payer who has plenty of all.
type evmNode struct {
	process *devnet.Process
	dai     string

	mu sync.Mutex // one payer: payments are made one after the other
}

// startEVM starts the network, makes its tokens and points the settings at it.
func (c demoCmd) startEVM(ctx context.Context, s *Settings) (*evmNode, error) {
	process, err := devnet.Start(ctx, devnet.Config{Binary: c.Anvil, Every: demoBlockTime})
	if err != nil {
		return nil, setting("--anvil", "The EVM node cannot be started: make nodes.").Because(err)
	}
	n := &evmNode{process: process}
	usdt, err := process.Token(ctx, "Tether USD", "USDT", 6, 0)
	if err == nil {
		n.dai, err = process.Token(ctx, "Dai", "DAI", 18, 0)
	}
	if err != nil {
		return nil, errors.Join(err, process.Stop())
	}
	network, _ := chain.Devnet()
	s.RPC = map[string]string{network.ID: process.URL()}
	s.Tokens = map[string]string{"USDT@" + network.ID: usdt + "/6", "DAI@" + network.ID: n.dai + "/18"}
	return n, nil
}

func (n *evmNode) name() string { return "Ethereum" }

func (n *evmNode) stop() { _ = n.process.Stop() } // the demo ends

func (n *evmNode) mine(ctx context.Context) error { // the node does it by itself
	<-ctx.Done()
	return nil
}

func (n *evmNode) addWallet(ctx context.Context, a *app, m ident.ID) error {
	network, _ := chain.Devnet()
	account, err := wallet.NewAccount(a.played.Random, m, network, demoEVMAccount)
	if err != nil {
		return err
	}
	return store.Wallets{DB: a.db}.Insert(ctx, account)
}

func (n *evmNode) serves(a chain.Asset) bool {
	network, _ := chain.Devnet()
	return a.Network == network.ID
}

// play does with real transactions and blocks what rehearse does on the played chain.
func (n *evmNode) play(ctx context.Context, a *app, inv *invoice.Invoice, action string) error {
	payable := inv.Outcome.State == invoice.Awaiting || (inv.Outcome.State == invoice.Detected && inv.Outcome.Amount == invoice.Short)
	if !payable && action != "reorg" {
		return errRehearsal
	}
	asset, ok := a.registry.Asset(inv.Asset)
	if !ok {
		return errRehearsal
	}
	left := inv.Outcome.Remaining
	switch action {
	case "exact":
		return n.pay(ctx, inv, asset, left)
	case "short":
		return n.pay(ctx, inv, asset, part(left, 95))
	case "over":
		return n.pay(ctx, inv, asset, part(left, 125))
	case "parts":
		if err := n.pay(ctx, inv, asset, part(left, 40)); err != nil {
			return err
		}
		inv, err := a.await(ctx, inv.ID, func(inv *invoice.Invoice) bool { return inv.Outcome.Amount == invoice.Short })
		if err != nil {
			return err
		}
		return n.pay(ctx, inv, asset, inv.Outcome.Remaining)
	case "wrong":
		return n.payWrong(ctx, a, inv)
	case "reorg":
		return n.reorganise(ctx, inv, asset)
	}
	return errNotPlayed
}

// payWrong sends another token than the one that was chosen, of the same worth.
func (n *evmNode) payWrong(ctx context.Context, a *app, inv *invoice.Invoice) error {
	for _, other := range a.registry.Assets() {
		if !n.serves(other) || other.Contract == "" || other.ID == inv.Asset {
			continue
		}
		worth, err := a.estimate(other.Currency, inv.Price, other.DuePlaces)
		if err != nil {
			return err
		}
		return n.pay(ctx, inv, other, worth)
	}
	return errRehearsal
}

func (n *evmNode) pay(ctx context.Context, inv *invoice.Invoice, asset chain.Asset, amount money.Amount) error {
	tx, err := n.payment(inv, asset, amount)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	_, err = n.process.Send(ctx, tx)
	return err
}

// payment is the transaction that pays an amount to the address of an invoice.
func (n *evmNode) payment(inv *invoice.Invoice, asset chain.Asset, amount money.Amount) (devnet.Tx, error) {
	addr, ok := inv.Address(inv.Asset)
	if !ok || amount.Sign() <= 0 {
		return devnet.Tx{}, errRehearsal
	}
	if asset.Contract == "" {
		return devnet.Tx{To: addr.Text, Value: amount.Units(), Tip: 1}, nil
	}
	return devnet.Tx{To: asset.Contract, Data: devnet.Call("transfer(address,uint256)", addr.Text, amount.Units()), Tip: 1}, nil
}

// reorganise makes the node give up the block of the invoice's first payment; the payment stands in the last block of the new
// branch.
func (n *evmNode) reorganise(ctx context.Context, inv *invoice.Invoice, asset chain.Asset) error {
	for _, p := range inv.Payments {
		if p.Block.IsZero() || p.Transfer.Asset != asset.ID {
			continue
		}
		tip, err := n.process.Height(ctx)
		if err != nil {
			return err
		}
		depth := tip - p.Block.Height + 1
		if depth > 20 {
			return errRehearsal
		}
		tx, err := n.payment(inv, asset, p.Transfer.Amount)
		if err != nil {
			return err
		}
		return n.process.Replay(ctx, int(depth), tx, int(depth)-1)
	}
	return errRehearsal
}
