// Package feed has the sources prices are read from.
package feed

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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
// that cannot be read or parsed leaves the last good prices to grow stale; the error says of when the file is, so that it
// changes with the file.
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
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(file, 1<<20))
	if err != nil {
		return nil, err
	}
	samples, err := ParseFile(raw, f.Currency, f.Now())
	if err != nil {
		return nil, fmt.Errorf("%w, in the file of %s", err, info.ModTime().UTC().Format(time.RFC3339Nano))
	}
	return samples, nil
}

// ParseFile reads the text of a rates file. Currencies this installation does not know are passed over, so that one
// file can serve several.
func ParseFile(raw []byte, currency func(string) (money.Currency, bool), now time.Time) ([]rate.Sample, error) {
	prices, err := object(raw)
	if err != nil {
		return nil, fmt.Errorf("rates file: want {\"BTC/EUR\":\"50000\"}: %w", err)
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

// object reads a JSON object of strings that is all of the text. A name that stands twice is refused: the decoder would
// silently take the last.
func object(raw []byte) (map[string]string, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	switch open, err := dec.Token(); {
	case err != nil:
		return nil, fmt.Errorf("no object: %w", err)
	case open != json.Delim('{'):
		return nil, errors.New("no object")
	}
	members := map[string]string{}
	for dec.More() {
		name, err := text(dec)
		if err != nil {
			return nil, err
		}
		if _, twice := members[name]; twice {
			return nil, fmt.Errorf("%q stands twice", name)
		}
		if members[name], err = text(dec); err != nil {
			return nil, fmt.Errorf("%q: %w", name, err)
		}
	}
	if _, err := dec.Token(); err != nil { // the closing brace
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("text after the object")
	}
	return members, nil
}

func text(dec *json.Decoder) (string, error) {
	token, err := dec.Token()
	if err != nil {
		return "", err
	}
	s, ok := token.(string)
	if !ok {
		return "", fmt.Errorf("%v is no string", token)
	}
	return s, nil
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
