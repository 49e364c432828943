package watch_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"checkout/chain"
	"checkout/fault"
	"checkout/ident"
	"checkout/invoice"
	"checkout/watch"
)

// heldNow lists what is held, as "kind txid height code".
func (w *world) heldNow() []string {
	w.t.Helper()
	list, err := w.chains.Held(w.t.Context(), w.net.ID)
	w.must(err)
	text := []string{}
	for _, h := range list {
		text = append(text, fmt.Sprintf("%s %s %d %s", h.Kind, h.TxID, h.Block.Height, h.Code))
	}
	return text
}

func (w *world) holds(want ...string) {
	w.t.Helper()
	if got := w.heldNow(); strings.Join(got, ", ") != strings.Join(want, ", ") {
		w.t.Errorf("held is %q, want %q", got, want)
	}
}

// An invoice that cannot be read stops nobody else, and is paid once it can be read again, in time as it was.
func TestDamagedInvoice(t *testing.T) {
	var log bytes.Buffer
	w, n := openNode(t, 3)
	w.watcher.Log = slog.New(slog.NewTextHandler(&log, nil))
	other := w.merchant("Bolt Bikes")
	broken, sound := w.invoice(), w.invoiceOf(other)
	var terms string
	w.must(w.sql().QueryRow("SELECT terms FROM invoices WHERE id = $1", broken.ID).Scan(&terms))
	_, err := w.sql().Exec("UPDATE invoices SET terms = '{' WHERE id = $1", broken.ID)
	w.must(err)
	a, b := w.tx("a", broken, due, "a:0"), w.tx("b", sound, due, "b:0")
	n.pool = []chain.Tx{a, b}
	w.look()
	w.is(sound, "detected exact")
	w.holds("seen a 0 internal_error")
	health := &watch.Health{Book: w.chains, Now: w.clock.Now, HideAfter: time.Minute}
	if got := health.Held(n.net.ID); got != 1 {
		t.Errorf("health says that %d are held", got)
	}

	n.pool = nil
	n.mine(1, a, b)
	n.mine(2)
	w.look()
	w.is(sound, "settled exact")
	w.holds("seen a 3 internal_error")
	r, err := w.db.Verify(t.Context())
	w.must(err)
	if problems := strings.Join(r.Problems, "\n"); !strings.Contains(problems, "held: invoice "+string(broken.ID)) {
		t.Errorf("the audit says %q", problems)
	}

	for range 30 { // the invoice's window of 15 minutes passes
		w.clock.Pass(29 * time.Second)
		w.look()
		w.expire()
	}
	_, err = w.sql().Exec("UPDATE invoices SET terms = $1 WHERE id = $2", terms, broken.ID)
	w.must(err)
	w.expire() // comes first, and knows that it does not know all
	w.is(broken, "awaiting none")
	for range 61 {
		w.look()
	}
	w.is(broken, "settled exact")
	w.holds()
	w.clock.Pass(time.Second)
	if got := health.Held(n.net.ID); got != 0 {
		t.Errorf("health says that %d are held", got)
	}
	w.sound(n)
	for event, want := range map[string]int{"sighting_held": 1, "sighting_freed": 1} {
		if got := strings.Count(log.String(), "event="+event); got != want {
			t.Errorf("%s was logged %d times:\n%s", event, got, log.String())
		}
	}
}

// refusing is a sink that fails for one owner, until it does not.
type refusing struct {
	*invoice.Service
	owner ident.ID
	kinds map[string]error
	calls map[string]int
}

func (r *refusing) no(owner ident.ID, kind string) error {
	if owner != r.owner {
		return nil
	}
	r.calls[kind]++
	if r.kinds[kind] != nil {
		if r.kinds[kind].Error() == "panic" {
			panic("a bug")
		}
		return r.kinds[kind]
	}
	return nil
}

