package watch_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"checkout/chain"
	"checkout/ident"
	"checkout/invoice"
	"checkout/store"
	"checkout/watch"
)

// spy is a book that tells what is done inside a transaction.
type spy struct {
	store.Chains
	t        *testing.T
	writes   int                   // transactions
	seen     int                   // addresses looked up
	begin    func(write int) error // before a transaction
	lookedUp func()
}

type inside struct{}

func (s *spy) Together(ctx context.Context, f func(ctx context.Context) error) error {
	s.writes++
	if s.begin != nil {
		if err := s.begin(s.writes); err != nil {
			return err
		}
	}
	return s.Chains.Together(ctx, func(ctx context.Context) error { return f(context.WithValue(ctx, inside{}, true)) })
}

func (s *spy) Owners(ctx context.Context, network string, addresses []string) (map[string]ident.ID, error) {
	if ctx.Value(inside{}) != nil {
		s.t.Errorf("%d addresses are looked up while nobody else can write", len(addresses))
	}
	s.seen += len(addresses)
	owners, err := s.Chains.Owners(ctx, network, addresses)
	if s.lookedUp != nil {
		s.lookedUp()
	}
	return owners, err
}

// A mempool and a block are looked up before the transaction that keeps what is found.
func TestLookedUpBefore(t *testing.T) {
	w, n := openNode(t, 3)
	book := &spy{Chains: w.chains, t: t}
	w.watcher.Book = book
	pooled, mined, turned := w.invoice(), w.invoice(), w.invoice()
	n.pool = append(crowd(w, "p", 20_000), w.tx("pooled", pooled, due, "p:0"))
	w.look()
	w.is(pooled, "detected exact")
	if book.seen < 40_000 || book.writes > 2 {
		t.Errorf("%d addresses were looked up, in %d transactions", book.seen, book.writes)
	}
	n.mine(3, append(crowd(w, "m", 3_000), w.tx("mined", mined, due, "m:0"))...)
	w.look()
	w.is(mined, "settled exact")
	n.fork(1)
	n.mine(4, append(crowd(w, "t", 3_000), w.tx("turned", turned, due, "t:0"))...)
	w.look()
	w.is(turned, "settled exact")
	w.sound(n)
}

// crowd is other people's transactions, of two outputs each.
func crowd(w *world, name string, count int) []chain.Tx {
	list := make([]chain.Tx, count)
	for i := range list {
		id := fmt.Sprintf("%s%d", name, i)
		list[i] = chain.Tx{ID: id, Inputs: []string{"coin-" + id}, Outputs: []chain.Transfer{
			{Network: w.net.ID, TxID: id, Asset: w.asset.ID, Address: "to-" + id}, {Network: w.net.ID, TxID: id, Ordinal: 1, Asset: w.asset.ID, Address: "change-" + id},
		}}
	}
	return list
}

// An address may be assigned while a mempool or a block is looked up, and be paid in it by somebody who knew it before.
func TestAssignedMeanwhile(t *testing.T) {
	for _, where := range []string{"mempool", "block", "new branch"} {
		t.Run(where, func(t *testing.T) {
			w, n := openNode(t, 5)
			book := &spy{Chains: w.chains, t: t}
			w.watcher.Book = book
			first, other := w.invoice(), w.merchant("Bolt Bikes")
			w.look()
			a, err := store.Wallets{DB: w.db}.Assigned(t.Context(), w.net.ID, w.address(first))
			w.must(err)
			next, err := w.wallets.Derive(a.Account, a.Index+1)
			w.must(err)
			tx := w.tx("t", first, due, "t:0")
			tx.Outputs[0].Address = next
			txs := append(crowd(w, "c", 10), tx)
			switch where {
			case "mempool":
				n.pool = txs
			case "block":
				n.mine(1, txs...)
			default:
				n.fork(1)
				n.mine(2, txs...)
			}
			var inv *invoice.Invoice
			book.lookedUp = func() {
				if inv == nil {
					w.invoiceOf(other) // an address of another wallet, the first one of it
					inv = w.invoice()
				}
			}
			w.look()
			if got := w.address(inv); got != next {
				t.Fatalf("the address is %s, not %s", got, next)
			}
			w.is(inv, "detected exact")
			w.sound(n)
		})
	}
}

