// Package feed has the sources prices are read from.
package feed

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"checkout/money"
	"checkout/rate"
)

// File is a JSON file of prices the operator vouches for, {"BTC/EUR":"50000"}: the price of one unit of the first
// currency in the second, as plain decimal strings. It is read again every second, so an edit counts at once. A file
// that cannot be read or parsed leaves the last good prices to grow stale.
type File struct {
	Path     string
	Currency func(code string) (money.Currency, bool)
	Now      func() time.Time
}

// Name is "file".
func (f *File) Name() string { return "file" }

// Every is one second.
func (f *File) Every() time.Duration { return time.Second }

// Alone is true: the operator wrote it.
func (f *File) Alone() bool { return true }

// Read parses the whole file; one bad line spoils it, so that a typing mistake is noticed and not half applied.
func (f *File) Read(context.Context) ([]rate.Sample, error) {
	file, err := os.Open(f.Path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	raw, err := io.ReadAll(io.LimitReader(file, 1<<20))
	if err != nil {
		return nil, err
	}
	return ParseFile(raw, f.Currency, f.Now())
}

// ParseFile reads the text of a rates file. Currencies this installation does not know are passed over, so that one
// file can serve several.
func ParseFile(raw []byte, currency func(string) (money.Currency, bool), now time.Time) ([]rate.Sample, error) {
	var prices map[string]string
	dec := json.NewDecoder(bytes.NewReader(raw))
	if err := dec.Decode(&prices); err != nil {
		return nil, fmt.Errorf("rates file: want {\"BTC/EUR\":\"50000\"}: %w", err)
	}
	if dec.More() {
		return nil, fmt.Errorf("rates file: text after the object")
	}
	var samples []rate.Sample
	for name, price := range prices {
		from, to, ok := strings.Cut(name, "/")
		if !ok {
			return nil, fmt.Errorf("rates file: %q is not a pair like BTC/EUR", name)
		}
		a, okA := currency(from)
		b, okB := currency(to)
		if !okA || !okB {
			continue
		}
		r, err := money.ParseRate(a, b, price)
		if err != nil {
			return nil, fmt.Errorf("rates file: %w", err)
		}
		samples = append(samples, rate.Sample{Source: "file", Rate: r, At: now})
	}
	return samples, nil
}

// Played gives a coin that is only played the same price in every fiat currency, so that a rehearsal needs no feed.
type Played struct {
	Coin  money.Currency
	Price string // a plain decimal
	Now   func() time.Time
}

// Name is "played".
func (p *Played) Name() string { return "played" }

// Every is half the time a sample stays fresh.
func (p *Played) Every() time.Duration { return rate.Fresh / 4 }

// Alone is true: there is no market to compare with.
func (p *Played) Alone() bool { return true }

// Read gives the price in every fiat currency.
func (p *Played) Read(context.Context) ([]rate.Sample, error) {
	var samples []rate.Sample
	for _, fiat := range money.Fiats() {
		r, err := money.ParseRate(p.Coin, fiat, p.Price)
		if err != nil {
			return nil, err
		}
		samples = append(samples, rate.Sample{Source: "played", Rate: r, At: p.Now()})
	}
	return samples, nil
}
