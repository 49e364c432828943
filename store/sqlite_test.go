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
	"testing"
	"time"

	"checkout/seal"
	"checkout/store"
	"checkout/store/storetest"
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
	db := openSQLite(t)
	w := storetest.NewWorld(t, db)
	w.Settle(w.Create("secret"))
	for _, suffix := range []string{"", "-wal"} {
		raw, err := os.ReadFile(sqlitePath(db) + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(raw, []byte(w.Key.Secret.Reveal())) || bytes.Contains(raw, []byte("played:")) && bytes.Contains(raw, []byte(w.Key.Secret.Reveal()[:20])) {
			t.Errorf("a secret stands in the file%s", suffix)
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
