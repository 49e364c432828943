package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"checkout/chain"
	"checkout/ident"
	"checkout/merchant"
	"checkout/webhook"
)

// queue is a store's outbox with the steps tests take on it.
type queue struct {
	*World
	t *testing.T
	e Engine
}

func openQueue(t *testing.T, e Engine) queue { return queue{NewWorld(t, e.Open(t)), t, e} }

func (q queue) lease(holder string, each, limit int) []webhook.Message {
	q.t.Helper()
	list, err := q.Outbox.Lease(q.t.Context(), holder, nil, each, limit)
	must(q.t, err)
	return list
}

// fails records that an attempt was not heard; it is due again at once.
func (q queue) fails(m webhook.Message) {
	q.t.Helper()
	must(q.t, q.Outbox.Record(q.t.Context(), m, webhook.Attempt{Outcome: "http", Status: 500, At: q.DB.Now()}, webhook.Next{At: q.DB.Now().Add(-time.Minute), Supersede: true}))
}

func (q queue) heard(m webhook.Message) {
	q.t.Helper()
	must(q.t, q.Outbox.Record(q.t.Context(), m, webhook.Attempt{Outcome: "ok", Status: 200, At: q.DB.Now()}, webhook.Next{Heard: true, Supersede: true}))
}

// ages moves every first attempt so much into the past, so that it holds back no successor; expires ends the leases.
func (q queue) ages(d time.Duration) {
	q.t.Helper()
	_, err := q.e.Raw(q.t, q.DB).ExecContext(q.t.Context(), "UPDATE outbox SET first_at = first_at - $1 WHERE first_at > 0", d.Milliseconds())
	must(q.t, err)
}

func (q queue) expires() {
	q.t.Helper()
	_, err := q.e.Raw(q.t, q.DB).ExecContext(q.t.Context(), "UPDATE outbox SET lease_until = 0")
	must(q.t, err)
}

func (q queue) states() []string {
	q.t.Helper()
	list, err := q.Outbox.Deliveries(q.t.Context(), q.Tenant, "", 100)
	must(q.t, err)
	var states []string
	for _, d := range slices.Backward(list) {
		states = append(states, d.State)
	}
	return states
}

// An old message that was on its way when a newer one was heard, or that is sent again by hand, does not come back to life.
func superseded(t *testing.T, e Engine) {
	q := openQueue(t, e)
	q.Create("one")
	inv := q.Create("two")
	q.Pay(inv, 10_000_000, chain.BlockRef{})
	var old, newer webhook.Message
	for _, m := range q.lease("slow", 10, 10) {
		if m.Event.Stream == inv.ID {
			old = m
		} else {
			q.heard(m)
		}
	}
	q.ages(61 * time.Second)
	for _, m := range q.lease("quick", 10, 10) {
		if m.Event.StreamSeq > newer.Event.StreamSeq {
			newer = m
		}
	}
	if newer.Event.Stream != inv.ID || newer.Event.StreamSeq <= old.Event.StreamSeq {
		t.Fatalf("leased %s after %s", newer.Event.Type, old.Event.Type)
	}
	q.heard(newer)
	q.fails(old)
	if got := q.state(old); got != "superseded" {
		t.Errorf("after a newer one was heard the old one is %s", got)
	}
	for list := q.lease("quick", 10, 10); len(list) > 0; list = q.lease("quick", 10, 10) {
		for _, m := range list {
			q.heard(m)
		}
	}
	must(t, q.Outbox.Resend(t.Context(), q.Tenant, old.ID))
	again := q.lease("by hand", 10, 10)
	if len(again) != 1 || again[0].ID != old.ID || !again[0].Manual {
		t.Fatalf("%d are sent again by hand", len(again))
	}
	q.fails(again[0])
	if got := q.state(old); got != "superseded" {
		t.Errorf("sent by hand in vain it is %s", got)
	}
	if list := q.lease("test", 10, 10); len(list) != 0 {
		t.Errorf("%d are due", len(list))
	}
}

