package payterm_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"checkout/chain"
	"checkout/fault"
	"checkout/ident"
	"checkout/invoice"
	"checkout/money"
	"checkout/payterm"
	"checkout/store"
	"checkout/store/storetest"
)

var eur, _ = money.FiatByCode("EUR")

func cents(n int64) money.Amount { return money.Units(eur, n) }

// counter is the service on a store of its own, with a clock that stands until it is moved.
type counter struct {
	*payterm.Service
	*storetest.World
	t     *testing.T
	clock *storetest.Clock
}

func openCounter(t *testing.T) *counter {
	t.Helper()
	clock := &storetest.Clock{}
	w := storetest.NewWorld(t, storetest.Open(t, storetest.Config("sqlite:"+filepath.Join(t.TempDir(), "c.db"), clock.Now)))
	return &counter{Service: w.Payterm(), World: w, t: t, clock: clock}
}

func (c *counter) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// refuses wants an error.
func (c *counter) refuses(name string, err, want error) {
	c.t.Helper()
	if !errors.Is(err, want) {
		c.t.Errorf("%s: %v, want %v", name, err, want)
	}
}

// over wants an error because of a standing.
func (c *counter) over(name string, err error, want payterm.Standing) {
	c.t.Helper()
	got, _ := errors.AsType[payterm.Standing](err)
	if !errors.Is(err, payterm.ErrLinkOver) || got != want || fault.Of(err).Kind != fault.Gone {
		c.t.Errorf("%s: %v, want %s", name, err, want)
	}
}

// made counts all invoices of the merchant.
func (c *counter) made() int {
	c.t.Helper()
	ids, err := store.Invoices{DB: c.DB}.Newest(c.t.Context(), c.Tenant, 1000)
	c.must(err)
	return len(ids)
}

func (c *counter) terminal(change func(x *payterm.Terminal)) payterm.Terminal {
	c.t.Helper()
	x := payterm.Terminal{Name: "Till 1", Mode: payterm.ModeKeypad, Currency: eur}
	if change != nil {
		change(&x)
	}
	x, err := c.CreateTerminal(c.t.Context(), c.Tenant, x)
	c.must(err)
	return x
}

func (c *counter) link(change func(x *payterm.Link)) payterm.Link {
	c.t.Helper()
	x := payterm.Link{Title: "Gift", Mode: payterm.ModeFixed, Currency: eur, Amount: cents(20_00)}
	if change != nil {
		change(&x)
	}
	x, err := c.CreateLink(c.t.Context(), c.Tenant, x)
	c.must(err)
	return x
}

func (c *counter) button(change func(x *payterm.Button)) payterm.Button {
	c.t.Helper()
	x := payterm.Button{Name: "Mug", Description: "blue", Mode: payterm.ModeFixed, Currency: eur, Amount: cents(12_50), MinQuantity: 1, MaxQuantity: 5}
	if change != nil {
		change(&x)
	}
	x, err := c.CreateButton(c.t.Context(), c.Tenant, x)
	c.must(err)
	return x
}

func chooseAmount(x *payterm.Link) {
	x.Mode, x.Amount, x.Min, x.Max = payterm.ModeCustomer, money.Amount{}, cents(5_00), cents(100_00)
}

func stock(n int64) func(x *payterm.Link) { return func(x *payterm.Link) { x.Stock = n } }

// expire lets the order's time pass, in sight of the chain.
func (c *counter) expire(d time.Duration) {
	c.t.Helper()
	c.clock.Pass(d)
	c.See()
	c.must((&invoice.Expirer{Service: c.World.Invoices}).RunOnce(c.t.Context()))
}

