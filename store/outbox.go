package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"checkout/fault"
	"checkout/ident"
	"checkout/merchant"
	"checkout/webhook"
)

// Webhooks is the outbox: messages on their way to merchants' servers.
type Webhooks struct{ *DB }

// leaseTime covers a delivery's time-out and the recording of its outcome.
const leaseTime = webhook.Timeout + 15*time.Second

// holdBack is how long a message that fails may keep its successor waiting, from its first attempt on.
const holdBack = 60 * time.Second

// endpoints lists where a merchant listens in an environment.
func (db *DB) endpoints(ctx context.Context, m ident.ID, env ident.Environment) ([]webhook.Endpoint, error) {
	var list []webhook.Endpoint
	err := db.each(ctx, `SELECT id, dialect, public_key, url, types FROM endpoints
		WHERE merchant_id = $1 AND environment = $2 AND NOT disabled ORDER BY id`, []any{m, env}, func(rows *sql.Rows) error {
		e := webhook.Endpoint{Merchant: m, Env: env}
		var types string
		if err := rows.Scan(&e.ID, &e.Dialect, &e.PublicKey, &e.URL, &types); err != nil {
			return err
		}
		e.Types = strings.Fields(types)
		list = append(list, e)
		return nil
	})
	return list, err
}

// InsertEndpoint keeps a place a merchant listens at. Earlier events are not sent to it by themselves.
func (w Webhooks) InsertEndpoint(ctx context.Context, e webhook.Endpoint) error {
	if err := webhook.CheckURL(e.URL); err != nil {
		return err
	}
	return w.update(ctx, func(ctx context.Context, t *tx) error {
		at, err := t.now(ctx)
		if err != nil {
			return err
		}
		_, err = t.exec(ctx, `INSERT INTO endpoints (id, merchant_id, environment, dialect, public_key, url, types, disabled, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			e.ID, e.Merchant, e.Env, e.Dialect, e.PublicKey, e.URL, strings.Join(e.Types, " "), false, millis(at))
		return err
	})
}

// Lease hands out what is due. See webhook.Outbox.
func (w Webhooks) Lease(ctx context.Context, holder string, full []ident.ID, each, limit int) ([]webhook.Message, error) {
	due, err := w.due(ctx, w.Now(), full, each, limit) // outside the writer: an idle dispatcher costs no commit
	if err != nil || len(due) == 0 {
		return nil, err
	}
	var list []webhook.Message
	err = w.update(ctx, func(ctx context.Context, t *tx) error {
		list = list[:0]
		now, err := t.now(ctx)
		if err != nil {
			return err
		}
		for _, m := range due {
			n, err := t.exec(ctx, `UPDATE outbox SET lease_until = $1, lease_by = $2, first_at = CASE WHEN first_at = 0 THEN $4 ELSE first_at END
				WHERE id = $3 AND state = 'pending' AND lease_until < $4 AND next_at <= $4`,
				millis(now.Add(leaseTime)), holder, m.ID, millis(now))
			if err != nil {
				return err
			}
			if n == 1 {
				m.Holder, m.Body = holder, append([]byte(nil), m.Body...)
				list = append(list, m)
			}
		}
		return nil
	})
	return list, err
}

// due finds messages whose time has come: not leased, and not held back by an older one of their stream. It looks at a page
// of them; when endpoints with long queues fill the page, it looks again without those.
func (w Webhooks) due(ctx context.Context, now time.Time, full []ident.ID, each, limit int) ([]webhook.Message, error) {
	var list []webhook.Message
	taken, seen := map[ident.ID]int{}, map[ident.ID]bool{}
	full = slices.Clone(full)
	for page := 4 * limit; ; {
		rows := 0
		err := w.eachDue(ctx, now, full, page, func(m webhook.Message) {
			rows++
			if to := m.Endpoint.ID; !seen[m.ID] && taken[to] < each && len(list) < limit {
				list = append(list, m)
				seen[m.ID] = true
				if taken[to]++; taken[to] == each {
					full = append(full, to)
				}
			}
		})
		if err != nil || rows < page || len(list) == limit {
			return list, err
		}
	}
}

// eachDue reads a page of due messages, the longest due first, but for those to some endpoints.
func (w Webhooks) eachDue(ctx context.Context, now time.Time, without []ident.ID, page int, take func(webhook.Message)) error {
	args := []any{millis(now), millis(now.Add(-holdBack)), page}
	not := ""
	for i, id := range without {
		not += fmt.Sprintf(" AND o.endpoint_id <> $%d", i+4)
		args = append(args, id)
	}
	query := `SELECT ` + eventColumns + `, o.id, o.attempts, o.tries, o.manual, o.body, n.id, n.merchant_id, n.environment, n.dialect,
			n.public_key, n.url
		FROM outbox o JOIN events e ON e.id = o.event_id JOIN endpoints n ON n.id = o.endpoint_id
		WHERE o.state = 'pending' AND o.next_at <= $1 AND o.lease_until < $1 AND NOT n.disabled
		AND (o.attempts > 0 OR NOT EXISTS (SELECT 1 FROM outbox p WHERE p.endpoint_id = o.endpoint_id AND p.stream_id = o.stream_id
			AND p.stream_seq < o.stream_seq AND p.state = 'pending' AND (p.first_at = 0 OR p.first_at > $2)))` + not + `
		ORDER BY o.next_at, o.id LIMIT $3`
	return w.each(ctx, query, args, func(rows *sql.Rows) error {
		var m webhook.Message
		var body string
		to := &m.Endpoint
		var err error
		m.Event, err = scanEvent(rows, &m.ID, &m.Attempts, &m.Tries, &m.Manual, &body, &to.ID, &to.Merchant, &to.Env, &to.Dialect, &to.PublicKey, &to.URL)
		if err == nil {
			m.Body = []byte(body)
			take(m)
		}
		return err
	})
}

// Render keeps a body, once.
func (w Webhooks) Render(ctx context.Context, id ident.ID, body []byte) ([]byte, error) {
	var kept string
	err := w.update(ctx, func(ctx context.Context, t *tx) error {
		if _, err := t.exec(ctx, "UPDATE outbox SET body = $1 WHERE id = $2 AND body = ''", string(body), id); err != nil {
			return err
		}
		return w.fail(t.QueryRowContext(ctx, "SELECT body FROM outbox WHERE id = $1", id).Scan(&kept))
	})
	return []byte(kept), err
}

// Skip ends a message its dialect does not tell.
func (w Webhooks) Skip(ctx context.Context, id ident.ID) error {
	return w.update(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, "UPDATE outbox SET state = 'skipped', lease_until = 0 WHERE id = $1 AND state = 'pending'", id)
		return err
	})
}

// Record writes an attempt down and moves the message on, in one transaction. An attempt that outlasted its lease decides
// nothing for who holds the message now, unless it was heard.
func (w Webhooks) Record(ctx context.Context, m webhook.Message, a webhook.Attempt, n webhook.Next) error {
	return w.update(ctx, func(ctx context.Context, t *tx) error {
		if err := w.attempt(ctx, t, m, a); err != nil {
			return err
		}
		return w.move(ctx, t, m, a, n)
	})
}

// Postpone moves a message on that could not be made. There was no attempt, so none is written down.
func (w Webhooks) Postpone(ctx context.Context, m webhook.Message, n webhook.Next) error {
	return w.update(ctx, func(ctx context.Context, t *tx) error {
		at, err := t.now(ctx)
		if err != nil {
			return err
		}
		return w.move(ctx, t, m, webhook.Attempt{At: at}, n)
	})
}

// move brings a message to where it stands after an attempt.
func (w Webhooks) move(ctx context.Context, t *tx, m webhook.Message, a webhook.Attempt, n webhook.Next) error {
	var kept standing
	err := w.fail(t.QueryRowContext(ctx, "SELECT lease_by, manual, next_at, heard_at FROM outbox WHERE id = $1", m.ID).
		Scan(&kept.holder, &kept.manual, &kept.next, &kept.heard))
	if err != nil {
		return err
	}
	mine := kept.holder == m.Holder
	if !mine && !n.Heard {
		return nil
	}
	next := kept.after(m, a, n)
	tries := 1
	if m.Manual {
		tries = 0
	}
	if _, err = t.exec(ctx, `UPDATE outbox SET state = $1, next_at = $2, heard_at = $3, manual = $4, tries = tries + $5 WHERE id = $6`,
		next.state, next.next, next.heard, next.manual, tries, m.ID); err != nil {
		return err
	}
	if mine {
		if _, err = t.exec(ctx, "UPDATE outbox SET lease_until = 0, lease_by = '' WHERE id = $1", m.ID); err != nil {
			return err
		}
	}
	if !n.Supersede {
		return nil
	}
	return t.supersede(ctx, m)
}

// standing is where a message stands.
type standing struct {
	holder, state string
	manual        bool
	next, heard   int64
}

// after is where a message stands after an attempt. What was heard once is never again sent by the schedule, whatever a
// resend by hand came to; a resend asked for during the attempt is still to come.
func (s standing) after(m webhook.Message, a webhook.Attempt, n webhook.Next) standing {
	if n.Heard && s.heard == 0 {
		s.heard = millis(a.At.Add(a.Duration))
	}
	if s.state = "pending"; s.manual && !m.Manual {
		return s
	}
	s.manual, s.next = false, millis(a.At)
	switch {
	case s.heard > 0:
		s.state = "heard"
	case n.Dead:
		s.state = "dead"
	default:
		s.next = millis(n.At)
	}
	return s
}

// supersede drops what the schedule still holds of a stream for an endpoint that has heard something newer: also a message
// that was on its way, or was sent by hand, when that was heard.
func (t *tx) supersede(ctx context.Context, m webhook.Message) error {
	_, err := t.exec(ctx, `UPDATE outbox SET state = 'superseded' WHERE endpoint_id = $1 AND stream_id = $2 AND state = 'pending' AND NOT manual
		AND stream_seq < (SELECT COALESCE(MAX(h.stream_seq), 0) FROM outbox h WHERE h.endpoint_id = $1 AND h.stream_id = $2 AND h.heard_at > 0)`,
		m.Endpoint.ID, m.Event.Stream)
	return err
}

func (w Webhooks) attempt(ctx context.Context, t *tx, m webhook.Message, a webhook.Attempt) error {
	var prev string
	var attempt int64
	if err := w.fail(t.QueryRowContext(ctx, "SELECT attempts, last_hash FROM outbox WHERE id = $1", m.ID).Scan(&attempt, &prev)); err != nil {
		return err
	}
	attempt++
	sum := sha256.Sum256(m.Body)
	kind := "auto"
	if m.Manual {
		kind = "manual"
	}
	row := deliveryRow(m.Event.ID, m.Endpoint.ID, kind, a.Outcome, int64(a.Status), a.Answer, hex.EncodeToString(sum[:]), a.At.UnixMilli(), a.Duration.Milliseconds())
	hash := w.chain.Link(deliveryStream(m.ID), attempt, prev, row...)
	_, err := t.exec(ctx, `INSERT INTO deliveries (outbox_id, attempt, event_id, endpoint_id, merchant_id, kind, outcome, status_code, answer,
		body_sha256, at, duration_ms, prev_hash, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		m.ID, attempt, m.Event.ID, m.Endpoint.ID, m.Endpoint.Merchant, kind, a.Outcome, a.Status, a.Answer, hex.EncodeToString(sum[:]),
		a.At.UnixMilli(), a.Duration.Milliseconds(), prev, hash)
	if err != nil {
		return err
	}
	return t.one(ctx, "UPDATE outbox SET attempts = $1, last_hash = $2, last_seal = $3 WHERE id = $4 AND attempts = $5",
		attempt, hash, w.sealed(deliveryStream(m.ID), head{attempt, hash}), m.ID, attempt-1)
}

func deliveryRow(event, endpoint ident.ID, kind, outcome string, status int64, answer, body string, at, took int64) []string {
	return []string{string(event), string(endpoint), kind, outcome, strconv.FormatInt(status, 10), answer, body,
		strconv.FormatInt(at, 10), strconv.FormatInt(took, 10)}
}

// Secret is the current secret of a key: callbacks are signed with the new one while a rotation overlaps.
func (w Webhooks) Secret(ctx context.Context, publicKey string) ([]byte, error) {
	k, err := Merchants(w).Key(ctx, publicKey)
	if err != nil {
		return nil, err
	}
	return []byte(k.Secret.Reveal()), nil
}

// Delivery is a message as operators list it.
type Delivery struct {
	ID       ident.ID `json:"id"`
	Event    ident.ID `json:"event_id"`
	Type     string   `json:"type"`
	Stream   ident.ID `json:"object_id"`
	URL      string   `json:"url"`
	State    string   `json:"state"`
	Attempts int64    `json:"attempts"`
	Outcome  string   `json:"last_outcome"`
	Status   int64    `json:"last_status"`
	NextAt   string   `json:"next_at,omitempty"`
	Created  string   `json:"created_at"`
}

// Deliveries lists a merchant's newest messages, those about one object if stream names it.
func (w Webhooks) Deliveries(ctx context.Context, tenant merchant.Tenant, stream ident.ID, limit int) ([]Delivery, error) {
	args := []any{tenant.Merchant(), tenant.Env(), limit}
	and := ""
	if stream != "" {
		and = " AND o.stream_id = $4"
		args = append(args, stream)
	}
	var list []Delivery
	err := w.each(ctx, `SELECT o.id, o.event_id, e.type, o.stream_id, n.url, o.state, o.attempts,
			COALESCE((SELECT d.outcome FROM deliveries d WHERE d.outbox_id = o.id AND d.attempt = o.attempts), ''),
			COALESCE((SELECT d.status_code FROM deliveries d WHERE d.outbox_id = o.id AND d.attempt = o.attempts), 0), o.next_at, o.created_at
		FROM outbox o JOIN events e ON e.id = o.event_id JOIN endpoints n ON n.id = o.endpoint_id
		WHERE o.merchant_id = $1 AND n.environment = $2`+and+` ORDER BY o.created_at DESC, o.stream_seq DESC, o.id LIMIT $3`, args, func(rows *sql.Rows) error {
		var d Delivery
		var next, created int64
		if err := rows.Scan(&d.ID, &d.Event, &d.Type, &d.Stream, &d.URL, &d.State, &d.Attempts, &d.Outcome, &d.Status, &next, &created); err != nil {
			return err
		}
		d.Created = instant(created).Format(time.RFC3339)
		if d.State == "pending" {
			d.NextAt = instant(next).Format(time.RFC3339)
		}
		list = append(list, d)
		return nil
	})
	return list, err
}

// Resend asks for a message to be sent again at once, by hand: the same id and the same body. If it is just being sent,
// it is sent again after that.
func (w Webhooks) Resend(ctx context.Context, tenant merchant.Tenant, id ident.ID) error {
	return w.update(ctx, func(ctx context.Context, t *tx) error {
		at, err := t.now(ctx)
		if err != nil {
			return err
		}
		err = t.one(ctx, `UPDATE outbox SET state = 'pending', manual = $1, next_at = $2 WHERE id = $3 AND merchant_id = $4
			AND state <> 'skipped' AND endpoint_id IN (SELECT id FROM endpoints WHERE environment = $5)`, true, millis(at), id, tenant.Merchant(), tenant.Env())
		if f, ok := errors.AsType[*fault.Error](err); ok && f.Is(ErrStale) {
			return webhook.ErrUnknown
		}
		return err
	})
}

// Waiting counts the messages that are not done, by state.
func (w Webhooks) Waiting(ctx context.Context) (map[string]int64, error) {
	counts := map[string]int64{"pending": 0, "dead": 0}
	err := w.each(ctx, "SELECT state, COUNT(*) FROM outbox WHERE state IN ('pending', 'dead') GROUP BY state", nil, func(rows *sql.Rows) error {
		var state string
		var n int64
		err := rows.Scan(&state, &n)
		counts[state] = n
		return err
	})
	return counts, err
}
