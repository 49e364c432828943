package store

import (
	"context"
	"errors"

	"checkout/fault"
)

// Apart runs f under a savepoint of its own in the transaction of ctx: what f refuses is taken back alone, and the
// transaction goes on. refused is f's own no, a panic included. err is trouble of the transaction itself: the engine
// wants it repeated, or does not answer, or f says that nothing can be had now. Whoever gets it must end the transaction
// with it.
func (db *DB) Apart(ctx context.Context, f func(ctx context.Context) error) (refused, err error) {
	err = db.update(ctx, func(ctx context.Context, t *tx) error {
		refused = nil
		if _, err := t.exec(ctx, "SAVEPOINT part"); err != nil {
			return err
		}
		told := len(t.after)
		no := guardPanic(func() error { return f(ctx) })
		if no != nil {
			if ends(ctx, no) {
				return no
			}
			refused, t.after = no, t.after[:told]
			if _, err := t.exec(ctx, "ROLLBACK TO SAVEPOINT part"); err != nil {
				return err
			}
		}
		_, err := t.exec(ctx, "RELEASE SAVEPOINT part")
		return err
	})
	if err != nil {
		return nil, err
	}
	return refused, nil
}

// ends says whether an error is about the whole transaction and not about what was done in a part of it.
func ends(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || collided(err) ||
		fault.Of(err).Kind == fault.Unavailable
}
