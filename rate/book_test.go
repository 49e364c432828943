package rate_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"checkout/ident"
	"checkout/money"
	"checkout/rate"
)

var (
	btc = money.Currency{Code: "BTC", Scale: 8, Kind: money.Crypto}
	eth = money.Currency{Code: "ETH", Scale: 18, Kind: money.Crypto}
	eur = money.Currency{Code: "EUR", Scale: 2, Kind: money.Fiat}
	usd = money.Currency{Code: "USD", Scale: 2, Kind: money.Fiat}
	czk = money.Currency{Code: "CZK", Scale: 2, Kind: money.Fiat}
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// desk is a book with a clock that only moves when it is told to.
type desk struct {
	*rate.Book
	t   *testing.T
	now time.Time
}

func openDesk(t *testing.T) *desk {
	d := &desk{t: t, now: noon}
	d.Book = &rate.Book{Now: func() time.Time { return d.now }, Random: rand.Reader, Bridges: []money.Currency{eur, usd}}
	return d
}

func ratio(t *testing.T, from, to money.Currency, text string) money.Rate {
	t.Helper()
	r, err := money.ParseRatio(from, to, text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// say takes in what sources (named by one letter each) say BTC is worth in EUR: "a:50000 b:50100".
func (d *desk) say(samples string) {
	d.t.Helper()
	for s := range strings.FieldsSeq(samples) {
		source, price, _ := strings.Cut(s, ":")
		d.Add(false, rate.Sample{Source: source, Rate: ratio(d.t, btc, eur, price), At: d.now})
	}
}

func (d *desk) wait(wait time.Duration) { d.now = d.now.Add(wait) }

// is checks the price of BTC in EUR; "" is none.
func (d *desk) is(want string) {
	d.t.Helper()
	r, err := d.Price(btc, eur)
	got := r.Ratio()
	if errors.Is(err, rate.ErrUnavailable) {
		got = ""
	} else if err != nil {
		d.t.Fatal(err)
	}
	if got != want {
		d.t.Errorf("after %s it is %q, want %q", d.now.Sub(noon), got, want)
	}
}

func TestMedian(t *testing.T) {
	for _, row := range []struct{ name, samples, want string }{
		{"nobody", "", ""},
		{"one source", "a:50000", ""},
		{"two that agree", "a:50000 b:50400", "50200"},
		{"two, two percent apart", "a:50000 b:51000", "50500"},
		{"two, further apart", "a:50000 b:51001", ""},
		{"three", "a:50000 b:50100 c:50300", "50100"},
		{"four", "a:50000 b:50100 c:50300 d:50400", "50200"},
		{"one of three far off is left out", "a:50000 b:50200 c:90000", "50100"},
		{"ten percent off is not far", "a:50000 b:50000 c:55000", ""},
		{"just more is", "a:50000 b:50000 c:55001", "50000"},
		{"one of two far off", "a:50000 b:90000", ""},
		{"two of four far off", "a:50000 b:50000 c:90000 d:90000", ""},
		{"two of five far off", "a:50000 b:50000 c:50000 d:90000 e:10000", ""},
		{"one source twice", "a:50000 a:50010", ""},
		{"a source corrects itself", "a:90000 b:50000 a:50000", "50000"},
	} {
		t.Run(row.name, func(t *testing.T) {
			d := openDesk(t)
			d.say(row.samples)
			d.is(row.want)
		})
	}
}

func TestStaleSamplesBindNobody(t *testing.T) {
	d := openDesk(t)
	d.say("a:50000 b:50000")
	d.wait(rate.Fresh)
	d.is("50000")
	d.wait(time.Millisecond)
	d.is("")
	d.say("a:50000")
	d.is("") // the other is stale
	d.say("c:50100")
	d.is("50050")
}

// Everybody moving by more than a quarter within a minute is not believed until two looks a minute apart agree.
func TestJump(t *testing.T) {
	for _, row := range []struct {
		name string
		play func(d *desk)
	}{
		{"a quarter is believed", func(d *desk) { d.say("a:62500 b:62500"); d.is("62500") }},
		{"more is not, for a minute", func(d *desk) {
			d.say("a:70000 b:70000")
			d.is("")
			d.wait(30 * time.Second)
			d.say("a:70000 b:70000")
			d.is("")
			d.wait(30 * time.Second)
			d.say("a:70500 b:70500")
			d.is("70500")
		}},
		{"downwards too", func(d *desk) {
			d.say("a:30000 b:30000")
			d.is("")
			d.wait(60 * time.Second)
			d.say("a:30000 b:30000")
			d.is("30000")
		}},
		{"it must stay where it is", func(d *desk) {
			d.say("a:70000 b:70000")
			d.wait(40 * time.Second)
			d.say("a:80000 b:80000")
			d.wait(40 * time.Second)
			d.say("a:80000 b:80000")
			d.is("")
			d.wait(20 * time.Second)
			d.say("a:80000 b:80000")
			d.is("80000")
		}},
		{"back where it was, all is well", func(d *desk) {
			d.say("a:70000 b:70000")
			d.wait(10 * time.Second)
			d.say("a:50000 b:50000")
			d.is("50000")
		}},
		{"after a minute without a look nothing was a jump", func(d *desk) {
			d.wait(61 * time.Second)
			d.say("a:70000 b:70000")
			d.is("70000")
		}},
		{"one source alone does not jump", func(d *desk) { d.say("a:70000"); d.is("") }},
	} {
		t.Run(row.name, func(t *testing.T) {
			d := openDesk(t)
			d.say("a:50000 b:50000")
			d.wait(20 * time.Second)
			row.play(d)
		})
	}
}

// What the operator vouches for stands alone, before any market, and may jump.
func TestAlone(t *testing.T) {
	d := openDesk(t)
	d.say("a:50000 b:50000")
	d.Add(true, rate.Sample{Source: "played", Rate: ratio(t, btc, eur, "100"), At: d.now})
	d.is("100")
	d.Add(true, rate.Sample{Source: "file", Rate: ratio(t, btc, eur, "7"), At: d.now})
	d.is("7")
	d.wait(time.Second)
	d.Add(true, rate.Sample{Source: "file", Rate: ratio(t, btc, eur, "700000"), At: d.now})
	d.is("700000")
	d.wait(rate.Fresh + time.Second)
	d.is("")
}

func TestPairs(t *testing.T) {
	d := openDesk(t)
	alone := func(from, to money.Currency, text string) {
		d.Add(true, rate.Sample{Source: "file", Rate: ratio(t, from, to, text), At: d.now})
	}
	alone(btc, eur, "50000")
	alone(usd, eur, "4/5")
	alone(eth, usd, "2500")
	alone(usd, czk, "20")
	for _, row := range []struct {
		from, to money.Currency
		want     string
	}{
		{btc, btc, "1"}, {czk, czk, "1"},
		{btc, eur, "50000"}, {eur, btc, "1/50000"}, {eur, usd, "5/4"},
		{btc, usd, "62500"},   // through EUR
		{usd, btc, "1/62500"}, // the other way round
		{eth, eur, "2000"},    // through USD
		{eth, czk, "50000"},   // through USD
		{btc, eth, ""},        // no bridge knows both
		{btc, czk, ""},        // two bridges would be needed
	} {
		r, err := d.Price(row.from, row.to)
		if row.want == "" {
			if !errors.Is(err, rate.ErrUnavailable) {
				t.Errorf("%s/%s is %s, %v", row.from, row.to, r.Ratio(), err)
			}
			continue
		}
		if err != nil || r.Ratio() != row.want || r.From != row.from || r.To != row.to {
			t.Errorf("%s/%s is %s (%s/%s), %v; want %s", row.from, row.to, r.Ratio(), r.From, r.To, err, row.want)
		}
	}
}

func TestQuote(t *testing.T) {
	d := openDesk(t)
	d.say("a:50000 b:50100 c:50200 d:90000")
	q, err := d.Quote(btc, eur, d.now, 15*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if !ident.Valid(string(q.ID)) || q.Rate.Ratio() != "50100" || !q.At.Equal(noon) || !q.Until.Equal(noon.Add(15*time.Minute)) {
		t.Errorf("%+v", q)
	}
	var basis []string
	for _, s := range q.Basis {
		basis = append(basis, s.Source+" "+s.Rate.Ratio())
	}
	if got, want := strings.Join(basis, ", "), "a 50000, b 50100, c 50200"; got != want {
		t.Errorf("made of %s, want %s", got, want)
	}
	if due, err := q.Due(money.Units(eur, 4500)); err != nil || due.String() != "0.00089821" {
		t.Errorf("45 EUR are %s, %v", due, err)
	}
	if _, err := d.Quote(eth, eur, d.now, time.Minute); !errors.Is(err, rate.ErrUnavailable) {
		t.Errorf("a coin nobody prices: %v", err)
	}
}

// source says one price, or fails.
type source struct {
	name  string
	price money.Rate
	now   func() time.Time
	fails atomic.Bool
	reads atomic.Int32
	every time.Duration
}

func (s *source) Name() string         { return s.name }
func (s *source) Every() time.Duration { return s.every }
func (s *source) Alone() bool          { return false }
func (s *source) Read(context.Context) ([]rate.Sample, error) {
	s.reads.Add(1)
	if s.fails.Load() {
		return nil, errors.New("500 Internal Server Error")
	}
	return []rate.Sample{{Source: s.name, Rate: s.price, At: s.now()}}, nil
}

// A source that fails is logged, and the others carry on without it.
func TestSourceFails(t *testing.T) {
	d := openDesk(t)
	var log bytes.Buffer
	d.Log = slog.New(slog.NewTextHandler(&log, nil))
	sources := []*source{{name: "a"}, {name: "b"}, {name: "c"}}
	for _, s := range sources {
		s.price, s.now = ratio(t, btc, eur, "50000"), d.Now
		d.Sources = append(d.Sources, s)
	}
	sources[1].fails.Store(true)
	if err := d.RunOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.is("50000")
	if !strings.Contains(log.String(), "event=rate_rejected source=b") {
		t.Errorf("logged: %s", log.String())
	}
	sources[2].fails.Store(true)
	d.wait(rate.Fresh + time.Second)
	if err := d.RunOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.is("")
}

// Run reads each source at its own pace, at once the first time, and ends with its context.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		quick := &source{name: "quick", every: time.Second, now: time.Now, price: ratio(t, btc, eur, "50000")}
		slow := &source{name: "slow", every: time.Minute, now: time.Now, price: ratio(t, btc, eur, "50000")}
		book := &rate.Book{Sources: []rate.Source{quick, slow}, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- book.Run(ctx) }()
		synctest.Wait()
		if quick.reads.Load() != 1 || slow.reads.Load() != 1 {
			t.Errorf("at once: %d and %d", quick.reads.Load(), slow.reads.Load())
		}
		time.Sleep(30*time.Second + time.Millisecond) // the bubble's clock
		synctest.Wait()
		if quick.reads.Load() != 31 || slow.reads.Load() != 1 {
			t.Errorf("after half a minute: %d and %d", quick.reads.Load(), slow.reads.Load())
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// A coin that is counted in other units on another network is worth the same there.
func TestTheCodeNamesTheCoin(t *testing.T) {
	d := openDesk(t)
	six := money.Currency{Code: "USDT", Scale: 6, Kind: money.Crypto}
	eighteen := money.Currency{Code: "USDT", Scale: 18, Kind: money.Crypto}
	d.Add(true, rate.Sample{Source: "file", Rate: ratio(t, six, eur, "9/10"), At: d.now})
	for _, coin := range []money.Currency{six, eighteen} {
		r, err := d.Price(coin, eur)
		if err != nil {
			t.Fatal(err)
		}
		one, err := money.Parse(coin, "1")
		if err != nil {
			t.Fatal(err)
		}
		if worth, err := r.Convert(one, money.RoundDown); err != nil || worth.String() != "0.90" {
			t.Errorf("one %s of %d decimals is worth %s, %v", coin.Code, coin.Scale, worth, err)
		}
	}
	if r, err := d.Price(six, eighteen); err != nil || r.Ratio() != "1" {
		t.Errorf("the one in the other is %s, %v", r.Ratio(), err)
	}
}
