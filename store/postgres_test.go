package store_test

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"checkout/store"
	"checkout/store/pgtest"
	"checkout/store/storetest"
)

func TestPostgres(t *testing.T) {
	pgtest.DSN(t) // skips, or fails, before anything else does
	storetest.Run(t, storetest.Engine{
		Open: func(t *testing.T) *store.DB { return storetest.Open(t, storetest.Config(pgtest.DSN(t), time.Now)) },
		Again: func(t *testing.T, db *store.DB) *store.DB {
			return storetest.Open(t, storetest.Config(db.DSN, time.Now))
		},
		Copy: func(t *testing.T, db *store.DB) *store.DB {
			return storetest.Open(t, storetest.Config(pgtest.Copy(t, db.DSN), time.Now))
		},
		Raw: func(t *testing.T, db *store.DB) *sql.DB {
			raw, err := sql.Open("pgx", db.DSN)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = raw.Close() })
			return raw
		},
		Unguard: func(table string) []string {
			return []string{fmt.Sprintf("DROP TRIGGER %s_no_change ON %s", table, table)}
		},
	})
}
