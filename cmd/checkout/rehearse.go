package main

import (
	"context"
	"errors"
	"math/big"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"checkout/chain"
	"checkout/chain/rehearsal"
	"checkout/fault"
	"checkout/front"
	"checkout/ident"
	"checkout/invoice"
	"checkout/money"
	"checkout/wallet"
)

// The played payments: buttons of the demo, and calls on the internal listener. Each does what a payer, or the chain,
// would do; the engine above it is the real one.

var errRehearsal = fault.New(fault.Conflict, "rehearsal_state", "The payment is not in a state that allows this now.")

var errNotPlayed = fault.New(fault.Conflict, "rehearsal_coin", "Choose a played coin first: only those can be played with.")

// seenWithin is how long an action waits for the watcher to take notice.
const seenWithin = 5 * time.Second

// handleRehearsal serves POST /rehearsal/invoices/{id}/{action}?blocks=n.
func (s *sites) handleRehearsal(w http.ResponseWriter, r *http.Request) {
	s.answerRehearsal(w, s.app.rehearse(r.Context(), chi.URLParam(r, "id"), chi.URLParam(r, "action"), r.FormValue("blocks")))
}

func (s *sites) answerRehearsal(w http.ResponseWriter, err error) {
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	f := fault.Of(err)
	if f.Kind == fault.Internal {
		s.app.log.Error("rehearsal failed", "event", "rehearsal_failed", "err", err)
	}
	http.Error(w, f.Text, front.Status(f.Kind))
}

// handlePlayedPayment serves POST /rehearsal/addresses/{address}/pay?coin=LTCT&amount=0.25&blocks=n: a deposit.
func (s *sites) handlePlayedPayment(w http.ResponseWriter, r *http.Request) {
	coin := r.FormValue("coin")
	if coin == "" {
		coin = s.app.played.Asset.Currency.Code
	}
	s.answerRehearsal(w, s.app.playPayment(r.Context(), chi.URLParam(r, "address"), coin, r.FormValue("amount"), r.FormValue("blocks")))
}

// playPayment pays a sum of a played coin to an address, then mines the blocks asked for.
func (a *app) playPayment(ctx context.Context, address, coin, sum, blocks string) error {
	n, err := playedBlocks(blocks)
	if err != nil {
		return err
	}
	c, asset := a.playedCoin(coin)
	if c == nil {
		return errNotPlayed
	}
	amount, err := money.Parse(asset.Currency, sum)
	if err != nil || amount.Sign() <= 0 {
		return fault.New(fault.Invalid, "amount", "amount is a plain decimal above zero").At("amount")
	}
	if address, err = wallet.ParseAddress(c.Net, address); err != nil {
		return err
	}
	if _, err := c.Pay(ctx, address, amount, false); err != nil || n == 0 {
		return err
	}
	return c.Mine(ctx, n)
}

// playedCoin finds a played coin by its code, and its chain.
func (a *app) playedCoin(code string) (*rehearsal.Chain, chain.Asset) {
	for _, c := range a.plays {
		for _, asset := range []chain.Asset{c.Asset, c.Token} {
			if asset.ID != "" && asset.Currency.Code == code {
				return c, asset
			}
		}
	}
	return nil, chain.Asset{}
}

func playedBlocks(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > 100 {
		return 0, fault.New(fault.Invalid, "blocks", "blocks is 0 to 100").At("blocks")
	}
	return n, nil
}

// rehearse plays one action on an invoice, then mines the blocks asked for.
func (a *app) rehearse(ctx context.Context, name, action, blocks string) error {
	n, err := playedBlocks(blocks)
	if err != nil {
		return err
	}
	actions := map[string]func(context.Context, *invoice.Invoice) error{
		"exact": func(ctx context.Context, inv *invoice.Invoice) error { return a.payPart(ctx, inv, 100) },
		"short": func(ctx context.Context, inv *invoice.Invoice) error { return a.payPart(ctx, inv, 95) },
		"over":  func(ctx context.Context, inv *invoice.Invoice) error { return a.payPart(ctx, inv, 125) },
		"parts": a.playParts, "late": a.playLate, "replace": a.playReplace, "reorg": a.playReorg,
		"wrong": a.playWrong, "refund": a.playRefund, "expiring": a.playExpiring, "expire": a.playExpire,
		"hold": a.playHold, "release": a.playRelease, "mine": func(context.Context, *invoice.Invoice) error { return nil },
		"stall": a.playStall(true), "resume": a.playStall(false),
	}
	play, ok := actions[action]
	if !ok {
		return invoice.ErrNotFound
	}
	inv, err := a.named(ctx, name)
	if err != nil {
		return err
	}
	c := a.playing(inv)
	if c == nil {
		return errNotPlayed
	}
	if err := play(ctx, inv); err != nil || n == 0 {
		return err
	}
	return c.Mine(ctx, n)
}

// playing is the played chain an invoice is paid on, nil if that is none.
func (a *app) playing(inv *invoice.Invoice) *rehearsal.Chain { return a.playedWith(inv.Asset) }

