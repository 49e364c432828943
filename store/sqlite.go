package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"checkout/fault"
)

// sqliteEngine has one writer connection, a pool of read-only ones, and a third that checkpoints off the write path.
type sqliteEngine struct {
	path       string
	write      *sql.DB
	read       *sql.DB
	parsed     *prepared // the readers' statements
	checkpoint *sql.DB
	lock       *os.File
	writer     *writer
	stop       context.CancelFunc
	done       chan struct{}
}

// oldest is the first SQLite version without the WAL corruption of 3.7.0 to 3.51.2 (two connections that write and
// checkpoint at once).
const oldest = "3.51.3"

// walCeiling is the size of the write-ahead log, in pages of 4 KiB, above which readers may be waited for.
const walCeiling = 16_000

// ErrInUse says that another process already serves the file.
var ErrInUse = fault.New(fault.Unavailable, "db_in_use", "Another checkout already serves this database file.").At("db")

func openSQLite(ctx context.Context, path string, cfg Config) (*sqliteEngine, error) {
	if path == "" {
		return nil, fault.New(fault.Invalid, "db", "sqlite: needs the path of a file.").At("db")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("folder of the database: %w", err)
	}
	// The file is made here, so that nobody else can read it: SQLite would use the umask's mode.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the operator names the path
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	e := &sqliteEngine{path: path}
	if cfg.Serve {
		if e.lock, err = lockFile(path + ".lock"); err != nil {
			return nil, err
		}
	}
	if err := e.connect(ctx); err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}

// lockFile takes the right to serve the file; the system gives it back when the process ends, however it ends.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // beside the database the operator names
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(ErrInUse, f.Close())
	}
	return f, nil
}

func (e *sqliteEngine) connect(ctx context.Context) error {
	file := "file:" + (&url.URL{Path: e.path}).EscapedPath()
	var err error
	if e.write, err = sql.Open("sqlite", file+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"+
		"&_pragma=foreign_keys(1)&_pragma=wal_autocheckpoint(0)&_pragma=cache_size(-32000)&_txlock=immediate"); err != nil {
		return err
	}
	e.write.SetMaxOpenConns(1)
	if err := e.write.PingContext(ctx); err != nil {
		return fmt.Errorf("database %s: %w", e.path, err)
	}
	if e.read, err = sql.Open("sqlite", file+"?_pragma=busy_timeout(5000)&_pragma=query_only(1)&_pragma=cache_size(-32000)"); err != nil {
		return err
	}
	e.read.SetMaxOpenConns(4)
	e.read.SetMaxIdleConns(4)
	e.parsed = newPrepared(e.read)
	if e.checkpoint, err = sql.Open("sqlite", file+"?_pragma=busy_timeout(1000)"); err != nil {
		return err
	}
	e.checkpoint.SetMaxOpenConns(1)
	e.writer = newWriter(e.write)
	run, stop := context.WithCancel(context.Background())
	e.stop, e.done = stop, make(chan struct{})
	go e.checkpoints(run)
	return nil
}

// checkpoints moves the write-ahead log into the file every second: passively, so that nobody waits, unless it has
// outgrown its ceiling.
func (e *sqliteEngine) checkpoints(ctx context.Context) {
	defer close(e.done)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var busy, pages, moved int64
		mode := "PASSIVE"
		if info, err := os.Stat(e.path + "-wal"); err == nil && info.Size() > walCeiling*4096 {
			mode = "RESTART"
		}
		// A failure only means a longer log; the next tick tries again.
		_ = e.checkpoint.QueryRowContext(ctx, "PRAGMA wal_checkpoint("+mode+")").Scan(&busy, &pages, &moved)
	}
}

func (e *sqliteEngine) name() string { return "sqlite" }

func (e *sqliteEngine) reader() querier { return readers{e.read, e.parsed} }

func (e *sqliteEngine) apart(ctx context.Context, db *DB, body func(tx *tx) error) error {
	return e.run(ctx, db, body)
}

