// Package store keeps everything, in SQLite or PostgreSQL, from one SQL text.
//
// The common tongue: no now() (pass the instant), no FOR UPDATE, no arrays or JSON operators, no auto-increment, no
// nullable columns, no LIKE on user text without a lowered column, no bare $1 IS NULL. Only TEXT, BIGINT and BOOLEAN.
// What differs between the engines stands in sqlite.go and postgres.go and nowhere else.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"checkout/audit"
	"checkout/fault"
	"checkout/ident"
	"checkout/seal"
)

// The faults of the store.
var (
	ErrBusy      = fault.New(fault.Unavailable, "busy", "The service is busy. Please try again.").In(time.Second)
	ErrFull      = fault.New(fault.Unavailable, "storage_full", "The storage is full.").In(time.Minute)
	ErrStorage   = fault.New(fault.Unavailable, "storage_failed", "The storage has failed.").In(time.Minute)
	ErrUnsure    = fault.New(fault.Unavailable, "commit_unknown", "It is not known whether the change was kept. Please look before you repeat it.").In(time.Second)
	ErrClosed    = fault.New(fault.Unavailable, "closed", "The service is stopping.")
	ErrStale     = fault.New(fault.Conflict, "version_moved", "The object was changed meanwhile.")
	errDuplicate = errors.New("store: duplicate")
)

// Config is what a store needs.
type Config struct {
	// DSN is "sqlite:PATH" or "postgres://…".
	DSN    string
	Box    *seal.Box
	Random io.Reader
	Now    func() time.Time
	Log    *slog.Logger
	// Shift is added to the clock of a database that has one of its own; nil: nothing. Tests let time pass with it and Now.
	Shift func() time.Duration
	// Serve marks the process that serves: on SQLite only one may at a time.
	Serve bool
	// Changed is told of every invoice after a commit that changed it.
	Changed func(id ident.ID, version int64)
	// Page is the number of rows a page of a listing has; 0: 100. Tests use 3, so that paging is always exercised.
	Page int
}

// DB is an open store.
type DB struct {
	Config
	engine engine
	chain  *audit.Chain

	numbers numberRange
}

// engine is what differs between SQLite and PostgreSQL.
type engine interface {
	name() string
	// run executes a body in a transaction: committed if it returns nil, and repeated if the engine says so.
	run(ctx context.Context, db *DB, body func(tx *tx) error) error
	reader() querier
	// classify turns a driver's error into errDuplicate, a fault, or itself.
	classify(err error) error
	// clock is the engine's reading of now.
	clock(ctx context.Context, tx *sql.Tx, now func() time.Time) (time.Time, error)
	migrator() (*sql.DB, migration)
	// guards is the SQL that makes a table append-only.
	guards(table string) []string
	// guarding names the triggers that make it so, and triggers is the query for the names of all there are.
	guarding(table string) []string
	triggers() string
	// snapshot runs a body that only reads, all of it at one instant.
	snapshot(ctx context.Context, db *DB, body func(tx *tx) error) error
	// oneWriter says that this process is the only one that writes: its clock is the clock, and its transactions draw
	// numbers themselves.
	oneWriter() bool
	// apart runs a body in a transaction of its own even inside another one, so that writers do not wait for each other's
	// numbers. Engines with one writer have no use for it.
	apart(ctx context.Context, db *DB, body func(tx *tx) error) error
	// check asserts what the engine must promise (versions, pragmas).
	check(ctx context.Context) error
	integrity() []integrity
	// failed is closed when what was written may not be on the disk.
	failed() <-chan struct{}
	close() error
}

// Open connects, checks what the engine promises, and refuses a database of a newer schema. It does not migrate.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	if cfg.Page == 0 {
		cfg.Page = 100
	}
	db := &DB{Config: cfg, chain: audit.NewChain(cfg.Box.Derive("audit chain"))}
	var err error
	switch {
	case strings.HasPrefix(cfg.DSN, "sqlite:"):
		db.engine, err = openSQLite(ctx, strings.TrimPrefix(cfg.DSN, "sqlite:"), cfg)
	case strings.HasPrefix(cfg.DSN, "postgres://"), strings.HasPrefix(cfg.DSN, "postgresql://"):
		db.engine, err = openPostgres(ctx, cfg.DSN, cfg.Shift)
	default:
		return nil, fault.New(fault.Invalid, "db", "The database must be sqlite:PATH or postgres://…").At("db")
	}
	if err != nil {
		return nil, err
	}
	if err := db.engine.check(ctx); err != nil {
		return nil, errors.Join(err, db.engine.close())
	}
	return db, nil
}

// Close waits for what is being written and closes.
func (db *DB) Close() error { return db.engine.close() }

// Ping says whether the store answers.
func (db *DB) Ping(ctx context.Context) error {
	var one int64
	return db.fail(db.engine.reader().QueryRowContext(ctx, "SELECT 1").Scan(&one))
}

// tx is a transaction with its one clock reading.
type tx struct {
	*sql.Tx
	db     *DB
	at     time.Time
	after  []func()  // run after the commit
	stmts  *prepared // nil: the driver keeps them
	shared bool      // with other callers: no single one's context may end it
}

// now is the transaction's clock, read once.
func (t *tx) now(ctx context.Context) (time.Time, error) {
	if t.at.IsZero() {
		at, err := t.db.engine.clock(ctx, t.Tx, t.db.Now)
		if err != nil {
			return time.Time{}, t.db.fail(err)
		}
		t.at = at.UTC().Truncate(time.Millisecond)
	}
	return t.at, nil
}