func TestCharge(t *testing.T) {
	c := openCounter(t)
	x := c.terminal(func(x *payterm.Terminal) { x.Tips = []int{5, 10} })
	inv, err := c.Charge(t.Context(), x.Token, payterm.Charge{Amount: cents(12_50), Tip: cents(1_25), Note: "table 4", Once: "a"})
	c.must(err)
	loaded, err := c.World.Invoices.Find(t.Context(), inv.ID)
	c.must(err)
	if !loaded.Price.Equal(cents(13_75)) || !loaded.Tip.Equal(cents(1_25)) || loaded.Source != x.ID || loaded.Origin != "terminal" || loaded.Title != "Till 1" ||
		loaded.Description != "table 4" || !strings.HasPrefix(loaded.ForeignID, "till-") || loaded.Terms.Name != invoice.TermsOrder || loaded.Terms.Final ||
		loaded.Terms.OpenFor != time.Hour || loaded.Outcome.State != invoice.Open || loaded.Env != ident.Test {
		t.Errorf("%+v", loaded)
	}
	again, err := c.Charge(t.Context(), x.Token, payterm.Charge{Amount: cents(12_50), Tip: cents(1_25), Once: "a"})
	c.must(err)
	if again.ID != inv.ID {
		t.Error("the same form made two invoices")
	}
	corrected, err := c.Charge(t.Context(), x.Token, payterm.Charge{Amount: cents(21_50), Once: "a"})
	c.must(err)
	if corrected.ID == inv.ID || !corrected.Price.Equal(cents(21_50)) || !corrected.Tip.IsZero() {
		t.Error("a corrected sum led to the old one")
	}
	was := c.made()
	for name, row := range map[string]struct {
		token string
		c     payterm.Charge
		want  error
	}{
		"a bell in the note": {x.Token, payterm.Charge{Amount: cents(1), Note: "\a"}, payterm.ErrNote},
		"a long note":        {x.Token, payterm.Charge{Amount: cents(1), Note: strings.Repeat("x", 201)}, payterm.ErrNote},
		"nothing":            {x.Token, payterm.Charge{}, payterm.ErrAmount},
		"a billion":          {x.Token, payterm.Charge{Amount: cents(1_000_000_000)}, payterm.ErrAmount},
		"a long key":         {x.Token, payterm.Charge{Amount: cents(1), Once: strings.Repeat("x", 65)}, payterm.ErrOnce},
		"a key of two words": {x.Token, payterm.Charge{Amount: cents(1), Once: "a 1250"}, payterm.ErrOnce},
		"an unknown token":   {string(ident.New(rand.Reader)), payterm.Charge{Amount: cents(1)}, payterm.ErrTerminal},
		"its id":             {string(x.ID), payterm.Charge{Amount: cents(1)}, payterm.ErrTerminal},
		"no token":           {"", payterm.Charge{Amount: cents(1)}, payterm.ErrTerminal},
		"in lower case":      {strings.ToLower(x.Token), payterm.Charge{Amount: cents(1)}, payterm.ErrTerminal},
	} {
		_, err := c.Charge(t.Context(), row.token, row.c)
		c.refuses(name, err, row.want)
	}
	_, err = c.RevokeTerminal(t.Context(), c.Tenant, x.Token)
	c.must(err)
	_, err = c.Charge(t.Context(), x.Token, payterm.Charge{Amount: cents(1)})
	c.refuses("revoked", err, payterm.ErrRevoked)
	_, err = c.Charge(t.Context(), x.Token, payterm.Charge{Amount: cents(12_50), Tip: cents(1_25), Once: "a"})
	c.refuses("revoked, and the form of an old sale", err, payterm.ErrRevoked)
	if n := c.made(); n != was {
		t.Errorf("%d invoices of refused charges", n-was)
	}
}

