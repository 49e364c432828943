package store_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"checkout/ident"
	"checkout/merchant"
	"checkout/store"
	"checkout/store/storetest"
)

// asWriter names the database a child of this test binary writes to until it is killed.
const asWriter = "CHECKOUT_TEST_WRITER"

func TestMain(m *testing.M) {
	if path := os.Getenv(asWriter); path != "" {
		write(path)
	}
	os.Exit(m.Run())
}

// write makes invoices from several sides at once and names each on standard output, once it is acknowledged.
func write(path string) {
	cfg := storetest.Config("sqlite:"+path, time.Now)
	cfg.Serve = true
	db, err := store.Open(context.Background(), cfg)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	list, err := store.Merchants{DB: db}.List(context.Background())
	if err != nil || len(list) == 0 {
		fmt.Fprintln(os.Stderr, list, err)
		os.Exit(1)
	}
	tenant, _ := merchant.Operator(list[0].ID, ident.Test)
	service := storetest.Service(db)
	var mu sync.Mutex
	for side := range 8 {
		go func() {
			for n := 0; ; n++ {
				inv, err := service.Create(context.Background(), tenant, storetest.NewInvoice(fmt.Sprintf("%d-%d-%d", os.Getpid(), side, n)))
				mu.Lock()
				if err == nil {
					fmt.Println(inv.ID)
				}
				mu.Unlock()
			}
		}()
	}
	select {}
}

// A process that is killed while it writes keeps every invoice it has acknowledged, and its database is sound.
func TestKilledWriterKeepsWhatItAcknowledged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "killed.db")
	storetest.NewWorld(t, storetest.Open(t, storetest.Config("sqlite:"+path, time.Now)))
	var acknowledged []ident.ID
	for round := range 3 {
		acknowledged = append(acknowledged, writeUntilKilled(t, path, 40*(round+1))...)
		db := storetest.Open(t, storetest.Config("sqlite:"+path, time.Now))
		for _, id := range acknowledged {
			if _, err := (store.Invoices{DB: db}).Find(t.Context(), id); err != nil {
				t.Errorf("invoice %s was acknowledged: %v", id, err)
			}
		}
		report, err := db.Verify(t.Context())
		if err != nil || len(report.Problems) > 0 {
			t.Errorf("after kill %d: %v %q", round+1, err, report.Problems)
		}
	}
	if len(acknowledged) < 240 {
		t.Errorf("only %d were acknowledged", len(acknowledged))
	}
}

// writeUntilKilled kills a writer after so many acknowledgements, and gives all that it made.
func writeUntilKilled(t *testing.T, path string, after int) []ident.ID {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asWriter+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var ids []ident.ID
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if id := lines.Text(); ident.Valid(id) { // the last line may be cut
			ids = append(ids, ident.ID(id))
		}
		if len(ids) == after {
			if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
				t.Error(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || len(ids) < after {
		t.Fatalf("the writer ended by itself after %d: %v", len(ids), err)
	}
	return ids
}
