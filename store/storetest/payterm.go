package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"checkout/chain"
	"checkout/ident"
	"checkout/invoice"
	"checkout/merchant"
	"checkout/money"
	"checkout/payterm"
	"checkout/store"
)

// Payterm is the service of terminals, links and buttons on a world's store.
func (w *World) Payterm() *payterm.Service {
	return &payterm.Service{
		Store: store.Payterms{DB: w.DB}, Invoices: w.Invoices, Merchants: store.Merchants{DB: w.DB}, Registry: w.Invoices.Registry, Offers: w.Book,
		Random: rand.Reader, Now: w.DB.Now,
	}
}

var samePayterm = cmp.Options{
	cmp.Comparer(func(a, b money.Amount) bool { return a.Equal(b) }), cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) }), cmpopts.EquateEmpty(),
}

// alike wants something loaded as it was made, with every field of it set in one of those that were.
func alike[T any](t *testing.T, made []T, load func(x T) (T, error)) {
	t.Helper()
	set := map[string]bool{}
	for _, x := range made {
		loaded, err := load(x)
		must(t, err)
		if diff := cmp.Diff(x, loaded, samePayterm); diff != "" {
			t.Error(diff)
		}
		nonZero(set, "", reflect.ValueOf(loaded))
	}
	kind := reflect.TypeFor[T]()
	for i := range kind.NumField() {
		if name := "." + kind.Field(i).Name; !set[name] {
			t.Errorf("%s%s was never set: nothing was tested", kind.Name(), name)
		}
	}
}

// listedAlike wants a list to be of these, in this order.
func listedAlike[T any](t *testing.T, got []T, err error, want ...T) {
	t.Helper()
	if diff := cmp.Diff(want, got, samePayterm); err != nil || diff != "" {
		t.Errorf("listed: %v %s", err, diff)
	}
}

func terminals(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	s := store.Payterms{DB: w.DB}
	eur, _ := money.FiatByCode("EUR")
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	full := payterm.Terminal{
		ID: ident.New(rand.Reader), Merchant: w.Merchant.ID, Env: ident.Test, Token: string(ident.New(rand.Reader)), Name: "Till 2", Mode: payterm.ModeFixed,
		Currency: eur, Amount: money.Units(eur, 5_00), Min: money.Units(eur, 1), Max: money.Units(eur, 100_00), Tips: []int{5, 10}, PIN: "1234", Created: at,
	}
	bare := payterm.Terminal{ID: ident.New(rand.Reader), Merchant: w.Merchant.ID, Env: ident.Test, Token: string(ident.New(rand.Reader)), Name: "Till 3", Mode: payterm.ModeDeposit, Created: at.Add(time.Second), Revoked: at.Add(time.Hour)}
	for _, x := range []payterm.Terminal{full, bare} {
		must(t, s.InsertTerminal(t.Context(), x))
	}
	alike(t, []payterm.Terminal{full, bare}, func(x payterm.Terminal) (payterm.Terminal, error) { return s.Terminal(t.Context(), x.Token) })
	list, err := s.Terminals(t.Context(), w.Tenant)
	listedAlike(t, list, err, full, bare)
	for _, other := range w.strangers() {
		if list, err := s.Terminals(t.Context(), other); err != nil || len(list) > 0 {
			t.Errorf("listed for %v: %v %v", other, list, err)
		}
	}
	if x, err := s.TerminalNamed(t.Context(), string(full.ID)); err != nil || x.Token != full.Token {
		t.Errorf("by id: %v", err)
	}
	if _, err := s.Terminal(t.Context(), string(full.ID)); !errors.Is(err, payterm.ErrTerminal) {
		t.Errorf("an id opens it like a token: %v", err)
	}
	must(t, s.Revoke(t.Context(), payterm.KindTerminal, full.ID, at.Add(time.Minute)))
	must(t, s.Revoke(t.Context(), payterm.KindTerminal, full.ID, at.Add(time.Hour)))
	if x, err := s.Terminal(t.Context(), full.Token); err != nil || !x.Revoked.Equal(at.Add(time.Minute)) {
		t.Errorf("revoked at %v, %v", x.Revoked, err)
	}
	want := payterm.Tries{Failures: 3, Locked: at}
	must(t, s.KeepTries(t.Context(), full.ID, want))
	if got, err := s.Tries(t.Context(), full.ID); err != nil || got != want {
		t.Errorf("tries %+v, %v", got, err)
	}
	if n := count(t, w.DB, e, "SELECT COUNT(*) FROM terminals WHERE pin LIKE '%1234%'"); n != 0 {
		t.Error("a PIN stands in the database as it is")
	}
	_, err = e.Raw(t, w.DB).ExecContext(t.Context(), "UPDATE terminals SET pin = (SELECT pin FROM terminals WHERE id = $1)", full.ID)
	must(t, err)
	if _, err := s.Terminal(t.Context(), bare.Token); err == nil {
		t.Error("a PIN that was put into another place opens")
	}
}