func (r *refusing) Seen(ctx context.Context, owner ident.ID, s chain.Sighting) error {
	return errors.Join(r.Service.Seen(ctx, owner, s), r.no(owner, watch.KindSeen)) // what it wrote is taken back
}

func (r *refusing) Advanced(ctx context.Context, owner ident.ID, network string, height int64) error {
	return errors.Join(r.Service.Advanced(ctx, owner, network, height), r.no(owner, watch.KindAdvanced))
}

func (r *refusing) Reverted(ctx context.Context, owner ident.ID, network, hash string, moved chain.Moves, height int64) error {
	return errors.Join(r.Service.Reverted(ctx, owner, network, hash, moved, height), r.no(owner, watch.KindReverted))
}

func (r *refusing) Conflicted(ctx context.Context, owner ident.ID, network, txid, other string, block chain.BlockRef) error {
	return errors.Join(r.Service.Conflicted(ctx, owner, network, txid, other, block), r.no(owner, watch.KindConflicted))
}

func (r *refusing) Evicted(ctx context.Context, owner ident.ID, network, txid string) error {
	return errors.Join(r.Service.Evicted(ctx, owner, network, txid), r.no(owner, watch.KindEvicted))
}

// Whatever an owner refuses, all others go on, and in the end it is where it would have been.
func TestRefused(t *testing.T) {
	bad := invoice.ErrIllegal
	for _, row := range []struct {
		name  string
		kinds map[string]error
		steps func(w *world, n *node, tx, other chain.Tx)
		held  []string // while it refuses
		want  string   // in the end
		after string   // of the other invoice, which is treated alike
	}{
		{"a sighting in the mempool", map[string]error{watch.KindSeen: bad}, func(_ *world, n *node, tx, other chain.Tx) {
			n.pool = []chain.Tx{tx, other}
		}, []string{"seen t 0 illegal_move"}, "detected exact", "detected exact"},
		{"a sighting that panics", map[string]error{watch.KindSeen: errors.New("panic")}, func(_ *world, n *node, tx, other chain.Tx) {
			n.pool = []chain.Tx{tx, other}
		}, []string{"seen t 0 internal_error"}, "detected exact", "detected exact"},
		{"a sighting in a block", map[string]error{watch.KindSeen: invoice.ErrMethod}, func(_ *world, n *node, tx, other chain.Tx) {
			n.mine(4, tx, other)
		}, []string{"seen t 3 method_unknown"}, "settled exact", "settled exact"},
		{"one that came into a block", map[string]error{watch.KindSeen: bad}, func(w *world, n *node, tx, other chain.Tx) {
			n.pool = []chain.Tx{tx, other}
			w.look()
			n.pool = nil
			n.mine(4, tx, other)
		}, []string{"seen t 3 illegal_move"}, "settled exact", "settled exact"},
		{"one whose block was lost", map[string]error{watch.KindSeen: bad}, func(w *world, n *node, tx, other chain.Tx) {
			n.mine(2, tx, other)
			w.look()
			n.fork(2)
			n.mine(3)
			n.pool = []chain.Tx{tx, other}
		}, []string{"seen t 0 illegal_move"}, "detected exact", "detected exact"},
		{"one that was replaced", map[string]error{watch.KindSeen: bad}, func(w *world, n *node, tx, other chain.Tx) {
			n.pool = []chain.Tx{tx, other}
			w.look()
			n.pool = []chain.Tx{chainTx("x", "t:0"), chainTx("y", "o:0")}
			w.look()
			w.clock.Pass(w.watcher.EvictAfter - 2*time.Second)
		}, []string{"seen t 0 illegal_move"}, "awaiting none", "awaiting none replaced"},
		{"confirmations", map[string]error{watch.KindAdvanced: bad}, func(w *world, n *node, tx, other chain.Tx) {
			n.mine(1, tx, other)
			w.look()
			n.mine(2)
		}, []string{"advanced  0 illegal_move"}, "settled exact", "settled exact"},
		{"a reorganisation", map[string]error{watch.KindReverted: bad}, func(w *world, n *node, tx, other chain.Tx) {
			n.mine(3, tx, other)
			w.look()
			n.fork(3)
			n.mine(4)
			n.pool = []chain.Tx{tx, other}
		}, []string{"reverted  3 illegal_move", "seen t 0 illegal_move"}, "detected exact reorged", "detected exact reorged"},
		{"a reorganisation all of which is refused", map[string]error{watch.KindReverted: bad, watch.KindSeen: bad}, func(w *world, n *node, tx, other chain.Tx) {
			sink := w.watcher.Sink.(*refusing)
			kinds := sink.kinds
			sink.kinds = nil
			n.mine(3, tx, other)
			w.look()
			sink.kinds = kinds
			n.fork(3)
			n.mine(1)
			n.mine(4, tx, other)
		}, []string{"reverted  3 illegal_move", "seen t 4 illegal_move"}, "settled exact", "settled exact"},
		{"a reorganisation that is undone", map[string]error{watch.KindReverted: bad, watch.KindSeen: bad}, func(w *world, n *node, tx, other chain.Tx) {
			sink := w.watcher.Sink.(*refusing)
			kinds := sink.kinds
			sink.kinds = nil
			n.mine(3, tx, other)
			w.look()
			sink.kinds = kinds
			old := n.fork(3)
			n.mine(4)
			n.pool = []chain.Tx{tx, other}
			w.look()
			n.best, n.pool = old, nil
			n.forks++
			n.mine(5)
		}, []string{"reverted  3 illegal_move", "seen t 3 illegal_move"}, "settled exact", "settled exact"},
		{"a conflict in the mempool", map[string]error{watch.KindConflicted: bad}, func(w *world, n *node, tx, other chain.Tx) {
			n.pool = []chain.Tx{tx, other}
			w.look()
			n.pool = []chain.Tx{chainTx("x", "t:0"), chainTx("y", "o:0")}
		}, []string{"conflicted t 0 illegal_move"}, "awaiting none replaced", "awaiting none replaced"},
		{"a conflict in a block", map[string]error{watch.KindConflicted: bad}, func(w *world, n *node, tx, other chain.Tx) {
			n.pool = []chain.Tx{tx, other}
			w.look()
			n.mine(2, chainTx("x", "t:0"), chainTx("y", "o:0"))
		}, []string{"conflicted t 3 illegal_move"}, "awaiting none replaced", "awaiting none replaced"},
		{"a conflict whose block was lost", map[string]error{watch.KindConflicted: bad}, func(w *world, n *node, tx, other chain.Tx) {
			n.pool = []chain.Tx{tx, other}
			w.look()
			n.mine(2, chainTx("x", "t:0"), chainTx("y", "o:0"))
			w.look()
			n.fork(2)
			n.mine(3)
		}, []string{"conflicted t 3 illegal_move"}, "detected exact", "detected exact"},
		{"an eviction", map[string]error{watch.KindEvicted: bad}, func(w *world, n *node, tx, other chain.Tx) {
			n.pool = []chain.Tx{tx, other}
			w.look()
			n.pool = nil
			w.look()
			w.clock.Pass(w.watcher.EvictAfter)
		}, []string{"evicted t 0 illegal_move"}, "awaiting none", "awaiting none"},
	} {
		for _, restarts := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, restarts %v", row.name, restarts), func(t *testing.T) {
				w, n := openNode(t, 3)
				inv, like := w.invoice(), w.invoice()
				sink := &refusing{Service: w.invoices, owner: inv.ID, kinds: row.kinds, calls: map[string]int{}}
				w.watcher.Sink = sink
				row.steps(w, n, w.tx("t", inv, due, "t:0"), w.tx("o", like, due, "o:0"))
				w.look()
				w.holds(row.held...)
				kind, _, _ := strings.Cut(row.held[0], " ")
				before := sink.calls[kind]
				for range 50 {
					w.look()
				}
				w.is(like, row.after)
				if again := sink.calls[kind] - before; again > 1 {
					t.Errorf("tried again %d times in 50 s", again)
				}
				if restarts { // what is held does not depend on what a process remembers
					w.follow(n)
					w.watcher.Sink = sink
				}
				sink.kinds = nil
				for range 62 {
					w.look()
				}
				w.holds()
				w.is(inv, row.want)
				w.sound(n)
			})
		}
	}
}

