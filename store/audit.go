package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"checkout/audit"
	"checkout/event"
	"checkout/ident"
	"checkout/ledger"
)

// Report is what a verification found.
type Report struct {
	Rows     int64    `json:"rows"`
	Streams  int64    `json:"streams"`
	Problems []string `json:"problems"`

	marks map[string]audit.Mark // of an anchor, still to be met
}

// maxProblems bounds a report: the first ones tell enough.
const maxProblems = 50

func (r *Report) problem(format string, args ...any) {
	if len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
	}
}

// Verify walks every hash chain from its first row to its head, lets the engine check its file, and checks the
// invariants of the audit views. A sound database gives a report without problems. marks are those of an anchor: every
// one must still be there.
func (db *DB) Verify(ctx context.Context, marks ...audit.Mark) (Report, error) {
	r := Report{marks: map[string]audit.Mark{}}
	for _, m := range marks {
		r.marks[m.Stream] = m
	}
	if err := db.verifyFile(ctx, &r); err != nil {
		return r, err
	}
	// Rows and where chains end are read at one instant: a database that is written to is sound at every one of them.
	err := db.look(ctx, func(ctx context.Context) error {
		for _, walk := range []func(context.Context, *Report) error{
			db.verifyGuards, db.verifyLog, db.verifyEvents, db.verifyLegs, db.verifyDeliveries, db.verifyInvariants,
		} {
			if err := walk(ctx, &r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return r, err
	}
	for _, stream := range slices.Sorted(maps.Keys(r.marks)) {
		r.problem("%s: place %d of the anchor is not there", stream, r.marks[stream].Seq)
	}
	return r, nil
}

// met holds a row against the anchor.
func (r *Report) met(row audit.Row) {
	m, marked := r.marks[row.Stream]
	if !marked || m.Seq != row.Seq {
		return
	}
	delete(r.marks, row.Stream)
	if m.Hash != row.Hash {
		r.problem("%s: another one than the anchor's", row.Name)
	}
}

// walk verifies one table, whose streams' names begin with prefix. scan reads a row.
func (db *DB) walk(ctx context.Context, r *Report, query string, scan func(*sql.Rows) (audit.Row, error), prefix string) error {
	v := db.chain.NewVerifier()
	bad := map[string]bool{}
	err := db.each(ctx, query, nil, func(rows *sql.Rows) error {
		row, err := scan(rows)
		if err != nil {
			return err
		}
		r.Rows++
		r.met(row)
		if !bad[row.Stream] {
			if err := v.Next(row); err != nil {
				bad[row.Stream] = true // what follows a broken link cannot fit either
				r.problem("%v", err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	seen := v.Streams()
	r.Streams += int64(len(seen))
	err = db.heads(ctx, prefix, func(m audit.Mark, seal string) error {
		delete(seen, m.Stream)
		if !bad[m.Stream] {
			if err := v.End(m.Stream, m.Seq, m.Hash); err != nil {
				r.problem("%v", err)
			}
		}
		if !db.sealFits(m, seal) {
			r.problem("%s: its end was moved", m.Stream)
		}
		return nil
	})
	for stream := range seen {
		r.problem("%s: rows without the object they belong to", stream)
	}
	return err
}

func (db *DB) verifyLog(ctx context.Context, r *Report) error {
	return db.walk(ctx, r, `SELECT invoice_id, seq, from_state, to_state, amount_state, flags, reason, cause_kind, cause_id, actor, at, prev_hash, hash
		FROM invoice_events ORDER BY invoice_id, seq`, func(rows *sql.Rows) (audit.Row, error) {
		var id, from, to, amount, flags, reason, kind, cause, actor, prev, hash string
		var seq, at int64
		err := rows.Scan(&id, &seq, &from, &to, &amount, &flags, &reason, &kind, &cause, &actor, &at, &prev, &hash)
		return audit.Row{
			Name: fmt.Sprintf("state log of invoice %s, row %d", id, seq), Stream: logStream(ident.ID(id)), Seq: seq, Prev: prev, Hash: hash,
			Cols: []string{from, to, amount, flags, reason, kind, cause, actor, strconv.FormatInt(at, 10)},
		}, err
	}, "log ")
}

func (db *DB) verifyEvents(ctx context.Context, r *Report) error {
	return db.walk(ctx, r, "SELECT "+eventColumns+", e.data_sha256, e.prev_hash, e.hash FROM events e ORDER BY e.stream_id, e.stream_seq",
		func(rows *sql.Rows) (audit.Row, error) {
			var digest, prev, hash string
			e, err := scanEvent(rows, &digest, &prev, &hash)
			if err != nil {
				return audit.Row{}, err
			}
			sum := sha256.Sum256(e.Data)
			return audit.Row{
				Name: fmt.Sprintf("event %s of %s", e.ID, e.Stream), Stream: eventStream(e.Stream), Seq: e.StreamSeq, Prev: prev, Hash: hash,
				Cols: verifiedEvent(e, hex.EncodeToString(sum[:]), digest),
			}, nil
		}, "events ")
}

// verifiedEvent is the event's row with the digest of its data as it is now, so that changed data breaks the link; a
// changed digest column does so as well.
func verifiedEvent(e event.Event, computed, stored string) []string {
	if computed != stored {
		return eventRow(e, "data and digest differ")
	}
	return eventRow(e, stored)
}

func (db *DB) verifyLegs(ctx context.Context, r *Report) error {
	return db.walk(ctx, r, `SELECT l.stream, l.seq, l.entry_id, COALESCE(e.cause_kind, ''), COALESCE(e.cause_id, ''), COALESCE(e.kind, ''),
			COALESCE(e.epoch, 0), COALESCE(e.at, 0), l.account, l.asset, l.amount, l.prev_hash, l.hash
		FROM entry_legs l LEFT JOIN entries e ON e.id = l.entry_id ORDER BY l.stream, l.seq`,
		func(rows *sql.Rows) (audit.Row, error) {
			var stream, asset, amount, prev, hash string
			var id ident.ID
			var e ledger.Entry
			var account ledger.Account
			var seq, at int64
			err := rows.Scan(&stream, &seq, &id, &e.CauseKind, &e.CauseID, &e.Kind, &e.Epoch, &at, &account, &asset, &amount, &prev, &hash)
			return audit.Row{
				Name: fmt.Sprintf("ledger leg %d of %s", seq, stream), Stream: legStream(stream), Seq: seq, Prev: prev, Hash: hash,
				Cols: legRow(id, e, at, account, asset, amount),
			}, err
		}, "legs ")
}

func (db *DB) verifyDeliveries(ctx context.Context, r *Report) error {
	return db.walk(ctx, r, `SELECT outbox_id, attempt, event_id, endpoint_id, kind, outcome, status_code, answer, body_sha256, at, duration_ms,
		prev_hash, hash FROM deliveries ORDER BY outbox_id, attempt`, func(rows *sql.Rows) (audit.Row, error) {
		var outbox, kind, outcome, answer, body, prev, hash string
		var ev, endpoint ident.ID
		var attempt, status, at, took int64
		err := rows.Scan(&outbox, &attempt, &ev, &endpoint, &kind, &outcome, &status, &answer, &body, &at, &took, &prev, &hash)
		return audit.Row{
			Name: fmt.Sprintf("delivery %s, attempt %d", outbox, attempt), Stream: deliveryStream(ident.ID(outbox)), Seq: attempt, Prev: prev, Hash: hash,
			Cols: deliveryRow(ev, endpoint, kind, outcome, status, answer, body, at, took),
		}, err
	}, "deliveries ")
}

// verifyGuards wants every append-only table guarded.
func (db *DB) verifyGuards(ctx context.Context, r *Report) error {
	missing, err := db.unguarded(ctx)
	for _, name := range missing {
		r.problem("the guard %s is gone", name)
	}
	return err
}

func (db *DB) verifyFile(ctx context.Context, r *Report) error {
	for _, check := range db.engine.integrity() {
		err := db.each(ctx, check.query, nil, func(rows *sql.Rows) error {
			var text string
			cols, err := rows.Columns()
			if err != nil {
				return err
			}
			into := make([]any, len(cols))
			into[0] = &text
			for i := 1; i < len(into); i++ {
				into[i] = new(any)
			}
			if err := rows.Scan(into...); err != nil {
				return err
			}
			if text != check.sound {
				r.problem("%s: %s", check.name, text)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// integrity is a check of the engine itself: a query, and the only answer a sound file gives.
type integrity struct{ name, query, sound string }
