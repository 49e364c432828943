package store

import (
	"crypto/rand"
	"database/sql"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"checkout/seal"
)

func TestOlder(t *testing.T) {
	for _, row := range []struct {
		a, b string
		want bool
	}{
		{"3.51.2", "3.51.3", true}, {"3.51.3", "3.51.3", false}, {"3.52.0", "3.51.3", false}, {"3.9.9", "3.51.3", true}, {"4.0.0", "3.51.3", false}, {"garbage", "3.51.3", true},
	} {
		if got := older(row.a, row.b); got != row.want {
			t.Errorf("%s is older than %s: %v", row.a, row.b, got)
		}
	}
}

// TestSourcesAreCountedByIndexes: the queries a start of a link makes are answered from the partial indexes made for them.
func TestSourcesAreCountedByIndexes(t *testing.T) {
	box, err := seal.New(make([]byte, 32), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	db, err := Open(t.Context(), Config{DSN: "sqlite:" + filepath.Join(t.TempDir(), "c.db"), Box: box, Random: rand.Reader, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for index, query := range map[string]string{
		"invoices_source_taken": "SELECT 1 FROM invoices WHERE " + takenBy, "invoices_source_waiting": "SELECT id FROM invoices WHERE " + waitingOf + " ORDER BY created_at DESC, id DESC",
		"invoices_source": "SELECT id FROM invoices WHERE " + madeBy + " ORDER BY created_at DESC, id DESC",
	} {
		plan := ""
		err := db.each(t.Context(), "EXPLAIN QUERY PLAN "+query, []any{"x"}, func(rows *sql.Rows) error {
			var id, parent, unused int
			var detail string
			err := rows.Scan(&id, &parent, &unused, &detail)
			plan += detail + "; "
			return err
		})
		if err != nil || !strings.Contains(plan, "INDEX "+index+" (source_id=?)") || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%s is not used: %s %v", index, plan, err)
		}
	}
}
