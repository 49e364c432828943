package watch_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"checkout/chain"
	"checkout/fault"
	"checkout/invoice"
	"checkout/watch"
)

// stuck is a round that ends in trouble.
func (w *world) stuck(want error) {
	w.t.Helper()
	w.clock.Pass(time.Second)
	before := w.cursor()
	if err := w.watcher.RunOnce(w.t.Context()); !errors.Is(err, want) {
		w.t.Errorf("%v, want %v", err, want)
	}
	if after := w.cursor(); after.Tip != before.Tip || !after.Through.Equal(before.Through) {
		w.t.Errorf("the cursor was %+v and is %+v", before, after)
	}
}

// accept is what the operator's command does, and checks what it is shown before.
func (w *world) accept(depth int64, concerned int) watch.Fork {
	w.t.Helper()
	f, err := w.watcher.Fork(w.t.Context())
	w.must(err)
	owners, err := w.watcher.Concerned(w.t.Context(), f)
	w.must(err)
	if !f.Stuck() || f.Depth() != depth || len(owners) != concerned {
		w.t.Errorf("stuck %v, %d blocks and %d invoices; want %d and %d", f.Stuck(), f.Depth(), len(owners), depth, concerned)
	}
	w.must(w.chains.Accept(w.t.Context(), w.net.ID, f.Theirs))
	return f
}

// A branch that parts deeper than is handled is turned to once a person accepts it. Payments that were settled in the old
// one are taken back, those in the new one are taken in, in time as they were.
func TestAccept(t *testing.T) {
	for _, depth := range []int{watch.MaxReorg + 1, watch.Keep - 1, watch.Keep + 50} {
		for _, growth := range []int{-60, 0, 7} { // of the new branch, against the old one
			t.Run(fmt.Sprintf("%d blocks, then %+d", depth, growth), func(t *testing.T) {
				w, n := openNode(t, 10)
				var log bytes.Buffer
				w.watcher.Log = slog.New(slog.NewTextHandler(&log, nil))
				safe, lost, both, found := w.invoice(), w.invoice(), w.invoice(), w.invoice()
				n.mine(20, w.tx("safe", safe, due, "s:0"))
				twice := w.tx("both", both, due, "b:0")
				n.mine(depth, w.tx("lost", lost, due, "l:0"), twice)
				w.look()
				w.is(lost, "settled exact")
				n.fork(depth)
				n.mine(5)
				n.mine(depth+growth-5, twice, w.tx("found", found, due, "f:0")) // at heights the addresses have seen already
				want := watch.ErrHalted
				if growth < 0 {
					want = watch.ErrBehind
				}
				w.stuck(want)
				w.stuck(want)
				w.clock.Pass(16 * time.Minute) // nothing expires meanwhile
				w.expire()

				kept, given := depth < watch.Keep, int64(depth)
				if !kept {
					given += 19 // back to a payment's block, the newest older one that is known
				}
				if f := w.accept(given, 2); f.Kept != kept {
					t.Errorf("the common block is held: %v", f.Kept)
				}
				w.look()
				w.is(safe, "settled exact")
				w.is(lost, "detected exact reorged")
				w.is(both, "settled exact")
				w.is(found, "settled exact")
				if !strings.Contains(log.String(), "event=chain_accepted") {
					t.Error("it is not logged")
				}
				if c := w.cursor(); c.Reorgs != 1 || c.Status != watch.StatusOK {
					t.Errorf("the cursor is %+v", c)
				}
				if _, waits, err := w.chains.Accepted(t.Context(), n.net.ID); waits || err != nil {
					t.Errorf("the decision is still there: %v", err)
				}
				w.sound(n)
				n.mine(3)
				w.look()
				w.sound(n)
			})
		}
	}
}

// A private chain set up anew has nothing in common with ours but its first block.
func TestAcceptNewChain(t *testing.T) {
	for blocks, growth := range map[int]int{150: -100, 300: -280, 301: 5} {
		t.Run(fmt.Sprintf("%d blocks, then %+d", blocks, growth), func(t *testing.T) {
			w, n := openNode(t, 5)
			old := w.invoice()
			n.mine(blocks, w.tx("old", old, due, "o:0"))
			w.look()
			w.is(old, "settled exact")
			fresh := w.invoice()
			n.fork(blocks + 4)
			n.mine(8)
			n.mine(blocks+growth-4, w.tx("new", fresh, due, "n:0"))
			want := watch.ErrBehind
			if growth > 0 {
				want = watch.ErrHalted
			}
			w.stuck(want)
			w.accept(int64(blocks+4), 1)
			w.follow(n) // the decision does not depend on the process it was made beside
			w.look()
			w.is(old, "detected exact reorged")
			w.is(fresh, "settled exact")
			w.sound(n)
		})
	}
}

