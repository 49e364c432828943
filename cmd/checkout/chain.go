package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"checkout/chain"
	"checkout/fault"
	"checkout/store"
	"checkout/watch"
)

type chainCmd struct {
	Status chainStatusCmd `cmd:"" help:"Show how the chains are followed, and what invoices could not take in."`
	Accept chainAcceptCmd `cmd:"" help:"Turn to the node's branch although it parts from ours too deep, or is shorter."`
}

// chainView is a chain as the command line shows it.
type chainView struct {
	Network  string     `json:"network"`
	Status   string     `json:"status"`
	Height   int64      `json:"height"`
	Hash     string     `json:"hash"`
	Through  string     `json:"seen_through,omitempty"`
	Reorgs   int64      `json:"reorgs"`
	Node     *blockView `json:"node,omitempty"`
	NodeSays string     `json:"node_error,omitempty"` // why it has no tip
	Common   *blockView `json:"common,omitempty"`     // the last block both have, if they part
	Depth    int64      `json:"depth"`                // our blocks above it
	Stuck    bool       `json:"stuck"`                // it takes a person, or another node
	Accepted *blockView `json:"accepted,omitempty"`   // a decision that is not carried out yet
	Held     []heldView `json:"held"`
}

type blockView struct {
	Height int64  `json:"height"`
	Hash   string `json:"hash"`
}

type heldView struct {
	Invoice string `json:"invoice"`
	Kind    string `json:"kind"`
	TxID    string `json:"txid,omitempty"`
	Height  int64  `json:"height,omitempty"`
	Code    string `json:"code"`
	Since   string `json:"since"`
	Tried   string `json:"tried"`
}

func showBlock(b chain.BlockRef) *blockView { return &blockView{b.Height, b.Hash} }

// chainView asks the store and the node how a chain is doing.
func (a *app) chainView(ctx context.Context, w *watch.Watcher) (chainView, error) {
	chains, network := store.Chains{DB: a.db}, w.Source.Network().ID
	cursor, started, err := chains.Cursor(ctx, network)
	if err != nil {
		return chainView{}, err
	}
	v := chainView{Network: network, Status: cursor.Status, Height: cursor.Tip.Height, Hash: cursor.Tip.Hash, Reorgs: cursor.Reorgs, Held: []heldView{}}
	if v.Status == "" {
		v.Status = watch.StatusStarting
	}
	if !cursor.Through.IsZero() {
		v.Through = cursor.Through.Format(time.RFC3339)
	}
	if wanted, ok, err := chains.Accepted(ctx, network); err != nil {
		return v, err
	} else if ok {
		v.Accepted = showBlock(wanted)
	}
	held, err := chains.Held(ctx, network)
	if err != nil {
		return v, err
	}
	for _, h := range held {
		v.Held = append(v.Held, heldView{
			Invoice: string(h.Owner), Kind: h.Kind, TxID: h.TxID, Height: h.Block.Height, Code: h.Code,
			Since: h.First.Format(time.RFC3339), Tried: h.Last.Format(time.RFC3339),
		})
	}
	if !started {
		return v, nil
	}
	fork, err := w.Fork(ctx)
	if err != nil {
		v.NodeSays = sentence(err)
		return v, nil //nolint:nilerr // it is shown: that the node does not answer is how the chain is doing
	}
	v.Node, v.Depth, v.Stuck = showBlock(fork.Theirs), fork.Depth(), fork.Stuck()
	if len(fork.Lost) > 0 {
		v.Common = showBlock(fork.Common.BlockRef)
	}
	return v, nil
}

func (v chainView) lines() []string {
	list := []string{fmt.Sprintf("%s  %s  height %d  %s", v.Network, v.Status, v.Height, v.Hash)}
	switch {
	case v.NodeSays != "":
		list = append(list, "  the node: "+v.NodeSays)
	case v.Common != nil:
		list = append(list, fmt.Sprintf("  the node: height %d  %s\n  common:   height %d  %s; %d of our blocks are not the node's", v.Node.Height, v.Node.Hash, v.Common.Height, v.Common.Hash, v.Depth))
	}
	if v.Stuck {
		list = append(list, "  It waits for the node to come back, or for: checkout chain accept --network "+v.Network)
	}
	if v.Accepted != nil {
		list = append(list, fmt.Sprintf("  accepted, not turned to yet: height %d  %s", v.Accepted.Height, v.Accepted.Hash))
	}
	for _, h := range v.Held {
		list = append(list, fmt.Sprintf("  held since %s: invoice %s  %s %s  %s", h.Since, h.Invoice, h.Kind, h.TxID, h.Code))
	}
	return list
}

// watcher finds the watcher of a network by what an operator calls it.
func (a *app) watcher(name string) (*watch.Watcher, error) {
	network, err := a.settings.network(a.registry, name)
	if err != nil {
		return nil, err
	}
	for _, w := range a.watchers {
		if w.Source.Network().ID == network.ID {
			return w, nil
		}
	}
	return nil, setting("--network", "The network has no node: set --bitcoin-rpc (CHECKOUT_BITCOIN_RPC) or --rpc (CHECKOUT_RPC).")
}

