package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"time"

	"checkout/api/coinspaid"
	"checkout/chain"
	"checkout/ident"
	"checkout/invoice"
	"checkout/merchant"
	"checkout/money"
	"checkout/store"
	"checkout/wallet"
	"checkout/webhook"
)

type versionCmd struct{}

// Run shows the version.
func (versionCmd) Run(out *console) error {
	out.say(map[string]string{"version": version}, "checkout %s", version)
	return nil
}

// with runs a command on an open store.
func with(ctx context.Context, s *Settings, out *console, f func(a *app) error) error {
	quiet := *s
	if quiet.LogLevel == "info" {
		quiet.LogLevel = "warn"
	}
	a, err := openApp(ctx, s, newLog(&quiet, out.err), false)
	if err != nil {
		return err
	}
	defer a.close()
	return f(a)
}

type migrateCmd struct {
	DryRun bool `help:"Only show what would be done."`
}

// Run brings the schema up to date.
func (c migrateCmd) Run(ctx context.Context, s *Settings, out *console) error {
	if err := s.check(); err != nil {
		return err
	}
	a := &app{settings: s, log: newLog(s, out.err)}
	steps, err := a.pending(ctx)
	if err != nil {
		return err
	}
	names := []string{}
	for _, step := range steps {
		names = append(names, step.Name)
	}
	word := "would run"
	if !c.DryRun {
		word = "done"
		if a.db, err = a.openStore(ctx, false); err != nil {
			return err
		}
		defer a.close()
	}
	text := "The schema is up to date."
	if len(names) > 0 {
		text = word + ": " + strings.Join(names, ", ")
	}
	out.say(map[string]any{"migrations": names, "dry_run": c.DryRun}, "%s", text)
	return nil
}

type merchantCmd struct {
	Create merchantCreateCmd `cmd:"" help:"Make a merchant with keys for both environments."`
	List   merchantListCmd   `cmd:"" help:"List merchants."`
	Look   merchantLookCmd   `cmd:"" help:"How customers meet the pages: who may embed them, language, theme."`
	Key    struct {
		Rotate keyRotateCmd `cmd:"" help:"Give a key a new secret; the old one is accepted for 24 more hours."`
	} `cmd:"" help:"API keys."`
}

type merchantCreateCmd struct {
	Name        string `required:"" help:"Name customers see."`
	CallbackURL string `help:"Where callbacks are sent." placeholder:"URL"`
	Support     string `help:"E-mail address or URL for customers in need of help."`
	Tolerance   string `default:"0.5" help:"Percent a customer may pay too little, 0 to 5."`
}

// keyAnswer is a key as it is shown once.
type keyAnswer struct {
	Key      string `json:"key"`
	Secret   string `json:"secret"`
	ClientID int64  `json:"client_id"`
}

type dialectKeys struct {
	CoinsPaid keyAnswer `json:"coinspaid"`
}

type merchantAnswer struct {
	ID   ident.ID    `json:"merchant_id"`
	Live dialectKeys `json:"live"`
	Test dialectKeys `json:"test"`
}

// Run makes the merchant.
func (c merchantCreateCmd) Run(ctx context.Context, s *Settings, out *console) error {
	return with(ctx, s, out, func(a *app) error {
		answer, err := a.createMerchant(ctx, c)
		if err != nil {
			return err
		}
		out.say(answer, "merchant %s\n\nlive key     %s\nlive secret  %s\ntest key     %s\ntest secret  %s\nclient id    %d\n\nThe secrets are not shown again.",
			answer.ID, answer.Live.CoinsPaid.Key, answer.Live.CoinsPaid.Secret, answer.Test.CoinsPaid.Key, answer.Test.CoinsPaid.Secret, answer.Live.CoinsPaid.ClientID)
		return nil
	})
}