func (q queue) state(m webhook.Message) string {
	q.t.Helper()
	list, err := q.Outbox.Deliveries(q.t.Context(), q.Tenant, "", 100)
	must(q.t, err)
	for _, d := range list {
		if d.ID == m.ID {
			return d.State
		}
	}
	return "gone"
}

// One endpoint with a long queue does not keep others from their turn.
func fairness(t *testing.T, e Engine) {
	q := openQueue(t, e)
	must(t, q.Outbox.InsertEndpoint(t.Context(), webhook.Endpoint{
		ID: ident.New(rand.Reader), Merchant: q.Merchant.ID, Env: ident.Test, Dialect: merchant.DialectCoinsPaid, PublicKey: q.Key.Public,
		URL: "https://shop.example/second", Types: []string{"invoice.expired"},
	}))
	for n := range 20 {
		q.Create(fmt.Sprintf("busy%d", n))
	}
	other, tenant, _ := q.AddMerchant("Bolt Bikes")
	n := q.New("quiet")
	_, err := q.Invoices.Create(t.Context(), tenant, n)
	must(t, err)
	list := q.lease("test", 2, 4)
	served := map[ident.ID]int{}
	for _, m := range list {
		served[m.Endpoint.Merchant]++
	}
	if served[q.Merchant.ID] != 2 || served[other.ID] != 1 {
		t.Errorf("of four places, two for each endpoint, the busy one has %d and the quiet one %d", served[q.Merchant.ID], served[other.ID])
	}
}

// An endpoint is told what it asked for, in its own environment, and only what happened after it was added.
func subscriptions(t *testing.T, e Engine) {
	q := openQueue(t, e)
	q.Create("before")
	add := func(env ident.Environment, types ...string) ident.ID {
		t.Helper()
		id := ident.New(rand.Reader)
		must(t, q.Outbox.InsertEndpoint(t.Context(), webhook.Endpoint{
			ID: id, Merchant: q.Merchant.ID, Env: env, Dialect: merchant.DialectCoinsPaid, PublicKey: q.Key.Public, URL: "https://shop.example/" + string(id), Types: types,
		}))
		return id
	}
	family, one, live, none := add(ident.Test, "quote.*"), add(ident.Test, "invoice.created", "payment.detected"), add(ident.Live, "invoice.*", "payment.*"), add(ident.Test)
	q.Pay(q.Create("after"), 10_000_000, chain.BlockRef{})
	told := map[ident.ID][]string{}
	rows, err := q.e.Raw(t, q.DB).QueryContext(t.Context(), "SELECT o.endpoint_id, e.type FROM outbox o JOIN events e ON e.id = o.event_id ORDER BY e.stream_id, e.stream_seq")
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var id ident.ID
		var kind string
		must(t, rows.Scan(&id, &kind))
		told[id] = append(told[id], kind)
	}
	must(t, rows.Err())
	for name, row := range map[string]struct {
		id   ident.ID
		want []string
	}{
		"a family":           {family, []string{"quote.created"}},
		"two types":          {one, []string{"invoice.created", "payment.detected"}},
		"other environment":  {live, nil},
		"nothing subscribed": {none, nil},
	} {
		if !slices.Equal(told[row.id], row.want) {
			t.Errorf("%s: told %v, want %v", name, told[row.id], row.want)
		}
	}
}

// A body is kept once, whoever renders it; a message its dialect does not tell, or whose schedule is over, is due no more.
func ends(t *testing.T, e Engine) {
	q := openQueue(t, e)
	q.Create("one")
	m := q.lease("test", 1, 1)[0]
	for _, body := range []string{`{"first":1}`, `{"second":2}`} {
		kept, err := q.Outbox.Render(t.Context(), m.ID, []byte(body))
		must(t, err)
		if string(kept) != `{"first":1}` {
			t.Errorf("kept %s", kept)
		}
	}
	must(t, q.Outbox.Record(t.Context(), m, webhook.Attempt{Outcome: "timeout", At: q.DB.Now()}, webhook.Next{Dead: true}))
	q.Create("two")
	must(t, q.Outbox.Skip(t.Context(), q.lease("test", 1, 1)[0].ID))
	if got := q.states(); !slices.Equal(got, []string{"dead", "skipped"}) {
		t.Errorf("they are %v", got)
	}
	q.ages(time.Hour)
	q.expires()
	if list := q.lease("test", 10, 10); len(list) != 0 {
		t.Errorf("%d are due", len(list))
	}
	waiting, err := q.Outbox.Waiting(context.Background())
	must(t, err)
	if waiting["dead"] != 1 || waiting["pending"] != 0 {
		t.Errorf("waiting: %v", waiting)
	}
	must(t, q.Outbox.Resend(t.Context(), q.Tenant, m.ID)) // the dead can be sent by hand
	if list := q.lease("test", 10, 10); len(list) != 1 || string(list[0].Body) != `{"first":1}` {
		t.Errorf("resent: %+v", list)
	}
}

