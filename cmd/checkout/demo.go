package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"checkout/chain"
	"checkout/chain/bitcoin/regtest"
	"checkout/fault"
	"checkout/ident"
	"checkout/invoice"
	"checkout/merchant"
	"checkout/money"
	"checkout/store"
	"checkout/wallet"
	"checkout/web/demo"
)

type demoCmd struct {
	Bitcoin string `enum:"none,regtest" default:"none" help:"regtest starts a private Bitcoin node beside the demo."`
	Btcd    string `default:"bin/nodes/btcd" help:"The btcd program, for --bitcoin=regtest." placeholder:"FILE"`
	EVM     string `name:"evm" enum:"none,dev" default:"none" help:"dev starts a private Ethereum network with stablecoins beside the demo."`
	Anvil   string `default:"bin/nodes/anvil" help:"The anvil program, for --evm=dev." placeholder:"FILE"`
}

// demoNode is a private network of a real coin beside the demo.
type demoNode interface {
	name() string
	serves(a chain.Asset) bool
	addWallet(ctx context.Context, a *app, m ident.ID) error
	play(ctx context.Context, a *app, inv *invoice.Invoice, action string) error
	mine(ctx context.Context) error // until ctx ends
	stop()
}

// demoAccount is the account m/84'/1'/0' of the seed 00 01 02 … 1f: everybody can derive its keys. Never fund it.
const demoAccount = "tpubDDH1ndozCcuGXjVaXnB4NHUWbKfMTYfxH3wuU1GFvCXtEZZqsMY6NxBdgdaebExgDAVicckGNJDU8wVfRUWWMaov5jX4zPaDorqe75QwjAC"

// demoRates are the demo's prices; the played coin has its own.
const demoRates = `{"BTC/EUR":"90000","BTC/USD":"104000","ETH/EUR":"2600","ETH/USD":"3000","USDT/USD":"1","USDT/EUR":"0.86","DAI/USD":"1","DAI/EUR":"0.86"}`

