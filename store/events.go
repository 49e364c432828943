package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"strconv"

	"checkout/event"
	"checkout/ident"
	"checkout/webhook"
)

// tell writes events and an outbox row for every endpoint that wants them, and returns the new head of the stream.
func (db *DB) tell(ctx context.Context, t *tx, events []event.Event, h head) (head, error) {
	if len(events) == 0 {
		return h, nil
	}
	endpoints, err := db.endpoints(ctx, events[0].Merchant, events[0].Env)
	if err != nil {
		return h, err
	}
	at, err := t.now(ctx)
	if err != nil {
		return h, err
	}
	for _, e := range events {
		h.seq++
		e.ID, e.StreamSeq, e.At = ident.New(db.Random), h.seq, at
		sum := sha256.Sum256(e.Data)
		digest := hex.EncodeToString(sum[:])
		hash := db.chain.Link(eventStream(e.Stream), h.seq, h.hash, eventRow(e, digest)...)
		_, err := t.exec(ctx, `INSERT INTO events (id, stream_id, stream_seq, object_id, object_seq, type, merchant_id, environment,
			data, data_sha256, at, prev_hash, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
			e.ID, e.Stream, e.StreamSeq, e.Object, e.Seq, e.Type, e.Merchant, e.Env, string(e.Data), digest, millis(at), h.hash, hash)
		if err != nil {
			return h, err
		}
		h.hash = hash
		for _, to := range endpoints {
			if to.Wants(e.Type) {
				if err := db.enqueue(ctx, t, e, to); err != nil {
					return h, err
				}
			}
		}
	}
	return h, nil
}

func eventRow(e event.Event, digest string) []string {
	return []string{string(e.ID), string(e.Object), strconv.FormatInt(e.Seq, 10), e.Type, string(e.Merchant), string(e.Env), digest,
		strconv.FormatInt(e.At.UnixMilli(), 10)}
}

func (db *DB) enqueue(ctx context.Context, t *tx, e event.Event, to webhook.Endpoint) error {
	id := ident.New(db.Random)
	_, err := t.exec(ctx, `INSERT INTO outbox (id, event_id, endpoint_id, merchant_id, stream_id, stream_seq, state, attempts, tries,
		manual, next_at, first_at, lease_until, lease_by, body, created_at, heard_at, last_hash, last_seal)
		VALUES ($1, $2, $3, $4, $5, $6, 'pending', 0, 0, $7, $8, 0, 0, '', '', $8, 0, '', $9)`,
		id, e.ID, to.ID, e.Merchant, e.Stream, e.StreamSeq, false, millis(e.At), db.sealed(deliveryStream(id), head{}))
	return err
}

const eventColumns = "e.id, e.stream_id, e.stream_seq, e.object_id, e.object_seq, e.type, e.merchant_id, e.environment, e.data, e.at"

func scanEvent(rows *sql.Rows, more ...any) (event.Event, error) {
	var e event.Event
	var data string
	var at int64
	into := append([]any{&e.ID, &e.Stream, &e.StreamSeq, &e.Object, &e.Seq, &e.Type, &e.Merchant, &e.Env, &data, &at}, more...)
	if err := rows.Scan(into...); err != nil {
		return event.Event{}, err
	}
	e.Data, e.At = []byte(data), instant(at)
	return e, nil
}
