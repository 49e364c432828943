// Package rate knows what one currency is worth in another, how fresh that is, and what it was quoted at.
//
// A background sampler reads the sources; no request ever waits for one. What is bindingly quoted is the median of
// fresh samples that agree (engine.md section 10); anything else is no rate at all, and the coin is not offered.
package rate

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"sort"
	"sync"
	"time"

	"checkout/fault"
	"checkout/ident"
	"checkout/money"
)

// The rules of engine.md section 10.
const (
	Fresh      = 120 * time.Second // a sample older than this binds nobody
	jumpWindow = 60 * time.Second
)

var (
	outlier   = big.NewRat(10, 100) // one source further than this from the median is left out
	agreement = big.NewRat(2, 100)  // the others must agree within this
	jump      = big.NewRat(25, 100) // everybody moving further than this at once is not believed
)

// ErrUnavailable is the fault of a pair without a fresh rate.
var ErrUnavailable = fault.New(fault.Unavailable, "rate_unavailable", "Rate is unavailable").In(30 * time.Second)

// Sample is what one source said of one pair.
type Sample struct {
	Source string
	Rate   money.Rate
	At     time.Time // when we read it
}

// Source is a price feed. Read returns every pair it knows; a sample its parser refuses is left out, not returned.
type Source interface {
	Name() string
	// Every is how often it is read.
	Every() time.Duration
	// Alone says that the operator vouches for it: it needs no second source and no plausibility check (a file, or the
	// price of a played coin).
	Alone() bool
	Read(ctx context.Context) ([]Sample, error)
}

// Book keeps the latest samples and answers from memory.
type Book struct {
	Sources []Source
	Now     func() time.Time
	Random  io.Reader
	Log     *slog.Logger
	// Bridges are the currencies a pair without a rate of its own may be chained through, tried in order.
	Bridges []money.Currency

	mu    sync.RWMutex
	pairs map[pair]*board

	telling sync.Mutex
	told    map[string]string // by source: the failure that was logged last, until it works again
}

// pair names two currencies by their codes: the same coin may be counted in other units on another network, and is worth the
// same there.
type pair struct{ from, to string }

func pairOf(from, to money.Currency) pair { return pair{from.Code, to.Code} }

// board is what is known of one pair.
type board struct {
	latest map[string]Sample // by source
	alone  map[string]bool
	good   money.Rate // the last rate that was believed, and when
	goodAt time.Time
	wild   money.Rate // a rate that jumped, waiting to be confirmed, and since when
	wildAt time.Time
}

// RunOnce reads every source once. A source that fails leaves its old samples to grow stale.
func (b *Book) RunOnce(ctx context.Context) error {
	for _, s := range b.Sources {
		b.read(ctx, s)
	}
	return nil
}

// Run reads every source at its own pace until ctx ends.
func (b *Book) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, s := range b.Sources {
		wg.Go(func() {
			tick := time.NewTicker(s.Every())
			defer tick.Stop()
			for {
				b.read(ctx, s)
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
				}
			}
		})
	}
	wg.Wait()
	return nil
}

func (b *Book) read(ctx context.Context, s Source) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	samples, err := s.Read(ctx)
	b.tell(s.Name(), err)
	if err == nil {
		b.Add(s.Alone(), samples...)
	}
}

// tell logs how a source does when that changes: a file that is broken is read every second.
func (b *Book) tell(source string, err error) {
	b.telling.Lock()
	defer b.telling.Unlock()
	last, failed := b.told[source]
	switch {
	case err == nil && failed:
		delete(b.told, source)
		b.Log.Info("rate source works again", "event", "rate_restored", "source", source)
	case err != nil && (!failed || last != err.Error()):
		if b.told == nil {
			b.told = map[string]string{}
		}
		b.told[source] = err.Error()
		b.Log.Warn("rate source failed", "event", "rate_rejected", "source", source, "err", err)
	}
}

// Add takes samples in, as Run does.
func (b *Book) Add(alone bool, samples ...Sample) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pairs == nil {
		b.pairs = map[pair]*board{}
	}
	for _, s := range samples {
		p := pairOf(s.Rate.From, s.Rate.To)
		bd := b.pairs[p]
		if bd == nil {
			bd = &board{latest: map[string]Sample{}, alone: map[string]bool{}}
			b.pairs[p] = bd
		}
		bd.latest[s.Source] = s
		bd.alone[s.Source] = alone
		bd.watchJump(s.At)
	}
}

