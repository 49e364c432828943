package storetest

import (
	"crypto/rand"
	"errors"
	"math/big"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"checkout/chain"
	"checkout/ident"
	"checkout/invoice"
	"checkout/merchant"
	"checkout/money"
	"checkout/rate"
	"checkout/store"
)

// everyField takes an invoice through all that sets a field of it, and wants it loaded each time as it was decided.
func everyField(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	eur, _ := money.FiatByCode("EUR")
	n := w.New("every field")
	n.Terms = invoice.OrderTerms(money.Units(eur, 20), false)
	n.Terms.LockAll, n.Terms.MaxRenewals = true, 3
	n.Source, n.Tip = ident.New(rand.Reader), money.Units(eur, 5_00)
	inv, err := w.Invoices.Create(t.Context(), w.Tenant, n)
	must(t, err)
	set := map[string]bool{}
	for _, step := range w.life(inv) {
		w.See()
		decided, err := store.Invoices{DB: w.DB}.Update(t.Context(), inv.ID, func(inv *invoice.Invoice, at invoice.Moment) (invoice.Effects, error) {
			return step.change(inv, at)
		})
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		loaded, err := store.Invoices{DB: w.DB}.Find(t.Context(), inv.ID)
		must(t, err)
		if diff := cmp.Diff(decided, loaded, sameInvoice); diff != "" {
			t.Errorf("%s: %s", step.name, diff)
		}
		nonZero(set, "Invoice", reflect.ValueOf(*loaded))
		for _, p := range loaded.Payments {
			nonZero(set, "Payment", reflect.ValueOf(p))
		}
		for _, r := range loaded.Refunds {
			nonZero(set, "Refund", reflect.ValueOf(r))
		}
	}
	for _, kind := range []reflect.Type{reflect.TypeFor[invoice.Invoice](), reflect.TypeFor[invoice.Payment](), reflect.TypeFor[invoice.Refund]()} {
		for i := range kind.NumField() {
			if name := kind.Name() + "." + kind.Field(i).Name; !set[name] {
				t.Errorf("%s was never set: nothing was tested", name)
			}
		}
	}
	r, err := w.DB.Verify(t.Context())
	must(t, err)
	if len(r.Problems) > 0 {
		t.Errorf("problems: %q", r.Problems)
	}
}

// sameInvoice compares what is stored of invoices. What quotes were made of is kept for auditors only.
var sameInvoice = cmp.Options{
	cmp.Comparer(func(a, b money.Amount) bool { return a.Equal(b) }), cmp.Comparer(func(a, b money.Rate) bool { return a.Ratio() == b.Ratio() }),
	cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) }), cmpopts.EquateEmpty(), cmpopts.IgnoreFields(rate.Quote{}, "Basis"),
}

func nonZero(set map[string]bool, name string, v reflect.Value) {
	for i := range v.NumField() {
		set[name+"."+v.Type().Field(i).Name] = set[name+"."+v.Type().Field(i).Name] || !v.Field(i).IsZero()
	}
}

type step struct {
	name   string
	change invoice.Change
}