type chainStatusCmd struct {
	Network string `help:"Only this network: bitcoin, or its id."`
}

// Run shows the chains.
func (c chainStatusCmd) Run(ctx context.Context, s *Settings, out *console) error {
	return with(ctx, s, out, func(a *app) error {
		list := a.watchers
		if c.Network != "" {
			w, err := a.watcher(c.Network)
			if err != nil {
				return err
			}
			list = []*watch.Watcher{w}
		}
		views, text := []chainView{}, []string{}
		for _, w := range list {
			v, err := a.chainView(ctx, w)
			if err != nil {
				return err
			}
			views, text = append(views, v), append(text, v.lines()...)
		}
		out.say(views, "%s", strings.Join(text, "\n"))
		return nil
	})
}

type chainAcceptCmd struct {
	Network string `required:"" help:"The network: bitcoin, or its id."`
	Yes     bool   `help:"Do it. Without, it is only shown what it would cost."`
}

// The faults of accepting a branch.
var (
	errNotStuck  = fault.New(fault.Conflict, "chain_followed", "The network is neither halted nor behind: there is nothing to accept.")
	errConfirm   = fault.New(fault.Invalid, "not_confirmed", "Nothing was done. Say --yes if the node's branch is the right one.")
	errNotTurned = fault.New(fault.Unavailable, "not_turned", "The decision is kept, but it was not carried out yet: is the node still on this branch? Look with: checkout chain status")
)

// turnTime is how long the command waits for the serving process, which looks at a halted chain every half minute or so.
const turnTime = 90 * time.Second

// Run writes the operator's decision down and sees to it that it is carried out: by the process that serves the database,
// or here if there is none.
func (c chainAcceptCmd) Run(ctx context.Context, s *Settings, out *console) error {
	quiet := *s
	if quiet.LogLevel == "info" {
		quiet.LogLevel = "warn"
	}
	log := newLog(&quiet, out.err)
	a, err := openApp(ctx, s, log, true)
	served := errors.Is(err, store.ErrInUse)
	if served {
		a, err = openApp(ctx, s, log, false)
	}
	if err != nil {
		return err
	}
	defer a.close()
	w, err := a.watcher(c.Network)
	if err != nil {
		return err
	}
	fork, err := w.Fork(ctx)
	if err != nil {
		return err
	}
	if !fork.Stuck() {
		return errNotStuck
	}
	owners, err := w.Concerned(ctx, fork)
	if err != nil {
		return err
	}
	answer := map[string]any{
		"network": w.Source.Network().ID, "from": showBlock(fork.Ours), "to": showBlock(fork.Theirs), "common": showBlock(fork.Common.BlockRef),
		"depth": fork.Depth(), "invoices": len(owners), "turned": c.Yes,
	}
	if !c.Yes {
		out.say(answer, "The node is at %d, %s.\nThe last block we both have is %d, %s.\nThis gives up %d of our blocks; %d invoices lose what they were paid in them.",
			fork.Theirs.Height, fork.Theirs.Hash, fork.Common.Height, fork.Common.Hash, fork.Depth(), len(owners))
		return errConfirm.At("--yes")
	}
	if err := a.turn(ctx, w, fork.Theirs, served); err != nil {
		return err
	}
	out.say(answer, "The chain is followed from block %d on, on the node's branch; %d invoices lost what they were paid in %d blocks.",
		fork.Common.Height, len(owners), fork.Depth())
	return nil
}

// turn keeps the decision for a branch and waits until it was carried out.
func (a *app) turn(ctx context.Context, w *watch.Watcher, tip chain.BlockRef, served bool) error {
	chains, network := store.Chains{DB: a.db}, w.Source.Network().ID
	if err := chains.Accept(ctx, network, tip); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, turnTime)
	defer cancel()
	var trouble error
	for {
		if !served { // on PostgreSQL another node may hold the lease: then this does nothing
			trouble = w.RunOnce(ctx)
		}
		_, waits, err := chains.Accepted(ctx, network)
		switch {
		case err != nil:
			return errNotTurned.Because(errors.Join(trouble, err))
		case !waits && !served:
			return (&store.Lease{DB: a.db, Name: "watch:" + network, Holder: a.holder}).Release(ctx)
		case !waits:
			return nil
		}
		select {
		case <-ctx.Done():
			return errNotTurned.Because(errors.Join(trouble, ctx.Err()))
		case <-time.After(time.Second):
		}
	}
}

// heldLine says on /readyz how much of what happened on the chains invoices could not take in: it waits for a person.
func (a *app) heldLine(word string, lines []string) (string, []string) {
	n := 0
	for _, w := range a.watchers {
		n += a.health.Held(w.Source.Network().ID)
	}
	if n > 0 {
		word = worst(word, "degraded")
	}
	return word, append(lines, fmt.Sprintf("held=%d", n))
}

// coinOf is what operators know a network by: its coin, or its id where an earlier network has the same coin.
func (a *app) coinOf(n chain.Network) string {
	for _, other := range a.registry.Networks() {
		if other.Coin == n.Coin && other.ID != n.ID {
			return n.ID
		}
		if other.ID == n.ID {
			break
		}
	}
	return n.Coin
}