// TestOnceAtOnce: one form sent many times at the same time is one sale.
func TestOnceAtOnce(t *testing.T) {
	c := openCounter(t)
	till, button, limited := c.terminal(nil), c.button(nil), c.link(stock(7))
	for name, sell := range map[string]func() (*invoice.Invoice, error){
		"till": func() (*invoice.Invoice, error) {
			return c.Charge(context.Background(), till.Token, payterm.Charge{Amount: cents(1_00), Once: "k"})
		},
		"button": func() (*invoice.Invoice, error) {
			return c.Buy(context.Background(), button.Slug, payterm.Form{Once: "k"})
		},
		"link": func() (*invoice.Invoice, error) {
			return c.Start(context.Background(), limited.Slug, payterm.Start{Once: "k"})
		},
	} {
		was := c.made()
		var mu sync.Mutex
		ids := map[ident.ID]bool{}
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				inv, err := sell()
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
				ids[inv.ID] = true
			})
		}
		wg.Wait()
		if n := c.made() - was; n != 1 || len(ids) != 1 {
			t.Errorf("%s: %d invoices, %d answers", name, n, len(ids))
		}
	}
}

func TestTerminalSale(t *testing.T) {
	c := openCounter(t)
	a, b := c.terminal(nil), c.terminal(nil)
	inv, err := c.Charge(t.Context(), a.Token, payterm.Charge{Amount: cents(1_00)})
	c.must(err)
	if x, got, err := c.TerminalSale(t.Context(), a.Token, inv.ID); err != nil || got.ID != inv.ID || x.ID != a.ID {
		t.Errorf("its own: %v", err)
	}
	for name, id := range map[string]ident.ID{"another till's": inv.ID, "nobody's": ident.New(rand.Reader), "a shop's": c.World.Create("order").ID, "nothing": ""} {
		_, _, err := c.TerminalSale(t.Context(), b.Token, id)
		c.refuses(name, err, payterm.ErrTerminal)
	}
}

func TestHistory(t *testing.T) {
	c := openCounter(t)
	x := c.terminal(func(x *payterm.Terminal) { x.PIN, x.Tips = "2468", []int{10} })
	for n := range 3 {
		_, err := c.Charge(t.Context(), x.Token, payterm.Charge{Amount: cents(100 + int64(n)), Tip: cents(10), Note: fmt.Sprint("note ", n)})
		c.must(err)
		c.clock.Pass(time.Second)
	}
	c.World.Create("of the shop")
	list, err := c.History(t.Context(), x.Token, "2468")
	c.must(err)
	if len(list) != 3 || list[0].Note != "note 2" || !list[0].Price.Equal(cents(112)) || !list[0].Tip.Equal(cents(10)) || list[0].State != invoice.Open {
		t.Errorf("%+v", list)
	}
	for n := range 5 {
		want := payterm.ErrPIN
		if n == 4 {
			want = payterm.ErrPINLocked
		}
		_, err := c.History(t.Context(), x.Token, "1111")
		c.refuses(fmt.Sprint("wrong PIN ", n), err, want)
	}
	_, err = c.History(t.Context(), x.Token, "2468")
	c.refuses("locked", err, payterm.ErrPINLocked)
	if f := fault.Of(err); f.Kind != fault.TooMany || f.After != 15*time.Minute {
		t.Errorf("wait for %v", f.After)
	}
	c.clock.Pass(15 * time.Minute)
	if _, err := c.History(t.Context(), x.Token, "2468"); err != nil {
		t.Errorf("after the lock: %v", err)
	}
	_, err = c.History(t.Context(), c.terminal(nil).Token, "")
	c.refuses("without a PIN", err, payterm.ErrNoHistory)
	_, err = c.History(t.Context(), string(ident.New(rand.Reader)), "2468")
	c.refuses("unknown", err, payterm.ErrTerminal)
}

