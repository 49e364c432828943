package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"checkout/api/coinspaid"
	"checkout/chain"
	"checkout/chain/rehearsal"
	"checkout/deposit"
	"checkout/fault"
	"checkout/ident"
	"checkout/invoice"
	"checkout/merchant"
	"checkout/money"
	"checkout/payterm"
	"checkout/rate"
	"checkout/rate/feed"
	"checkout/seal"
	"checkout/store"
	"checkout/wallet"
	"checkout/watch"
	"checkout/web"
	"checkout/web/checkout"
	"checkout/web/static"
	"checkout/webhook"
)

// Paces of the workers.
const (
	watchEvery    = 500 * time.Millisecond
	playedEvery   = 300 * time.Millisecond
	expireEvery   = 500 * time.Millisecond
	dispatchEvery = time.Second
	mineEvery     = 3 * time.Second
	evictAfter    = 10 * time.Minute
)

// What one LTCT, and one played dollar, is worth in every fiat currency, unless the rates file says otherwise.
const (
	playedPrice       = "100"
	playedStablePrice = "1"
)

// app is everything, introduced to everything else.
type app struct {
	settings   *Settings
	log        *slog.Logger
	holder     string
	registry   *chain.Registry
	shift      func() time.Duration // nil but in tests
	db         *store.DB
	rates      *rate.Book
	wallets    *wallet.Book
	health     *watch.Health
	clock      *watch.Clock
	invoices   *invoice.Service
	deposits   *deposit.Service
	payterm    *payterm.Service
	played     *rehearsal.Chain   // the one every installation has
	plays      []*rehearsal.Chain // all of them
	watchers   []*watch.Watcher
	dispatcher *webhook.Dispatcher
	site       *web.Site

	contracts *contracts // nil in a process that does not serve

	extra     []worker // the demo's
	ancestors []string // who may frame the pages; only the demo names somebody

	changed func(id ident.ID, version int64) // told of every invoice that was changed; set once the pages stand
}

// openApp opens the store, migrated, and wires the domain. serve marks the process that serves the database.
func openApp(ctx context.Context, s *Settings, log *slog.Logger, serve bool) (*app, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	registry, err := s.registry()
	if err != nil {
		return nil, err
	}
	a := &app{settings: s, log: log, holder: string(ident.New(rand.Reader)), registry: registry, shift: shiftOf(ctx)}
	if a.db, err = a.openStore(ctx, serve); err != nil {
		return nil, err
	}
	a.wire()
	if err := a.watch(); err != nil {
		return nil, errors.Join(err, a.db.Close())
	}
	return a, nil
}

// shiftKey finds the time a test pretends has passed in a context.
type shiftKey struct{}

func shiftOf(ctx context.Context) func() time.Duration {
	shift, _ := ctx.Value(shiftKey{}).(func() time.Duration)
	return shift
}

// now is the clock of everything that is not inside a transaction.
func (a *app) now() time.Time {
	if a.shift == nil {
		return time.Now()
	}
	return time.Now().Add(a.shift())
}