func (a *app) playedWith(asset string) *rehearsal.Chain {
	for _, c := range a.plays {
		if asset != "" && (asset == c.Asset.ID || asset == c.Token.ID) {
			return c
		}
	}
	return nil
}

// payPart pays so many percent of what is left, at the address of the invoice.
func (a *app) payPart(ctx context.Context, inv *invoice.Invoice, percent int64) error {
	if inv.Outcome.State != invoice.Awaiting && (inv.Outcome.State != invoice.Detected || inv.Outcome.Amount != invoice.Short) {
		return errRehearsal
	}
	_, err := a.pay(ctx, inv, part(inv.Outcome.Remaining, percent), false)
	return err
}

func part(of money.Amount, percent int64) money.Amount {
	units := new(big.Int).Mul(of.Units(), big.NewInt(percent))
	return money.New(of.Currency(), units.Quo(units, big.NewInt(100)))
}

func (a *app) pay(ctx context.Context, inv *invoice.Invoice, amount money.Amount, held bool) (string, error) {
	addr, ok := inv.Address(inv.Asset)
	if !ok || amount.Sign() <= 0 {
		return "", errRehearsal
	}
	return a.playing(inv).Pay(ctx, addr.Text, amount, held)
}

// playParts pays in two parts, the second after the first was seen.
func (a *app) playParts(ctx context.Context, inv *invoice.Invoice) error {
	if inv.Outcome.State != invoice.Awaiting {
		return errRehearsal
	}
	first := part(inv.Outcome.Remaining, 40)
	if _, err := a.pay(ctx, inv, first, false); err != nil {
		return err
	}
	inv, err := a.await(ctx, inv.ID, func(inv *invoice.Invoice) bool { return inv.Outcome.Amount != invoice.None })
	if err != nil {
		return err
	}
	return a.payPart(ctx, inv, 100)
}

// playExpiring lets time pass until the price holds for less than two minutes more.
func (a *app) playExpiring(ctx context.Context, inv *invoice.Invoice) error {
	until, locked := inv.LockEnd()
	left := until.Sub(inv.Clock(a.now())) - 100*time.Second
	if !locked || inv.Outcome.State != invoice.Awaiting || left <= 0 {
		return errRehearsal
	}
	_, err := a.invoices.Skip(ctx, inv.ID, left)
	return err
}

// playExpire lets the deadline pass.
func (a *app) playExpire(ctx context.Context, inv *invoice.Invoice) error {
	if inv.Outcome.State != invoice.Awaiting && inv.Outcome.State != invoice.Detected {
		return errRehearsal
	}
	left := inv.Deadline().Add(inv.Terms.Grace).Sub(inv.Clock(a.now()))
	if _, err := a.invoices.Skip(ctx, inv.ID, max(left, 0)+evidenceMargin); err != nil {
		return err
	}
	_, err := a.await(ctx, inv.ID, func(inv *invoice.Invoice) bool { return inv.Outcome.State != invoice.Awaiting })
	return err
}

// playHold pays exactly, by a transaction miners leave alone.
func (a *app) playHold(ctx context.Context, inv *invoice.Invoice) error {
	if inv.Outcome.State != invoice.Awaiting {
		return errRehearsal
	}
	_, err := a.pay(ctx, inv, inv.Outcome.Remaining, true)
	return err
}

// playRelease lets miners have what was held.
func (a *app) playRelease(ctx context.Context, inv *invoice.Invoice) error {
	id, found := unconfirmed(inv)
	if !found {
		return errRehearsal
	}
	return a.playing(inv).Release(ctx, id)
}

// playStall lets the played chain stand still, or go on: its node answers nobody.
func (a *app) playStall(stand bool) func(context.Context, *invoice.Invoice) error {
	return func(_ context.Context, inv *invoice.Invoice) error {
		a.playing(inv).Stall(stand)
		return nil
	}
}

// playLate lets the deadline pass if it has not, and pays then.
func (a *app) playLate(ctx context.Context, inv *invoice.Invoice) error {
	due := inv.Outcome.Due
	if inv.Outcome.State == invoice.Awaiting {
		if err := a.playExpire(ctx, inv); err != nil {
			return err
		}
		var err error
		if inv, err = a.await(ctx, inv.ID, func(inv *invoice.Invoice) bool { return inv.Outcome.State == invoice.Expired }); err != nil {
			return err
		}
	}
	if inv.Outcome.State != invoice.Expired || len(inv.Payments) > 0 {
		return errRehearsal
	}
	_, err := a.pay(ctx, inv, due, false)
	return err
}

// evidenceMargin is more than the played chain's evidence ever lags behind.
const evidenceMargin = 10 * time.Second