// What cannot be had now is nobody's refusal: the whole block waits.
func TestUnavailableIsNoRefusal(t *testing.T) {
	w, n := openNode(t, 3)
	inv, like := w.invoice(), w.invoice()
	busy := fault.New(fault.Unavailable, "busy", "")
	sink := &refusing{Service: w.invoices, owner: inv.ID, kinds: map[string]error{watch.KindSeen: busy}, calls: map[string]int{}}
	w.watcher.Sink = sink
	before := w.cursor()
	n.mine(4, w.tx("o", like, due, "o:0"), w.tx("t", inv, due, "t:0"))
	w.clock.Pass(time.Second)
	if err := w.watcher.RunOnce(t.Context()); !errors.Is(err, busy) {
		t.Errorf("%v", err)
	}
	if after := w.cursor(); after.Tip != before.Tip {
		t.Errorf("the cursor went to %+v", after.Tip)
	}
	w.is(like, "awaiting none")
	w.holds()
	sink.kinds = nil
	w.look()
	w.is(like, "settled exact")
	w.is(inv, "settled exact")
	w.sound(n)
}

// A node that does not give an old block any more keeps what is held there waiting, and nothing else.
func TestHeldInAPrunedBlock(t *testing.T) {
	w, n := openNode(t, 3)
	inv := w.invoice()
	sink := &refusing{Service: w.invoices, owner: inv.ID, kinds: map[string]error{watch.KindSeen: invoice.ErrIllegal}, calls: map[string]int{}}
	w.watcher.Sink = sink
	n.mine(1, w.tx("t", inv, due, "t:0"))
	n.mine(watch.Keep + 10) // its header goes, too
	w.look()
	sink.kinds = nil
	n.answer = func(call string) error {
		if call == "block" {
			return fault.New(fault.Unavailable, "node_refused", "")
		}
		return nil
	}
	for range 130 {
		w.look()
	}
	w.holds("seen t 3 illegal_move")
	n.answer = nil
	for range 62 {
		w.look()
	}
	w.holds()
	w.is(inv, "settled exact")
	w.sound(n)
}