// A large mempool is taken in by portions, and what was committed is not read again after a failure.
func TestPortions(t *testing.T) {
	w, n := openNode(t, 3)
	book := &spy{Chains: w.chains, t: t}
	w.watcher.Book = book
	var list []*invoice.Invoice
	for i := range 250 {
		inv := w.invoice()
		list = append(list, inv)
		n.pool = append(n.pool, crowd(w, fmt.Sprintf("c%d-", i), 3)...)
		n.pool = append(n.pool, w.tx(fmt.Sprintf("t%d", i), inv, due, fmt.Sprintf("t%d:0", i)))
	}
	both := w.tx("both", list[0], due, "both:0") // pays one owner twice, and takes another's coin
	both.Outputs = append(both.Outputs, w.tx("both", list[1], due, "").Outputs[0], w.tx("both", list[0], due, "").Outputs[0])
	both.Outputs[1].Ordinal, both.Outputs[2].Ordinal = 1, 2
	n.pool = append(n.pool, both)
	read := 0
	w.watcher.Source = counting{n, &read}

	failure := errors.New("no")
	book.begin = func(write int) error {
		if write == 3 {
			return failure
		}
		return nil
	}
	w.clock.Pass(time.Second)
	before := w.cursor()
	if err := w.watcher.RunOnce(t.Context()); !errors.Is(err, failure) {
		t.Fatalf("%v", err)
	}
	if after := w.cursor(); !after.Through.Equal(before.Through) {
		t.Error("the evidence rose, but not all was taken in")
	}
	w.is(list[199], "detected exact")
	w.is(list[200], "awaiting none")
	read = 0
	w.look()
	if read < 190 || read > 210 {
		t.Errorf("%d transactions are read again of 1001, about 200 of which were not taken in", read)
	}
	for i, inv := range list {
		want := "detected exact"
		if i < 2 {
			want = "detected over"
		}
		w.is(inv, want)
	}
	if p := w.load(list[0]).Payments; len(p) != 3 {
		t.Errorf("%d payments of the first", len(p))
	}
	w.sound(n)
}

// dated is a node that says when transactions came to it.
type dated struct {
	*node
	at    map[string]time.Time
	asked []string
	err   error
}

func (d *dated) Arrivals(_ context.Context, ids []string) (map[string]time.Time, error) {
	d.asked = append(d.asked, ids...)
	return d.at, d.err
}

// A payment the node had in time is in time, even if we met it one look later; of others nobody asks.
func TestArrivals(t *testing.T) {
	w, n := openNode(t, 3)
	d := &dated{node: n, at: map[string]time.Time{}}
	w.follow(d)
	w.look()
	early, late, unsaid, later := w.invoice(), w.invoice(), w.invoice(), w.invoice()
	opened := w.clock.Now()
	for w.clock.Now().Before(opened.Add(15 * time.Minute)) {
		w.look()
	}
	d.at["e"], d.at["l"] = opened.Add(15*time.Minute), opened.Add(15*time.Minute+time.Second)
	n.pool = append(crowd(w, "c", 100), w.tx("e", early, due, "e:0"), w.tx("l", late, due, "l:0"), w.tx("u", unsaid, due, "u:0"))
	w.look()
	w.is(early, "detected exact")
	for _, inv := range []*invoice.Invoice{late, unsaid} {
		if o := w.load(inv).Outcome; !o.Flags.Late {
			t.Errorf("met after the deadline, and nobody knows better, but it is %s %s", o.State, o.Flags)
		}
	}
	slices.Sort(d.asked)
	if !slices.Equal(d.asked, []string{"e", "l", "u"}) {
		t.Errorf("asked for %q", d.asked)
	}
	d.err = watch.ErrUnknown
	n.pool = append(n.pool, w.tx("v", later, due, "v:0"))
	w.stuck(d.err)
	if p := w.load(later).Payments; len(p) != 0 {
		t.Error("it was taken in without being dated")
	}
	w.sound(n)
}
