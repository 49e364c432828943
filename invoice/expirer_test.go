package invoice_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	mathrand "math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"checkout/invoice"
)

// The expirer lets time pass for every invoice that is due, page after page; one that cannot be read is logged and keeps
// nobody waiting.
func TestExpirer(t *testing.T) {
	o := openOffice(t)
	var all []*invoice.Invoice
	for range 130 { // more than a page
		all = append(all, o.create())
	}
	broken := all[40]
	_, err := o.raw().ExecContext(t.Context(), "UPDATE invoices SET methods = 'nonsense' WHERE id = $1", broken.ID)
	o.must(err)
	var log bytes.Buffer
	e := o.expirer()
	e.Log = slog.New(slog.NewTextHandler(&log, nil))
	run := func(want invoice.State) {
		t.Helper()
		o.must(e.RunOnce(t.Context()))
		for _, inv := range all {
			if inv != broken {
				o.is(inv, want)
			}
		}
	}
	o.clock.Pass(15 * time.Minute)
	o.see()
	run(invoice.Awaiting) // the last instant is in time
	o.clock.Pass(time.Hour)
	run(invoice.Awaiting) // the node was not looked at since
	if due, err := o.Store.Due(t.Context(), o.clock.Now(), invoice.DueMark{}, 1000); err != nil || len(due) != 0 {
		t.Errorf("%d are looked at though their node is away: %v", len(due), err)
	}
	o.see()
	run(invoice.Expired)
	if !strings.Contains(log.String(), "event=tick_failed invoice="+broken.ID.Short()) {
		t.Errorf("logged: %s", log.String())
	}
	if n := o.count("SELECT COUNT(*) FROM invoices WHERE due_at > 0"); n != 1 {
		t.Errorf("%d are looked at again", n)
	}
}

// While the clock is not to be trusted nothing ends, whoever looks.
func TestJumpedClock(t *testing.T) {
	o := openOffice(t)
	inv, short := o.create(), o.create()
	o.seen(short, o.pays(short, due/2, true))
	skewed := true
	o.Skewed = func() bool { return skewed }
	o.clock.Pass(24 * time.Hour)
	o.see()
	o.expire()
	o.must(o.Advanced(t.Context(), short.ID, o.network.ID, 200))
	o.is(inv, invoice.Awaiting)
	o.is(short, invoice.Detected)
	e := o.expirer()
	e.Steady = func(context.Context) bool { return false }
	skewed = false
	o.must(e.RunOnce(t.Context()))
	o.is(inv, invoice.Awaiting)
	o.expire()
	o.is(inv, invoice.Expired)
	o.is(short, invoice.Expired)
}

// A price that has hardly moved is locked again by itself, as long as there is time.
func TestExpirerRenews(t *testing.T) {
	o := openOffice(t)
	inv := o.create(renewable)
	quotes := func(minute, want int) {
		t.Helper()
		o.clock.Pass(time.Duration(minute)*time.Minute - o.clock.Now().Sub(inv.Created))
		o.see()
		o.expire()
		if got := len(o.load(inv).Quotes); got != want {
			t.Errorf("at minute %d it has %d quotes, want %d", minute, got, want)
		}
	}
	quotes(19, 1)
	quotes(21, 2)
	quotes(42, 3)
	quotes(61, 3)
	o.is(inv, invoice.Awaiting) // the grace
	if got := o.load(inv); got.Renewals() != 0 || got.Outcome.Flags.Renewed != 2 {
		t.Errorf("of the payer's renewals %d are gone, %d in all", got.Renewals(), got.Outcome.Flags.Renewed)
	}
	quotes(71, 3)
	o.is(inv, invoice.Expired)
	o.sound()
}

// Run carries on through trouble and ends with its context.
func TestExpirerRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := openOffice(t)
		inv := o.create()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- o.expirer().Run(ctx) }()
		time.Sleep(3 * time.Second) // the bubble's clock
		synctest.Wait()
		o.is(inv, invoice.Awaiting)
		o.clock.Pass(time.Hour)
		o.see()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		o.is(inv, invoice.Expired)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// J01: a payment seen at the deadline, give or take 50 ms, while the deadline passes: it is in time or it is late, never both
// and never neither.
func TestSightingAtTheDeadline(t *testing.T) {
	o := openOffice(t)
	for range 40 {
		inv := o.create()
		deadline := inv.Quotes[0].Until
		s := o.pays(inv, due, false)
		s.At = deadline.Add(time.Duration(mathrand.Int64N(int64(100*time.Millisecond))) - 50*time.Millisecond).Truncate(time.Millisecond)
		o.clock.Pass(deadline.Add(60 * time.Millisecond).Sub(o.clock.Now()))
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := o.Seen(context.Background(), inv.ID, s); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			if err := errors.Join(o.chains.Reached(context.Background(), o.network.ID, o.clock.Now()), o.expirer().RunOnce(context.Background())); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		o.see()
		o.expire()
		got := o.load(inv)
		late := o.count("SELECT COUNT(*) FROM events WHERE stream_id = $1 AND type = 'payment.late'", inv.ID)
		switch {
		case got.Outcome.State == invoice.Detected && !got.Outcome.Flags.Late && late == 0 && !s.At.After(deadline):
		case got.Outcome.State == invoice.Expired && got.Outcome.Flags.Late && late == 1:
		default:
			t.Errorf("seen %s after the deadline it is %s, flags %q, told late %d times", s.At.Sub(deadline), got.Outcome.State, got.Outcome.Flags, late)
		}
	}
	o.sound()
}