// TestPINsAtOnce: guesses made at the same time are counted like others.
func TestPINsAtOnce(t *testing.T) {
	c := openCounter(t)
	x := c.terminal(func(x *payterm.Terminal) { x.PIN = "2468" })
	var mu sync.Mutex
	wrong := 0
	var wg sync.WaitGroup
	for n := range 40 {
		wg.Go(func() {
			_, err := c.History(context.Background(), x.Token, strconv.Itoa(1000+n))
			mu.Lock()
			defer mu.Unlock()
			if errors.Is(err, payterm.ErrPIN) {
				wrong++
			} else if !errors.Is(err, payterm.ErrPINLocked) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if wrong != 4 {
		t.Errorf("%d guesses were looked at before the one that locked", wrong)
	}
}

func TestStart(t *testing.T) {
	c := openCounter(t)
	x := c.link(func(x *payterm.Link) {
		chooseAmount(x)
		x.SuccessURL, x.Description = "https://shop.example/thanks?id={ID}", "For a friend"
		x.Fields = []payterm.Field{{Name: "Name", Required: true}, {Name: "Table"}}
	})
	slug := strings.ToLower(x.Slug)
	inv, err := c.Start(t.Context(), slug, payterm.Start{Amount: cents(30_00), Fields: map[string]string{"Name": "Ada", "Table": ""}, Once: "k"})
	c.must(err)
	loaded, err := c.World.Invoices.Find(t.Context(), inv.ID)
	c.must(err)
	if !loaded.Price.Equal(cents(30_00)) || loaded.Source != x.ID || loaded.Origin != "link" || loaded.Title != "Gift" || loaded.Description != "Name: Ada" ||
		loaded.SuccessURL != "https://shop.example/thanks?id="+string(inv.ID) || !strings.HasPrefix(loaded.ForeignID, x.Slug+"-") || loaded.Terms.Name != invoice.TermsLink ||
		loaded.Terms.OpenFor != 24*time.Hour || loaded.Terms.Final {
		t.Errorf("%+v", loaded)
	}
	second, err := c.Start(t.Context(), slug, payterm.Start{Amount: cents(30_00), Fields: map[string]string{"Name": "Bob"}})
	c.must(err)
	if second.ID == inv.ID {
		t.Error("two visitors of a reusable link share an invoice")
	}
	addresses := map[string]bool{}
	for _, id := range []ident.ID{inv.ID, second.ID} {
		chosen, err := c.World.Invoices.Choose(t.Context(), id, invoice.Choice{Asset: c.Asset.ID})
		c.must(err)
		a, _ := chosen.Address(c.Asset.ID)
		addresses[a.Text] = true
	}
	if len(addresses) != 2 {
		t.Error("two visitors share an address")
	}
	was := c.made()
	name := map[string]string{"Name": "Ada"}
	for what, row := range map[string]struct {
		slug string
		f    payterm.Start
		want error
	}{
		"nobody":          {slug, payterm.Start{Amount: cents(30_00)}, payterm.ErrField},
		"a question more": {slug, payterm.Start{Amount: cents(30_00), Fields: map[string]string{"Name": "Ada", "Price": "0"}}, payterm.ErrField},
		"too little":      {slug, payterm.Start{Amount: cents(4_99), Fields: name}, payterm.ErrBounds},
		"nothing":         {slug, payterm.Start{Fields: name}, payterm.ErrAmount},
		"unknown":         {"0000000000", payterm.Start{Amount: cents(30_00), Fields: name}, payterm.ErrLink},
		"no slug":         {"x", payterm.Start{Amount: cents(30_00), Fields: name}, payterm.ErrLink},
		"a button's slug": {c.button(nil).Slug, payterm.Start{Amount: cents(30_00), Fields: name}, payterm.ErrLink},
		"a forged price":  {c.link(nil).Slug, payterm.Start{Amount: cents(1)}, payterm.ErrBounds},
	} {
		_, err := c.Start(t.Context(), row.slug, row.f)
		c.refuses(what, err, row.want)
	}
	if n := c.made(); n != was {
		t.Errorf("%d invoices of refused starts", n-was)
	}
	plain := c.link(func(x *payterm.Link) { x.Description = "For a friend" })
	inv, err = c.Start(t.Context(), plain.Slug, payterm.Start{})
	c.must(err)
	if inv.Description != "For a friend" || !inv.Price.Equal(cents(20_00)) {
		t.Errorf("%q for %s", inv.Description, inv.Price)
	}
}

// TestStandings: what is over makes nothing, and says why.
func TestStandings(t *testing.T) {
	c := openCounter(t)
	check := func(slug string, want payterm.Standing) {
		t.Helper()
		_, got, err := c.Link(t.Context(), slug)
		if err != nil || got != want {
			t.Errorf("%s, %v; want %s", got, err, want)
		}
		if _, err = c.Start(t.Context(), slug, payterm.Start{}); want == payterm.StandingOpen {
			c.must(err)
		} else {
			c.over("start", err, want)
		}
	}
	short := c.link(func(x *payterm.Link) { x.Expires = c.clock.Now().Add(time.Hour) })
	off, two := c.link(nil), c.link(stock(2))
	_, err := c.RevokeLink(t.Context(), c.Tenant, strings.ToLower(off.Slug))
	c.must(err)
	check(short.Slug, payterm.StandingOpen)
	check(off.Slug, payterm.StandingRevoked)
	check(two.Slug, payterm.StandingOpen)
	check(two.Slug, payterm.StandingOpen)
	check(two.Slug, payterm.StandingSoldOut)
	c.expire(time.Hour)
	check(short.Slug, payterm.StandingExpired)
	_, err = c.Start(t.Context(), short.Slug, payterm.Start{Amount: cents(1), Fields: map[string]string{"x": "y"}})
	c.over("with the wrong sum as well", err, payterm.StandingExpired)
	c.expire(15 * time.Minute)
	check(two.Slug, payterm.StandingOpen) // its two were not paid
	_, err = c.Buy(t.Context(), c.revoked().Slug, payterm.Form{})
	c.over("a button that is off", err, payterm.StandingRevoked)
	one := c.button(func(x *payterm.Button) { x.Stock, x.MaxQuantity = 1, 1 })
	_, err = c.Buy(t.Context(), one.Slug, payterm.Form{})
	c.must(err)
	_, err = c.Buy(t.Context(), one.Slug, payterm.Form{})
	c.over("the last one is gone", err, payterm.StandingSoldOut)
	if b, err := c.Button(t.Context(), one.Slug); b.Name != "Mug" {
		t.Error("what is sold out has no name")
	} else {
		c.over("its page", err, payterm.StandingSoldOut)
	}
}

func (c *counter) revoked() payterm.Button {
	c.t.Helper()
	x, err := c.RevokeButton(c.t.Context(), c.Tenant, c.button(nil).Slug)
	c.must(err)
	return x
}

// TestPlaces: a paid place stays taken; one that expired is free again, and its invoice cannot come back.
func TestPlaces(t *testing.T) {
	c := openCounter(t)
	x := c.link(func(x *payterm.Link) { x.Stock, x.Amount = 2, cents(45_00) })
	start := func() *invoice.Invoice {
		t.Helper()
		inv, err := c.Start(t.Context(), x.Slug, payterm.Start{})
		c.must(err)
		inv, err = c.World.Invoices.Choose(t.Context(), inv.ID, invoice.Choice{Asset: c.Asset.ID})
		c.must(err)
		return inv
	}
	paid, unpaid := start(), start()
	c.World.Settle(paid)
	if !unpaid.Terms.Final || unpaid.Terms.Name != invoice.TermsOrder {
		t.Errorf("terms %+v", unpaid.Terms)
	}
	c.expire(2 * time.Hour)
	if _, err := c.World.Invoices.Requote(t.Context(), unpaid.ID); !errors.Is(err, invoice.ErrState) {
		t.Errorf("an expired place was locked again: %v", err)
	}
	start()
	_, err := c.Start(t.Context(), x.Slug, payterm.Start{})
	c.over("a third", err, payterm.StandingSoldOut)
}

// TestStockAtOnce: more starts than places at the same time make as many invoices as there are places.
func TestStockAtOnce(t *testing.T) {
	c := openCounter(t)
	l := c.link(stock(3))
	b := c.button(func(x *payterm.Button) { x.Stock, x.MaxQuantity = 3, 1 })
	for name, sell := range map[string]func() error{
		"link":   func() error { _, err := c.Start(context.Background(), l.Slug, payterm.Start{}); return err },
		"button": func() error { _, err := c.Buy(context.Background(), b.Slug, payterm.Form{}); return err },
	} {
		was := c.made()
		var mu sync.Mutex
		sold := 0
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				err := sell()
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					sold++
				} else {
					c.over(name, err, payterm.StandingSoldOut)
				}
			})
		}
		wg.Wait()
		if n := c.made() - was; n != 3 || sold != 3 {
			t.Errorf("%s: %d sold, %d invoices", name, sold, n)
		}
	}
}

