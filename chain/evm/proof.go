package evm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"checkout/chain"
	"checkout/chain/rpc"
)

// Prove gives a transaction of a block with what it really did, by its receipt: nothing, if it failed. What is worth more than
// an asset's limit must be in the receipt of a second provider as well, if there are several. ErrUnproven, ErrDisagree.
func (n *Node) Prove(ctx context.Context, block chain.BlockRef, tx chain.Tx) (chain.Tx, error) {
	var proven chain.Tx
	var by *provider
	err := n.pool.First(ctx, func(p *provider) error {
		var err error
		by = p
		proven, err = n.prove(ctx, p, block, tx)
		return err
	})
	if err != nil || len(n.pool.All()) == 1 || !n.large(proven) {
		return proven, err
	}
	var trouble error
	for _, p := range n.pool.All() {
		if p == by {
			continue
		}
		second, err := n.prove(ctx, p, block, tx)
		if err != nil {
			trouble = err
			continue
		}
		if !slices.EqualFunc(proven.Outputs, second.Outputs, chain.Transfer.Equal) {
			return chain.Tx{}, ErrDisagree.Because(fmt.Errorf("transaction %s in block %d", tx.ID, block.Height))
		}
		return proven, nil
	}
	return chain.Tx{}, ErrDisagree.Because(fmt.Errorf("transaction %s in block %d: no second opinion: %w", tx.ID, block.Height, trouble))
}

// large says whether a transaction moves more than one node alone is believed.
func (n *Node) large(tx chain.Tx) bool {
	return slices.ContainsFunc(tx.Outputs, func(t chain.Transfer) bool { return n.assets[t.Asset].IsLarge(t.Amount) })
}

func (n *Node) prove(ctx context.Context, p *provider, block chain.BlockRef, tx chain.Tx) (chain.Tx, error) {
	r, err := p.receipt(ctx, tx.ID)
	if err != nil {
		return chain.Tx{}, err
	}
	if r.Block != block.Hash {
		return chain.Tx{}, ErrUnproven.Because(fmt.Errorf("transaction %s is not in block %d", tx.ID, block.Height))
	}
	proven, err := n.proven(r, tx)
	if err != nil {
		return chain.Tx{}, p.garbage(err.Error())
	}
	return proven, nil
}

// receipt asks for what a transaction did; ErrUnproven if the node does not know it.
func (p *provider) receipt(ctx context.Context, txid string) (rawReceipt, error) {
	raw, err := p.ask(ctx, "eth_getTransactionReceipt", txid)
	if err != nil {
		return rawReceipt{}, err
	}
	if raw == nil {
		return rawReceipt{}, ErrUnproven.Because(fmt.Errorf("transaction %s", txid))
	}
	var r rawReceipt
	if err := json.Unmarshal(raw, &r); err != nil {
		return rawReceipt{}, p.trouble(rpc.ErrGarbage.Because(err))
	}
	if r.Tx != txid || r.Logs == nil {
		return rawReceipt{}, p.garbage("the receipt of another transaction, or half of one")
	}
	return r, nil
}

// Pays lists what a transaction in a block pays an address. An empty list says that nothing is known, not that nothing was
// paid.
func (n *Node) Pays(ctx context.Context, txid, address string) ([]chain.Transfer, error) {
	txid = strings.ToLower(txid)
	if !isHash(txid) {
		return nil, nil
	}
	var list []chain.Transfer
	err := n.pool.First(ctx, func(p *provider) error {
		tx, err := n.lookUp(ctx, p, txid)
		list = nil
		for _, out := range tx.Outputs {
			if out.Address == address {
				list = append(list, out)
			}
		}
		return err
	})
	if errors.Is(err, ErrUnproven) {
		return nil, nil
	}
	return list, err
}

// lookUp finds a transaction by its id alone, in a block that is still the node's own; ErrUnproven.
func (n *Node) lookUp(ctx context.Context, p *provider, txid string) (chain.Tx, error) {
	r, err := p.receipt(ctx, txid)
	if err != nil {
		return chain.Tx{}, err
	}
	answer, err := p.ask(ctx, "eth_getTransactionByHash", txid)
	if err != nil {
		return chain.Tx{}, err
	}
	var raw rawTx
	if answer == nil {
		return chain.Tx{}, ErrUnproven.Because(fmt.Errorf("transaction %s", txid))
	}
	if err := json.Unmarshal(answer, &raw); err != nil {
		return chain.Tx{}, p.trouble(rpc.ErrGarbage.Because(err))
	}
	tx, err := n.transaction(raw, r.Block)
	if err != nil || tx.ID != txid {
		return chain.Tx{}, p.garbage(fmt.Sprintf("transaction %s: %v", txid, err))
	}
	proven, err := n.proven(r, tx)
	if err != nil {
		return chain.Tx{}, p.garbage(err.Error())
	}
	return proven, nil
}