// Run serves the checkout with a shop that uses it.
func (c demoCmd) Run(ctx context.Context, s *Settings, out *console) error {
	dir, err := os.MkdirTemp("", "checkout-demo-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // the system clears its own temporary folder in time
	if s.DB == "sqlite:./checkout.db" {      // the default: nobody named a file, so the demo leaves none behind
		s.DB = "sqlite:" + filepath.Join(dir, "demo.db")
	}
	s.AllowPrivate, s.playedTokens = true, true
	if s.LogLevel == "info" {
		s.LogLevel = "warn"
	}
	log := newLog(s, out.err)
	nodes, err := c.startNodes(ctx, s, log, dir)
	for _, n := range nodes {
		defer n.stop()
	}
	if err != nil {
		return err
	}
	a, err := openApp(ctx, s, log, true)
	if err != nil {
		return err
	}
	defer a.close()
	a.ancestors = []string{"'self'"}
	return a.serve(ctx, out, func(site *sites) error { return a.openShop(ctx, site, nodes, out) })
}

// startNodes starts the private networks that are asked for, and points the settings at them. It returns those that run, also
// when one does not.
func (c demoCmd) startNodes(ctx context.Context, s *Settings, log *slog.Logger, dir string) ([]demoNode, error) {
	var nodes []demoNode
	if c.Bitcoin != "regtest" && c.EVM != "dev" {
		return nodes, nil
	}
	if s.DB != "sqlite:"+filepath.Join(dir, "demo.db") {
		return nodes, setting("--db", "A private chain begins anew at each start, so the demo's database must too: leave --db out.")
	}
	s.RatesFile = filepath.Join(dir, "rates.json")
	if err := os.WriteFile(s.RatesFile, []byte(demoRates), 0o600); err != nil {
		return nodes, err
	}
	if c.Bitcoin == "regtest" {
		n, err := c.startBitcoin(ctx, s, log, dir)
		if err != nil {
			return nodes, err
		}
		nodes = append(nodes, n)
	}
	if c.EVM == "dev" {
		n, err := c.startEVM(ctx, s)
		if err != nil {
			return nodes, err
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

// startBitcoin starts btcd with a purse.
func (c demoCmd) startBitcoin(ctx context.Context, s *Settings, log *slog.Logger, dir string) (*miningNode, error) {
	process, err := regtest.Start(ctx, regtest.Config{Binary: c.Btcd, Dir: filepath.Join(dir, "btcd"), MiningAddress: regtest.PayerAddress})
	if err != nil {
		return nil, setting("--btcd", "The Bitcoin node cannot be started.").Because(err)
	}
	n := &miningNode{process: process, log: log, last: map[ident.ID]regtest.Tx{}}
	if n.payer, err = regtest.NewPayer(process); err == nil {
		_, err = process.Generate(ctx, 120)
	}
	if err != nil {
		return nil, errors.Join(err, process.Stop())
	}
	s.BitcoinRPC, s.BitcoinNetwork = process.URL(), "regtest"
	s.Confirmations = map[string]int64{"BTC": demoConfirmations}
	return n, nil
}

// openShop makes the demo's merchant and mounts its shop.
func (a *app) openShop(ctx context.Context, site *sites, nodes []demoNode, out *console) error {
	m, err := a.createMerchant(ctx, merchantCreateCmd{
		Name: "Acme Coffee", CallbackURL: site.local + "/demo/callback", Support: "support@acme.example", Tolerance: merchant.DefaultTolerance,
	})
	if err != nil {
		return err
	}
	var real []string
	for _, n := range nodes {
		if err := n.addWallet(ctx, a, m.ID); err != nil {
			return err
		}
		a.extra = append(a.extra, worker{"miner of " + n.name(), n.mine})
		real = append(real, n.name())
	}
	if _, err := (store.Merchants{DB: a.db}).Restyle(ctx, m.ID, func(l merchant.Look) merchant.Look {
		if merchant.Origin(site.base) {
			l.Origins = []string{site.base}
		}
		return l
	}); err != nil {
		return err
	}
	counter, err := a.openCounter(ctx, site, m.ID)
	if err != nil {
		return err
	}
	site.extra["demo"] = demo.New(demo.Deps{
		Counter: counter, Sales: func(ctx context.Context) ([]demo.Sale, error) { return a.counterSales(ctx, m.ID) },
		Addresses: func(ctx context.Context) ([]demo.Address, error) { return a.counterAddresses(ctx, m.ID) },
		API:       site.local, Key: m.Test.CoinsPaid.Key, Secret: m.Test.CoinsPaid.Secret, Real: real, Client: &http.Client{Timeout: 10 * time.Second},
		Play:     func(ctx context.Context, id, action string) error { return a.play(ctx, nodes, ident.ID(id), action) },
		Sentence: func(err error) string { return fault.Of(err).Text }, Now: a.now, Log: a.log,
	})
	out.invite = site.base + "/demo"
	return nil
}

func (n *miningNode) name() string { return "Bitcoin" }

func (n *miningNode) serves(a chain.Asset) bool { return a.ID == "btc" }

func (n *miningNode) addWallet(ctx context.Context, a *app, m ident.ID) error {
	network, _, _ := chain.Bitcoin("regtest")
	account, err := wallet.NewAccount(a.played.Random, m, network, demoAccount)
	if err != nil {
		return err
	}
	return store.Wallets{DB: a.db}.Insert(ctx, account)
}

// demoDeposit is what the demo's customer deposits at a time.
const demoDeposit = "0.25"

func (a *app) playDeposit(ctx context.Context, id ident.ID) error {
	x, err := a.deposits.Find(ctx, id)
	if err != nil {
		return err
	}
	return a.playPayment(ctx, x.Text, x.Currency.Code, demoDeposit, "")
}

// play lets the customer or the chain act on whichever coin the invoice is paid in.
func (a *app) play(ctx context.Context, nodes []demoNode, id ident.ID, action string) error {
	if action == "deposit" {
		return a.playDeposit(ctx, id)
	}
	inv, err := a.invoices.Find(ctx, id)
	if err != nil {
		return err
	}
	if asset, ok := a.registry.Asset(inv.Asset); ok {
		for _, n := range nodes {
			if n.serves(asset) {
				return n.play(ctx, a, inv, action)
			}
		}
	}
	return a.rehearse(ctx, string(id), action, "")
}

// miningNode is a private Bitcoin node with a purse.
type miningNode struct {
	process *regtest.Process
	payer   *regtest.Payer
	log     *slog.Logger

	mu   sync.Mutex              // one payer: payments are made one after the other
	last map[ident.ID]regtest.Tx // of each invoice the newest payment, which a replacement takes back
}

func (n *miningNode) stop() { _ = n.process.Stop() } // the demo ends; its folder goes next

// demoConfirmations make a real payment final in the demo: enough to see it confirming.
const demoConfirmations = 2

// mine adds a block every few seconds while a transaction waits, and as many more as make it final.
func (n *miningNode) mine(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	wanted := 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if pool, err := n.process.Mempool(ctx); err == nil && len(pool) > 0 {
			wanted = demoConfirmations
		}
		if wanted == 0 {
			continue
		}
		if _, err := n.process.Generate(ctx, 1); err != nil {
			if ctx.Err() == nil {
				n.log.Warn("no block was mined", "event", "mining_failed", "err", err)
			}
			continue
		}
		wanted--
	}
}

// play does with real transactions and blocks what rehearse does on the played chain.
func (n *miningNode) play(ctx context.Context, a *app, inv *invoice.Invoice, action string) error {
	payable := inv.Outcome.State == invoice.Awaiting || (inv.Outcome.State == invoice.Detected && inv.Outcome.Amount == invoice.Short)
	if !payable && action != "replace" && action != "reorg" {
		return errRehearsal
	}
	switch action {
	case "exact":
		return n.pay(ctx, inv, inv.Outcome.Remaining)
	case "short":
		return n.pay(ctx, inv, part(inv.Outcome.Remaining, 95))
	case "over":
		return n.pay(ctx, inv, part(inv.Outcome.Remaining, 125))
	case "parts":
		first := part(inv.Outcome.Remaining, 40)
		rest, err := inv.Outcome.Remaining.Sub(first)
		if err != nil {
			return err
		}
		if err := n.pay(ctx, inv, first); err != nil {
			return err
		}
		if _, err := a.await(ctx, inv.ID, func(inv *invoice.Invoice) bool { return inv.Outcome.Amount == invoice.Short }); err != nil {
			return err
		}
		return n.pay(ctx, inv, rest)
	case "replace":
		if _, waiting := unconfirmed(inv); !waiting {
			return errRehearsal
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		old, ours := n.last[inv.ID]
		if !ours { // somebody else's payment: its coins are not ours to spend
			return errRehearsal
		}
		tx, err := n.payer.Replace(ctx, old)
		if err == nil {
			n.last[inv.ID] = tx
		}
		return err
	case "reorg":
		return n.reorganise(ctx, inv)
	}
	return errNotPlayed // "late": a real chain's clock cannot be skipped
}

func (n *miningNode) pay(ctx context.Context, inv *invoice.Invoice, amount money.Amount) error {
	addr, ok := inv.Address(inv.Asset)
	if !ok || amount.Sign() <= 0 {
		return errRehearsal
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	tx, err := n.payer.PayReplaceable(ctx, regtest.Output{Address: addr.Text, Sats: amount.Units().Int64()})
	if err == nil {
		n.last[inv.ID] = tx
	}
	return err
}

// reorganise makes the node give up the block of the invoice's first payment and mine a longer branch.
func (n *miningNode) reorganise(ctx context.Context, inv *invoice.Invoice) error {
	for _, p := range inv.Payments {
		if p.Block.IsZero() {
			continue
		}
		tip, err := n.process.Height(ctx)
		if err != nil {
			return err
		}
		if err := n.process.Invalidate(ctx, p.Block.Hash); err != nil {
			return err
		}
		_, err = n.process.Generate(ctx, int(tip-p.Block.Height)+2)
		return err
	}
	return errRehearsal
}