// createMerchant makes a merchant with its keys, its endpoints and a wallet on the played chain, in one transaction.
func (a *app) createMerchant(ctx context.Context, c merchantCreateCmd) (merchantAnswer, error) {
	if c.CallbackURL != "" {
		if err := webhook.CheckURL(c.CallbackURL); err != nil {
			return merchantAnswer{}, err
		}
		if err := webhook.CheckPort(c.CallbackURL); err != nil && !a.settings.AllowPrivate {
			return merchantAnswer{}, err
		}
	}
	var answer merchantAnswer
	err := a.db.Together(ctx, func(ctx context.Context) error {
		number, err := a.db.Number(ctx)
		if err != nil {
			return err
		}
		m := merchant.Merchant{ID: ident.New(rand.Reader), Number: number, Name: c.Name, Support: c.Support, Tolerance: c.Tolerance, Created: time.Now()}
		live := merchant.NewKey(rand.Reader, m.ID, ident.Live, merchant.DialectCoinsPaid, m.Created)
		test := merchant.NewKey(rand.Reader, m.ID, ident.Test, merchant.DialectCoinsPaid, m.Created)
		if err := (store.Merchants{DB: a.db}).Insert(ctx, m, []merchant.Key{live, test}); err != nil {
			return err
		}
		if err := a.listen(ctx, c.CallbackURL, live, test); err != nil {
			return err
		}
		answer = merchantAnswer{ID: m.ID, Live: show(live, number), Test: show(test, number)}
		for _, c := range a.plays {
			if err := (store.Wallets{DB: a.db}).Insert(ctx, wallet.NewPlayed(rand.Reader, m.ID, c.Net.ID)); err != nil {
				return err
			}
		}
		return nil
	})
	return answer, err
}

