package feed_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"checkout/chain"
	"checkout/money"
	"checkout/rate"
	"checkout/rate/feed"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func currency(code string) (money.Currency, bool) {
	_, coin, _ := chain.Bitcoin("regtest")
	if code == coin.Currency.Code {
		return coin.Currency, true
	}
	return money.FiatByCode(code)
}

func TestParseFile(t *testing.T) {
	samples, err := feed.ParseFile([]byte(` {"BTC/EUR":"50000.50", "EUR/USD":"1.08", "DOGE/EUR":"0.1", "BTC/XXX":"7"}`+"\n"), currency, noon)
	if err != nil || len(samples) != 2 {
		t.Fatalf("%v, %v", samples, err)
	}
	got := map[string]string{}
	for _, s := range samples {
		got[s.Rate.From.Code+"/"+s.Rate.To.Code] = s.Rate.Ratio()
		if s.Source != "file" || !s.At.Equal(noon) {
			t.Errorf("%+v", s)
		}
	}
	if got["BTC/EUR"] != "100001/2" || got["EUR/USD"] != "27/25" {
		t.Errorf("%v", got)
	}
}

// One bad line spoils the file.
func TestParseFileRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":           "",
		"null":              "null",
		"a list":            `["BTC/EUR"]`,
		"HTML":              "<html></html>",
		"not closed":        `{"BTC/EUR":"50000"`,
		"two objects":       `{"BTC/EUR":"50000"}{}`,
		"a brace too many":  `{"BTC/EUR":"50000"}}`,
		"a number":          `{"BTC/EUR":50000}`,
		"an object inside":  `{"BTC/EUR":{"price":"50000"}}`,
		"null inside":       `{"BTC/EUR":null}`,
		"a pair twice":      `{"BTC/EUR":"50000","EUR/USD":"1.08","BTC/EUR":"5"}`,
		"no pair":           `{"BTC":"50000"}`,
		"zero":              `{"BTC/EUR":"0"}`,
		"negative":          `{"BTC/EUR":"-1"}`,
		"an exponent":       `{"BTC/EUR":"5e4"}`,
		"NaN":               `{"BTC/EUR":"NaN"}`,
		"empty":             `{"BTC/EUR":""}`,
		"too many digits":   `{"BTC/EUR":"` + strings.Repeat("9", 400) + `"}`,
		"one good, one bad": `{"EUR/USD":"1.08","BTC/EUR":"cheap"}`,
	} {
		if samples, err := feed.ParseFile([]byte(text), currency, noon); err == nil || !strings.HasPrefix(err.Error(), "rates file: ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, %v", name, samples, err)
		}
	}
}

// A file is read again each time; one that cannot be read leaves the old prices to grow stale.
func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rates.json")
	now := noon
	file := &feed.File{Path: path, Currency: currency, Now: func() time.Time { return now }}
	if _, err := file.Read(t.Context()); err == nil {
		t.Error("a file that is not there is read")
	}
	btc, _ := currency("BTC")
	eur, _ := currency("EUR")
	book := &rate.Book{Now: file.Now}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if samples, err := file.Read(t.Context()); err == nil {
			book.Add(file.Alone(), samples...)
		}
	}
	price := func(want string) {
		t.Helper()
		r, err := book.Price(btc, eur)
		if got := r.Ratio(); (err == nil) != (want != "") || (err == nil && got != want) {
			t.Errorf("it is %s, %v; want %q", got, err, want)
		}
	}
	write(`{"BTC/EUR":"50000"}`)
	price("50000")
	now = now.Add(time.Second)
	write(`{"BTC/EUR":"90000"}`) // the operator may change it at will
	price("90000")
	now = now.Add(rate.Fresh)
	write(`{"BTC/EUR":`)
	price("90000")
	now = now.Add(time.Second)
	price("")
	write(`{"BTC/EUR":"1"}`)
	price("1")
	write(strings.Repeat(" ", 1<<20) + `{"BTC/EUR":"2"}`) // longer than is read
	price("1")
}

// A broken file is told of once for each time it was written, and so is its repair.
func TestBrokenFileIsToldOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rates.json")
	var log bytes.Buffer
	file := &feed.File{Path: path, Currency: currency, Now: func() time.Time { return noon }}
	book := &rate.Book{Now: file.Now, Log: slog.New(slog.NewTextHandler(&log, nil)), Sources: []rate.Source{file}}
	at := noon
	for _, step := range []struct{ name, text, want string }{
		{"not there", "", "rate_rejected"},
		{"broken", `{"BTC/EUR":5}`, "rate_rejected"},
		{"broken again in the same way", `{"BTC/EUR":5}`, "rate_rejected"},
		{"good", `{"BTC/EUR":"5"}`, "rate_restored"},
		{"good again", `{"BTC/EUR":"6"}`, ""},
		{"broken after that", `{"BTC/EUR":`, "rate_rejected"},
	} {
		if step.text != "" {
			at = at.Add(time.Minute)
			if err := os.WriteFile(path, []byte(step.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(path, at, at); err != nil {
				t.Fatal(err)
			}
		}
		log.Reset()
		for range 3 {
			if err := book.RunOnce(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		lines := strings.Count(log.String(), "\n")
		if (step.want == "" && lines != 0) || (step.want != "" && (lines != 1 || !strings.Contains(log.String(), "event="+step.want+" source=file"))) {
			t.Errorf("%s: logged %s", step.name, log.String())
		}
	}
}

func TestPlayed(t *testing.T) {
	_, coin := chain.Rehearsal()
	played := &feed.Played{Coin: coin.Currency, Price: "100", Now: func() time.Time { return noon }}
	samples, err := played.Read(t.Context())
	if err != nil || len(samples) != len(money.Fiats()) {
		t.Fatalf("%d prices, %v", len(samples), err)
	}
	for _, s := range samples {
		if s.Rate.Ratio() != "100" || s.Rate.From != coin.Currency || s.Rate.To.Kind != money.Fiat {
			t.Errorf("%+v", s)
		}
	}
	played.Price = "free"
	if _, err := played.Read(t.Context()); err == nil {
		t.Error("a price that is none")
	}
	if played.Every() >= rate.Fresh || !played.Alone() {
		t.Errorf("read every %s, alone: %v", played.Every(), played.Alone())
	}
}