// playReplace takes an unconfirmed payment back, making one first if there is none.
func (a *app) playReplace(ctx context.Context, inv *invoice.Invoice) error {
	id, found := unconfirmed(inv)
	if !found {
		if inv.Outcome.State != invoice.Awaiting {
			return errRehearsal
		}
		var err error
		if id, err = a.pay(ctx, inv, inv.Outcome.Due, true); err != nil {
			return err
		}
		if inv, err = a.await(ctx, inv.ID, func(inv *invoice.Invoice) bool { return inv.Outcome.State == invoice.Detected }); err != nil {
			return err
		}
	}
	elsewhere, err := a.elsewhere(inv)
	if err != nil {
		return err
	}
	_, err = a.playing(inv).Replace(ctx, id, elsewhere, inv.Outcome.Due)
	return err
}

func unconfirmed(inv *invoice.Invoice) (string, bool) {
	for _, p := range inv.Payments {
		if p.Status == invoice.Seen && p.Block.IsZero() {
			return p.Transfer.TxID, true
		}
	}
	return "", false
}

// elsewhere is an address nobody here knows.
func (a *app) elsewhere(inv *invoice.Invoice) (string, error) {
	return a.wallets.Derive(wallet.NewPlayed(a.played.Random, "", a.playing(inv).Net.ID), 0)
}

// playReorg takes the block of a payment off the chain, paying and mining first if nothing was paid. The payment goes
// back to the pool and is mined again.
func (a *app) playReorg(ctx context.Context, inv *invoice.Invoice) error {
	if inv.Outcome.State == invoice.Awaiting {
		if _, err := a.pay(ctx, inv, inv.Outcome.Due, false); err != nil {
			return err
		}
		if err := a.playing(inv).Mine(ctx, int(a.playing(inv).Asset.Confirmations)); err != nil {
			return err
		}
		var err error
		if inv, err = a.await(ctx, inv.ID, func(inv *invoice.Invoice) bool { return inv.Outcome.State == invoice.Settled }); err != nil {
			return err
		}
	}
	lowest := int64(0)
	for _, p := range inv.Payments {
		if !p.Block.IsZero() && (lowest == 0 || p.Block.Height < lowest) {
			lowest = p.Block.Height
		}
	}
	tip, err := a.playing(inv).Tip(ctx)
	if err != nil {
		return err
	}
	depth := tip.Height - lowest + 1
	if lowest == 0 || depth > 100 {
		return errRehearsal
	}
	return a.playing(inv).Reorganise(ctx, int(depth), nil)
}

// playWrong sends the other played coin, of the same worth, to the address of the chosen one.
func (a *app) playWrong(ctx context.Context, inv *invoice.Invoice) error {
	addr, ok := inv.Address(inv.Asset)
	if !ok {
		return errRehearsal
	}
	c := a.playing(inv)
	other := c.Asset
	if inv.Asset == other.ID {
		other = c.Token
	}
	if other.ID == "" { // nothing else is played there
		return errRehearsal
	}
	worth, err := a.estimate(other.Currency, inv.Price, other.DuePlaces)
	if err != nil {
		return err
	}
	_, err = c.Pay(ctx, addr.Text, worth, false)
	return err
}

// playRefund does what a merchant does: the first time approve that money goes back, the second time send it.
func (a *app) playRefund(ctx context.Context, inv *invoice.Invoice) error {
	const actor = "rehearsal"
	open, err := inv.OpenRefund("")
	if err != nil {
		returnable := func(inv *invoice.Invoice) bool { _, err := inv.Returnable(""); return err == nil }
		if inv, err = a.await(ctx, inv.ID, returnable); err != nil {
			return err
		}
		to := inv.RefundAddress
		if to == "" {
			if to, err = a.elsewhere(inv); err != nil {
				return err
			}
		}
		_, err = a.invoices.Refund(ctx, inv.ID, invoice.RefundOrder{Amount: excess(inv), Address: to, Actor: actor, Reason: "played"})
		return err
	}
	tx, err := a.playing(inv).Pay(ctx, open.Address, open.Amount, false)
	if err != nil {
		return err
	}
	if err := a.playing(inv).Mine(ctx, 1); err != nil {
		return err
	}
	_, err = a.invoices.RefundSent(ctx, inv.ID, open.ID, tx, actor, false)
	return err
}

// excess is what was paid too much by the last payment, nil if it is not that.
func excess(inv *invoice.Invoice) *money.Amount {
	if inv.Outcome.State != invoice.Settled || inv.Outcome.Amount != invoice.Over {
		return nil
	}
	over, err := inv.Received(inv.Asset).Sub(inv.Outcome.Due)
	if err != nil || over.Sign() <= 0 {
		return nil
	}
	return &over
}

// await waits until an invoice is as an action needs it.
func (a *app) await(ctx context.Context, id ident.ID, done func(*invoice.Invoice) bool) (*invoice.Invoice, error) {
	ctx, cancel := context.WithTimeout(ctx, seenWithin)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		inv, err := a.invoices.Find(ctx, id)
		if err == nil && done(inv) {
			return inv, nil
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(errRehearsal, err)
		case <-tick.C:
		}
	}
}