// life is payments that are replaced, confirmed, reverted and spent elsewhere, prices that lapse and are locked again, ends and
// decisions.
func (w *World) life(inv *invoice.Invoice) []step {
	number := int64(1 << 30)
	price := func(at time.Time) *rate.Quote {
		r, err := money.NewRate(w.Asset.Currency, inv.Price.Currency(), big.NewRat(301, 3))
		must(w.T, err)
		return &rate.Quote{ID: ident.New(rand.Reader), Rate: r, At: at, Until: at.Add(20 * time.Minute)}
	}
	addr, _ := inv.Address(w.Asset.ID)
	block := func(height int64) chain.BlockRef {
		return chain.BlockRef{Height: height, Hash: "b" + string(rune('a'+height-100))}
	}
	see := func(id string, units int64, in chain.BlockRef, tip int64, tx chain.Tx) step {
		return step{"see " + id, func(inv *invoice.Invoice, at invoice.Moment) (invoice.Effects, error) {
			number++
			tx.ID = id
			tx.Outputs = []chain.Transfer{{Network: w.Network.ID, TxID: id, Ordinal: 1, Asset: w.Asset.ID, Address: addr.Text, Amount: money.Units(w.Asset.Currency, units)}}
			s := chain.Sighting{Tx: tx, Transfer: tx.Outputs[0], Block: in, Tip: tip}
			return inv.Credit(s, ident.New(rand.Reader), number, func(string) *rate.Quote { return nil }, func(string) (invoice.Method, bool) { return invoice.Method{}, false }, at)
		}}
	}
	wrong := func(id string, height int64) step {
		return step{"see the wrong coin " + id, func(inv *invoice.Invoice, at invoice.Moment) (invoice.Effects, error) {
			number++
			token := chain.RehearsalToken()
			out := chain.Transfer{Network: w.Network.ID, TxID: id, Asset: token.ID, Address: addr.Text, Amount: money.Units(token.Currency, 7_000_000)}
			s := chain.Sighting{Tx: chain.Tx{ID: id, Outputs: []chain.Transfer{out}}, Transfer: out, Block: block(height), Tip: height + 2}
			known := func(string) (invoice.Method, bool) { return invoice.NewMethod(token, w.Network, inv.Terms.Name), true }
			return inv.Credit(s, ident.New(rand.Reader), number, func(string) *rate.Quote { return nil }, known, at)
		}}
	}
	astray := func(id string, in chain.BlockRef) step {
		return step{"see on another network " + id, func(inv *invoice.Invoice, at invoice.Moment) (invoice.Effects, error) {
			out := chain.Transfer{Network: "sister", TxID: id, Ordinal: 2, Asset: "other", Address: addr.Text, Amount: money.Units(chain.RehearsalToken().Currency, 8_000_000)}
			s := chain.Sighting{Tx: chain.Tx{ID: id, Outputs: []chain.Transfer{out}}, Transfer: out, Block: in, Tip: in.Height}
			known := func(string) (invoice.Method, bool) {
				return invoice.NewMethod(chain.RehearsalToken(), w.Network, inv.Terms.Name), true
			}
			return inv.Stray(s, known, at)
		}}
	}
	skip := func(d time.Duration) step {
		return step{"skip " + d.String(), func(inv *invoice.Invoice, at invoice.Moment) (invoice.Effects, error) { return inv.Skip(d, at) }}
	}
	advance := func(height int64) step {
		return step{"advance", func(inv *invoice.Invoice, at invoice.Moment) (invoice.Effects, error) {
			return inv.Advance(w.Network.ID, height, func(string) *rate.Quote { return nil }, at)
		}}
	}
	mark := func(kind invoice.MarkKind) step {
		return step{string(kind), func(inv *invoice.Invoice, at invoice.Moment) (invoice.Effects, error) {
			return inv.Mark(invoice.Mark{Kind: kind, Actor: "ada", Reason: "because", Until: inv.Clock(at.Now).Add(time.Hour)}, at)
		}}
	}
	a, b, c := chain.Tx{Inputs: []string{"a:0", "a:1"}, Replaceable: true}, chain.Tx{Inputs: []string{"b:0"}}, chain.Tx{Inputs: []string{"c:0"}, Coinbase: true}
	return []step{
		see("a", 10_000_000, chain.BlockRef{}, 100, a),
		see("a replaced", 11_000_000, chain.BlockRef{}, 100, a),
		{"refund address", func(inv *invoice.Invoice, _ invoice.Moment) (invoice.Effects, error) {
			inv.RefundAsset, inv.RefundAddress = inv.Asset, "tltc1qrefund"
			return invoice.Effects{}, nil
		}},
		{"new price", func(inv *invoice.Invoice, at invoice.Moment) (invoice.Effects, error) {
			return inv.Requote(*price(inv.Clock(at.Now)), at, invoice.Cause{Kind: "requote"})
		}},
		see("b", 34_000_000, block(101), 101, b),
		see("a replaced", 11_000_000, block(101), 101, a),
		advance(103), // settled
		wrong("stray", 102),
		astray("kept", block(102)), astray("lost", block(102)),
		{"the other network is reorganised", func(inv *invoice.Invoice, at invoice.Moment) (invoice.Effects, error) {
			return inv.Reorganise("sister", block(102).Hash, chain.Moves{"kept": {Block: block(103)}}, 104, func(string) *rate.Quote { return nil }, at)
		}},
		mark(invoice.MarkAccept), // of what came besides
		see("c", 5_000_000, block(102), 103, c),
		{"b's block is lost", func(inv *invoice.Invoice, at invoice.Moment) (invoice.Effects, error) {
			return inv.Reorganise(w.Network.ID, block(101).Hash, chain.Moves{"a replaced": {Block: block(102)}}, 104, func(string) *rate.Quote { return nil }, at)
		}},
		{"b is spent elsewhere", func(inv *invoice.Invoice, at invoice.Moment) (invoice.Effects, error) {
			return inv.Conflict(w.Network.ID, "b", "thief", block(103), at)
		}},
		advance(106), // failed
		mark(invoice.MarkReopen),
		skip(55 * time.Minute),
		{"the lock lapses", func(inv *invoice.Invoice, at invoice.Moment) (invoice.Effects, error) { return inv.Tick(nil, at) }},
		skip(24 * time.Hour),
		see("late", 1_000_000, chain.BlockRef{}, 106, chain.Tx{Inputs: []string{"l:0"}}),
		{"pays from an exchange", func(inv *invoice.Invoice, at invoice.Moment) (invoice.Effects, error) {
			inv.FromExchange, inv.SlowSince = true, inv.Created.Add(time.Minute)
			return invoice.Effects{}, nil
		}},
		wrong("wrong", 104),
		{"refund", func(inv *invoice.Invoice, at invoice.Moment) (invoice.Effects, error) {
			return inv.Refund(invoice.RefundOrder{ID: ident.New(rand.Reader), Payment: "wrong", Address: "back", Actor: "ada", Reason: "because"}, at)
		}},
		{"refund rejected", func(inv *invoice.Invoice, at invoice.Moment) (invoice.Effects, error) {
			return inv.RejectRefund("", "ada", at)
		}},
		{"refund again", func(inv *invoice.Invoice, at invoice.Moment) (invoice.Effects, error) {
			return inv.Refund(invoice.RefundOrder{ID: ident.New(rand.Reader), Payment: "wrong", Address: "back", Actor: "ada", Reason: "because"}, at)
		}},
		{"refund sent", func(inv *invoice.Invoice, at invoice.Moment) (invoice.Effects, error) {
			return inv.RefundSent("", "sending", true, "ada", at)
		}},
		mark(invoice.MarkAccept),
	}
}

