package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"checkout/chain/chaintest"
	"checkout/store"
)

// runs runs a command in this process.
func runs(t *testing.T, env map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	for name, value := range env {
		t.Setenv(name, value)
	}
	var out, err bytes.Buffer
	code = run(t.Context(), args, &out, &err)
	return code, out.String(), err.String()
}

// TestBadSettings: each is refused with one sentence that names the setting, before anything is made.
func TestBadSettings(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "settings.toml")
	if err := os.WriteFile(file, []byte("no-such-setting = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const password = "hush-hush"
	for name, value := range map[string]string{
		"CHECKOUT_DB": "mysql://x", "CHECKOUT_DB unreachable": "postgres://ada:" + password + "@127.0.0.1:1/checkout", "CHECKOUT_DB mistyped": "postgres://ada:" + password + "@[::1/checkout",
		"CHECKOUT_DB nowhere": "postgres://ada:" + password + "@nowhere.invalid/checkout", "CHECKOUT_LISTEN": "8080", "CHECKOUT_INTERNAL_LISTEN": "127.0.0.1:99999", "CHECKOUT_PUBLIC_URL": "https://pay.example.test/path",
		"CHECKOUT_MASTER_KEY": "short", "CHECKOUT_BITCOIN_RPC": "node:8332", "CHECKOUT_BITCOIN_NETWORK": "testnet", "CHECKOUT_RATES_FILE": filepath.Join(dir, "none.json"),
		"CHECKOUT_HIDE_AFTER": "1s", "CHECKOUT_CONFIRMATIONS": "XRP=1", "CHECKOUT_TRUSTED_PROXIES": "proxy", "CHECKOUT_CONFIG": file,
		"CHECKOUT_RPC unknown network": "moon=https://" + password + ".example", "CHECKOUT_RPC no address": "ethereum=" + password, "CHECKOUT_RPC nothing": "ethereum= ",
		"CHECKOUT_RPC another scheme": "ethereum=ftp://" + password, "CHECKOUT_RPC another family": "solana=https://" + password + ".example",
		"CHECKOUT_TOKENS no node": "USDX@ethereum=0xdAC17F958D2ee523a2206206994597C13D831ec7/6", "CHECKOUT_TOKENS no contract": "USDX@ethereum=0x12/6",
		"CHECKOUT_TOKENS no decimals": "USDX@ethereum=0xdAC17F958D2ee523a2206206994597C13D831ec7", "CHECKOUT_FINALITY": "ethereum=finalized",
	} {
		t.Run(name, func(t *testing.T) {
			name, _, _ := strings.Cut(name, " ")
			env := map[string]string{"CHECKOUT_DB": "sqlite:" + filepath.Join(dir, "new", name+".db"), name: value}
			if strings.HasPrefix(value, "postgres:") {
				env["CHECKOUT_MASTER_KEY"] = strings.Repeat("ab", 32)
			}
			code, out, said := runs(t, env, "serve")
			want := name
			if name == "CHECKOUT_CONFIG" {
				want = "no-such-setting"
			}
			if code == 0 || out != "" || !strings.Contains(said, want) || strings.Count(strings.TrimSpace(said), "\n") > 0 && name != "CHECKOUT_CONFIG" {
				t.Errorf("code %d, %q, %q", code, out, said)
			}
			if (strings.Contains(said, value) && name == "CHECKOUT_MASTER_KEY") || strings.Contains(said, password) || strings.Contains(said, "failed to connect") {
				t.Errorf("a secret is repeated, or the driver's own words: %q", said)
			}
			if _, err := os.Stat(filepath.Join(dir, "new")); err == nil {
				t.Error("a database was made")
			}
		})
	}
}

// TestBadRates: a rates file that cannot be used is refused at start, and told what is wrong with it.
func TestBadRates(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "rates.json")
	for text, want := range map[string]string{
		`{"BTC/EUR":5}`: "5 is no string", `{"BTC/EUR":"50000"`: "EOF", `<html>`: "invalid character", `[]`: "no object", ``: "EOF", `{"BTC/EUR":"cheap"}`: "cheap",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		env := map[string]string{"CHECKOUT_DB": "sqlite:" + filepath.Join(dir, "new", "c.db"), "CHECKOUT_RATES_FILE": file}
		code, out, said := runs(t, env, "serve")
		if code == 0 || out != "" || !strings.HasPrefix(said, "checkout: --rates-file (CHECKOUT_RATES_FILE): ") || !strings.Contains(said, want) || strings.Count(said, "\n") != 1 {
			t.Errorf("%s: code %d, %q, %q", text, code, out, said)
		}
		if _, err := os.Stat(filepath.Join(dir, "new")); err == nil {
			t.Errorf("%s: a database was made", text)
		}
	}
}

