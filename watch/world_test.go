package watch_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"checkout/chain"
	"checkout/chain/rehearsal"
	"checkout/ident"
	"checkout/invoice"
	"checkout/merchant"
	"checkout/money"
	"checkout/rate"
	"checkout/store"
	"checkout/store/storetest"
	"checkout/wallet"
	"checkout/watch"
)

// world is a watcher on a played chain, with invoices in a real store above it and a clock that stands until it is moved.
type world struct {
	t        *testing.T
	clock    *storetest.Clock
	db       *store.DB
	chains   store.Chains
	net      chain.Network
	asset    chain.Asset
	wallets  *wallet.Book
	played   *rehearsal.Chain
	invoices *invoice.Service
	tenant   merchant.Tenant
	watcher  *watch.Watcher
}

// due is the price of an invoice in the played coin, 100 EUR each.
const due = 45_000_000

// openPlayed is a world on the played chain, which has three blocks.
func openPlayed(t *testing.T) *world {
	t.Helper()
	w := openWorld(t)
	w.mine(3)
	w.follow(w.played)
	w.look()
	return w
}

// openNode is a world on a node that says what it is told to, with so many blocks.
func openNode(t *testing.T, blocks int) (*world, *node) {
	t.Helper()
	w := openWorld(t)
	n := &node{net: w.net}
	n.mine(blocks)
	w.follow(n)
	w.look()
	return w, n
}

func openWorld(t *testing.T) *world {
	t.Helper()
	network, asset := chain.Rehearsal()
	w := openOn(t, network, asset)
	w.played = &rehearsal.Chain{Keeper: store.Played{Chains: w.chains, Network: network.ID}, Net: network, Asset: asset, Random: rand.Reader}
	return w
}

// openOn is a world on a network, with a merchant.
func openOn(t *testing.T, network chain.Network, asset chain.Asset) *world {
	t.Helper()
	w := &world{t: t, clock: &storetest.Clock{}, net: network, asset: asset}
	w.db = storetest.Open(t, storetest.Config("sqlite:"+filepath.Join(t.TempDir(), "watch.db"), w.clock.Now))
	w.chains = store.Chains{DB: w.db}
	registry, err := chain.NewRegistry([]chain.Network{network}, []chain.Asset{asset})
	w.must(err)
	w.wallets = &wallet.Book{Indexes: store.Wallets{DB: w.db}, Registry: registry}
	w.invoices = &invoice.Service{
		Store: store.Invoices{DB: w.db}, Rates: prices{}, Addresses: w.wallets, Registry: registry, Random: rand.Reader, Now: w.clock.Now,
	}
	w.tenant = w.merchant("Acme")
	return w
}

// accountKey is the account m/84'/1'/0' of the seed 00 01 02 … 1f: never fund it.
const accountKey = "tpubDDH1ndozCcuGXjVaXnB4NHUWbKfMTYfxH3wuU1GFvCXtEZZqsMY6NxBdgdaebExgDAVicckGNJDU8wVfRUWWMaov5jX4zPaDorqe75QwjAC"

// merchant adds one with a wallet; on a real network there is a wallet for one only.
func (w *world) merchant(name string) merchant.Tenant {
	w.t.Helper()
	number, err := w.db.Number(w.t.Context())
	w.must(err)
	m := merchant.Merchant{ID: ident.New(rand.Reader), Number: number, Name: name, Tolerance: "0", Created: w.clock.Now()}
	w.must(store.Merchants{DB: w.db}.Insert(w.t.Context(), m, nil))
	account := wallet.NewPlayed(rand.Reader, m.ID, w.net.ID)
	if !w.net.Played {
		account, err = wallet.NewAccount(rand.Reader, m.ID, w.net, accountKey)
		w.must(err)
	}
	w.must(store.Wallets{DB: w.db}.Insert(w.t.Context(), account))
	t, err := merchant.Operator(m.ID, ident.Test)
	w.must(err)
	return t
}

// prices is a rate that never changes.
type prices struct{}

