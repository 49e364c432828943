package store_test

import (
	"context"
	"database/sql"
	"net/url"
	"testing"
	"time"

	"checkout/store/pgtest"
	"checkout/store/storetest"
)

// An ordinary role that owns its database is all that is needed.
func TestPostgresOrdinaryRole(t *testing.T) {
	dsn := pgtest.DSN(t)
	admin, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Close() })
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	name := u.Path[1:]
	for _, statement := range []string{
		"CREATE ROLE shop_" + name + " LOGIN", "ALTER DATABASE " + name + " OWNER TO shop_" + name, "ALTER SCHEMA public OWNER TO shop_" + name,
	} {
		if _, err := admin.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { // roles outlive their database
		for _, statement := range []string{
			"ALTER DATABASE " + name + " OWNER TO CURRENT_USER", "REASSIGN OWNED BY shop_" + name + " TO CURRENT_USER", "DROP OWNED BY shop_" + name, "DROP ROLE shop_" + name,
		} {
			if _, err := admin.ExecContext(context.Background(), statement); err != nil {
				t.Error(err)
			}
		}
	})
	u.User = url.User("shop_" + name)
	w := storetest.NewWorld(t, storetest.Open(t, storetest.Config(u.String(), time.Now)))
	w.Settle(w.Create("ordinary"))
	raw, err := sql.Open("pgx", u.String())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	for _, statement := range []string{"UPDATE events SET id = 'x'", "UPDATE entries SET id = 'x'", "DELETE FROM entry_legs", "TRUNCATE invoice_events"} {
		if _, err := raw.ExecContext(t.Context(), statement); err == nil {
			t.Errorf("%s was obeyed", statement)
		}
	}
}
