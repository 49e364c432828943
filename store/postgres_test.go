package store_test

import (
	"database/sql"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"checkout/fault"
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

// TestPostgresUnreachable: why there is no connection is said in a few words, without a part of the address.
func TestPostgresUnreachable(t *testing.T) {
	dsn := pgtest.DSN(t)
	change := func(edit func(u *url.URL)) string {
		u, err := url.Parse(dsn)
		if err != nil {
			t.Fatal(err)
		}
		edit(u)
		return u.String()
	}
	if !strings.Contains(dsn, "sslmode=disable") {
		t.Skip("a server of somebody else's may well have TLS")
	}
	for want, address := range map[string]string{
		"no such database":         change(func(u *url.URL) { u.Path = "/hush-hush" }),
		"user or password refused": change(func(u *url.URL) { u.User = url.UserPassword("nobody", "hush-hush") }),
		"no TLS there":             change(func(u *url.URL) { u.RawQuery = "sslmode=require" }),
		"connection refused":       change(func(u *url.URL) { u.Host = "127.0.0.1:1" }),
		"no such host":             change(func(u *url.URL) { u.Host = "hush-hush.invalid" }),
	} {
		_, err := store.Open(t.Context(), storetest.Config(address, time.Now))
		f := fault.Of(err)
		if f.Code != "db_unreachable" || f.Err == nil || f.Err.Error() != want {
			t.Errorf("%s: %v", want, err)
		}
	}
}