// A node that is only behind on our own chain may be followed back, too.
func TestAcceptBehind(t *testing.T) {
	w, n := openNode(t, 10)
	inv := w.invoice()
	tx := w.tx("t", inv, due, "t:0")
	n.mine(5, tx)
	w.look()
	w.is(inv, "settled exact")
	n.best = n.best[:9]
	n.forks++
	n.pool = []chain.Tx{tx}
	w.stuck(watch.ErrBehind)
	w.accept(6, 1)
	w.look()
	w.is(inv, "detected exact reorged")
	n.pool = nil
	n.mine(4, tx)
	w.look()
	w.is(inv, "settled exact")
	w.sound(n)
}

// Only the branch that was accepted is turned to, and only while it takes a person to.
func TestNotAccepted(t *testing.T) {
	w, n := openNode(t, 10)
	inv := w.invoice()
	n.mine(150, w.tx("t", inv, due, "t:0"))
	w.look()
	if f, err := w.watcher.Fork(t.Context()); err != nil || f.Stuck() || f.Depth() != 0 {
		t.Errorf("all is well, but %+v, %v", f, err)
	}
	old := n.fork(130)
	n.mine(140)
	w.stuck(watch.ErrHalted)
	w.accept(130, 0)
	n.fork(140) // the node goes yet another way
	n.mine(145)
	w.stuck(watch.ErrHalted)
	w.stuck(watch.ErrHalted)
	n.best = old // and comes back
	w.look()
	w.sound(n)
	if _, waits, err := w.chains.Accepted(t.Context(), n.net.ID); waits || err != nil {
		t.Errorf("a decision nobody needs is kept: %v", err)
	}
	n.fork(50)
	n.mine(60)
	if f, err := w.watcher.Fork(t.Context()); err != nil || f.Stuck() || f.Depth() != 50 {
		t.Errorf("50 blocks take no person, but %+v, %v", f, err)
	}
	w.look()
	w.sound(n)
	w.net.ID = "never seen"
	n.net.ID = "never seen"
	if _, err := w.watcher.Fork(t.Context()); !errors.Is(err, watch.ErrUnseen) {
		t.Errorf("%v", err)
	}
}

// An invoice that cannot take in that its block is given up is held like any other.
func TestAcceptHolds(t *testing.T) {
	w, n := openNode(t, 10)
	inv := w.invoice()
	n.mine(150, w.tx("t", inv, due, "t:0"))
	w.look()
	sink := &refusing{Service: w.invoices, owner: inv.ID, kinds: map[string]error{watch.KindReverted: invoice.ErrIllegal}, calls: map[string]int{}}
	w.watcher.Sink = sink
	n.fork(150)
	n.mine(151)
	w.stuck(watch.ErrHalted)
	w.accept(150, 1)
	w.look()
	w.holds("reverted  10 illegal_move")
	sink.kinds = nil
	for range 62 {
		w.look()
	}
	w.holds()
	w.is(inv, "detected exact reorged")
	w.sound(n)
}

// What both branches have is less deep in a shorter one, and taken back if that is not deep enough.
func TestAcceptShallower(t *testing.T) {
	w, n := openNode(t, 10)
	inv := w.invoice()
	n.mine(5, w.tx("t", inv, due, "t:0"))
	w.look()
	w.is(inv, "settled exact")
	n.best = n.best[:11]
	w.stuck(watch.ErrBehind)
	w.accept(4, 0)
	w.look()
	w.is(inv, "detected exact reorged")
	w.sound(n)
	n.forks++
	n.mine(4)
	w.look()
	w.is(inv, "settled exact")
	w.sound(n)
}

// A node that gives no answer has not left the accepted branch.
func TestAcceptedUnanswered(t *testing.T) {
	w, n := openNode(t, 10)
	n.mine(5)
	w.look()
	n.fork(5)
	n.mine(3)
	w.stuck(watch.ErrBehind)
	w.accept(5, 0)
	silent := fault.New(fault.Unavailable, "node_refused", "")
	n.answer = func(call string) error {
		if call == "header" {
			return silent
		}
		return nil
	}
	var log bytes.Buffer
	w.watcher.Log = slog.New(slog.NewTextHandler(&log, nil))
	w.stuck(silent)
	if strings.Contains(log.String(), "accepted_gone") {
		t.Errorf("it is said to have left:\n%s", log.String())
	}
	n.answer = nil
	w.look()
	w.sound(n)
}
