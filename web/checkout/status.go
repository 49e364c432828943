package checkout

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"checkout/fault"
	"checkout/front"
	"checkout/ident"
	"checkout/invoice"
	"checkout/money"
)

// statusBody is the status of an invoice for programs, our own script first of all, but for `rev` and `now`, which
// stand before it.
type statusBody struct {
	State         string         `json:"state"`
	Final         bool           `json:"final"`
	LockUntil     *string        `json:"lock_until"`
	WatchUntil    *string        `json:"watch_until"`
	Asset         *string        `json:"asset"`
	Asked         *string        `json:"asked"`
	Received      *string        `json:"received"`
	Due           *string        `json:"due"`
	Fiat          statusFiat     `json:"fiat"`
	Address       *string        `json:"address"`
	Tag           *string        `json:"tag"`
	PaymentURI    *string        `json:"payment_uri"`
	Confirmations statusProgress `json:"confirmations"`
	Txs           []statusTx     `json:"txs"`
	PollMS        int            `json:"poll_ms"`
	HTML          string         `json:"html"`
}

type statusFiat struct {
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}

type statusProgress struct {
	Have int `json:"have"`
	Need int `json:"need"`
}

type statusTx struct {
	ID     string `json:"id"`
	Amount string `json:"amount"`
	Conf   int64  `json:"conf"`
	SeenAt string `json:"seen_at"`
}

// How often the page may ask. A page with the script asks less often as time passes; these are the shortest times.
const (
	pollFast = 3000 // ms
	pollSlow = 5000 // while a slow network confirms
	slowFrom = time.Minute
)

// polled is the view as the status names it: a page knows the end of the lock and the time.
func polled(v View) View {
	if v == ViewWaitingExpiring {
		return ViewWaiting
	}
	return v
}

// readStatus makes an invoice's status from the store.
func (f *Face) readStatus(ctx context.Context, id ident.ID) (*status, error) {
	inv, err := f.Invoices.Find(ctx, id)
	if err != nil {
		return nil, err
	}
	now, up := f.Now(), f.usableFor(inv)
	facts := factsOf(inv, now, up)
	view := polled(facts.View())
	body := f.statusOf(inv, facts, view)
	if facts.Payable() {
		if err := f.checkAddress(ctx, inv); err != nil {
			return nil, err
		}
		if p, ok := f.payment(inv); ok {
			body.Address, body.Tag, body.PaymentURI = given(p.Address), given(p.Tag), given(p.URI())
		}
	}
	s, err := newStatus(inv.Version, body)
	if err != nil {
		return nil, err
	}
	rev := strconv.FormatInt(inv.Version, 10)
	if m, chosen := inv.Method(inv.Asset); chosen && inv.Outcome.State == invoice.Awaiting {
		// Whether its node can be relied on is part of what is shown, and no change of the invoice.
		if s.network, s.up = m.Network, up; !up {
			s.etag = `"` + rev + `-down"`
		}
	}
	if view == ViewExpiredUnderpaid && inv.Outcome.State == invoice.Detected {
		s.etag = `"` + rev + `-over"` // the end of a lock is told here before the engine has said so
	}
	if until, ok := inv.LockEnd(); ok && until.After(now) {
		s.until = until
	}
	return s, nil
}

// newStatus is a body as it is answered, of a version of its object.
func newStatus(version int64, body statusBody) (*status, error) {
	tail, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	rev := strconv.FormatInt(version, 10)
	return &status{
		version: version, etag: `"` + rev + `"`, final: body.Final, head: []byte(`{"rev":` + rev + `,"now":"`), tail: append([]byte(`",`), tail[1:]...),
	}, nil
}

