package store_test

import (
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"checkout/store"
	"checkout/store/storetest"
)

// A disk that fails under a write ends the store: nothing is tried again, nothing more is taken, and who runs it is told.
// The next start has what was acknowledged.
func TestStorageFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fails.db")
	cfg := storetest.Config("sqlite:"+path, time.Now)
	db := storetest.Open(t, cfg)
	hold := func(db *store.DB, name string) error {
		lease := store.Lease{DB: db, Name: name + strings.Repeat(" ", 5000), Holder: "test"}
		_, err := lease.Hold(t.Context())
		return err
	}
	if err := hold(db, "before"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	limit(t, uint64(info.Size())+4096) //nolint:gosec // a file's size
	if err := hold(db, "under"); !errors.Is(err, store.ErrStorage) {
		t.Errorf("a write that fails: %v", err)
	}
	unlimit(t)
	if err := hold(db, "after"); !errors.Is(err, store.ErrStorage) {
		t.Errorf("after a write that failed: %v", err)
	}
	select {
	case <-db.Failed():
	case <-time.After(5 * time.Second):
		t.Error("nobody is told")
	}
	if err := db.Close(); err != nil {
		t.Log(err) // it has reason to complain
	}
	again := storetest.Open(t, cfg)
	r, err := again.Verify(t.Context())
	if err != nil || len(r.Problems) > 0 {
		t.Errorf("%v %q", err, r.Problems)
	}
	other := store.Lease{DB: again, Name: "before" + strings.Repeat(" ", 5000), Holder: "somebody else"}
	if held, err := other.Hold(t.Context()); held || err != nil {
		t.Errorf("what was acknowledged is gone: %v, %v", held, err)
	}
}

// limit makes writes beyond a size fail as a broken disk does: with an error that is not "full".
func limit(t *testing.T, size uint64) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Skip("this system has no limit of file sizes: ", err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: old.Max}); err != nil {
		t.Skip("this system sets no limit of file sizes: ", err)
	}
	t.Cleanup(func() { unlimit(t) })
}

func unlimit(t *testing.T) {
	t.Helper()
	var now syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &now); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: now.Max, Max: now.Max}); err != nil {
		t.Fatal(err)
	}
}