// refusingAll is an invoice whose owner refuses everything, as soon as it is told to.
func (w *world) refusingAll() (inv *invoice.Invoice, refuse func(yes bool)) {
	w.t.Helper()
	inv = w.invoice()
	sink := &refusing{Service: w.invoices, owner: inv.ID, calls: map[string]int{}}
	w.watcher.Sink = sink
	return inv, func(yes bool) {
		sink.kinds = map[string]error{}
		for _, kind := range []string{watch.KindSeen, watch.KindAdvanced, watch.KindReverted, watch.KindConflicted, watch.KindEvicted} {
			if yes {
				sink.kinds[kind] = invoice.ErrIllegal
			}
		}
	}
}

func (w *world) looks(times int) {
	w.t.Helper()
	for range times {
		w.look()
	}
}

// What stands in a lost block is taken back however long that was refused: that we keep no header of that height any more
// does not bring the block back.
func TestRevertedForLong(t *testing.T) {
	w, n := openNode(t, 3)
	inv, refuse := w.refusingAll()
	n.mine(3, w.tx("t", inv, due, "t:0"))
	w.look()
	w.is(inv, "settled exact")
	refuse(true)
	n.fork(3)
	n.mine(watch.Keep+14, chainTx("x", "t:0"))
	w.looks(70)
	w.holds("reverted  3 illegal_move")
	n.answer = func(call string) error {
		if call == "header" {
			return fault.New(fault.Unavailable, "node_refused", "")
		}
		return nil
	}
	refuse(false)
	w.looks(70)
	w.holds("reverted  3 illegal_move") // nobody can tell
	n.answer = nil
	w.looks(70)
	w.holds()
	w.is(inv, "detected exact reorged")
	w.sound(n)
}

