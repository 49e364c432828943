package store

import (
	"context"
	"database/sql"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"checkout/invoice"
)

// verifyInvariants checks from the audit views alone what must hold after every fault (security.md section 4).
func (db *DB) verifyInvariants(ctx context.Context, r *Report) error {
	for _, check := range []func(context.Context, *Report) error{
		db.entriesBalance, db.paymentsBooked, db.refundsBooked, db.uniqueRows, db.logsLegal, db.eventsMatchLog, db.depositsTold, db.deliveriesOnce,
		db.addressesOnce,
		db.nothingHeld,
	} {
		if err := check(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// entriesBalance is I1 and I2: every entry sums to zero for each asset, in whole units; and every balance is the sum of its
// account's legs.
func (db *DB) entriesBalance(ctx context.Context, r *Report) error {
	sums, held := map[string]*big.Int{}, map[string]*big.Int{}
	add := func(to map[string]*big.Int, key string, n *big.Int) {
		if to[key] == nil {
			to[key] = new(big.Int)
		}
		to[key].Add(to[key], n)
	}
	err := db.each(ctx, "SELECT txn_id, account, asset, amount_minor FROM audit_entries", nil, func(rows *sql.Rows) error {
		var txn, account, asset, amount string
		if err := rows.Scan(&txn, &account, &asset, &amount); err != nil {
			return err
		}
		n, ok := new(big.Int).SetString(amount, 10)
		if !ok {
			r.problem("I2: entry %s: amount %q is no integer", txn, amount)
			return nil
		}
		add(sums, txn+" in "+asset, n)
		add(held, account+" in "+asset, n)
		return nil
	})
	if err != nil {
		return err
	}
	for key, sum := range sums {
		if sum.Sign() != 0 {
			r.problem("I1: entry %s sums to %s", key, sum)
		}
	}
	err = db.each(ctx, "SELECT account, asset, amount FROM balances", nil, func(rows *sql.Rows) error {
		var account, asset, amount string
		if err := rows.Scan(&account, &asset, &amount); err != nil {
			return err
		}
		key := account + " in " + asset
		if sum := held[key]; sum == nil || sum.String() != amount {
			r.problem("I1: the balance of %s is %s, its legs add up to %s", key, amount, sum)
		}
		delete(held, key)
		return nil
	})
	for key, sum := range held {
		r.problem("I1: the balance of %s is missing, its legs add up to %s", key, sum)
	}
	return err
}

// paymentsBooked is I3: what a payment's rows add up to on merchants' accounts is its amount if it is confirmed, else
// nothing; and no credit is without a payment.
func (db *DB) paymentsBooked(ctx context.Context, r *Report) error {
	booked, err := db.bookedFor(ctx, "payment")
	if err != nil {
		return err
	}
	err = db.each(ctx, "SELECT payment_id, state, amount_minor, fee_minor FROM audit_payments", nil, func(rows *sql.Rows) error {
		var id, state, amount, fee string
		if err := rows.Scan(&id, &state, &amount, &fee); err != nil {
			return err
		}
		want, got := new(big.Int), new(big.Int)
		if state == "confirmed" {
			want.SetString(amount, 10)
		}
		if booked[id] != nil {
			got.Add(got, booked[id])
		}
		if state == "confirmed" {
			f, _ := new(big.Int).SetString(fee, 10)
			got.Add(got, f)
		}
		if want.Cmp(got) != 0 {
			r.problem("I3: payment %s is %s of %s, but %s is booked", id, state, amount, got)
		}
		delete(booked, id)
		return nil
	})
	for id, sum := range booked {
		r.problem("I3: %s is booked for payment %s, which is not there", sum, id)
	}
	return err
}

// refundsBooked holds that what a refund's rows add up to on merchants' accounts is minus its amount if it is paid, else nothing;
// that none is more than its payment brought; and that a payment has one at most that was not rejected.
func (db *DB) refundsBooked(ctx context.Context, r *Report) error {
	booked, err := db.bookedFor(ctx, "refund")
	if err != nil {
		return err
	}
	standing := map[string]int{}
	err = db.each(ctx, `SELECT r.refund_id, r.payment_id, r.state, r.amount_minor, p.amount_minor FROM audit_refunds r
		LEFT JOIN audit_payments p ON p.payment_id = r.payment_id AND p.owner_id = r.owner_id AND p.asset = r.asset`, nil, func(rows *sql.Rows) error {
		var id, payment, state, amount string
		var brought sql.NullString
		if err := rows.Scan(&id, &payment, &state, &amount, &brought); err != nil {
			return err
		}
		sum, ok := new(big.Int).SetString(amount, 10)
		most, known := new(big.Int).SetString(brought.String, 10)
		if !ok || !known || sum.Sign() <= 0 || sum.Cmp(most) > 0 {
			r.problem("refund %s is of %q, its payment %s of %q", id, amount, payment, brought.String)
			return nil
		}
		want, got := new(big.Int), new(big.Int)
		if state == "paid" {
			want.Neg(sum)
		}
		if booked[id] != nil {
			got = booked[id]
		}
		if want.Cmp(got) != 0 {
			r.problem("refund %s is %s of %s, but %s is booked", id, state, amount, got)
		}
		delete(booked, id)
		if state != "rejected" {
			if standing[payment]++; standing[payment] > 1 {
				r.problem("payment %s is refunded %d times", payment, standing[payment])
			}
		}
		return nil
	})
	for id, sum := range booked {
		r.problem("%s is booked for refund %s, which is not there", sum, id)
	}
	return err
}

// bookedFor adds up what causes of a kind have moved on merchants' accounts, by cause.
func (db *DB) bookedFor(ctx context.Context, kind string) (map[string]*big.Int, error) {
	booked := map[string]*big.Int{}
	return booked, db.each(ctx, "SELECT cause_id, amount_minor FROM audit_entries WHERE cause_kind = $1 AND account LIKE 'merchant:%'", []any{kind},
		func(rows *sql.Rows) error {
			var id, amount string
			if err := rows.Scan(&id, &amount); err != nil {
				return err
			}
			n, ok := new(big.Int).SetString(amount, 10)
			if !ok {
				return nil // told by I2
			}
			if booked[id] == nil {
				booked[id] = new(big.Int)
			}
			booked[id].Add(booked[id], n)
			return nil
		})
}

// uniqueRows is the rest of I3 and a part of I9: one row for each transfer.
func (db *DB) uniqueRows(ctx context.Context, r *Report) error {
	return db.each(ctx, "SELECT chain, txid, ordinal, COUNT(*) FROM audit_payments GROUP BY chain, txid, ordinal HAVING COUNT(*) > 1", nil,
		func(rows *sql.Rows) error {
			var network, txid string
			var ordinal, n int64
			err := rows.Scan(&network, &txid, &ordinal, &n)
			r.problem("I3: %s %s:%d stands %d times", network, txid, ordinal, n)
			return err
		})
}

// logsLegal is I6: state logs without gaps, of legal moves, ending in the current state, and out of an end only by a
// person, late money or a new price.
func (db *DB) logsLegal(ctx context.Context, r *Report) error {
	last := map[string]string{}
	count := map[string]int64{}
	err := db.each(ctx, "SELECT invoice_id, seq, from_state, to_state, cause_kind FROM audit_invoice_events ORDER BY invoice_id, seq", nil,
		func(rows *sql.Rows) error {
			var id, from, to, cause string
			var seq int64
			if err := rows.Scan(&id, &seq, &from, &to, &cause); err != nil {
				return err
			}
			count[id]++
			switch {
			case seq != count[id]:
				r.problem("I6: invoice %s: row %d stands at place %d", id, seq, count[id])
			case from != last[id]:
				r.problem("I6: invoice %s: row %d leaves %q, but it was %q", id, seq, from, last[id])
			case !invoice.Legal(invoice.State(from), invoice.State(to)):
				r.problem("I6: invoice %s: row %d moves from %q to %q", id, seq, from, to)
			case invoice.State(from).Ends() && !slices.Contains([]string{"manual", "late_policy", "requote"}, cause),
				cause == "requote" && invoice.State(from).Ends() && from != "expired":
				r.problem("I6: invoice %s: row %d leaves %s by %s", id, seq, from, cause)
			}
			last[id] = to
			return nil
		})
	if err != nil {
		return err
	}
	return db.each(ctx, "SELECT invoice_id, state FROM audit_invoices", nil, func(rows *sql.Rows) error {
		var id, state string
		if err := rows.Scan(&id, &state); err != nil {
			return err
		}
		if last[id] != state {
			r.problem("I6: invoice %s is %s, its log ends in %q", id, state, last[id])
		}
		return nil
	})
}

// eventsMatchLog is I7: one invoice.* event for each row of the state log, and none without.
func (db *DB) eventsMatchLog(ctx context.Context, r *Report) error {
	err := db.each(ctx, `SELECT l.invoice_id, l.seq, COUNT(e.event_id) FROM audit_invoice_events l
		LEFT JOIN audit_events e ON e.object_id = l.invoice_id AND e.object_seq = l.seq AND e.type LIKE 'invoice.%'
		GROUP BY l.invoice_id, l.seq HAVING COUNT(e.event_id) <> 1`, nil, func(rows *sql.Rows) error {
		var id string
		var seq, n int64
		err := rows.Scan(&id, &seq, &n)
		r.problem("I7: invoice %s: row %d has %d events", id, seq, n)
		return err
	})
	if err != nil {
		return err
	}
	return db.each(ctx, `SELECT e.event_id, e.type FROM audit_events e WHERE e.type LIKE 'invoice.%' AND NOT EXISTS
		(SELECT 1 FROM audit_invoice_events l WHERE l.invoice_id = e.object_id AND l.seq = e.object_seq)`, nil, func(rows *sql.Rows) error {
		var id, kind string
		err := rows.Scan(&id, &kind)
		r.problem("I7: event %s (%s) has no row in a state log", id, kind)
		return err
	})
}

// depositsTold is I7 for deposits: the last event of every payment to a deposit address says what the payment is. Nobody is told of
// dust.
func (db *DB) depositsTold(ctx context.Context, r *Report) error {
	told := map[string]string{
		"deposit.detected": "detected", "deposit.unmatched": "unmatched", "deposit.quarantined": "quarantined", "deposit.confirmed": "confirmed",
		"deposit.reverted": "reverted", "deposit.dropped": "dropped",
	}
	return db.each(ctx, `SELECT p.payment_id, p.state, COALESCE(e.type, '') FROM audit_payments p
		LEFT JOIN audit_events e ON e.object_id = p.payment_id
			AND e.object_seq = (SELECT MAX(l.object_seq) FROM audit_events l WHERE l.object_id = p.payment_id)
		WHERE p.owner_kind = 'deposit' AND p.state <> 'dust'`, nil, func(rows *sql.Rows) error {
		var id, state, last string
		if err := rows.Scan(&id, &state, &last); err != nil {
			return err
		}
		says := told[last]
		if set := state == "unmatched" || state == "quarantined"; says != state && (!set || says == "") { // their standing hides what the chain says
			r.problem("I7: deposit %s is %s, its last event is %q", id, state, last)
		}
		return nil
	})
}

// deliveriesOnce is the part of I8 the database can show: one id for each (object, sequence), one body for each id and
// endpoint, and nothing sent by the schedule after it was heard.
func (db *DB) deliveriesOnce(ctx context.Context, r *Report) error {
	err := db.each(ctx, "SELECT object_id, object_seq, COUNT(*) FROM audit_events GROUP BY object_id, object_seq HAVING COUNT(*) > 1", nil,
		func(rows *sql.Rows) error {
			var id string
			var seq, n int64
			err := rows.Scan(&id, &seq, &n)
			r.problem("I8: %s/%d has %d events", id, seq, n)
			return err
		})
	if err != nil {
		return err
	}
	body, heard := map[string]string{}, map[string]bool{}
	return db.each(ctx, "SELECT event_id, endpoint_id, attempt, kind, outcome, body_sha256 FROM audit_deliveries ORDER BY event_id, endpoint_id, attempt", nil,
		func(rows *sql.Rows) error {
			var ev, endpoint, kind, outcome, digest string
			var attempt int64
			if err := rows.Scan(&ev, &endpoint, &attempt, &kind, &outcome, &digest); err != nil {
				return err
			}
			key := ev + " to " + endpoint
			if was, ok := body[key]; ok && was != digest {
				r.problem("I8: event %s: attempt %d sent another body", key, attempt)
			}
			if heard[key] && kind == "auto" {
				r.problem("I8: event %s: attempt %d was made after it was heard", key, attempt)
			}
			body[key] = digest
			heard[key] = heard[key] || outcome == "ok"
			return nil
		})
}

// addressesOnce is I9: no address and no index of a key is used twice.
func (db *DB) addressesOnce(ctx context.Context, r *Report) error {
	for _, columns := range []string{"chain, address", "chain, xpub_fpr, derivation_index"} {
		err := db.each(ctx, "SELECT "+columns+", COUNT(*) FROM audit_addresses GROUP BY "+columns+" HAVING COUNT(*) > 1", nil,
			func(rows *sql.Rows) error {
				into := make([]any, strings.Count(columns, ",")+2)
				for i := range into {
					into[i] = new(any)
				}
				if err := rows.Scan(into...); err != nil {
					return err
				}
				text := []string{}
				for _, v := range into {
					text = append(text, fmt.Sprint(*v.(*any))) //nolint:forcetypeassert // made above
				}
				r.problem("I9: %s used again: %s", columns, strings.Join(text, " "))
				return nil
			})
		if err != nil {
			return err
		}
	}
	return nil
}