// TestFileOfSettings: a flag beats the environment, and that beats the file.
func TestFileOfSettings(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "settings.toml")
	text := fmt.Sprintf("db = %q\njson = true\nbitcoin-network = \"signet\"\n", "sqlite:"+filepath.Join(dir, "file.db"))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, said := runs(t, nil, "--config", file, "merchant", "list")
	if code != 0 || strings.TrimSpace(out) != "[]" {
		t.Fatalf("code %d, %q, %q", code, out, said)
	}
	if _, err := os.Stat(filepath.Join(dir, "file.db")); err != nil {
		t.Error("the file's database was not used")
	}
	if code, _, _ := runs(t, map[string]string{"CHECKOUT_DB": "sqlite:" + filepath.Join(dir, "env.db")}, "--config", file, "merchant", "list"); code != 0 {
		t.Fatal(code)
	}
	if _, err := os.Stat(filepath.Join(dir, "env.db")); err != nil {
		t.Error("the environment did not beat the file")
	}
	if code, _, _ := runs(t, nil, "--config", file, "--db", "sqlite:"+filepath.Join(dir, "flag.db"), "merchant", "list"); code != 0 {
		t.Fatal(code)
	}
	if _, err := os.Stat(filepath.Join(dir, "flag.db")); err != nil {
		t.Error("the flag did not beat the environment")
	}
}

// TestMasterKey: made on the first run, for its owner alone; another one is refused and changes nothing.
func TestMasterKey(t *testing.T) {
	dir := t.TempDir()
	env := map[string]string{"CHECKOUT_DB": "sqlite:" + filepath.Join(dir, "c.db"), "CHECKOUT_JSON": "true"}
	if code, _, said := runs(t, env, "merchant", "create", "--name", "Acme"); code != 0 {
		t.Fatal(said)
	}
	for _, name := range []string{"c.db", "c.db.key"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
	before, err := os.ReadFile(filepath.Join(dir, "c.db"))
	if err != nil {
		t.Fatal(err)
	}
	code, _, said := runs(t, map[string]string{"CHECKOUT_MASTER_KEY": strings.Repeat("ab", 32)}, "merchant", "list")
	if code == 0 || !strings.Contains(said, "master key") {
		t.Errorf("another key: code %d, %q", code, said)
	}
	after, err := os.ReadFile(filepath.Join(dir, "c.db"))
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the database was touched: %v", err)
	}
}

// TestMigrate: a dry run says what would run, and makes nothing of it: no database, no key, no table.
func TestMigrate(t *testing.T) {
	steps, err := store.Steps()
	if err != nil || len(steps) == 0 {
		t.Fatal(err)
	}
	var names []string
	for _, step := range steps {
		names = append(names, step.Name)
	}
	for name, dsn := range engines {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "new")
			env := map[string]string{"CHECKOUT_DB": dsn(t), "CHECKOUT_JSON": "true", "CHECKOUT_MASTER_KEY": strings.Repeat("ab", 32)}
			if env["CHECKOUT_DB"] == "" {
				env = map[string]string{"CHECKOUT_DB": "sqlite:" + filepath.Join(dir, "c.db"), "CHECKOUT_JSON": "true"}
			}
			says := func(want []string, args ...string) {
				t.Helper()
				code, out, said := runs(t, env, append([]string{"migrate"}, args...)...)
				var got struct{ Migrations []string }
				if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 || !slices.Equal(got.Migrations, want) {
					t.Errorf("migrate %q: code %d, %q, %q", args, code, out, said)
				}
			}
			says(names, "--dry-run")
			says(names, "--dry-run")
			if _, err := os.Stat(dir); err == nil {
				t.Error("a dry run made files")
			}
			if name == "postgres" {
				db, err := sql.Open("pgx", env["CHECKOUT_DB"])
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close()
				var tables int
				if err := db.QueryRow("SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'").Scan(&tables); err != nil || tables != 0 {
					t.Errorf("a dry run made %d tables: %v", tables, err)
				}
			}
			says(names)
			says([]string{}, "--dry-run")
			says([]string{})
		})
	}
}

