package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"checkout/fault"
)

// ErrFenced says that the worker's lease went to another node.
var ErrFenced = fault.New(fault.Unavailable, "fenced", "Another node has taken this work over.")

// LeaseTime is how long a lease lasts without being renewed, RenewAfter how old it may grow before it is.
const (
	LeaseTime  = 15 * time.Second
	RenewAfter = 5 * time.Second
)

// Lease is the right to do one kind of work, with a fencing number that rises whenever it changes hands. Leases save
// work; unique keys and versions keep the data right without them.
type Lease struct {
	*DB
	Name   string
	Holder string // new at every start of a process

	fence   int64
	renewed time.Time
}

// Hold takes or renews the lease; false while another holder has it.
func (l *Lease) Hold(ctx context.Context) (bool, error) {
	if l.fence > 0 && l.Now().Sub(l.renewed) < RenewAfter {
		return true, nil
	}
	began := l.Now()
	var fence int64
	err := l.update(ctx, func(ctx context.Context, t *tx) error {
		now, err := t.now(ctx)
		if err != nil {
			return err
		}
		err = t.QueryRowContext(ctx, `INSERT INTO leases (name, holder, ends_at, fence) VALUES ($1, $2, $3, 1)
			ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, ends_at = excluded.ends_at,
				fence = leases.fence + CASE WHEN leases.holder = excluded.holder THEN 0 ELSE 1 END
			WHERE leases.ends_at < $4 OR leases.holder = excluded.holder RETURNING fence`,
			l.Name, l.Holder, millis(now.Add(LeaseTime)), millis(now)).Scan(&fence)
		if errors.Is(err, sql.ErrNoRows) {
			fence = 0
			return nil
		}
		return l.fail(err)
	})
	if err != nil {
		return false, err
	}
	l.fence, l.renewed = fence, began
	return fence > 0, nil
}

// Guard, first in a worker's transaction, refuses it if the lease went to another holder.
func (l *Lease) Guard(ctx context.Context) error {
	return l.update(ctx, func(ctx context.Context, t *tx) error {
		n, err := t.exec(ctx, "UPDATE leases SET ends_at = ends_at WHERE name = $1 AND holder = $2 AND fence = $3", l.Name, l.Holder, l.fence)
		if err == nil && n != 1 {
			return ErrFenced
		}
		return err
	})
}

// Release gives the lease back, so that another node need not wait for its end.
func (l *Lease) Release(ctx context.Context) error {
	return l.update(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, "UPDATE leases SET ends_at = 0 WHERE name = $1 AND holder = $2", l.Name, l.Holder)
		return err
	})
}