func (f *Face) statusOf(inv *invoice.Invoice, facts Facts, view View) statusBody {
	rev := strconv.FormatInt(inv.Version, 10)
	body := statusBody{
		State: string(view), Final: view.Final(), Fiat: statusFiat{inv.Price.String(), inv.Price.Currency().Code},
		Confirmations: statusProgress{facts.Have, facts.Need}, Txs: []statusTx{}, PollMS: pollFast,
		HTML: "/i/" + string(inv.ID) + "/fragment?rev=" + rev,
	}
	if until, ok := inv.LockEnd(); ok && !view.Final() {
		body.LockUntil = timeText(until)
	}
	if len(inv.Addresses) > 0 {
		body.WatchUntil = timeText(inv.WatchEnd())
	}
	for _, p := range inv.Payments {
		if inv.Counts(p) {
			body.Txs = append(body.Txs, statusTx{p.Transfer.TxID, p.Transfer.Amount.Plain(), p.Depth, *timeText(p.FirstSeen)})
		}
	}
	m, ok := inv.Method(inv.Asset)
	if !ok {
		return body
	}
	body.Asset = &m.Asset
	if facts.Need == 0 {
		body.Confirmations.Need = int(m.Confirmations)
	}
	if q, quoted := inv.Quote(inv.Asset); quoted {
		body.Asked = plain(q.Due)
		body.Received, body.Due = plain(inv.Received(inv.Asset)), plain(inv.Outcome.Remaining)
	}
	if n, known := f.Registry.Network(m.Network); known && view == ViewConfirming && n.BlockTime > slowFrom {
		body.PollMS = pollSlow
	}
	return body
}

// given is a text, or null where there is none.
func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func plain(a money.Amount) *string { text := a.Plain(); return &text }

func timeText(t time.Time) *string { text := t.UTC().Format(instant); return &text }

// handleStatus answers polls of an invoice's page.
func (f *Face) handleStatus(w http.ResponseWriter, r *http.Request) {
	f.answerStatus(w, r, f.statuses, f.readStatus)
}

// answerStatus answers polls. What has not changed since the last one is said in few bytes and without the store:
// thousands of open pages ask every few seconds.
func (f *Face) answerStatus(w http.ResponseWriter, r *http.Request, kept *statuses, read func(ctx context.Context, id ident.ID) (*status, error)) {
	id := ident.ID(chi.URLParam(r, "id"))
	now := f.Now()
	if err := f.pollAllowed(r, id, now); err != nil {
		f.plain.Apply(w.Header())
		front.Plain(w, r, err)
		return
	}
	s, ok := kept.get(id, now)
	if !ok {
		var err error
		if !ident.Valid(string(id)) {
			err = invoice.ErrNotFound
		} else {
			s, err = kept.load(r.Context(), id, func(ctx context.Context) (*status, error) { return read(ctx, id) })
		}
		if err != nil {
			f.statusError(w, r, err)
			return
		}
	}
	if s.missing {
		f.statusError(w, r, invoice.ErrNotFound)
		return
	}
	h := w.Header()
	if matches(r.Header["If-None-Match"], s.etag) {
		// The browser adds what is here to what it has kept, so nothing needs to be said again, whatever is set for all
		// answers further out.
		clear(h)
		h.Set("ETag", s.etag)
		h.Set("Cache-Control", "private, no-cache")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := make([]byte, 0, len(s.head)+len(s.tail)+len(instant))
	body = append(body, s.head...)
	body = now.UTC().AppendFormat(body, instant)
	body = append(body, s.tail...)
	f.plain.Apply(h)
	h.Set("ETag", s.etag)
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Content-Type", "application/json")
	f.site.Answer(w, r, http.StatusOK, body)
}

func (f *Face) statusError(w http.ResponseWriter, r *http.Request, err error) {
	f.plain.Apply(w.Header())
	if err = f.counted(r, err); fault.Of(err).Kind == fault.Internal {
		f.Log.Error("status failed", "event", "status_failed", "request", front.RequestID(r.Context()), "cause", err.Error())
	}
	front.Plain(w, r, err)
}

// matches reads If-None-Match headers.
func matches(headers []string, etag string) bool {
	for _, header := range headers {
		for each := range strings.SplitSeq(header, ",") {
			each = strings.TrimPrefix(strings.TrimSpace(each), "W/")
			if each == etag || each == "*" {
				return true
			}
		}
	}
	return false
}