// TestCommands walks the commands an operator has.
func TestCommands(t *testing.T) {
	in := open(t, "", "")
	var other struct {
		ID string `json:"merchant_id"`
	}
	in.cli(&other, "merchant", "create", "--name", "Bolt Bikes")
	for text, want := range map[string]string{
		"xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi": "private key",
		"xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8": "network",
		accountKey: "already used",
	} {
		cmd := in.command("wallet", "add", "--merchant", other.ID, "--xpub", text)
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) || strings.Contains(string(out), text[:20]) {
			t.Errorf("wallet add %.4s…: %v %s", text, err, out)
		}
	}
	var rotated dialectKeys
	in.cli(&rotated, "merchant", "key", "rotate", "--merchant", string(in.m.ID), "--test")
	if rotated.CoinsPaid.Key != in.m.Test.CoinsPaid.Key || rotated.CoinsPaid.Secret == in.m.Test.CoinsPaid.Secret {
		t.Error("rotate did not give the same key a new secret")
	}
	in.serve()
	in.ready("LTCT")
	for _, secret := range []string{in.m.Test.CoinsPaid.Secret, rotated.CoinsPaid.Secret} {
		if status, body := in.call("currencies/list", keyAnswer{Key: rotated.CoinsPaid.Key, Secret: secret}, struct{}{}); status != http.StatusOK {
			t.Errorf("inside the overlap: %d %s", status, body)
		}
	}
	var inv invoiceView
	in.cli(&inv, "invoice", "create", "--merchant", string(in.m.ID), "--test", "--amount", "25.50", "--title", "By hand", "--coin", "LTCT", "--foreign-id", "x1")
	if inv.State != "awaiting" || inv.Due != "0.25500000" || !strings.HasPrefix(inv.Address, "tltc1") {
		t.Errorf("invoice create: %+v", inv)
	}
	if out, err := in.command("invoice", "create", "--merchant", string(in.m.ID), "--test", "--amount", "1", "--title", "Again", "--foreign-id", "x1").CombinedOutput(); err == nil || !strings.Contains(string(out), "already been taken") {
		t.Errorf("a used foreign id: %v %s", err, out)
	}
	var shown invoiceView
	in.cli(&shown, "invoice", "show", string(inv.ID))
	var list []invoiceView
	in.cli(&list, "invoice", "list", "--merchant", string(in.m.ID), "--test")
	if len(list) != 1 || !reflect.DeepEqual(list[0], shown) || shown.ID != inv.ID {
		t.Errorf("show %+v, list %+v", shown, list)
	}
	in.rehearse(t, strconv.FormatInt(inv.Number, 10), "exact?blocks=3", http.StatusNoContent)
	c := created{URL: "/i/" + string(inv.ID), ForeignID: "x1"}
	in.view(c, "paid")
	in.audit()
	anchor := filepath.Join(t.TempDir(), "anchor")
	marks, err := in.command("audit", "anchor").Output()
	if err != nil || len(marks) == 0 {
		t.Fatalf("%v %q", err, marks)
	}
	moved := strings.Replace(string(marks), `"seq":`, `"seq":1`, 1)
	for text, sound := range map[string]bool{string(marks): true, moved: false, "[]": false} {
		if err := os.WriteFile(anchor, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := in.command("audit", "verify", "--anchor", anchor).CombinedOutput(); (err == nil) != sound {
			t.Errorf("verified against %.60q: %v %s", text, err, out)
		}
	}
}

// TestDecisions: what a person decides on the command line shows on the open page and is told to the shop.
func TestDecisions(t *testing.T) {
	in := open(t, "", "")
	in.serve()
	in.ready("LTCT")
	make := func(foreign string) created {
		status, body := in.call("invoices/create", in.m.Test.CoinsPaid, order(foreign, map[string]any{"sender_currency": "LTCT"}))
		var answer struct{ Data created }
		if err := json.Unmarshal(body, &answer); err != nil || status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
		in.view(answer.Data, "waiting") // from now on the server remembers it
		return answer.Data
	}
	decide := func(c created, kind, want string, more ...string) {
		t.Helper()
		var v invoiceView
		in.cli(&v, append([]string{"invoice", kind, c.path()[3:], "--reason", "it was agreed", "--actor", "ada"}, more...)...)
		if v.State != want {
			t.Errorf("%s: %s, want %s", kind, v.State, want)
		}
	}
	paid, off := make("by-cash"), make("called-off")
	decide(paid, "accept", "settled")
	in.view(paid, "paid")
	in.shop.hears(t, "by-cash", "confirmed 0.00000000")
	decide(off, "cancel", "cancelled")
	in.view(off, "cancelled")
	if out, err := in.command("invoice", "cancel", off.path()[3:], "--reason", "again").CombinedOutput(); err == nil || !strings.Contains(string(out), "state that allows this") {
		t.Errorf("a second time: %v %s", err, out)
	}
	if out, err := in.command("invoice", "accept", off.path()[3:]).CombinedOutput(); err == nil || !strings.Contains(string(out), "--reason") {
		t.Errorf("without a reason: %v %s", err, out)
	}
	in.audit()
}