func (prices) Quote(from, to money.Currency, now time.Time, window time.Duration) (rate.Quote, error) {
	r, err := money.ParseRate(from, to, "100")
	return rate.Quote{ID: ident.New(rand.Reader), Rate: r, At: now, Until: now.Add(window)}, err
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// follow starts a watcher on a source, as a restarted process does: it remembers nothing.
func (w *world) follow(source watch.Source) {
	w.watcher = &watch.Watcher{
		Source: source, Book: w.chains, Sink: w.invoices, Every: time.Second, Log: slog.New(slog.DiscardHandler), EvictAfter: 10 * time.Minute,
		Lease: &store.Lease{DB: w.db, Name: "watch", Holder: "this process"},
	}
}

// look is one round of the watcher, a second after the last.
func (w *world) look() {
	w.t.Helper()
	w.clock.Pass(time.Second)
	w.must(w.watcher.RunOnce(w.t.Context()))
}

// invoice makes one for 45 EUR under the terms of the shop's dialect: 15 minutes.
func (w *world) invoice() *invoice.Invoice { return w.invoiceOf(w.tenant) }

func (w *world) invoiceOf(t merchant.Tenant) *invoice.Invoice {
	w.t.Helper()
	eur, _ := money.FiatByCode("EUR")
	inv, err := w.invoices.Create(w.t.Context(), t, invoice.New{
		Origin: "test", Price: money.Units(eur, 45_00), Terms: invoice.CoinsPaidTerms(money.Zero(eur), false, false), Asset: w.asset.ID,
	})
	w.must(err)
	return inv
}

func (w *world) address(inv *invoice.Invoice) string {
	w.t.Helper()
	a, ok := inv.Address(w.asset.ID)
	if !ok {
		w.t.Fatal("the invoice has no address")
	}
	return a.Text
}

func (w *world) pay(inv *invoice.Invoice, units int64) string {
	w.t.Helper()
	id, err := w.played.Pay(w.t.Context(), w.address(inv), money.Units(w.asset.Currency, units), false)
	w.must(err)
	return id
}

// tx is a transaction for a node to say: it pays an invoice and spends one coin.
func (w *world) tx(id string, inv *invoice.Invoice, units int64, coin string) chain.Tx {
	w.t.Helper()
	return chain.Tx{ID: id, Inputs: []string{coin}, Outputs: []chain.Transfer{{
		Network: w.net.ID, TxID: id, Asset: w.asset.ID, Address: w.address(inv), Amount: money.Units(w.asset.Currency, units),
	}}}
}

func (w *world) mine(blocks int) { w.t.Helper(); w.must(w.played.Mine(w.t.Context(), blocks)) }

func (w *world) load(inv *invoice.Invoice) *invoice.Invoice {
	w.t.Helper()
	loaded, err := w.invoices.Find(w.t.Context(), inv.ID)
	w.must(err)
	return loaded
}

// is checks what became of an invoice: "settled exact", with flags "detected exact reorged".
func (w *world) is(inv *invoice.Invoice, want string) {
	w.t.Helper()
	o := w.load(inv).Outcome
	flags := strings.TrimSpace(strings.ReplaceAll(" "+o.Flags.String(), " test", ""))
	if got := strings.TrimSpace(fmt.Sprintf("%s %s %s", o.State, o.Amount, flags)); got != want {
		w.t.Errorf("it is %q, want %q", got, want)
	}
}

func (w *world) cursor() watch.Cursor {
	w.t.Helper()
	c, _, err := w.chains.Cursor(w.t.Context(), w.net.ID)
	w.must(err)
	return c
}

// expire lets time pass for invoices, as the expirer does.
func (w *world) expire() {
	w.t.Helper()
	w.must((&invoice.Expirer{Service: w.invoices, Log: slog.New(slog.DiscardHandler)}).RunOnce(w.t.Context()))
}

// sql is a connection that may do anything to the database.
func (w *world) sql() *sql.DB {
	w.t.Helper()
	raw, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(w.db.DSN, "sqlite:")+"?_pragma=busy_timeout(5000)")
	w.must(err)
	w.t.Cleanup(func() { _ = raw.Close() })
	return raw
}

// sound checks that the cursor is on the best chain of a source, and that nothing in the store contradicts itself.
func (w *world) sound(source watch.Source) {
	w.t.Helper()
	c := w.cursor()
	h, err := source.Header(w.t.Context(), c.Tip.Height)
	w.must(err)
	if h.BlockRef != c.Tip {
		w.t.Errorf("the cursor is at %+v, the node has %+v there", c.Tip, h.BlockRef)
	}
	r, err := w.db.Verify(w.t.Context())
	w.must(err)
	for _, problem := range r.Problems {
		w.t.Error(problem)
	}
}

// node is a source that says what it is told to: blocks on any branch, a mempool, failures.
type node struct {
	net    chain.Network
	best   []chain.Block // by height
	pool   []chain.Tx
	forks  int
	answer func(call string) error // nil: none fails
}

// mine adds a block of transactions, and empty ones after it.
func (n *node) mine(blocks int, txs ...chain.Tx) {
	for range blocks {
		height := int64(len(n.best))
		b := chain.Block{Header: chain.Header{BlockRef: chain.BlockRef{Height: height, Hash: fmt.Sprintf("%c%d", 'a'+n.forks, height)}}, Txs: txs}
		if height > 0 {
			b.Parent = n.best[height-1].Hash
		}
		n.best, txs = append(n.best, b), nil
	}
}

// fork takes the last blocks away; what is mined then is on another branch.
func (n *node) fork(depth int) []chain.Block {
	at := len(n.best) - depth
	old := n.best
	n.best = append([]chain.Block(nil), n.best[:at]...)
	n.forks++
	return old
}

func (n *node) ask(ctx context.Context, call string) error {
	if n.answer != nil {
		if err := n.answer(call); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (n *node) Network() chain.Network { return n.net }

func (n *node) Tip(ctx context.Context) (chain.BlockRef, error) {
	return n.best[len(n.best)-1].BlockRef, n.ask(ctx, "tip")
}

func (n *node) Header(ctx context.Context, height int64) (chain.Header, error) {
	b, err := n.at(height)
	if err == nil {
		err = n.ask(ctx, "header")
	}
	return b.Header, err
}

func (n *node) Block(ctx context.Context, height int64) (chain.Block, error) {
	b, err := n.at(height)
	if err == nil {
		err = n.ask(ctx, "block")
	}
	return b, err
}

func (n *node) at(height int64) (chain.Block, error) {
	if height < 0 || height >= int64(len(n.best)) {
		return chain.Block{}, watch.ErrUnknown
	}
	return n.best[height], nil
}

func (n *node) Mempool(ctx context.Context, known func(string) bool) (chain.Mempool, error) {
	pool := chain.Mempool{Tip: n.best[len(n.best)-1].BlockRef, IDs: map[string]struct{}{}}
	for _, tx := range n.pool {
		pool.IDs[tx.ID] = struct{}{}
		if !known(tx.ID) {
			pool.Txs = append(pool.Txs, tx)
		}
	}
	return pool, n.ask(ctx, "mempool")
}
