package rpc

import (
	"context"
	"sync"
	"time"

	"checkout/fault"
)

// returnAfter is how long another provider than the first is asked before the first gets a chance again: operators name the one
// they like best first.
const returnAfter = time.Minute

// Pool are providers of one network that stand in for each other. It is safe for concurrent use.
type Pool[P any] struct {
	all []P

	mu      sync.Mutex
	current int       // who is asked first
	since   time.Time // since when
}

// NewPool makes a pool of providers, the one to be preferred first.
func NewPool[P any](providers []P) *Pool[P] { return &Pool[P]{all: providers} }

// All lists the providers.
func (p *Pool[P]) All() []P { return p.all }

// First asks the providers one after the other until one has an answer, and stays with that one for a while. Of several errors it
// gives the one that says most: that a provider is of another network, before that it does not answer.
func (p *Pool[P]) First(ctx context.Context, ask func(P) error) error {
	start := p.start()
	var first error
	for i := range p.all {
		at := (start + i) % len(p.all)
		err := ask(p.all[at])
		if err == nil {
			p.stay(at)
			return nil
		}
		if ctx.Err() != nil {
			return err
		}
		if first == nil || (fault.Of(err).Code == "wrong_network" && fault.Of(first).Code != "wrong_network") {
			first = err
		}
	}
	return first
}

func (p *Pool[P]) start() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current != 0 && time.Since(p.since) > returnAfter {
		p.current = 0
	}
	return p.current
}

func (p *Pool[P]) stay(at int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at != p.current {
		p.current, p.since = at, time.Now()
	}
}