// openStore opens the database and migrates it. A key that had to be made is kept.
func (a *app) openStore(ctx context.Context, serve bool) (*store.DB, error) {
	db, keep, err := a.connect(ctx, serve)
	if err != nil {
		return nil, err
	}
	if err := keep(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := db.Migrate(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// pending lists the migrations that have not run. It makes and writes nothing.
func (a *app) pending(ctx context.Context) ([]store.Step, error) {
	if file, isFile := strings.CutPrefix(a.settings.DB, "sqlite:"); isFile {
		if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
			return store.Steps()
		}
	}
	db, _, err := a.connect(ctx, false)
	if err != nil {
		return nil, err
	}
	steps, err := db.Pending(ctx)
	return steps, errors.Join(err, db.Close())
}

// connect opens the database with the right key. A key that had to be made is kept by keep.
func (a *app) connect(ctx context.Context, serve bool) (db *store.DB, keep func() error, err error) {
	key, keep, err := a.settings.masterKey()
	if err != nil {
		return nil, nil, err
	}
	box, err := seal.New(key, rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	db, err = store.Open(ctx, store.Config{
		DSN: a.settings.DB, Box: box, Random: rand.Reader, Now: a.now, Shift: a.shift, Log: a.log, Serve: serve,
		Changed: func(id ident.ID, version int64) {
			if a.changed != nil {
				a.changed(id, version)
			}
		},
	})
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Field == "db" {
		return nil, nil, f.At("--db (CHECKOUT_DB)")
	}
	if err != nil {
		return nil, nil, err
	}
	if err := db.CheckKey(ctx); err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return db, keep, nil
}

// wire introduces the domain packages to the store and to each other.
func (a *app) wire() {
	chains := store.Chains{DB: a.db}
	a.rates = a.newRates()
	a.wallets = &wallet.Book{
		Indexes: store.Wallets{DB: a.db}, Registry: a.registry, Offered: a.offered,
	}
	a.health = &watch.Health{Book: chains, Now: a.now, HideAfter: a.settings.HideAfter}
	a.clock = &watch.Clock{Wall: a.unshifted(chains), Uptime: watch.SinceStart(), Log: a.log}
	a.invoices = &invoice.Service{
		Store: store.Invoices{DB: a.db}, Rates: a.rates, Addresses: a.wallets, Health: a.health, Registry: a.registry,
		Random: rand.Reader, Now: a.now, Skewed: a.clock.Skewed, Pays: a.pays,
	}
	a.deposits = &deposit.Service{Store: store.Deposits{DB: a.db}, Addresses: a.wallets, Registry: a.registry, Random: rand.Reader}
	a.payterm = &payterm.Service{
		Store: store.Payterms{DB: a.db}, Invoices: a.invoices, Deposits: a.deposits, Merchants: store.Merchants{DB: a.db}, Registry: a.registry, Offers: a.wallets, Health: a.health,
		Random: rand.Reader, Now: a.now,
	}
	network, coin := chain.Rehearsal()
	a.played = &rehearsal.Chain{
		Keeper: store.Played{Chains: chains, Network: network.ID}, Net: network, Asset: a.configured(coin), Token: a.configured(chain.RehearsalToken()), Random: rand.Reader,
	}
	a.plays = []*rehearsal.Chain{a.played}
	if a.settings.playedTokens {
		network, token := chain.RehearsalEVM()
		a.plays = append(a.plays, &rehearsal.Chain{
			Keeper: store.Played{Chains: chains, Network: network.ID}, Net: network, Asset: a.configured(token), Random: rand.Reader,
		})
	}
	a.dispatcher = &webhook.Dispatcher{
		Outbox:   store.Webhooks{DB: a.db},
		Dialects: map[string]webhook.Dialect{merchant.DialectCoinsPaid: coinspaid.Callbacks{Registry: a.registry}},
		Client:   webhook.NewClient(a.settings.AllowPrivate), Holder: a.holder, Every: dispatchEvery, Now: a.now, Log: a.log,
	}
}

// configured is an asset with what the settings say of it.
func (a *app) configured(asset chain.Asset) chain.Asset {
	if c, ok := a.registry.Asset(asset.ID); ok {
		return c
	}
	return asset
}

// pays asks the node of a network what a transaction pays an address.
func (a *app) pays(ctx context.Context, network, txid, address string) ([]chain.Transfer, error) {
	for _, w := range a.watchers {
		if source, ok := w.Source.(interface {
			Pays(ctx context.Context, txid, address string) ([]chain.Transfer, error)
		}); ok && w.Source.Network().ID == network {
			return source.Pays(ctx, txid, address)
		}
	}
	return nil, nil
}

// unshifted reads the transactions' clock, without the time a test pretends has passed.
func (a *app) unshifted(chains store.Chains) func(ctx context.Context) (time.Time, error) {
	return func(ctx context.Context) (time.Time, error) {
		if a.shift == nil {
			return chains.Now(ctx)
		}
		shift := a.shift()
		at, err := chains.Now(ctx)
		if err == nil && a.shift() != shift {
			err = errors.New("the test's time was moved meanwhile")
		}
		return at.Add(-shift), err
	}
}

func (a *app) newRates() *rate.Book {
	eur, _ := money.FiatByCode("EUR")
	usd, _ := money.FiatByCode("USD")
	book := &rate.Book{Now: a.now, Random: rand.Reader, Log: a.log, Bridges: []money.Currency{eur, usd}}
	if a.settings.RatesFile != "" {
		book.Sources = append(book.Sources, a.settings.prices(a.registry, a.now))
	}
	for _, asset := range a.registry.Assets() {
		if n, ok := a.registry.Network(asset.Network); ok && n.Played {
			price := playedPrice
			if asset.Stable {
				price = playedStablePrice
			}
			book.Sources = append(book.Sources, &feed.Played{Coin: asset.Currency, Price: price, Now: a.now})
		}
	}
	return book
}

// watch makes a watcher for the played network and for every network that has a node.
func (a *app) watch() error {
	chains := store.Chains{DB: a.db}
	add := func(source watch.Source, every time.Duration) {
		a.watchers = append(a.watchers, &watch.Watcher{
			Source: source, Book: chains, Sink: a.sinks(), Every: every, Log: a.log, EvictAfter: evictAfter,
			Sisters: a.sisters(source.Network()), Dust: a.dust,
			Lease: &store.Lease{DB: a.db, Name: "watch:" + source.Network().ID, Holder: a.holder},
		})
	}
	for _, c := range a.plays {
		add(c, playedEvery)
	}
	sources, err := a.sources()
	if err != nil {
		return err
	}
	for _, source := range sources {
		add(source, pace(source.Network()))
	}
	return nil
}

// sinks takes what the chains do to whom it concerns.
func (a *app) sinks() watch.Sinks {
	return watch.Sinks{
		All: []watch.Sink{a.invoices, a.deposits},
		Of: func(ctx context.Context, owner ident.ID) (watch.Sink, error) {
			is, err := store.Deposits{DB: a.db}.Has(ctx, owner)
			if err != nil {
				return nil, err
			}
			if is {
				return a.deposits, nil
			}
			return a.invoices, nil
		},
	}
}

// pages makes the customer's face, and lets it hear of every change.
func (a *app) pages(base string, visits checkout.Visits) *checkout.Face {
	a.site = web.NewSite(static.New(), a.log)
	face := checkout.New(checkout.Deps{
		Site: a.site, Invoices: a.invoices, Deposits: a.deposits, Visits: visits, Tills: a.payterm, Links: a.payterm, Buttons: a.payterm, Merchants: store.Merchants{DB: a.db},
		Registry: a.registry, Health: a.health, Estimate: a.estimate, Explorer: explorer, Ancestors: a.ancestors, Base: base, TLS: strings.HasPrefix(base, "https://"),
		StatusMaxAge: a.statusAge(), Log: a.log, Now: a.now,
	})
	a.changed = func(id ident.ID, version int64) {
		face.Changed(id, version)
		a.dispatcher.Wake()
	}
	return face
}

// statusAge bounds how long a node believes its own memory: with PostgreSQL other nodes write too.
func (a *app) statusAge() time.Duration {
	if strings.HasPrefix(a.settings.DB, "sqlite:") {
		return 0
	}
	return time.Second
}

// estimate is what a price would be in a coin now; it binds nobody.
func (a *app) estimate(coin money.Currency, price money.Amount, places int) (money.Amount, error) {
	r, err := a.rates.Price(price.Currency(), coin)
	if err != nil {
		return money.Amount{}, err
	}
	due, err := r.Convert(price, money.RoundUp)
	if err != nil {
		return money.Amount{}, err
	}
	return due.CeilTo(places), nil
}

// coinsPaid makes the CoinsPaid face.
func (a *app) coinsPaid(base string) *coinspaid.Face {
	return coinspaid.New(coinspaid.Deps{
		Keys: store.Merchants{DB: a.db}, Merchants: store.Merchants{DB: a.db}, Invoices: a.invoices, Deposits: a.deposits,
		Clients: store.Merchants{DB: a.db}, Offers: a.wallets, Health: a.health,
		Rates: a.rates, Registry: a.registry, BaseURL: base, Now: a.now, Log: a.log,
	})
}

// worker is something that runs until its context ends.
type worker struct {
	name string
	run  func(ctx context.Context) error
}

// workers lists what runs beside the listeners.
func (a *app) workers() []worker {
	list := []worker{
		{"rates", a.rates.Run},
		{"expirer", (&invoice.Expirer{Service: a.invoices, Every: expireEvery, Log: a.log, Steady: a.clock.Steady}).Run},
		{"dispatcher", a.dispatcher.Run},
		{"storage", a.endWithStorage},
		{"contracts", a.compareContracts},
	}
	for _, c := range a.plays {
		list = append(list, worker{"miner of " + c.Net.ID, (&rehearsal.Miner{Chain: c, Every: mineEvery, Deep: 6}).Run})
	}
	if strings.HasPrefix(a.settings.DB, "sqlite:") {
		list = append(list, worker{"listener to other processes", a.hearElsewhere})
	}
	for _, w := range a.watchers {
		list = append(list, worker{"watcher of " + w.Source.Network().ID, w.Run})
	}
	return list
}

// endWithStorage ends the process when the disk failed under a write: a service manager starts it anew, and it finds out
// what was kept.
func (a *app) endWithStorage(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-a.db.Failed():
		return store.ErrStorage
	}
}

// hearElsewhere takes note of what commands change in the same database. With PostgreSQL nothing is remembered so long.
func (a *app) hearElsewhere(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := (store.Invoices{DB: a.db}).Elsewhere(ctx); err != nil && ctx.Err() == nil {
				a.log.Warn("changes of other processes not read", "event", "elsewhere_failed", "err", err)
			}
		}
	}
}

// supervise runs workers until ctx ends; the first that fails ends the others. It waits for all of them.
func supervise(ctx context.Context, workers []worker) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for _, w := range workers {
		wg.Go(func() {
			if err := w.run(ctx); err != nil && !errors.Is(err, context.Canceled) {
				cancel(fmt.Errorf("%s: %w", w.name, err))
			}
		})
	}
	wg.Wait()
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}
