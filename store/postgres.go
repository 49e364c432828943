package store

import (
	"context"
	"crypto/tls"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"checkout/fault"
)

// postgresEngine runs every transaction serializable and repeats it whole when PostgreSQL says that it collided.
type postgresEngine struct {
	pool *sql.DB // transactions
	// read and numbers have connections of their own: a transaction that reads beside itself, or draws a number, must not
	// wait for a connection that only another such transaction could give back.
	read    *sql.DB
	numbers *sql.DB
	lane    chan struct{} // for repetitions
	shift   func() time.Duration
}

func openPostgres(ctx context.Context, dsn string, shift func() time.Duration) (*postgresEngine, error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		// The parser's error may quote the password.
		return nil, fault.New(fault.Invalid, "db", "The PostgreSQL address cannot be read.").At("db")
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "checkout"
	}
	pool := func(most int) *sql.DB {
		p := stdlib.OpenDB(*cfg)
		p.SetMaxOpenConns(most)
		p.SetMaxIdleConns(max(1, most/2))
		p.SetConnMaxIdleTime(5 * time.Minute)
		return p
	}
	e := &postgresEngine{pool: pool(16), read: pool(8), numbers: pool(1), lane: make(chan struct{}, 1), shift: shift}
	ping, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := e.pool.PingContext(ping); err != nil {
		return nil, errors.Join(fault.New(fault.Unavailable, "db_unreachable", "No connection to PostgreSQL.").At("db").Because(whyNot(err)), e.close())
	}
	return e, nil
}

// whyNot says in a few words why no connection came about. The driver's own error takes several lines and repeats parts of
// the address, and in one that was mistyped any part may be the password.
func whyNot(err error) error {
	if pe, said := errors.AsType[*pgconn.PgError](err); said {
		switch pe.Code {
		case "28P01", "28000":
			return errors.New("user or password refused")
		case "3D000":
			return errors.New("no such database")
		}
		return errors.New("SQLSTATE " + pe.Code)
	}
	_, unknown := errors.AsType[*net.DNSError](err)
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case unknown:
		return errors.New("no such host")
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("connection refused")
	case untrusted:
		return errors.New("certificate not trusted")
	case strings.Contains(err.Error(), "server refused TLS connection"): // pgx has no name for it
		return errors.New("no TLS there")
	case pgconn.Timeout(err), errors.Is(err, context.DeadlineExceeded):
		return errors.New("timeout")
	}
	return errors.New("connection failed")
}

func (e *postgresEngine) name() string { return "postgres" }

func (e *postgresEngine) reader() querier { return e.read }

func (e *postgresEngine) oneWriter() bool { return false }

func (e *postgresEngine) apart(ctx context.Context, db *DB, body func(tx *tx) error) error {
	err := e.try(ctx, e.numbers, db, body)
	if collided(err) {
		return e.repeat(ctx, e.numbers, db, body)
	}
	return err
}

func (e *postgresEngine) migrator() (*sql.DB, migration) {
	return e.pool, migration{
		dialect: dialectPostgres, lock: true,
		kept: "SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'goose_db_version'",
	}
}

// run executes a body. Those that collide queue up and are repeated one at a time: however many want the same row (the
// next index of a wallet), in one process each collides once.
func (e *postgresEngine) run(ctx context.Context, db *DB, body func(tx *tx) error) error {
	err := e.try(ctx, e.pool, db, body)
	if !collided(err) {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case e.lane <- struct{}{}:
	}
	defer func() { <-e.lane }()
	return e.repeat(ctx, e.pool, db, body)
}

// repeat runs a body that has collided once until it does not, as often as is reasonable.
func (e *postgresEngine) repeat(ctx context.Context, pool *sql.DB, db *DB, body func(tx *tx) error) error {
	for n := 2; ; n++ {
		err := e.try(ctx, pool, db, body)
		if !collided(err) {
			return err
		}
		if n == attempts {
			return ErrBusy.Because(err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(backoff(n)):
		}
	}
}

func (e *postgresEngine) try(ctx context.Context, pool *sql.DB, db *DB, body func(tx *tx) error) error {
	sqlTx, err := pool.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable})
	if err != nil {
		return e.classify(err)
	}
	t := &tx{Tx: sqlTx, db: db}
	if err := guardPanic(func() error { return body(t) }); err != nil {
		return errors.Join(err, ignoreDone(sqlTx.Rollback()))
	}
	if err := sqlTx.Commit(); err != nil {
		if collided(err) {
			return err
		}
		if _, said := errors.AsType[*pgconn.PgError](err); !said {
			return ErrUnsure.Because(err) // the connection broke: only a look can tell
		}
		return e.classify(err)
	}
	for _, f := range t.after {
		f()
	}
	return nil
}