type txKey struct{}

func joined(ctx context.Context, db *DB) (*tx, bool) {
	t, ok := ctx.Value(txKey{}).(*tx)
	return t, ok && t.db == db
}

// Together runs f in one transaction. Store calls made with the context it is given join it; so does Together itself.
// f may run more than once.
func (db *DB) Together(ctx context.Context, f func(ctx context.Context) error) error {
	return db.update(ctx, func(ctx context.Context, _ *tx) error { return f(ctx) })
}

// update runs a body in the transaction of ctx, or in one of its own. Bodies must be repeatable.
func (db *DB) update(ctx context.Context, body func(ctx context.Context, tx *tx) error) error {
	if t, ok := joined(ctx, db); ok {
		return body(ctx, t)
	}
	return db.engine.run(ctx, db, func(t *tx) error {
		inner := ctx
		if t.shared {
			inner = context.WithoutCancel(ctx)
		}
		return body(context.WithValue(inner, txKey{}, t), t)
	})
}

// aside leaves the transaction of ctx: what is read with it is what others have committed. For questions whose answer only
// grows, so that a long transaction asking them does not stand in the way of those who write what it read.
func aside(ctx context.Context) context.Context { return context.WithValue(ctx, txKey{}, nil) }

// look runs a body that only reads, in the transaction of ctx or at one instant of its own.
func (db *DB) look(ctx context.Context, body func(ctx context.Context) error) error {
	if _, ok := joined(ctx, db); ok {
		return body(ctx)
	}
	return db.engine.snapshot(ctx, db, func(t *tx) error { return body(context.WithValue(ctx, txKey{}, t)) })
}

// Failed is closed when the storage failed under a write: what was written may not be kept, and only a new start can tell.
func (db *DB) Failed() <-chan struct{} { return db.engine.failed() }

// querier is what reads.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// from is where to read: the transaction of ctx, else the pool of readers.
func (db *DB) from(ctx context.Context) querier {
	if t, ok := joined(ctx, db); ok {
		return t
	}
	return db.engine.reader()
}

// fail gives a driver's error its kind.
func (db *DB) fail(err error) error {
	if err == nil || errors.Is(err, sql.ErrNoRows) || errors.Is(err, context.Canceled) {
		return err
	}
	return db.engine.classify(err)
}

// exec runs a statement and says how many rows it touched.
func (t *tx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := t.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, t.db.fail(err)
	}
	n, err := res.RowsAffected()
	return n, err
}

// one runs a statement that must touch exactly one row; ErrStale if it does not.
func (t *tx) one(ctx context.Context, query string, args ...any) error {
	n, err := t.exec(ctx, query, args...)
	if err == nil && n != 1 {
		return ErrStale.Because(fmt.Errorf("%d rows for %.60s", n, query))
	}
	return err
}

// each runs scan for every row of a query.
func (db *DB) each(ctx context.Context, query string, args []any, scan func(rows *sql.Rows) error) error {
	rows, err := db.from(ctx).QueryContext(ctx, query, args...)
	if err != nil {
		return db.fail(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return db.fail(rows.Err())
}

// attempts is how often a transaction is repeated when the engine says so.
const attempts = 5

// backoff is a jittered wait before attempt n (from 1).
func backoff(n int) time.Duration {
	base := time.Duration(1<<n) * 5 * time.Millisecond
	return base/2 + time.Duration(rand.Int64N(int64(base))) //nolint:gosec // jitter needs no secrecy
}

// millis writes an instant; zero is 0.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// instant reads what millis wrote.
func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// numberRange hands out numbers drawn from the counter in blocks.
type numberRange struct {
	mu        sync.Mutex
	next, end int64
}

const numberBlock = 64

// Number draws a number of the installation: unique, with gaps, at most 2147483647, and growing as long as one node draws
// them; nodes on PostgreSQL draw blocks of their own.
func (db *DB) Number(ctx context.Context) (int64, error) {
	if db.engine.oneWriter() {
		return db.drawn(ctx)
	}
	db.numbers.mu.Lock()
	defer db.numbers.mu.Unlock()
	if db.numbers.next >= db.numbers.end {
		var end int64
		err := db.engine.apart(ctx, db, func(t *tx) error {
			return db.fail(t.QueryRowContext(ctx, "UPDATE counters SET value = value + $1 WHERE name = 'number' RETURNING value", numberBlock).Scan(&end))
		})
		if err != nil {
			return 0, err
		}
		db.numbers.next, db.numbers.end = end-numberBlock, end
	}
	db.numbers.next++
	return db.numbers.next, bounded(db.numbers.next, nil)
}

// drawn takes one number in the transaction at hand.
func (db *DB) drawn(ctx context.Context) (int64, error) {
	var n int64
	err := db.update(ctx, func(ctx context.Context, t *tx) error {
		return db.fail(t.QueryRowContext(ctx, "UPDATE counters SET value = value + 1 WHERE name = 'number' RETURNING value").Scan(&n))
	})
	return n, bounded(n, err)
}

func bounded(n int64, err error) error {
	if err == nil && n > 1<<31-1 {
		return fault.New(fault.Unavailable, "numbers_exhausted", "This installation has no numbers left.")
	}
	return err
}