// strangers are another merchant, and the same one with real money.
func (w *World) strangers() []merchant.Tenant {
	_, other, _ := w.AddMerchant("Bolt Bikes")
	live, err := merchant.Operator(w.Merchant.ID, ident.Live)
	must(w.T, err)
	return []merchant.Tenant{other, live}
}

func links(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	s := store.Payterms{DB: w.DB}
	jpy, _ := money.FiatByCode("JPY")
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	full := payterm.Link{
		ID: ident.New(rand.Reader), Merchant: w.Merchant.ID, Env: ident.Test, Slug: payterm.NewSlug(rand.Reader), Title: "Gift \"card\"", Description: "a\nb",
		Mode: payterm.ModeCustomer, Currency: jpy, Amount: money.Units(jpy, 3), Min: money.Units(jpy, 100), Max: money.Units(jpy, 999_999_999),
		Suggestions: []money.Amount{money.Units(jpy, 500), money.Units(jpy, 1000)}, Stock: 7, Expires: at.Add(72 * time.Hour), Message: "Come again",
		SuccessURL: "https://shop.example/?id={ID}", Fields: []payterm.Field{{Name: "Table", Required: true}, {Name: "Name"}}, Private: true, Created: at,
		Revoked: at.Add(time.Hour),
	}
	bare := payterm.Link{ID: ident.New(rand.Reader), Merchant: w.Merchant.ID, Env: ident.Test, Slug: payterm.NewSlug(rand.Reader), Title: "Donations", Mode: payterm.ModeDeposit, Created: at.Add(time.Second)}
	for _, x := range []payterm.Link{full, bare} {
		must(t, s.InsertLink(t.Context(), x))
	}
	alike(t, []payterm.Link{full, bare}, func(x payterm.Link) (payterm.Link, error) { return s.Link(t.Context(), x.Slug) })
	list, err := s.Links(t.Context(), w.Tenant)
	listedAlike(t, list, err, full, bare)
	for _, other := range w.strangers() {
		if list, err := s.Links(t.Context(), other); err != nil || len(list) > 0 {
			t.Errorf("listed for %v: %v %v", other, list, err)
		}
	}
	if _, err := s.Link(t.Context(), "0000000000"); !errors.Is(err, payterm.ErrLink) {
		t.Error(err)
	}
	for hour, want := range map[int64]int{100: 3, 101: 3} {
		given := 0
		for range 5 {
			room, err := s.GiveAddress(t.Context(), bare.ID, hour, 3)
			must(t, err)
			if room {
				given++
			}
		}
		if given != want {
			t.Errorf("%d addresses in hour %d", given, hour)
		}
	}
	for id, want := range map[ident.ID]bool{bare.ID: true, full.ID: false, "unknown": false} {
		if inUse, err := s.Hold(t.Context(), payterm.KindLink, id); err != nil || inUse != want {
			t.Errorf("%s in use: %v %v", id.Short(), inUse, err)
		}
	}
}