// collided says whether PostgreSQL asks for the transaction to be repeated: serialization failure or deadlock.
func collided(err error) bool {
	pe, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pe.Code == "40001" || pe.Code == "40P01")
}

// classify reads SQLSTATE (postgresql.org, appendix A). A collision stays what it is: run repeats it.
func (e *postgresEngine) classify(err error) error {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	pe, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		if cut(err) {
			return ErrBusy.Because(err)
		}
		return err
	}
	switch {
	case pe.Code == "23505":
		return fmt.Errorf("%w: %w", errDuplicate, err)
	case pe.Code == "57014" || pe.Code == "55P03" || pe.Code[:2] == "08" || pe.Code == "57P01" || pe.Code == "57P03" || pe.Code == "25006":
		return ErrBusy.Because(err)
	case pe.Code[:2] == "53":
		return ErrFull.Because(err)
	}
	return err
}

// cut says whether the connection is what failed.
func cut(err error) bool {
	if _, refused := errors.AsType[*pgconn.ConnectError](err); refused {
		return true
	}
	_, network := errors.AsType[net.Error](err)
	return network || pgconn.Timeout(err) || pgconn.SafeToRetry(err) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || strings.HasSuffix(err.Error(), "conn closed") // pgx has no name for it
}

func (e *postgresEngine) clock(ctx context.Context, t *sql.Tx, _ func() time.Time) (time.Time, error) {
	var ms int64
	err := t.QueryRowContext(ctx, "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)").Scan(&ms)
	at := time.UnixMilli(ms)
	if e.shift != nil {
		at = at.Add(e.shift())
	}
	return at, err
}

// check asserts that an acknowledged commit is durable.
func (e *postgresEngine) check(ctx context.Context) error {
	for setting, bad := range map[string]string{"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"} {
		var got string
		if err := e.pool.QueryRowContext(ctx, "SELECT current_setting($1)", setting).Scan(&got); err != nil {
			return e.classify(err)
		}
		if got == bad {
			return fmt.Errorf("PostgreSQL: %s is %s, acknowledged invoices could be lost", setting, got)
		}
	}
	return nil
}

// integrity has nothing to ask: PostgreSQL checks its pages as it reads them, if it was set up with checksums.
func (e *postgresEngine) integrity() []integrity { return nil }

// referenced are append-only tables other rows refer to. To check a reference PostgreSQL locks the row it names, which
// takes the right to update some column of it; the trigger still refuses to.
var referenced = map[string]bool{"events": true, "entries": true} //nolint:gochecknoglobals // a constant

func (e *postgresEngine) guards(table string) []string {
	list := []string{
		fmt.Sprintf("CREATE OR REPLACE FUNCTION %s_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '%s is append-only' USING ERRCODE = '42501'; END $$", table, table),
		fmt.Sprintf("CREATE OR REPLACE TRIGGER %s_no_change BEFORE UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION %s_append_only()", table, table, table),
		fmt.Sprintf("CREATE OR REPLACE TRIGGER %s_no_truncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION %s_append_only()", table, table, table),
		fmt.Sprintf("REVOKE UPDATE, DELETE, TRUNCATE ON %s FROM CURRENT_USER", table),
	}
	if referenced[table] {
		list = append(list, fmt.Sprintf("GRANT UPDATE (id) ON %s TO CURRENT_USER", table))
	}
	return list
}

func (e *postgresEngine) guarding(table string) []string {
	return []string{table + "_no_change", table + "_no_truncate"}
}

func (e *postgresEngine) triggers() string {
	return `SELECT CAST(t.tgname AS TEXT) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
		WHERE t.tgenabled <> 'D' AND NOT t.tgisinternal AND c.relnamespace = to_regnamespace(current_schema())`
}

func (e *postgresEngine) snapshot(ctx context.Context, db *DB, body func(tx *tx) error) error {
	sqlTx, err := e.read.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return db.fail(err)
	}
	defer func() { _ = sqlTx.Rollback() }() // nothing was written
	return body(&tx{Tx: sqlTx, db: db})
}

// failed never comes: PostgreSQL ends itself when its disk fails.
func (e *postgresEngine) failed() <-chan struct{} { return nil }

func (e *postgresEngine) close() error {
	return errors.Join(e.pool.Close(), e.read.Close(), e.numbers.Close())
}
