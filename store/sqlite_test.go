package store_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"checkout/chain"
	"checkout/fault"
	"checkout/merchant"
	"checkout/seal"
	"checkout/store"
	"checkout/store/storetest"
	"checkout/wallet"
)

// sqlitePath is the file of a store.
func sqlitePath(db *store.DB) string { return strings.TrimPrefix(db.DSN, "sqlite:") }

func openSQLite(t *testing.T) *store.DB {
	t.Helper()
	return storetest.Open(t, storetest.Config("sqlite:"+filepath.Join(t.TempDir(), "test.db"), time.Now))
}

func rawSQLite(t *testing.T, db *store.DB) *sql.DB {
	t.Helper()
	raw, err := sql.Open("sqlite", "file:"+sqlitePath(db)+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = raw.Close() })
	return raw
}

func TestSQLite(t *testing.T) {
	storetest.Run(t, storetest.Engine{
		Open: openSQLite,
		Again: func(t *testing.T, db *store.DB) *store.DB {
			return storetest.Open(t, storetest.Config(db.DSN, time.Now))
		},
		Copy: func(t *testing.T, db *store.DB) *store.DB {
			t.Helper()
			path := filepath.Join(t.TempDir(), "copy.db")
			if _, err := rawSQLite(t, db).ExecContext(t.Context(), "VACUUM INTO $1", path); err != nil {
				t.Fatal(err)
			}
			return storetest.Open(t, storetest.Config("sqlite:"+path, time.Now))
		},
		Raw: rawSQLite,
		Unguard: func(table string) []string {
			return []string{fmt.Sprintf("DROP TRIGGER %s_no_update", table), fmt.Sprintf("DROP TRIGGER %s_no_delete", table)}
		},
	})
}

func TestSQLiteIsServedOnce(t *testing.T) {
	cfg := storetest.Config("sqlite:"+filepath.Join(t.TempDir(), "served.db"), time.Now)
	cfg.Serve = true
	db := storetest.Open(t, cfg)
	if other, err := store.Open(t.Context(), cfg); !errors.Is(err, store.ErrInUse) {
		t.Errorf("a second server: %v %v", other, err)
	}
	cfg.Serve = false
	storetest.Open(t, cfg) // a command may run beside it
	for _, name := range []string{"served.db", "served.db.lock"} {
		info, err := os.Stat(filepath.Join(filepath.Dir(sqlitePath(db)), name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
}

// TestSQLiteWrongKey: another master key is refused and writes nothing.
func TestSQLiteWrongKey(t *testing.T) {
	cfg := storetest.Config("sqlite:"+filepath.Join(t.TempDir(), "sealed.db"), time.Now)
	storetest.Open(t, cfg)
	other := cfg
	box, err := seal.New(bytes.Repeat([]byte{7}, 32), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other.Box = box
	db, err := store.Open(t.Context(), other)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.CheckKey(t.Context()); !errors.Is(err, store.ErrMasterKey) {
		t.Errorf("checking: %v", err)
	}
	if err := db.Migrate(t.Context()); !errors.Is(err, store.ErrMasterKey) {
		t.Errorf("migrating: %v", err)
	}
}

// TestSQLiteKeepsSecrets looks for secrets in the file and its log as they are on disk.
func TestSQLiteKeepsSecrets(t *testing.T) {
	const xpub = "tpubDDH1ndozCcuGXjVaXnB4NHUWbKfMTYfxH3wuU1GFvCXtEZZqsMY6NxBdgdaebExgDAVicckGNJDU8wVfRUWWMaov5jX4zPaDorqe75QwjAC"
	db := openSQLite(t)
	w := storetest.NewWorld(t, db)
	network, _, _ := chain.Bitcoin("regtest")
	account, err := wallet.NewAccount(rand.Reader, w.Merchant.ID, network, xpub)
	if err != nil {
		t.Fatal(err)
	}
	if err := (store.Wallets{DB: db}).Insert(t.Context(), account); err != nil {
		t.Fatal(err)
	}
	rotated, err := store.Merchants{DB: db}.Rotate(t.Context(), w.Key.Public, func(k merchant.Key) merchant.Key { return k.Rotate(rand.Reader, db.Now()) })
	if err != nil {
		t.Fatal(err)
	}
	w.Settle(w.Create("secret"))
	secrets := map[string]string{
		"the secret": rotated.Secret.Reveal(), "the one before": w.Key.Secret.Reveal(), "the account key": xpub[4:60], "the descriptor": account.Descriptor[:40],
	}
	found := false
	for _, suffix := range []string{"", "-wal"} {
		raw, err := os.ReadFile(sqlitePath(db) + suffix)
		if err != nil {
			t.Fatal(err)
		}
		found = found || bytes.Contains(raw, []byte(w.Key.Public)) // what is no secret is there to be found
		for name, secret := range secrets {
			if bytes.Contains(raw, []byte(secret)) {
				t.Errorf("%s stands in the file%s", name, suffix)
			}
		}
	}
	if !found {
		t.Error("not even the public key is found: nothing was tested")
	}
}

// TestSQLiteIsAsPromised reads what the engine must promise from outside, and the modes of its files.
func TestSQLiteIsAsPromised(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	db := openSQLite(t)
	storetest.NewWorld(t, db)
	var mode string
	if err := rawSQLite(t, db).QueryRowContext(t.Context(), "PRAGMA journal_mode").Scan(&mode); err != nil || mode != "wal" {
		t.Errorf("journal mode %s, %v", mode, err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(sqlitePath(db) + suffix)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the file%s has mode %v, %v", suffix, info.Mode().Perm(), err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, dsn := range []string{"", "test.db", "sqlite:", "mysql://localhost/x", "postgres://user:hunter2@%zz/x", "postgres://user:hunter2@127.0.0.1:1/x"} {
		db, err := store.Open(t.Context(), storetest.Config(dsn, time.Now))
		if err == nil {
			t.Errorf("%q is opened", dsn)
			_ = db.Close()
			continue
		}
		if f := fault.Of(err); f.Field != "db" || strings.Contains(f.Text, "hunter2") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", dsn, err)
		}
	}
}

// TestSQLiteBusy: while somebody else writes for too long, the answer is "busy", and afterwards all is well.
func TestSQLiteBusy(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for SQLite's patience of 5 s")
	}
	db := openSQLite(t)
	w := storetest.NewWorld(t, db)
	raw, err := sql.Open("sqlite", "file:"+sqlitePath(db)+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	tx, err := raw.BeginTx(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Invoices.Create(t.Context(), w.Tenant, w.New("busy")); !errors.Is(err, store.ErrBusy) {
		t.Errorf("while another writes: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	w.Create("busy")
}