// watchJump keeps the last believed rate and holds back one that moved too far too fast.
func (bd *board) watchJump(now time.Time) {
	rate, _, vouched, ok := bd.median(now)
	if !ok {
		return
	}
	if vouched || bd.good.IsZero() || now.Sub(bd.goodAt) > jumpWindow || within(rate.Rat(), bd.good.Rat(), jump) {
		bd.good, bd.goodAt, bd.wild = rate, now, money.Rate{}
		return
	}
	switch {
	case bd.wild.IsZero() || !within(rate.Rat(), bd.wild.Rat(), agreement):
		bd.wild, bd.wildAt = rate, now
	case now.Sub(bd.wildAt) >= jumpWindow:
		bd.good, bd.goodAt, bd.wild = rate, now, money.Rate{}
	}
	if !bd.wild.IsZero() {
		bd.goodAt = now // the doubt stays until two looks a minute apart agree
	}
}

// median is the middle of the fresh samples that agree with each other.
func (bd *board) median(now time.Time) (rate money.Rate, basis []Sample, vouched, ok bool) {
	for name, s := range bd.latest {
		if now.Sub(s.At) > Fresh {
			continue
		}
		if bd.alone[name] {
			// What the operator wrote down stands before what is only played: "file" before "played".
			if !vouched || name < basis[0].Source {
				rate, basis, vouched = s.Rate, []Sample{s}, true
			}
			continue
		}
		if !vouched {
			basis = append(basis, s)
		}
	}
	if vouched {
		return rate, basis, true, true
	}
	if len(basis) < 2 {
		return money.Rate{}, nil, false, false
	}
	sort.Slice(basis, func(i, j int) bool { return basis[i].Rate.Rat().Cmp(basis[j].Rate.Rat()) < 0 })
	mid := middle(basis)
	kept := basis[:0:0]
	for _, s := range basis {
		if within(s.Rate.Rat(), mid, outlier) {
			kept = append(kept, s)
		}
	}
	if len(kept) < 2 || len(kept) < len(basis)-1 || !within(kept[len(kept)-1].Rate.Rat(), kept[0].Rate.Rat(), agreement) {
		return money.Rate{}, nil, false, false
	}
	rate, err := money.NewRate(kept[0].Rate.From, kept[0].Rate.To, middle(kept))
	return rate, kept, false, err == nil
}

func middle(sorted []Sample) *big.Rat {
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2].Rate.Rat()
	}
	sum := new(big.Rat).Add(sorted[n/2-1].Rate.Rat(), sorted[n/2].Rate.Rat())
	return sum.Quo(sum, big.NewRat(2, 1))
}

// within says whether a lies no further than share of b away from b.
func within(a, b, share *big.Rat) bool {
	diff := new(big.Rat).Sub(a, b)
	return diff.Abs(diff).Cmp(new(big.Rat).Mul(b, share)) <= 0
}

// Rate is what one unit of from is worth in to right now, bindingly: itself, a pair a source names either way round,
// or two such pairs chained through a bridge. ErrUnavailable otherwise.
func (b *Book) Rate(from, to money.Currency) (money.Rate, []Sample, error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if from.Code == to.Code {
		rate, err := money.NewRate(from, to, big.NewRat(1, 1))
		return rate, nil, err
	}
	now := b.Now()
	if rate, basis, ok := b.direct(from, to, now); ok {
		return rate, basis, nil
	}
	for _, via := range b.Bridges {
		first, basis1, ok1 := b.direct(from, via, now)
		second, basis2, ok2 := b.direct(via, to, now)
		if !ok1 || !ok2 {
			continue
		}
		rate, err := first.Through(second)
		if err != nil {
			return money.Rate{}, nil, err
		}
		return rate, append(append([]Sample(nil), basis1...), basis2...), nil
	}
	return money.Rate{}, nil, ErrUnavailable.Because(fmt.Errorf("no rate for %s/%s", from, to))
}

func (b *Book) direct(from, to money.Currency, now time.Time) (money.Rate, []Sample, bool) {
	rate, basis, ok := b.believed(pairOf(from, to), now)
	if !ok {
		if rate, basis, ok = b.believed(pairOf(to, from), now); !ok {
			return money.Rate{}, nil, false
		}
		rate = rate.Invert()
	}
	rate, err := money.NewRate(from, to, rate.Rat())
	return rate, basis, err == nil
}

func (b *Book) believed(p pair, now time.Time) (money.Rate, []Sample, bool) {
	bd := b.pairs[p]
	if bd == nil {
		return money.Rate{}, nil, false
	}
	rate, basis, vouched, ok := bd.median(now)
	if !ok || (!vouched && !bd.wild.IsZero()) {
		return money.Rate{}, nil, false
	}
	return rate, basis, true
}

// Quote locks the current rate for a window that begins at now.
func (b *Book) Quote(from, to money.Currency, now time.Time, window time.Duration) (Quote, error) {
	rate, basis, err := b.Rate(from, to)
	if err != nil {
		return Quote{}, err
	}
	return Quote{ID: ident.New(b.Random), Rate: rate, At: now, Until: now.Add(window), Basis: basis}, nil
}

// Price is Rate without what it was made of.
func (b *Book) Price(from, to money.Currency) (money.Rate, error) {
	r, _, err := b.Rate(from, to)
	return r, err
}