// A lease that ran out is given to somebody else.
func outboxExpiry(t *testing.T, e Engine) {
	q := openQueue(t, e)
	q.Create("one")
	first := q.lease("killed", 1, 1)
	if list := q.lease("other", 1, 1); len(list) != 0 {
		t.Fatal("leased to two")
	}
	q.expires()
	second := q.lease("other", 1, 1)
	if len(second) != 1 || second[0].ID != first[0].ID {
		t.Errorf("after the lease %+v", second)
	}
}

// A resend asked for while the message is being sent comes after that, whatever came of it.
func resendMeanwhile(t *testing.T, e Engine) {
	for _, heard := range []bool{false, true} {
		q := openQueue(t, e)
		q.Create("one")
		first := q.lease("one", 10, 10)
		if len(first) != 1 {
			t.Fatalf("%d leased", len(first))
		}
		must(t, q.Outbox.Resend(t.Context(), q.Tenant, first[0].ID))
		if list := q.lease("two", 10, 10); len(list) != 0 {
			t.Fatal("it is sent twice at once")
		}
		if heard {
			q.heard(first[0])
		} else {
			must(t, q.Outbox.Record(t.Context(), first[0], webhook.Attempt{Outcome: "http", Status: 500, At: q.DB.Now()}, webhook.Next{At: q.DB.Now().Add(time.Hour)}))
		}
		again := q.lease("two", 10, 10)
		if len(again) != 1 || !again[0].Manual || again[0].Tries != 1 {
			t.Fatalf("heard %v: afterwards %+v are leased", heard, again)
		}
		q.heard(again[0])
		if got := q.state(first[0]); got != "heard" {
			t.Errorf("at the end it is %s", got)
		}
	}
}

// An attempt that outlasted its lease is written down; it takes nothing from who holds the message now, unless it was heard.
func outlasted(t *testing.T, e Engine) {
	q := openQueue(t, e)
	q.Create("one")
	slow := q.lease("slow", 10, 10)
	q.expires()
	quick := q.lease("quick", 10, 10)
	if len(slow) != 1 || len(quick) != 1 {
		t.Fatalf("leased %d and %d", len(slow), len(quick))
	}
	q.fails(slow[0])
	if list := q.lease("third", 10, 10); len(list) != 0 {
		t.Error("the late failure ended another's lease")
	}
	q.heard(quick[0])
	q.fails(slow[0])
	if got := q.state(slow[0]); got != "heard" {
		t.Errorf("at the end it is %s", got)
	}
	if n := count(t, q.DB, e, "SELECT COUNT(*) FROM deliveries"); n != 3 {
		t.Errorf("%d attempts are written down", n)
	}
}

// However late the queue is, first attempts of one stream keep their order.
func lagging(t *testing.T, e Engine) {
	q := openQueue(t, e)
	inv := q.Create("one")
	q.Pay(inv, 10_000_000, chain.BlockRef{})
	_, err := q.e.Raw(t, q.DB).ExecContext(t.Context(), "UPDATE outbox SET created_at = created_at - 600000, next_at = next_at - 600000")
	must(t, err)
	list := q.lease("test", 10, 10)
	if len(list) != 1 || list[0].Event.Type != "invoice.created" {
		t.Errorf("%d messages of one invoice are sent at once", len(list))
	}
}