func (e *sqliteEngine) oneWriter() bool { return true }

func (e *sqliteEngine) migrator() (*sql.DB, migration) {
	return e.write, migration{dialect: dialectSQLite, kept: "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'goose_db_version'"}
}

func (e *sqliteEngine) run(ctx context.Context, db *DB, body func(tx *tx) error) error {
	return e.writer.do(ctx, db, body)
}

func (e *sqliteEngine) clock(_ context.Context, _ *sql.Tx, now func() time.Time) (time.Time, error) {
	return now(), nil
}

// check reads the pragmas back: a setting that did not take is worse than none.
func (e *sqliteEngine) check(ctx context.Context) error {
	var version string
	if err := e.write.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&version); err != nil {
		return e.classify(err)
	}
	if older(version, oldest) {
		return fmt.Errorf("SQLite %s can corrupt a database; %s is the oldest that may be used", version, oldest)
	}
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
		var got string
		if err := e.write.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(&got); err != nil {
			return e.classify(err)
		}
		if got != want {
			return fmt.Errorf("SQLite: %s is %q, must be %q", pragma, got, want)
		}
	}
	return nil
}

func older(a, b string) bool {
	var x, y [3]int
	_, _ = fmt.Sscanf(a, "%d.%d.%d", &x[0], &x[1], &x[2])
	_, _ = fmt.Sscanf(b, "%d.%d.%d", &y[0], &y[1], &y[2])
	for i := range x {
		if x[i] != y[i] {
			return x[i] < y[i]
		}
	}
	return false
}

// classify reads SQLite's result codes (sqlite.org/rescode.html).
func (e *sqliteEngine) classify(err error) error {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	se, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return err
	}
	switch se.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return fmt.Errorf("%w: %w", errDuplicate, err)
	}
	switch se.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return ErrBusy.Because(err)
	case sqlite3.SQLITE_FULL:
		return ErrFull.Because(err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN:
		return ErrStorage.Because(err)
	}
	return err
}

func (e *sqliteEngine) integrity() []integrity {
	return []integrity{
		{"integrity_check", "PRAGMA integrity_check", "ok"},
		{"foreign_key_check", "PRAGMA foreign_key_check", "(no row at all)"},
	}
}

func (e *sqliteEngine) guards(table string) []string {
	var list []string
	for _, verb := range []string{"UPDATE", "DELETE"} {
		list = append(list, fmt.Sprintf(
			"CREATE TRIGGER IF NOT EXISTS %s_no_%s BEFORE %s ON %s BEGIN SELECT RAISE(ABORT, '%s is append-only'); END",
			table, strings.ToLower(verb), verb, table, table))
	}
	return list
}

func (e *sqliteEngine) guarding(table string) []string {
	return []string{table + "_no_update", table + "_no_delete"}
}

func (e *sqliteEngine) triggers() string {
	return "SELECT name FROM sqlite_master WHERE type = 'trigger'"
}

// snapshot needs no more than a transaction: a reader of the write-ahead log sees the commit it began at.
func (e *sqliteEngine) snapshot(ctx context.Context, db *DB, body func(tx *tx) error) error {
	sqlTx, err := e.read.BeginTx(ctx, nil)
	if err != nil {
		return db.fail(err)
	}
	defer func() {
		_ = sqlTx.Rollback() // nothing was written
		e.parsed.fill(ctx)
	}()
	return body(&tx{Tx: sqlTx, db: db, stmts: e.parsed})
}

func (e *sqliteEngine) failed() <-chan struct{} { return e.writer.dead }

func (e *sqliteEngine) close() error {
	if e.writer != nil {
		e.writer.close()
	}
	if e.stop != nil {
		e.stop()
		<-e.done
	}
	if e.parsed != nil {
		e.parsed.close()
	}
	var errs []error
	for _, db := range []*sql.DB{e.read, e.checkpoint, e.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if e.lock != nil {
		errs = append(errs, e.lock.Close())
	}
	return errors.Join(errs...)
}