// TestSingleUseAnswers: what one visitor of a bill has said is shown to no other.
func TestSingleUseAnswers(t *testing.T) {
	c := openCounter(t)
	x := c.link(func(x *payterm.Link) { x.Stock, x.Fields = 1, []payterm.Field{{Name: "Name", Required: true}} })
	start := func(name string) *invoice.Invoice {
		t.Helper()
		inv, err := c.Start(t.Context(), x.Slug, payterm.Start{Fields: map[string]string{"Name": name}})
		c.must(err)
		return inv
	}
	ada := start("Ada")
	if bob := start("Bob"); bob.ID == ada.ID || bob.Description != "Name: Bob" {
		t.Errorf("Bob is shown %q", bob.Description)
	}
	if n := c.made(); n != 2 {
		t.Errorf("%d invoices", n)
	}
}

// TestSingleUse: a bill is one person's, in however many tabs.
func TestSingleUse(t *testing.T) {
	c := openCounter(t)
	x := c.link(func(x *payterm.Link) { chooseAmount(x); x.Stock = 1 })
	start := func(n int64) (*invoice.Invoice, error) {
		return c.Start(t.Context(), x.Slug, payterm.Start{Amount: cents(n)})
	}
	a, err := start(45_00)
	c.must(err)
	b, err := start(45_00)
	c.must(err)
	if a.ID != b.ID {
		t.Error("two tabs made two debts")
	}
	other, err := start(50_00)
	c.must(err)
	a, err = c.World.Invoices.Find(t.Context(), a.ID)
	c.must(err)
	if other.ID == a.ID || a.Outcome.State != invoice.Cancelled || !other.Price.Equal(cents(50_00)) {
		t.Errorf("another sum: the first is %s", a.Outcome.State)
	}
	back, err := start(45_00)
	c.must(err)
	back, err = c.World.Invoices.Choose(t.Context(), back.ID, invoice.Choice{Asset: c.Asset.ID})
	c.must(err)
	_, err = start(50_00)
	c.refuses("another sum, while an address may be paid", err, payterm.ErrPaying)
	if same, err := start(45_00); err != nil || same.ID != back.ID {
		t.Errorf("the same sum: %v", err)
	}
	if _, standing, err := c.Link(t.Context(), x.Slug); err != nil || standing != payterm.StandingOpen {
		t.Errorf("unpaid, it is %s, %v", standing, err)
	}
	c.Pay(back, 10_000_000, chain.BlockRef{})
	for _, n := range []int64{45_00, 50_00} {
		_, err = start(n)
		c.over("a part of it was seen", err, payterm.StandingSoldOut)
	}
	if _, standing, err := c.Link(t.Context(), x.Slug); err != nil || standing != payterm.StandingSoldOut {
		t.Errorf("partly paid, it is %s, %v", standing, err)
	}
	at := c.link(func(x *payterm.Link) { x.Stock = 1 })
	ids := map[ident.ID]bool{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			inv, err := c.Start(context.Background(), at.Slug, payterm.Start{})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
				return
			}
			ids[inv.ID] = true
		})
	}
	wg.Wait()
	if len(ids) != 1 {
		t.Errorf("%d invoices of a single-use link", len(ids))
	}
}
