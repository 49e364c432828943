package invoice

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"checkout/fault"
	"checkout/rate"
)

// Expirer lets time pass for invoices: locks lapse or renew, deadlines end what they end. It only proposes; whether a
// deadline has passed is decided by the evidence inside each transaction.
type Expirer struct {
	Service *Service
	Every   time.Duration
	Log     *slog.Logger
	// Steady says whether the clock can be trusted; nil: always. While it cannot, nothing expires.
	Steady func(ctx context.Context) bool
}

// Run calls RunOnce until ctx ends.
func (e *Expirer) Run(ctx context.Context) error {
	tick := time.NewTicker(e.Every)
	defer tick.Stop()
	for {
		if err := e.RunOnce(ctx); err != nil && ctx.Err() == nil {
			e.Log.Warn("expirer", "event", "expirer_failed", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

const duePage = 100

// RunOnce looks once at every invoice that is due. One that fails is logged and does not keep the others waiting.
func (e *Expirer) RunOnce(ctx context.Context) error {
	if e.Steady != nil && !e.Steady(ctx) {
		return nil
	}
	now := e.Service.Now()
	var after DueMark
	for {
		page, err := e.Service.Store.Due(ctx, now, after, duePage)
		if err != nil {
			return err
		}
		for _, due := range page {
			if err := e.Service.tick(ctx, due); err != nil {
				if fault.Of(err).Kind == fault.Unavailable {
					return err
				}
				e.Log.Error("invoice not ticked", "event", "tick_failed", "invoice", due.ID.Short(), "err", err)
			}
			after = due
		}
		if len(page) < duePage {
			return nil
		}
	}
}

func (s *Service) tick(ctx context.Context, due DueMark) error {
	inv, err := s.Store.Find(ctx, due.ID)
	if err != nil {
		return err
	}
	var fresh *rate.Quote
	if m, ok := inv.Method(inv.Asset); ok && inv.Terms.RenewDrift > 0 {
		q, err := s.Rates.Quote(m.Currency, inv.Price.Currency(), s.Now(), inv.Terms.Lock)
		switch {
		case err == nil:
			fresh = &q
		case !errors.Is(err, rate.ErrUnavailable):
			return err
		}
	}
	return s.update(ctx, due.ID, func(inv *Invoice, at Moment) (Effects, error) {
		var q *rate.Quote
		if fresh != nil {
			moved := *fresh
			moved.At = inv.Clock(at.Now)
			moved.Until = moved.At.Add(inv.Terms.Lock)
			q = &moved
		}
		return inv.Tick(q, at)
	})
}