// A sighting in a block that was lost with all our headers counts no more, but the transaction is still waited for.
func TestHeldInALostOldBlock(t *testing.T) {
	w, n := openNode(t, 10)
	inv, refuse := w.refusingAll()
	refuse(true)
	n.mine(watch.Keep+50, w.tx("t", inv, due, "t:0"))
	w.look()
	n.fork(watch.Keep + 50)
	n.mine(watch.Keep + 60)
	w.stuck(watch.ErrHalted)
	w.accept(watch.Keep+59, 0)
	w.looks(70)
	w.holds("seen t 0 illegal_move")
	w.clock.Pass(w.watcher.EvictAfter)
	w.looks(2)
	w.holds()
	refuse(false)
	w.is(inv, "awaiting none")
	w.sound(n)
}

// A payment never moves into a block that is lost, too: what a double spend took away is not settled.
func TestMovedToALostBlock(t *testing.T) {
	w, n := openNode(t, 3)
	inv, refuse := w.refusingAll()
	tx := w.tx("t", inv, due, "t:0")
	n.mine(1, tx)
	w.look()
	w.is(inv, "detected exact")
	refuse(true)
	n.fork(1)
	n.mine(2, tx)
	w.look()
	w.holds("advanced  0 illegal_move", "reverted  3 illegal_move", "seen t 3 illegal_move")
	n.fork(2)
	n.mine(4, chainTx("x", "t:0"))
	w.look()
	refuse(false)
	w.looks(62)
	w.is(inv, "awaiting none replaced")
	w.clock.Pass(w.watcher.EvictAfter)
	w.looks(2)
	w.holds()
	w.is(inv, "awaiting none replaced")
	w.sound(n)
}

// No height confirms what stands in a lost block, even if the owner takes in heights again before it was asked to take
// the block back.
func TestAdvancedInALostBlock(t *testing.T) {
	w, n := openNode(t, 3)
	inv, refuse := w.refusingAll()
	n.mine(1, w.tx("t", inv, due, "t:0"))
	w.look()
	refuse(true)
	n.fork(1)
	n.mine(2)
	w.look()
	w.holds("advanced  0 illegal_move", "reverted  3 illegal_move")
	refuse(false)
	n.mine(3)
	w.look()
	w.holds()
	w.is(inv, "detected exact")
	w.looks(70)
	w.is(inv, "detected exact")
	w.sound(n)
}

// A transaction that is nowhere just after its block was lost may come back, and counts from when it was met first.
func TestHeldComesBack(t *testing.T) {
	w, n := openNode(t, 3)
	inv, refuse := w.refusingAll()
	refuse(true)
	tx := w.tx("t", inv, due, "t:0")
	tx.Raw = []byte("raw t")
	n.pool = []chain.Tx{tx}
	w.look()
	n.pool = nil
	n.mine(2, tx)
	w.look()
	n.fork(2)
	n.mine(3)
	w.looks(70)
	w.holds("seen t 0 illegal_move")
	if raw, err := w.chains.Raw(t.Context(), n.net.ID, "t"); err != nil || string(raw) != "raw t" {
		t.Errorf("the transaction is kept as %q, %v", raw, err)
	}
	refuse(false)
	w.clock.Pass(5 * time.Minute)
	n.pool = []chain.Tx{tx}
	w.looks(2)
	w.holds()
	w.is(inv, "detected exact")
	w.sound(n)
}