// newest lists what was asked for, the newest first, and nobody else's.
func newest(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	var want []ident.ID
	for _, name := range []string{"n1", "n2", "n3", "n4"} {
		want = append(want, w.Create(name).ID)
	}
	slices.Reverse(want)
	_, stranger, _ := w.AddMerchant("Bolt Bikes")
	live, err := merchant.Operator(w.Merchant.ID, ident.Live)
	must(t, err)
	for _, row := range []struct {
		tenant merchant.Tenant
		limit  int
		want   []ident.ID
	}{{w.Tenant, 10, want}, {w.Tenant, 2, want[:2]}, {stranger, 10, nil}, {live, 10, nil}} {
		got, err := store.Invoices{DB: w.DB}.Newest(t.Context(), row.tenant, row.limit)
		if err != nil || !slices.Equal(got, row.want) {
			t.Errorf("%d of %v: %v, %v; want %v", row.limit, row.tenant, got, err, row.want)
		}
	}
	v, err := store.Invoices{DB: w.DB}.Version(t.Context(), want[0])
	if err != nil || v != 1 {
		t.Errorf("version %d, %v", v, err)
	}
	if _, err := (store.Invoices{DB: w.DB}).Version(t.Context(), "unknown"); !errors.Is(err, invoice.ErrNotFound) {
		t.Errorf("the version of nothing: %v", err)
	}
}