func outboxOrder(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	inv := w.Create("ordered")
	w.Pay(inv, 10_000, chain.BlockRef{})
	lease := func() []webhook.Message {
		t.Helper()
		list, err := w.Outbox.Lease(t.Context(), "test", nil, 10, 10)
		must(t, err)
		return list
	}
	first := lease()
	if len(first) != 1 || first[0].Event.Type != "invoice.created" {
		t.Fatalf("leased %d, first %s", len(first), first[0].Event.Type)
	}
	must(t, w.Outbox.Record(t.Context(), first[0], webhook.Attempt{Outcome: "http", Status: 500, At: w.DB.Now()}, webhook.Next{At: w.DB.Now().Add(time.Minute)}))
	if list := lease(); len(list) != 0 {
		t.Fatalf("a successor overtakes: %s", list[0].Event.Type)
	}
	raw := e.Raw(t, w.DB) // a minute later it may
	_, err := raw.ExecContext(t.Context(), "UPDATE outbox SET first_at = first_at - 61000 WHERE stream_seq = $1", first[0].Event.StreamSeq)
	must(t, err)
	next := lease()
	if len(next) != 1 || next[0].Event.StreamSeq != first[0].Event.StreamSeq+1 {
		t.Fatalf("after the hold: %d", len(next))
	}
	must(t, w.Outbox.Record(t.Context(), next[0], webhook.Attempt{Outcome: "ok", Status: 200, At: w.DB.Now()}, webhook.Next{Heard: true, Supersede: true}))
	if n := count(t, w.DB, e, "SELECT COUNT(*) FROM outbox WHERE state = 'superseded'"); n != 1 {
		t.Errorf("%d older messages dropped", n)
	}
}

func outboxLeases(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	for n := range 6 {
		w.Create(fmt.Sprintf("o%d", n))
	}
	one, err := w.Outbox.Lease(t.Context(), "one", nil, 2, 10)
	must(t, err)
	if len(one) != 2 {
		t.Errorf("%d leased, two for each endpoint asked", len(one))
	}
	if list, err := w.Outbox.Lease(t.Context(), "two", []ident.ID{one[0].Endpoint.ID}, 2, 10); err != nil || len(list) != 0 {
		t.Errorf("a full endpoint gets %d more: %v", len(list), err)
	}
	two, err := w.Outbox.Lease(t.Context(), "two", nil, 10, 10)
	must(t, err)
	for _, a := range one {
		for _, b := range two {
			if a.ID == b.ID {
				t.Error("one message is leased twice")
			}
		}
	}
	if len(two) != 4 {
		t.Errorf("the other holder gets %d", len(two))
	}
}

func resend(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	w.Create("resent")
	must(t, deliver(t, w))
	list, err := w.Outbox.Deliveries(t.Context(), w.Tenant, "", 10)
	must(t, err)
	if len(list) != 1 || list[0].State != "heard" || list[0].Attempts != 1 {
		t.Fatalf("%+v", list)
	}
	_, stranger, _ := w.AddMerchant("Bolt Bikes")
	if err := w.Outbox.Resend(t.Context(), stranger, list[0].ID); !errors.Is(err, webhook.ErrUnknown) {
		t.Errorf("another merchant resends it: %v", err)
	}
	must(t, w.Outbox.Resend(t.Context(), w.Tenant, list[0].ID))
	again, err := w.Outbox.Lease(t.Context(), "test", nil, 1, 1)
	must(t, err)
	if len(again) != 1 || !again[0].Manual || string(again[0].Body) != `{"id":1}` || again[0].Event.ID != list[0].Event {
		t.Fatalf("resent: %+v", again)
	}
	must(t, w.Outbox.Record(t.Context(), again[0], webhook.Attempt{Outcome: "timeout", At: w.DB.Now()}, webhook.Next{At: w.DB.Now()}))
	if list, err = w.Outbox.Deliveries(t.Context(), w.Tenant, "", 10); err != nil || list[0].State != "heard" || list[0].Attempts != 2 {
		t.Errorf("what was heard once is sent by the schedule again: %+v %v", list, err)
	}
}
