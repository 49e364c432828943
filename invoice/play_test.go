package invoice

import (
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"checkout/chain"
	"checkout/event"
	"checkout/ident"
	"checkout/ledger"
	"checkout/money"
	"checkout/rate"
)

// The coins of these tests. One bitcoin is worth 50,000 EUR, so a cent is 20 sat; one stable unit is worth one EUR.
var (
	eur, _ = money.FiatByCode("EUR")
	btc    = money.Currency{Code: "BTC", Scale: 8, Kind: money.Crypto}
	usd    = money.Currency{Code: "USDX", Scale: 6, Kind: money.Crypto}

	volatileNet = chain.Network{ID: "btc-net", Family: chain.FamilyBitcoin}
	stableNet   = chain.Network{ID: "usd-net"}
	volatile    = chain.Asset{
		ID: "btc", Currency: btc, Network: volatileNet.ID, Confirmations: 1, Dust: money.Units(btc, 1000),
		Cap: money.Units(btc, 21_000_000*100_000_000), DuePlaces: 8,
	}
	stable = chain.Asset{
		ID: "usd", Currency: usd, Network: stableNet.ID, Confirmations: 3, Dust: money.Units(usd, 1000),
		Cap: money.Units(usd, 1_000_000_000_000_000), DuePlaces: 6, Stable: true,
	}
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// play drives one invoice through its public methods as the store and the watcher would: every change works on a copy that
// is kept only if it succeeds, and is read back from what is stored. After every step it checks the laws of engine.md
// section 1 and the invariants of security.md section 4 that one invoice can show.
type play struct {
	rapid.TB
	inv   *Invoice
	now   time.Time
	seen  time.Time // evidence of all networks; the clock may be ahead of it
	terms Terms
	price map[string]int64
	spot  map[string]rate.Quote
	nets  map[string]*toyChain
	drawn int

	others []Method // coins that are known and not asked for

	entries []ledger.Entry
	events  []event.Event
	log     []Move
	booked  map[string]bool
	told    map[string]bool
}

// toyChain is the best chain of one network and its unconfirmed transactions.
type toyChain struct {
	blocks []chain.BlockRef // by height, from 0
	txs    map[string]*toyTx
	forks  int
}

type toyTx struct {
	chain.Tx
	block chain.BlockRef
	gone  bool // spent otherwise, or forgotten
	held  bool // miners leave it alone
}

// script is what an invoice is made of.
type script struct {
	terms         Terms
	price         string
	coin          string // chosen at creation, or none
	confirmations int64  // of the volatile coin; 0: 1
	test          bool
}

// orders and shop are the two kinds of terms with the tolerance merchants have by default: half a percent of 100 EUR.
func orders() Terms { return OrderTerms(cents(50), false) }
func shop() Terms   { return CoinsPaidTerms(cents(50), false, false) }
func partly() Terms { return CoinsPaidTerms(cents(50), true, false) }

func cents(n int64) money.Amount { return money.Units(eur, n) }

func start(t rapid.TB, s script) *play {
	t.Helper()
	p := &play{
		TB: t, now: noon, seen: noon, booked: map[string]bool{}, told: map[string]bool{},
		terms: s.terms, price: map[string]int64{"btc": 50_000, "usd": 1}, spot: map[string]rate.Quote{},
		nets: map[string]*toyChain{volatileNet.ID: newToyChain(), stableNet.ID: newToyChain()},
	}
	if s.price == "" {
		s.price = "100.00"
	}
	price, err := money.Parse(eur, s.price)
	if err != nil {
		t.Fatal(err)
	}
	env := ident.Live
	if s.test {
		env = ident.Test
	}
	coin := volatile
	if s.confirmations > 0 {
		coin.Confirmations = s.confirmations
	}
	inv := &Invoice{
		ID: p.id(), Merchant: p.id(), Env: env, Origin: s.terms.Name, Created: p.now, Price: price, Terms: s.terms,
		Methods: []Method{NewMethod(coin, volatileNet, s.terms.Name), NewMethod(stable, stableNet, s.terms.Name)},
	}
	p.inv = &Invoice{}
	lock := func(asset string) {
		m, _ := inv.Method(asset)
		q, err := inv.lock(m, p.quote(asset))
		if err != nil {
			t.Fatal(err)
		}
		inv.Quotes = append(inv.Quotes, q)
	}
	switch {
	case s.coin != "":
		lock(s.coin)
		inv.Asset, inv.Addresses = s.coin, []Address{p.address(s.coin)}
	case s.terms.LockAll:
		lock("btc")
		lock("usd")
	}
	fx, err := inv.create(p.moment(), Cause{Kind: "api"})
	if err != nil {
		t.Fatal(err)
	}
	p.keep(inv, fx)
	return p
}

func newToyChain() *toyChain {
	c := &toyChain{txs: map[string]*toyTx{}}
	for h := range int64(100) {
		c.blocks = append(c.blocks, chain.BlockRef{Height: h, Hash: fmt.Sprintf("a%d", h)})
	}
	return c
}

func (c *toyChain) tip() int64 { return int64(len(c.blocks)) - 1 }

func (c *toyChain) grow() chain.BlockRef {
	b := chain.BlockRef{Height: c.tip() + 1, Hash: fmt.Sprintf("%c%d", 'a'+c.forks, c.tip()+1)}
	c.blocks = append(c.blocks, b)
	return b
}

func (p *play) id() ident.ID {
	p.drawn++
	return ident.ID(fmt.Sprintf("%026d", p.drawn))
}

func (p *play) moment() Moment {
	at := Moment{Now: p.now, Evidence: map[string]time.Time{}, Heights: map[string]int64{}}
	for id, n := range p.nets {
		at.Evidence[id], at.Heights[id] = p.seen, n.tip()
	}
	return at
}

func (p *play) network(asset string) string {
	if asset == "usd" {
		return stableNet.ID
	}
	return volatileNet.ID
}

func (p *play) quote(asset string) rate.Quote {
	cur := btc
	if asset == "usd" {
		cur = usd
	}
	r, err := money.NewRate(cur, eur, big.NewRat(max(p.price[asset], 1), 1))
	if err != nil {
		p.Fatal(err)
	}
	now := p.inv.Clock(p.now)
	return rate.Quote{ID: p.id(), Rate: r, At: now, Until: now.Add(p.terms.Lock)}
}

func (p *play) address(asset string) Address {
	net := p.network(asset)
	return Address{
		Number: int64(p.drawn), Asset: asset, Network: net, Text: asset + "-address", AssignedAt: p.now, Height: p.nets[net].tip(),
	}
}

// change runs a change as the store does and says whether anything changed; a fault fails the test.
func (p *play) change(f func(inv *Invoice, at Moment) (Effects, error)) bool {
	p.Helper()
	err := p.try(f)
	if err != nil && !errors.Is(err, ErrUnchanged) {
		p.Fatalf("at %s, %s: %v", p.now.Sub(noon), p.inv.Outcome.State, err)
	}
	return err == nil
}

func (p *play) try(f func(inv *Invoice, at Moment) (Effects, error)) error {
	p.Helper()
	next := reload(p.inv)
	fx, err := f(next, p.moment())
	if errors.Is(err, ErrUnchanged) {
		p.inv.DueAt = next.DueAt
	}
	if err == nil {
		p.keep(next, fx)
	}
	return err
}

// reload is the invoice as the store would load it: its facts, with the state and reason of the last row of its log.
func reload(inv *Invoice) *Invoice {
	c := *inv
	c.Quotes, c.Addresses = slices.Clone(inv.Quotes), slices.Clone(inv.Addresses)
	c.Payments, c.Marks, c.Refunds = slices.Clone(inv.Payments), slices.Clone(inv.Marks), slices.Clone(inv.Refunds)
	if inv.Ended != nil {
		end := *inv.Ended
		c.Ended = &end
	}
	c.Outcome = Outcome{State: inv.Outcome.State, Reason: inv.Outcome.Reason}
	if inv.ID != "" {
		c.Restore()
	}
	return &c
}

// What a payer, a chain and a clock do.

// pay sends so many units of a coin and lets them be seen in the mempool.
func (p *play) pay(asset string, units int64) string {
	p.Helper()
	return p.send(asset, units, chain.Tx{})
}

// send is pay with a transaction of its own inputs, arrival time and kind.
func (p *play) send(asset string, units int64, tx chain.Tx) string {
	p.Helper()
	id := p.unseen(asset, units, tx)
	p.sight(id)
	return id
}

// unseen makes an unconfirmed transaction nobody has looked at.
func (p *play) unseen(asset string, units int64, tx chain.Tx) string {
	p.drawn++
	tx.ID = fmt.Sprintf("tx%d", p.drawn)
	if tx.Inputs == nil {
		tx.Inputs = []string{"coin of " + tx.ID}
	}
	net, cur := p.network(asset), btc
	if asset == "usd" {
		cur = usd
	}
	tx.Outputs = []chain.Transfer{{Network: net, TxID: tx.ID, Asset: asset, Address: asset + "-address", Amount: money.Units(cur, units)}}
	p.nets[net].txs[tx.ID] = &toyTx{Tx: tx}
	return tx.ID
}

func (p *play) tx(id string) (*toyChain, *toyTx) {
	for _, n := range p.nets {
		if tx, ok := n.txs[id]; ok {
			return n, tx
		}
	}
	p.Fatalf("no transaction %s", id)
	return nil, nil
}

// sight reports a transaction as it stands and says whether that changed anything.
func (p *play) sight(id string) bool {
	p.Helper()
	n, tx := p.tx(id)
	return p.credit(chain.Sighting{Tx: tx.Tx, Transfer: tx.Outputs[0], Block: tx.block, Tip: n.tip(), At: tx.SeenAt})
}

func (p *play) credit(s chain.Sighting) bool {
	p.Helper()
	return p.change(func(inv *Invoice, at Moment) (Effects, error) {
		return inv.Credit(s, p.id(), int64(p.drawn), p.spots, p.known, at)
	})
}

// spots is today's prices, the same ones as long as the clock stands still.
func (p *play) spots(asset string) *rate.Quote {
	if q, ok := p.spot[asset]; ok && q.At.Equal(p.inv.Clock(p.now)) {
		return &q
	}
	q := p.quote(asset)
	q.Until = q.At
	p.spot[asset] = q
	return &q
}

// known is what the house knows of a coin that is not asked for.
func (p *play) known(asset string) (Method, bool) {
	for _, m := range p.others {
		if m.Asset == asset {
			return m, true
		}
	}
	return Method{}, false
}

// mine adds blocks to a coin's chain; the first takes up what is unconfirmed.
func (p *play) mine(asset string, blocks int) {
	p.Helper()
	n := p.nets[p.network(asset)]
	for range blocks {
		b := n.grow()
		for _, id := range slices.Sorted(maps.Keys(n.txs)) {
			if tx := n.txs[id]; tx.block.IsZero() && !tx.gone && !tx.held {
				tx.block = b
				p.sight(id)
			}
		}
		p.advance(asset)
	}
}

func (p *play) advance(asset string) {
	p.Helper()
	net := p.network(asset)
	p.change(func(inv *Invoice, at Moment) (Effects, error) {
		return inv.Advance(net, p.nets[net].tip(), p.spots, at)
	})
}

// fate is what becomes of a transaction whose block is lost: it stands in the new branch too, in the block at that place,
// or one that spends its coins does.
type fate struct {
	place  int
	stolen bool
}

// reorg replaces the last depth blocks by as many others, and one more after a look. Transactions without a fate are
// unconfirmed again, and so in that last block.
func (p *play) reorg(asset string, depth int, fates map[string]fate) {
	p.Helper()
	net := p.network(asset)
	n := p.nets[net]
	lost := slices.Clone(n.blocks[len(n.blocks)-depth:])
	n.blocks = n.blocks[:len(n.blocks)-depth]
	n.forks++
	for _, tx := range n.txs {
		if slices.Contains(lost, tx.block) {
			tx.block = chain.BlockRef{}
		}
	}
	moved := chain.Moves{}
	for place := range depth {
		b := n.grow()
		for id, f := range fates {
			if f.place == place && !f.stolen {
				n.txs[id].block, moved[id] = b, chain.Move{Block: b}
			}
		}
	}
	for _, b := range slices.Backward(lost) {
		p.change(func(inv *Invoice, at Moment) (Effects, error) {
			return inv.Reorganise(net, b.Hash, moved, n.tip(), p.spots, at)
		})
	}
	for _, id := range slices.Sorted(maps.Keys(moved)) {
		p.sight(id)
	}
	for _, id := range slices.Sorted(maps.Keys(fates)) {
		if f := fates[id]; f.stolen {
			p.conflict(id, "thief of "+id, n.blocks[len(n.blocks)-depth+f.place])
		}
	}
	p.advance(asset)
	p.mine(asset, 1)
}

func (p *play) conflict(id, other string, block chain.BlockRef) {
	p.Helper()
	_, tx := p.tx(id)
	tx.gone = true
	p.change(func(inv *Invoice, at Moment) (Effects, error) {
		return inv.Conflict(tx.Outputs[0].Network, id, other, block, at)
	})
}

// replace takes the last transaction back by one of the same coins that pays us so much.
func (p *play) replace(units int64) {
	p.Helper()
	old := p.last()
	_, tx := p.tx(old)
	tx.gone = true
	other := p.unseen("btc", units, chain.Tx{Inputs: tx.Inputs})
	p.sight(other)
	p.conflict(old, other, chain.BlockRef{})
}

// merge takes all transactions back by one of the same coins with these outputs to us.
func (p *play) merge(units ...int64) {
	p.Helper()
	var spent, olds []string
	for _, old := range p.inv.Payments {
		spent, olds = append(spent, old.Inputs...), append(olds, old.Transfer.TxID)
	}
	id := p.unseen("btc", 1, chain.Tx{Inputs: spent})
	net, tx := p.tx(id)
	tx.Outputs = nil
	for n, u := range units {
		tx.Outputs = append(tx.Outputs, chain.Transfer{
			Network: p.network("btc"), TxID: id, Ordinal: int64(n), Asset: "btc", Address: "btc-address", Amount: money.Units(btc, u),
		})
	}
	for _, out := range tx.Outputs {
		p.credit(chain.Sighting{Tx: tx.Tx, Transfer: out, Tip: net.tip()})
	}
	for _, old := range olds {
		p.conflict(old, id, chain.BlockRef{})
	}
}

// mineInstead mines a transaction that was replaced, instead of the one that replaced it.
func (p *play) mineInstead(old, other string) {
	p.Helper()
	n, tx := p.tx(old)
	tx.gone = false
	n.txs[other].gone = true
	tx.block = n.grow()
	p.sight(old)
	p.conflict(other, old, tx.block)
	p.advance("btc")
}

// bringBack lets an evicted transaction be mined one day.
func (p *play) bringBack(id string) { _, tx := p.tx(id); tx.gone = false }

// hold keeps a transaction out of blocks.
func (p *play) hold(id string) { _, tx := p.tx(id); tx.held = true }

// dig reports a transaction in a block of some height that we never saw before.
func (p *play) dig(units, height int64) {
	p.Helper()
	n, tx := p.tx(p.unseen("btc", units, chain.Tx{}))
	tx.block = n.blocks[height]
	p.sight(tx.ID)
}

// last is the transaction of the newest payment.
func (p *play) last() string { return p.inv.Payments[len(p.inv.Payments)-1].Transfer.TxID }

func (p *play) evict(id string) {
	p.Helper()
	_, tx := p.tx(id)
	tx.gone = true
	p.change(func(inv *Invoice, at Moment) (Effects, error) { return inv.Evict(tx.Outputs[0].Network, id, at) })
}

// pass lets time pass, watched; blind lets it pass with the watcher looking away.
func (p *play) pass(d time.Duration) { p.Helper(); p.now = p.now.Add(d); p.seen = p.now; p.tick() }
func (p *play) blind(d time.Duration) {
	p.Helper()
	p.now = p.now.Add(d)
	p.tick()
}

func (p *play) tick() bool {
	p.Helper()
	return p.change(func(inv *Invoice, at Moment) (Effects, error) {
		var fresh *rate.Quote
		if inv.Asset != "" {
			q := p.quote(inv.Asset)
			fresh = &q
		}
		return inv.Tick(fresh, at)
	})
}

func (p *play) choose(asset string) error {
	p.Helper()
	return p.try(func(inv *Invoice, at Moment) (Effects, error) {
		q := p.quote(asset)
		return inv.Choose(Choice{Asset: asset}, &q, p.address(asset), at, Cause{Kind: "payer"})
	})
}

func (p *play) requote() error {
	p.Helper()
	return p.try(func(inv *Invoice, at Moment) (Effects, error) {
		return inv.Requote(p.quote(inv.Asset), at, Cause{Kind: "requote"})
	})
}

func (p *play) mark(m Mark) error {
	p.Helper()
	m.Actor = "ada"
	return p.try(func(inv *Invoice, at Moment) (Effects, error) { return inv.Mark(m, at) })
}

// must is for what has to succeed.
func (p *play) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

// since gives the names of the events and entries after a point, separated by blanks.
func (p *play) since(events, entries int) (string, string) {
	var names, kinds []string
	for _, e := range p.events[events:] {
		names = append(names, e.Type)
	}
	for _, e := range p.entries[entries:] {
		kinds = append(kinds, e.Kind)
	}
	return strings.Join(names, " "), strings.Join(kinds, " ")
}

var _ rapid.TB = (*testing.T)(nil)