// TestCallbackAgain resends a callback by hand: the same id and bytes.
func TestCallbackAgain(t *testing.T) {
	in := open(t, "", "")
	in.serve()
	in.ready("LTCT")
	status, body := in.call("invoices/create", in.m.Test.CoinsPaid, order("again", map[string]any{"sender_currency": "LTCT"}))
	var answer struct{ Data created }
	if err := json.Unmarshal(body, &answer); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	in.rehearse(t, answer.Data.path()[3:], "exact?blocks=3", http.StatusNoContent)
	in.shop.hears(t, "again", "processing 0.00000000", "confirmed 0.00000000")
	var list []struct {
		ID, State string
		Attempts  int
		Type      string
	}
	in.cli(&list, "webhook", "list", "--merchant", string(in.m.ID), "--test")
	for _, d := range list {
		if d.State == "heard" {
			in.cli(nil, "webhook", "resend", "--merchant", string(in.m.ID), "--test", d.ID)
			chaintest.Until(t, "a second attempt", func() bool {
				var now []struct {
					ID       string
					Attempts int
				}
				in.cli(&now, "webhook", "list", "--merchant", string(in.m.ID), "--test")
				for _, n := range now {
					if n.ID == d.ID {
						return n.Attempts == d.Attempts+1
					}
				}
				return false
			})
			break
		}
	}
	in.shop.hears(t, "again", "processing 0.00000000", "confirmed 0.00000000") // the shop knew the id
	in.audit()
}

func (in *installation) rehearse(t *testing.T, id, action string, want int) {
	t.Helper()
	res, err := http.Post(in.inner+"/rehearsal/invoices/"+id+"/"+action, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != want {
		text, _ := io.ReadAll(res.Body)
		t.Errorf("%s: %d %s, want %d", action, res.StatusCode, text, want)
	}
}

// TestRehearsal plays every payment there is, within the time a person waits.
func TestRehearsal(t *testing.T) {
	in := open(t, "", "")
	in.serve()
	in.ready("LTCT")
	for action, want := range map[string][]string{
		"exact":   {"processing 0.00000000", "confirmed 0.00000000"},
		"short":   {"pending 0.05000000"},
		"parts":   {"pending 0.60000000", "processing 0.00000000", "confirmed 0.00000000"},
		"over":    {"processing 0.00000000", "confirmed 0.00000000"},
		"late":    {"failed 1.00000000 Timer expired. User not paid."},
		"replace": {"processing 0.00000000", "pending 1.00000000"},
	} {
		t.Run(action, func(t *testing.T) {
			status, body := in.call("invoices/create", in.m.Test.CoinsPaid, order(action, map[string]any{"sender_currency": "LTCT"}))
			var answer struct{ Data created }
			if err := json.Unmarshal(body, &answer); err != nil || status != http.StatusOK {
				t.Fatalf("%d %s", status, body)
			}
			in.rehearse(t, answer.Data.path()[3:], action, http.StatusNoContent)
			in.shop.hears(t, action, want...)
			if action == "late" {
				in.view(answer.Data, "late")
			}
		})
	}
	t.Run("reorg", func(t *testing.T) {
		_, body := in.call("invoices/create", in.m.Test.CoinsPaid, order("reorg", map[string]any{"sender_currency": "LTCT"}))
		var answer struct{ Data created }
		if err := json.Unmarshal(body, &answer); err != nil {
			t.Fatal(err)
		}
		in.rehearse(t, answer.Data.path()[3:], "reorg", http.StatusNoContent)
		chaintest.Until(t, "confirmed, taken back, and confirmed again", func() bool {
			heard := strings.Join(in.shop.of("reorg"), "|")
			return strings.HasSuffix(heard, "confirmed 0.00000000|processing 0.00000000|confirmed 0.00000000")
		})
	})
	in.rehearse(t, strings.Repeat("0", 26), "exact", http.StatusNotFound)
	open := order("unchosen", map[string]any{"sender_currency": nil})
	_, body := in.call("invoices/create", in.m.Test.CoinsPaid, open)
	var answer struct{ Data created }
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatal(err)
	}
	in.rehearse(t, answer.Data.path()[3:], "exact", http.StatusConflict)
	in.rehearse(t, answer.Data.path()[3:], "steal", http.StatusNotFound)

	status, body := in.call("invoices/create", in.m.Live.CoinsPaid, order("live", map[string]any{"sender_currency": "LTCT"}))
	if status != http.StatusBadRequest || !strings.Contains(string(body), "sender_currency") {
		t.Errorf("a live key is offered LTCT: %d %s", status, body)
	}
	in.audit()
}

