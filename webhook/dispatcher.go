package webhook

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"checkout/fault"
	"checkout/ident"
)

// Dispatcher sends what waits in the outbox. Each endpoint has a queue of its own: a slow one delays no other.
type Dispatcher struct {
	Outbox   Outbox
	Dialects map[string]Dialect
	Client   *http.Client
	Holder   string // new at every start, so that a restarted process does not finish an old one's work
	Every    time.Duration
	Now      func() time.Time
	Log      *slog.Logger

	wake chan struct{}
	once sync.Once
	mu   sync.Mutex
	busy map[ident.ID]int
	wg   sync.WaitGroup
}

// Deliveries under way, per endpoint and in all.
const (
	perEndpoint = 2
	inAll       = 128
)

func (d *Dispatcher) init() {
	d.once.Do(func() {
		d.wake = make(chan struct{}, 1)
		d.busy = map[ident.ID]int{}
	})
}

// Wake says that something may be due.
func (d *Dispatcher) Wake() {
	d.init()
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// Run sends until ctx ends, then waits for what is under way.
func (d *Dispatcher) Run(ctx context.Context) error {
	d.init()
	tick := time.NewTicker(d.Every)
	defer tick.Stop()
	defer d.wg.Wait()
	for {
		if err := d.begin(ctx); err != nil && ctx.Err() == nil {
			d.Log.Warn("dispatcher", "event", "dispatcher_failed", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-d.wake:
		}
	}
}

// RunOnce sends what is due now and waits for it.
func (d *Dispatcher) RunOnce(ctx context.Context) error {
	d.init()
	err := d.begin(ctx)
	d.wg.Wait()
	return err
}

// begin leases what is due and starts its deliveries.
func (d *Dispatcher) begin(ctx context.Context) error {
	full, room := d.room()
	if room <= 0 {
		return nil
	}
	list, err := d.Outbox.Lease(ctx, d.Holder, full, perEndpoint, room)
	if err != nil {
		return err
	}
	for _, m := range list {
		d.count(m.Endpoint.ID, 1)
		d.wg.Go(func() {
			defer d.Wake()
			defer d.count(m.Endpoint.ID, -1)
			if err := d.deliver(ctx, m); err != nil && ctx.Err() == nil {
				d.Log.Error("delivery not recorded", "event", "delivery_failed", "delivery", m.ID.Short(), "err", err)
			}
		})
	}
	return nil
}

func (d *Dispatcher) room() (full []ident.ID, room int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	room = inAll
	for id, n := range d.busy {
		room -= n
		if n >= perEndpoint {
			full = append(full, id)
		}
	}
	return full, room
}

func (d *Dispatcher) count(id ident.ID, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.busy[id] += n; d.busy[id] <= 0 {
		delete(d.busy, id)
	}
}

// deliver renders a message if that is still to do, sends it once and writes down what came of it. One that cannot be made
// keeps to the schedule too, and is dead at its end, where somebody looks.
func (d *Dispatcher) deliver(ctx context.Context, m Message) error {
	dialect, ok := d.Dialects[m.Endpoint.Dialect]
	if !ok {
		return d.Outbox.Skip(ctx, m.ID)
	}
	body, secret, err := d.prepare(ctx, dialect, m)
	switch {
	case errors.Is(err, ErrNothing):
		return d.Outbox.Skip(ctx, m.ID)
	case err != nil && (ctx.Err() != nil || fault.Of(err).Kind == fault.Unavailable):
		return err // the store's trouble is not the message's: its lease runs out
	case err != nil:
		return errors.Join(err, d.Outbox.Postpone(ctx, m, d.next(dialect, m, Attempt{At: d.Now()})))
	}
	m.Body = body
	header := http.Header{}
	header.Set("User-Agent", "Checkout")
	header["webhook-id"] = []string{string(m.Event.ID)}
	header["webhook-subject"] = []string{m.Event.Subject()}
	dialect.Sign(header, m.Body, m.Endpoint.PublicKey, secret)
	attempt := send(ctx, d.Client, m.Endpoint.URL, header, m.Body, dialect.Heard, d.Now)
	if ctx.Err() != nil && attempt.Outcome != "ok" {
		return ctx.Err() // we stopped, not they: the lease runs out and the attempt is made again
	}
	if attempt.Outcome == "blocked" {
		d.Log.Warn("callback blocked", "event", "ssrf_blocked", "endpoint", m.Endpoint.ID.Short())
	}
	// The outcome is kept even if we are asked to stop now: a heard message must not be sent again.
	keep, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return d.Outbox.Record(keep, m, attempt, d.next(dialect, m, attempt))
}

// prepare is a message's body, kept from its first rendering on, and the secret it is signed with.
func (d *Dispatcher) prepare(ctx context.Context, dialect Dialect, m Message) (body, secret []byte, err error) {
	if body = m.Body; len(body) == 0 {
		if body, err = dialect.Body(m.Event); err != nil {
			return nil, nil, err
		}
		if body, err = d.Outbox.Render(ctx, m.ID, body); err != nil {
			return nil, nil, err
		}
	}
	secret, err = d.Outbox.Secret(ctx, m.Endpoint.PublicKey)
	return body, secret, err
}

// next is what follows an attempt. One by hand takes nothing from the schedule; of a message that was never tried it is
// the first.
func (d *Dispatcher) next(dialect Dialect, m Message, a Attempt) Next {
	latest := dialect.Latest()
	if a.Outcome == "ok" {
		return Next{Heard: true, Supersede: latest}
	}
	tries := m.Tries
	if !m.Manual {
		tries++
	}
	wait, again := dialect.Retry(max(tries, 1))
	if !again {
		return Next{Dead: true}
	}
	return Next{At: a.At.Add(a.Duration).Add(wait), Supersede: latest}
}
