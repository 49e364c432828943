package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"

	"checkout/fault"
	"checkout/seal"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// ErrNewer says that the database was written by a newer version of this program.
var ErrNewer = fault.New(fault.Conflict, "schema_newer", "The database belongs to a newer version of checkout; this one refuses to touch it.")

// ErrEdited says that a released migration is not what it was when it ran.
var ErrEdited = fault.New(fault.Conflict, "schema_edited", "A migration was changed after it ran.")

// migration is what goose must know of an engine.
type migration struct {
	dialect database.Dialect
	lock    bool   // several nodes may start at once
	kept    string // counts goose's own table: none has it before the first migration
}

const (
	dialectSQLite   = database.DialectSQLite3
	dialectPostgres = database.DialectPostgres
)

// appendOnly lists the tables whose rows never change.
var appendOnly = []string{"invoice_events", "events", "entries", "entry_legs", "deliveries", "invoice_quotes", "invoice_marks", "reorgs"}

// Step is one migration that has not run yet.
type Step struct {
	Version int64
	Name    string
}

func (db *DB) provider() (*goose.Provider, error) {
	conn, m := db.engine.migrator()
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return nil, err
	}
	var options []goose.ProviderOption
	if m.lock {
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return nil, err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	return goose.NewProvider(m.dialect, conn, files, options...)
}

// Steps lists what Migrate would run on a database that does not exist yet.
func Steps() ([]Step, error) {
	files, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	var steps []Step
	for _, file := range files {
		name := path.Base(file)
		version, err := goose.NumericComponent(name)
		if err != nil {
			return nil, err
		}
		steps = append(steps, Step{Version: version, Name: name})
	}
	return steps, nil
}

// Pending lists what Migrate would run; ErrNewer if the database is ahead of this program. It writes nothing: goose's own
// question would make its table.
func (db *DB) Pending(ctx context.Context) ([]Step, error) {
	all, err := Steps()
	if err != nil {
		return nil, err
	}
	current, err := db.version(ctx)
	if err != nil {
		return nil, err
	}
	if target := all[len(all)-1].Version; current > target {
		return nil, ErrNewer.Because(fmt.Errorf("schema %d, this program knows %d", current, target))
	}
	var steps []Step
	for _, s := range all {
		if s.Version > current {
			steps = append(steps, s)
		}
	}
	return steps, nil
}

// version is the last migration that ran, 0 before the first.
func (db *DB) version(ctx context.Context) (last int64, err error) {
	_, m := db.engine.migrator()
	var tables int64
	if err := db.engine.reader().QueryRowContext(ctx, m.kept).Scan(&tables); err != nil || tables == 0 {
		return 0, db.fail(err)
	}
	err = db.engine.reader().QueryRowContext(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM "+goose.DefaultTablename).Scan(&last)
	return last, db.fail(err)
}

// Migrate brings the schema up to date, each file in a transaction, then checks that what ran before is unchanged, that
// append-only tables are guarded, and that the master key is the one the database was made with.
func (db *DB) Migrate(ctx context.Context) error {
	if _, err := db.Pending(ctx); err != nil {
		return err
	}
	p, err := db.provider()
	if err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migration: %w", db.fail(err))
	}
	return db.update(ctx, func(ctx context.Context, t *tx) error {
		if err := db.pinFiles(ctx, t, p); err != nil {
			return err
		}
		if err := db.pinKey(ctx, t); err != nil {
			return err
		}
		if err := db.guard(ctx, t); err != nil {
			return err
		}
		return db.takeOver(ctx, t)
	})
}

// takeOver ends the leases of a process that was killed, where this one is known to be alone: it need not wait for them
// to run out.
func (db *DB) takeOver(ctx context.Context, t *tx) error {
	if !db.Serve || !db.engine.oneWriter() {
		return nil
	}
	_, err := t.exec(ctx, "UPDATE leases SET ends_at = 0")
	return err
}

// pinFiles keeps the hash of every migration that ran: goose itself does not notice an edited one.
func (db *DB) pinFiles(ctx context.Context, t *tx, p *goose.Provider) error {
	for _, s := range p.ListSources() {
		raw, err := migrationFiles.ReadFile("migrations/" + s.Path)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(raw)
		name := fmt.Sprintf("migration %d", s.Version)
		was, err := pin(ctx, t, name, hex.EncodeToString(sum[:]))
		if err != nil {
			return err
		}
		if was != hex.EncodeToString(sum[:]) {
			return ErrEdited.Because(errors.New(s.Path))
		}
	}
	return nil
}

// pin keeps a setting the first time and says what is kept.
func pin(ctx context.Context, t *tx, name, value string) (string, error) {
	if _, err := t.exec(ctx, "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", name, value); err != nil {
		return "", err
	}
	var kept string
	err := t.QueryRowContext(ctx, "SELECT value FROM settings WHERE name = $1", name).Scan(&kept)
	return kept, t.db.fail(err)
}

// ErrMasterKey says that the master key is not the one the database was made with.
var ErrMasterKey = fault.New(fault.Invalid, "master_key_wrong", "This master key is not the one the database was made with.").At("master key")

var keyPlace = seal.Place{Table: "settings", Column: "value", Row: "master key"}

func (db *DB) pinKey(ctx context.Context, t *tx) error {
	kept, err := pin(ctx, t, keyPlace.Row, db.Box.Seal(keyPlace, []byte("checkout")))
	if err != nil {
		return err
	}
	if _, err := db.Box.Open(keyPlace, kept); err != nil {
		return ErrMasterKey.Because(err)
	}
	return nil
}

// CheckKey says whether the master key fits, without writing; a database without a schema fits every key.
func (db *DB) CheckKey(ctx context.Context) error {
	var kept string
	err := db.engine.reader().QueryRowContext(ctx, "SELECT value FROM settings WHERE name = $1", keyPlace.Row).Scan(&kept)
	if err != nil {
		return nil //nolint:nilerr // no table or no row yet: nothing to compare with
	}
	if _, err := db.Box.Open(keyPlace, kept); err != nil {
		return ErrMasterKey.Because(err)
	}
	return nil
}

// unguarded names the guards of append-only tables that are not there.
func (db *DB) unguarded(ctx context.Context) ([]string, error) {
	there := map[string]bool{}
	err := db.each(ctx, db.engine.triggers(), nil, func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		there[name] = true
		return err
	})
	var missing []string
	for _, table := range appendOnly {
		for _, name := range db.engine.guarding(table) {
			if !there[name] {
				missing = append(missing, name)
			}
		}
	}
	return missing, err
}

// guard makes the append-only tables so: once for each set of statements, and again if a guard is gone.
func (db *DB) guard(ctx context.Context, t *tx) error {
	var statements []string
	for _, table := range appendOnly {
		statements = append(statements, db.engine.guards(table)...)
	}
	sum := sha256.Sum256([]byte(strings.Join(statements, "\n")))
	name := "guards " + hex.EncodeToString(sum[:8])
	n, err := t.exec(ctx, "INSERT INTO settings (name, value) VALUES ($1, 'on') ON CONFLICT (name) DO NOTHING", name)
	if err != nil {
		return err
	}
	if n == 0 {
		missing, err := db.unguarded(ctx)
		if err != nil || len(missing) == 0 {
			return err
		}
		db.Log.Error("guards of append-only tables were gone and are put back", "event", "guard_missing", "guards", strings.Join(missing, " "))
	}
	for _, statement := range statements {
		if _, err := t.exec(ctx, statement); err != nil {
			return fmt.Errorf("append-only guard: %w", err)
		}
	}
	return nil
}