// TestNodeInTrouble: a node that is down, or of another network, confirms nothing and loses nothing; its coin is hidden
// after a while and comes back.
func TestNodeInTrouble(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a node")
	}
	node := chaintest.StartBitcoin(t, chaintest.BitcoinOptions{})
	in := open(t, "", node.URL(), "CHECKOUT_HIDE_AFTER=5s")
	in.serve()
	in.ready("BTC")
	c := in.create("trouble", nil)
	node.Pay(*c.Address, due)
	in.view(c, "detected")
	node.Generate(1)
	in.view(c, "paid")
	unpaid := in.create("trouble-unpaid", nil)
	node.Stop()
	chaintest.Until(t, "chain:BTC=node_unreachable", func() bool { return strings.Contains(in.readyz(), "chain:BTC=node_unreachable") })
	chaintest.Until(t, "the coin is hidden", func() bool {
		status, body := in.call("invoices/create", in.m.Live.CoinsPaid, order("hidden", nil))
		return status == http.StatusServiceUnavailable && strings.Contains(string(body), "no_method")
	})
	in.pass(20 * time.Minute)
	time.Sleep(2 * time.Second) // several rounds of the expirer
	if got := in.shop.of("trouble-unpaid"); len(got) != 0 {
		t.Errorf("an invoice ended while nobody could see its payments: %q", got)
	}
	node.Start()
	in.ready("BTC")
	in.view(unpaid, "expired")
	in.view(c, "paid")
	in.audit()
}

// TestWrongNetwork names a node of regtest for signet.
func TestWrongNetwork(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a node")
	}
	node := chaintest.StartBitcoin(t, chaintest.BitcoinOptions{Empty: true})
	in := open(t, "", node.URL(), "CHECKOUT_BITCOIN_NETWORK=signet")
	in.serve()
	chaintest.Until(t, "chain:BTC=wrong_network", func() bool { return strings.Contains(in.readyz(), "chain:BTC=wrong_network") })
	if status, body := in.call("invoices/create", in.m.Live.CoinsPaid, order("wrong", nil)); status != http.StatusServiceUnavailable {
		t.Errorf("a coin without a chain is offered: %d %s", status, body)
	}
}

// TestListeners: what is internal is not public, and a foreign host is none of ours.
func TestListeners(t *testing.T) {
	in := open(t, "", "")
	in.serve()
	for _, path := range []string{"/readyz", "/healthz", "/metrics", "/debug/pprof/", "/rehearsal/invoices/x/exact", "/ipn", "/callback", "/admin", "/demo"} {
		res, err := http.Post(in.base+path, "application/json", strings.NewReader(`{"status":"confirmed"}`))
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil || (res.StatusCode != http.StatusNotFound && res.StatusCode != http.StatusMethodNotAllowed) {
			t.Errorf("POST %s answers %d", path, res.StatusCode)
		}
	}
	req := httptest.NewRequest(http.MethodGet, in.base+"/i/x", nil)
	req.RequestURI, req.Host = "", "evil.test"
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("a foreign host gets %d", res.StatusCode)
	}
	if text := in.metrics(t); !strings.Contains(text, "checkout_chain_height") || !strings.Contains(text, "checkout_http_requests_total") {
		t.Errorf("metrics: %.300s", text)
	}
}

func (in *installation) metrics(t *testing.T) string {
	t.Helper()
	res, err := http.Get(in.inner + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return string(text)
}