func buttons(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	s := store.Payterms{DB: w.DB}
	kwd, _ := money.FiatByCode("KWD")
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	full := payterm.Button{
		ID: ident.New(rand.Reader), Merchant: w.Merchant.ID, Env: ident.Test, Slug: payterm.NewSlug(rand.Reader), Name: "Mug", Description: "blue", Mode: payterm.ModeFixed,
		Currency: kwd, Amount: money.Units(kwd, 1_250), Min: money.Units(kwd, 1), Max: money.Units(kwd, 2), MinQuantity: 2, MaxQuantity: 10, Stock: 9, Secret: "hush-hush-hush",
		SuccessURL: "https://shop.example/ok", FailureURL: "https://shop.example/no", Text: "Take one", Colour: "#f7931a", Created: at, Revoked: at.Add(time.Hour),
	}
	must(t, s.InsertButton(t.Context(), full))
	alike(t, []payterm.Button{full}, func(x payterm.Button) (payterm.Button, error) { return s.Button(t.Context(), x.Slug) })
	list, err := s.Buttons(t.Context(), w.Tenant)
	listedAlike(t, list, err, full)
	for _, other := range w.strangers() {
		if list, err := s.Buttons(t.Context(), other); err != nil || len(list) > 0 {
			t.Errorf("listed for %v: %v %v", other, list, err)
		}
	}
	if _, err := s.Button(t.Context(), "0000000000"); !errors.Is(err, payterm.ErrButton) {
		t.Error(err)
	}
	if n := count(t, w.DB, e, "SELECT COUNT(*) FROM buttons WHERE secret LIKE '%hush%'"); n != 0 {
		t.Error("a secret stands in the database as it is")
	}
}

// sources: what a source has made is counted and listed, and a limited one never makes more than it has places.
func sources(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	s := store.Payterms{DB: w.DB}
	eur, _ := money.FiatByCode("EUR")
	source := ident.New(rand.Reader)
	var made []*invoice.Invoice
	for n := range 5 {
		x := w.New(fmt.Sprint("sold ", n))
		x.Source = source
		if n == 1 {
			x.Tip = money.Units(eur, 2_00)
		}
		inv, err := w.Invoices.Create(t.Context(), w.Tenant, x)
		must(t, err)
		made = append(made, inv)
	}
	w.Create("of nobody")
	_, err := w.Invoices.Decide(t.Context(), made[0].ID, invoice.Mark{Kind: invoice.MarkCancel, Actor: "test", Reason: "no"})
	must(t, err)
	w.Settle(made[1])
	w.Pay(made[2], 45_000_000, chain.BlockRef{})
	for most, want := range map[int64]int64{100: 4, 3: 3} {
		if n, err := s.Taken(t.Context(), source, most); err != nil || n != want {
			t.Errorf("%d taken, %v; want %d", n, err, want)
		}
	}
	if ids, err := s.Waiting(t.Context(), source, 10); err != nil || len(ids) != 2 {
		t.Errorf("waiting %v, %v", ids, err)
	}
	list, err := s.Sold(t.Context(), source, 50)
	must(t, err)
	states := map[ident.ID]payterm.Sold{}
	for _, x := range list {
		states[x.ID] = x
	}
	paid := states[made[1].ID]
	if len(list) != 5 || states[made[0].ID].State != invoice.Cancelled || paid.State != invoice.Settled || paid.Tip.Minor() != "200" || paid.Tip.Currency() != eur ||
		!paid.Price.Equal(made[1].Price) || paid.Settled.IsZero() || paid.Note != "blue" || paid.Number != made[1].Number || states[made[2].ID].Amount != invoice.Exact {
		t.Errorf("%+v", list)
	}
	if id, ok, err := s.Made(t.Context(), ident.Once{Scope: "test", Key: "sold 3"}); err != nil || !ok || id != made[3].ID {
		t.Errorf("made %s %v %v", id, ok, err)
	}
	if _, ok, err := s.Made(t.Context(), ident.Once{Scope: "test", Key: "sold 9"}); err != nil || ok {
		t.Errorf("made by nobody: %v %v", ok, err)
	}
	places(t, w, eur)
}

// places starts a link with three places many times at once.
func places(t *testing.T, w *World, eur money.Currency) {
	service := w.Payterm()
	l, err := service.CreateLink(t.Context(), w.Tenant, payterm.Link{Title: "Concert", Mode: payterm.ModeFixed, Currency: eur, Amount: money.Units(eur, 20_00), Stock: 3})
	must(t, err)
	var sold, over int
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			_, err := service.Start(context.Background(), l.Slug, payterm.Start{})
			mu.Lock()
			defer mu.Unlock()
			switch standing, _ := errors.AsType[payterm.Standing](err); {
			case err == nil:
				sold++
			case errors.Is(err, payterm.ErrLinkOver) && standing == payterm.StandingSoldOut:
				over++
			default:
				t.Errorf("start: %v", err)
			}
		})
	}
	wg.Wait()
	if sold != 3 || over != 47 {
		t.Errorf("%d sold, %d refused", sold, over)
	}
}