// listen keeps the callback URL as one endpoint for each key.
func (a *app) listen(ctx context.Context, url string, keys ...merchant.Key) error {
	if url == "" {
		return nil
	}
	for _, k := range keys {
		e := webhook.Endpoint{
			ID: ident.New(rand.Reader), Merchant: k.Merchant, Env: k.Env, Dialect: k.Dialect, PublicKey: k.Public, URL: url, Types: coinspaid.EventTypes(),
		}
		if err := (store.Webhooks{DB: a.db}).InsertEndpoint(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

func show(k merchant.Key, number int64) dialectKeys {
	return dialectKeys{CoinsPaid: keyAnswer{Key: k.Public, Secret: k.Secret.Reveal(), ClientID: number}}
}

type merchantListCmd struct{}

// Run lists merchants.
func (merchantListCmd) Run(ctx context.Context, s *Settings, out *console) error {
	return with(ctx, s, out, func(a *app) error {
		list, err := store.Merchants{DB: a.db}.List(ctx)
		if err != nil {
			return err
		}
		type row struct {
			ID        ident.ID `json:"merchant_id"`
			ClientID  int64    `json:"client_id"`
			Name      string   `json:"name"`
			Created   string   `json:"created_at"`
			Suspended bool     `json:"suspended"`
		}
		rows, text := []row{}, []string{}
		for _, m := range list {
			rows = append(rows, row{m.ID, m.Number, m.Name, m.Created.Format(time.RFC3339), m.Suspended})
			text = append(text, fmt.Sprintf("%s  %d  %s", m.ID, m.Number, m.Name))
		}
		out.say(rows, "%s", strings.Join(text, "\n"))
		return nil
	})
}

// owner names a merchant and an environment on the command line.
type owner struct {
	Merchant string `required:"" help:"Id of the merchant."`
	Test     bool   `help:"The test environment instead of the live one."`
}

func (o owner) env() ident.Environment {
	if o.Test {
		return ident.Test
	}
	return ident.Live
}

// tenant is the merchant the operator means; it must be there.
func (o owner) tenant(ctx context.Context, a *app) (merchant.Tenant, merchant.Merchant, error) {
	m, err := store.Merchants{DB: a.db}.Find(ctx, ident.ID(o.Merchant))
	if err != nil {
		return merchant.Tenant{}, m, err
	}
	t, err := merchant.Operator(m.ID, o.env())
	return t, m, err
}

type keyRotateCmd struct {
	Owner owner `embed:""`
}

// Run rotates the key of one environment.
func (c keyRotateCmd) Run(ctx context.Context, s *Settings, out *console) error {
	return with(ctx, s, out, func(a *app) error {
		t, m, err := c.Owner.tenant(ctx, a)
		if err != nil {
			return err
		}
		keys := store.Merchants{DB: a.db}
		k, err := keys.KeyOf(ctx, t.Merchant(), t.Env(), merchant.DialectCoinsPaid)
		if err != nil {
			return err
		}
		now := time.Now()
		k, err = keys.Rotate(ctx, k.Public, func(k merchant.Key) merchant.Key { return k.Rotate(rand.Reader, now) })
		if err != nil {
			return err
		}
		out.say(show(k, m.Number), "key     %s\nsecret  %s\n\nThe old secret is accepted until %s.", k.Public, k.Secret.Reveal(), k.PreviousUntil.Format(time.RFC3339))
		return nil
	})
}

type walletCmd struct {
	Add walletAddCmd `cmd:"" help:"Give a merchant a wallet: the PUBLIC key of an account."`
}

type walletAddCmd struct {
	Merchant string `required:"" help:"Id of the merchant."`
	Network  string `default:"bitcoin" help:"bitcoin, whichever is configured, or a network that has a node: ethereum, bsc, …"`
	XPub     string `name:"xpub" required:"" help:"xpub, ypub, zpub (tpub, upub, vpub on test networks) or an output descriptor; for EVM networks and Tron an xpub, or one address, at which each payer then has an amount of their own; for the XRP Ledger the address of your account, r…." placeholder:"KEY"`
}

// Run adds the wallet and shows its first addresses, to be compared with the wallet's own.
func (c walletAddCmd) Run(ctx context.Context, s *Settings, out *console) error {
	return with(ctx, s, out, func(a *app) error {
		network, err := s.network(a.registry, c.Network)
		if err != nil {
			return err
		}
		if network.Played {
			return setting("--network", "On the rehearsal network every merchant has a wallet already.")
		}
		m, err := store.Merchants{DB: a.db}.Find(ctx, ident.ID(c.Merchant))
		if err != nil {
			return err
		}
		account, err := wallet.NewAccount(rand.Reader, m.ID, network, c.XPub)
		if err != nil {
			return err
		}
		if err := (store.Wallets{DB: a.db}).Insert(ctx, account); err != nil {
			return err
		}
		if account, err = (store.Wallets{DB: a.db}).Current(ctx, m.ID, network.ID); err != nil { // a key used before keeps its wallet
			return err
		}
		first := []string{}
		for i := range uint32(3) {
			address, err := a.wallets.Derive(account, i)
			if err != nil {
				return err
			}
			switch shared, tag := chain.Unshared(address); {
			case chain.IsExact(address):
				address = shared
			case tag != "":
				address = shared + " with the tag " + tag
			}
			first = append(first, address)
		}
		out.say(map[string]any{"wallet_id": account.ID, "network": network.ID, "fingerprint": account.Fingerprint, "first_addresses": first},
			"wallet %s on %s\n\nIts first receiving addresses; compare them with your wallet's:\n  %s", account.ID, network.Name, strings.Join(first, "\n  "))
		return nil
	})
}

type invoiceCmd struct {
	Create invoiceCreateCmd `cmd:"" help:"Make an invoice, as a shop's order."`
	Show   invoiceShowCmd   `cmd:"" help:"Show an invoice."`
	List   invoiceListCmd   `cmd:"" help:"List a merchant's newest invoices."`

	Refund       invoiceRefundCmd       `cmd:"" help:"Approve that money goes back to the payer; you send it."`
	RefundSent   invoiceRefundSentCmd   `cmd:"" help:"Record the transaction that pays a refund."`
	RefundReject invoiceRefundRejectCmd `cmd:"" help:"Take the approval of a refund back."`

	Accept     invoiceAcceptCmd     `cmd:"" help:"Take what has come, or was paid otherwise, for the whole."`
	Invalidate invoiceInvalidateCmd `cmd:"" help:"End an invoice that shall not be paid any more."`
	Cancel     invoiceCancelCmd     `cmd:"" help:"End an invoice nothing was seen of."`
	Reopen     invoiceReopenCmd     `cmd:"" help:"Give an invoice that ended unpaid another deadline."`
}

type invoiceCreateCmd struct {
	Owner     owner  `embed:""`
	Amount    string `required:"" help:"Price, a plain decimal: 25.50"`
	Currency  string `default:"EUR" help:"Currency of the price."`
	Title     string `required:"" help:"What customers read above the amount."`
	ForeignID string `help:"The shop's own id of it; used once."`
	Coin      string `help:"Coin to be paid with; else the customer chooses." placeholder:"BTC"`
}

// Run makes the invoice.
func (c invoiceCreateCmd) Run(ctx context.Context, s *Settings, out *console) error {
	return with(ctx, s, out, func(a *app) error {
		if err := a.rates.RunOnce(ctx); err != nil {
			return err
		}
		t, m, err := c.Owner.tenant(ctx, a)
		if err != nil {
			return err
		}
		n, err := c.order(a.registry, m, t)
		if err != nil {
			return err
		}
		inv, err := a.invoices.Create(ctx, t, n)
		if err != nil {
			return err
		}
		view := a.view(inv)
		out.say(view, "invoice %s\n%s", inv.ID, view.URL)
		return nil
	})
}

// order is the invoice the flags describe, under our own terms.
func (c invoiceCreateCmd) order(r *chain.Registry, m merchant.Merchant, t merchant.Tenant) (invoice.New, error) {
	cur, ok := r.Currency(c.Currency)
	if !ok {
		return invoice.New{}, setting("--currency", "The currency is not known.")
	}
	price, err := money.Parse(cur, money.TrimZeros(c.Amount))
	if err != nil || price.Sign() <= 0 {
		return invoice.New{}, setting("--amount", "The amount is a plain decimal above zero, with no more decimals than the currency has.")
	}
	if !merchant.Presentable(c.Title, 200) {
		return invoice.New{}, setting("--title", "The title has 1 to 200 characters and no control characters.")
	}
	tolerance, err := m.ToleranceOn(price)
	if err != nil {
		return invoice.New{}, err
	}
	n := invoice.New{Origin: invoice.TermsOrder, ForeignID: c.ForeignID, Title: c.Title, Price: price, Terms: invoice.OrderTerms(tolerance, false)}
	if c.ForeignID != "" {
		n.Once = ident.Once{Scope: "order " + string(t.Merchant()) + " " + string(t.Env()), Key: c.ForeignID}
	}
	for _, asset := range r.Assets() {
		if c.Coin != "" && asset.Currency.Code == c.Coin {
			n.Asset = asset.ID
		}
	}
	if c.Coin != "" && n.Asset == "" {
		return n, setting("--coin", "The coin is not known.")
	}
	return n, nil
}

// invoiceView is an invoice as the command line shows it.
type invoiceView struct {
	ID          ident.ID `json:"id"`
	Number      int64    `json:"number"`
	URL         string   `json:"url"`
	Environment string   `json:"environment"`
	State       string   `json:"state"`
	Amount      string   `json:"amount_state"`
	Flags       string   `json:"flags"`
	Price       string   `json:"price"`
	Currency    string   `json:"currency"`
	Due         string   `json:"due,omitempty"`
	Received    string   `json:"received,omitempty"`
	Coin        string   `json:"coin,omitempty"`
	Address     string   `json:"address,omitempty"`
	Tag         string   `json:"tag,omitempty"`
	RefundTo    string   `json:"refund_address,omitempty"` // where the payer wants money back to
	RefundCoin  string   `json:"refund_asset,omitempty"`
	ForeignID   string   `json:"foreign_id,omitempty"`
	Title       string   `json:"title"`
	Created     string   `json:"created_at"`

	Payments []paymentView  `json:"payments,omitempty"`
	Strays   []strayView    `json:"on_wrong_network,omitempty"`
	Refunds  []refundAnswer `json:"refunds,omitempty"`
}

// paymentView is a payment as operators name and see it.
type paymentView struct {
	ID       ident.ID `json:"payment_id"`
	Number   int64    `json:"number"`
	Amount   string   `json:"amount"`
	Coin     string   `json:"currency"`
	TxID     string   `json:"txid"`
	Status   string   `json:"status"`
	Standing string   `json:"standing"`
	Wrong    bool     `json:"wrong_asset,omitempty"`
}

func (v paymentView) line() string {
	return fmt.Sprintf("payment %d  %s %s  %s, %s  %s", v.Number, v.Amount, v.Coin, v.Status, v.Standing, v.TxID)
}

func (a *app) view(inv *invoice.Invoice) invoiceView {
	v := invoiceView{
		ID: inv.ID, Number: inv.Number, URL: a.settings.base(a.settings.Listen) + "/i/" + string(inv.ID), Environment: string(inv.Env), State: string(inv.Outcome.State),
		Amount: string(inv.Outcome.Amount), Flags: inv.Outcome.Flags.String(), Price: inv.Price.String(), Currency: inv.Price.Currency().Code,
		ForeignID: inv.ForeignID, Title: inv.Title, Created: inv.Created.Format(time.RFC3339), RefundTo: inv.RefundAddress, RefundCoin: inv.RefundAsset,
	}
	if m, ok := inv.Method(inv.Asset); ok {
		v.Coin, v.Due, v.Received = m.Currency.Code, inv.Outcome.Due.String(), inv.Received(inv.Asset).String()
	}
	if addr, ok := inv.Address(inv.Asset); ok {
		v.Address, v.Tag = addr.Shown(), addr.Tag
	}
	for _, p := range inv.Payments {
		v.Payments = append(v.Payments, paymentView{
			ID: p.ID, Number: p.Number, Amount: p.Transfer.Amount.Plain(), Coin: p.Transfer.Amount.Currency().Code, TxID: p.Transfer.TxID,
			Status: string(p.Status), Standing: string(p.Standing), Wrong: p.Wrong,
		})
	}
	v.Strays = strayViews(inv)
	for _, r := range inv.Refunds {
		v.Refunds = append(v.Refunds, answerOf(inv.ID, r))
	}
	return v
}

func (v invoiceView) line() string {
	return fmt.Sprintf("%s  %-9s  %-5s  %12s %s  %s", v.ID, v.State, v.Amount, v.Price, v.Currency, v.Title)
}

// named finds an invoice by what an operator calls it: its id, or its number.
func (a *app) named(ctx context.Context, name string) (*invoice.Invoice, error) {
	id := ident.ID(name)
	if n, err := strconv.ParseInt(name, 10, 32); err == nil {
		if id, err = (store.Invoices{DB: a.db}).ByNumber(ctx, n); err != nil {
			return nil, err
		}
	}
	return a.invoices.Find(ctx, id)
}

type invoiceShowCmd struct {
	ID string `arg:"" help:"Id or number of the invoice."`
}

// Run shows an invoice.
func (c invoiceShowCmd) Run(ctx context.Context, s *Settings, out *console) error {
	return with(ctx, s, out, func(a *app) error {
		inv, err := a.named(ctx, c.ID)
		if err != nil {
			return err
		}
		v := a.view(inv)
		text := v.line() + "\n" + v.URL
		if v.Coin != "" {
			text += fmt.Sprintf("\n%s of %s %s to %s", v.Received, v.Due, v.Coin, v.Address)
			if v.Tag != "" {
				text += " with the tag " + v.Tag
			}
		}
		if v.Flags != "" {
			text += "\n" + v.Flags
		}
		for _, p := range v.Payments {
			text += "\n" + p.line()
		}
		for _, x := range v.Strays {
			text += "\n" + x.line()
		}
		for _, r := range v.Refunds {
			text += fmt.Sprintf("\nrefund %s  %s %s to %s  %s  %s", r.ID, r.Amount, r.Coin, r.Address, r.State, r.TxID)
		}
		out.say(v, "%s", text)
		return nil
	})
}

type invoiceListCmd struct {
	Owner owner `embed:""`
	Limit int   `default:"20" help:"How many."`
}

// Run lists invoices.
func (c invoiceListCmd) Run(ctx context.Context, s *Settings, out *console) error {
	return with(ctx, s, out, func(a *app) error {
		t, _, err := c.Owner.tenant(ctx, a)
		if err != nil {
			return err
		}
		if c.Limit < 1 || c.Limit > 1000 {
			return setting("--limit", "The limit is 1 to 1000.")
		}
		ids, err := store.Invoices{DB: a.db}.Newest(ctx, t, c.Limit)
		if err != nil {
			return err
		}
		views, text := []invoiceView{}, []string{}
		for _, id := range ids {
			inv, err := a.invoices.Find(ctx, id)
			if err != nil {
				return err
			}
			v := a.view(inv)
			views, text = append(views, v), append(text, v.line())
		}
		out.say(views, "%s", strings.Join(text, "\n"))
		return nil
	})
}

type webhookCmd struct {
	List   webhookListCmd   `cmd:"" help:"List a merchant's newest callbacks."`
	Resend webhookResendCmd `cmd:"" help:"Send a callback again: same id, same body."`
}

type webhookListCmd struct {
	Owner   owner  `embed:""`
	Invoice string `help:"Only those about this invoice."`
	Limit   int    `default:"20" help:"How many."`
}

// Run lists callbacks.
func (c webhookListCmd) Run(ctx context.Context, s *Settings, out *console) error {
	return with(ctx, s, out, func(a *app) error {
		t, _, err := c.Owner.tenant(ctx, a)
		if err != nil {
			return err
		}
		if c.Limit < 1 || c.Limit > 1000 {
			return setting("--limit", "The limit is 1 to 1000.")
		}
		list, err := store.Webhooks{DB: a.db}.Deliveries(ctx, t, ident.ID(c.Invoice), c.Limit)
		if err != nil {
			return err
		}
		if list == nil {
			list = []store.Delivery{}
		}
		text := []string{}
		for _, d := range list {
			text = append(text, fmt.Sprintf("%s  %-10s  %-18s  %d attempts  %s %d  %s", d.ID, d.State, d.Type, d.Attempts, d.Outcome, d.Status, d.URL))
		}
		out.say(list, "%s", strings.Join(text, "\n"))
		return nil
	})
}

type webhookResendCmd struct {
	Owner owner  `embed:""`
	ID    string `arg:"" help:"Id of the callback."`
}

// Run asks for a callback to be sent again; the serving process sends it.
func (c webhookResendCmd) Run(ctx context.Context, s *Settings, out *console) error {
	return with(ctx, s, out, func(a *app) error {
		t, _, err := c.Owner.tenant(ctx, a)
		if err != nil {
			return err
		}
		if err := (store.Webhooks{DB: a.db}).Resend(ctx, t, ident.ID(c.ID)); err != nil {
			return err
		}
		out.say(map[string]string{"id": c.ID, "state": "pending"}, "%s will be sent again.", c.ID)
		return nil
	})
}
