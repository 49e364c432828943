package watch_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"checkout/fault"
	"checkout/store"
	"checkout/watch"
)

// Run goes on through trouble, waits longer and longer while it lasts, and says once what is wrong and that it is over.
func TestRun(t *testing.T) {
	var log bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		w, n := openNode(t, 10)
		w.watcher.Log = slog.New(slog.NewTextHandler(&log, nil))
		var calls atomic.Int32
		var trouble atomic.Pointer[error]
		n.answer = func(call string) error {
			if call == "tip" {
				calls.Add(1)
			}
			if err := trouble.Load(); err != nil {
				return *err
			}
			return nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.watcher.Run(ctx) }()
		rounds := func(d time.Duration) int32 {
			before := calls.Load()
			time.Sleep(d) // the bubble's clock
			synctest.Wait()
			return calls.Load() - before
		}
		status := func(want string) {
			t.Helper()
			c, _, err := w.chains.Cursor(t.Context(), n.net.ID)
			if err != nil || c.Status != want {
				t.Errorf("the status is %q, %v; want %q", c.Status, err, want)
			}
		}
		if got := rounds(time.Minute); got < 50 || got > 61 {
			t.Errorf("%d looks in a minute, one a second", got)
		}
		status(watch.StatusOK)
		for _, err := range []error{
			fault.New(fault.Unavailable, "wrong_network", ""), fault.New(fault.Unavailable, "block_invalid", ""), watch.ErrBehind, watch.ErrHalted, errors.New("EOF"),
		} {
			trouble.Store(&err)
			if got := rounds(10 * time.Minute); got < 15 || got > 40 {
				t.Errorf("%v: %d looks in ten minutes, at least one every 36 seconds", err, got)
			}
			want := map[string]string{"node_behind": watch.StatusBehind, "reorg_too_deep": watch.StatusHalted, "internal_error": "error"}[fault.Of(err).Code]
			if want == "" {
				want = fault.Of(err).Code
			}
			status(want)
		}
		trouble.Store(nil)
		rounds(time.Minute)
		status(watch.StatusOK)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	for event, want := range map[string]int{"chain_mismatch": 1, "block_invalid": 1, "chain_trouble": 3, "chain_ok": 1} {
		if got := strings.Count(log.String(), "event="+event); got != want {
			t.Errorf("%s was logged %d times, want %d:\n%s", event, got, want, log.String())
		}
	}
}

// The same trouble is kept again after another watcher had the work for a while, and saw none.
func TestTroubleAfterTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, n := openNode(t, 10)
		n.answer = func(string) error { return watch.ErrBehind }
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.watcher.Run(ctx) }()
		status := func() string {
			time.Sleep(2 * time.Minute)
			synctest.Wait()
			c, _, err := w.chains.Cursor(t.Context(), n.net.ID)
			w.must(err)
			return c.Status
		}
		if got := status(); got != watch.StatusBehind {
			t.Fatalf("the status is %q", got)
		}
		other := &store.Lease{DB: w.db, Name: "watch", Holder: "another process"}
		w.clock.Pass(store.LeaseTime + time.Second)
		if held, err := other.Hold(t.Context()); err != nil || !held {
			t.Fatal(held, err)
		}
		w.must(w.chains.Reached(t.Context(), n.net.ID, w.clock.Now()))
		if got := status(); got != watch.StatusOK {
			t.Errorf("without the lease the status became %q", got)
		}
		w.must(other.Release(t.Context()))
		if got := status(); got != watch.StatusBehind {
			t.Errorf("the status stayed %q", got)
		}
		cancel()
		w.must(<-done)
	})
}

// Health tells nodes that do not follow a network themselves how it is.
func TestHealth(t *testing.T) {
	w, n := openNode(t, 10)
	id := n.net.ID
	h := &watch.Health{Book: w.chains, Now: w.clock.Now, HideAfter: time.Minute}
	is := func(network, want string, height int64, usable bool) {
		t.Helper()
		w.clock.Pass(time.Second) // it looks once a second
		status, at := h.Status(network)
		if got := h.Usable(network); status != want || at != height || got != usable {
			t.Errorf("%s at %d, usable: %v; want %s at %d, %v", status, at, got, want, height, usable)
		}
	}
	is(id, "ok", 9, true)
	is("unknown", "starting", 0, false)
	w.clock.Pass(time.Minute)
	is(id, "stale", 9, false)
	w.look()
	is(id, "ok", 9, true)
	w.must(w.chains.SetStatus(t.Context(), id, watch.StatusHalted))
	is(id, "halted", 9, true) // its evidence is fresh still
	w.must(w.chains.SetStatus(t.Context(), "new", "wrong_network"))
	is("new", "wrong_network", 0, false)
}

// Within a second Health answers from memory; when the store does not answer, with what it knew.
func TestHealthRemembers(t *testing.T) {
	w, n := openNode(t, 10)
	book := &failing{Chains: w.chains}
	h := &watch.Health{Book: book, Now: w.clock.Now, HideAfter: time.Minute}
	for range 100 {
		if !h.Usable(n.net.ID) {
			t.Error("not usable")
		}
	}
	if book.calls != 1 {
		t.Errorf("the store was asked %d times", book.calls)
	}
	book.err = store.ErrBusy
	w.clock.Pass(2 * time.Second)
	if !h.Usable(n.net.ID) {
		t.Error("the store's trouble is taken for the chain's")
	}
}

// failing is a book whose cursor cannot be read.
type failing struct {
	store.Chains
	err   error
	calls int
}

func (f *failing) Cursor(ctx context.Context, network string) (watch.Cursor, bool, error) {
	f.calls++
	if f.err != nil {
		return watch.Cursor{}, false, f.err
	}
	return f.Chains.Cursor(ctx, network)
}
