package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"checkout/chain"
	"checkout/fault"
)

// Tokens are compared with their contracts when the process starts, again soon while a node gives no answer, and from time to
// time after that: a contract behind a proxy may be exchanged.
const (
	compareEvery = 10 * time.Minute
	compareSoon  = 5 * time.Second
)

// contracts says which tokens are what their contracts say. What was never compared is not offered: its network's node has not
// answered yet, either.
type contracts struct {
	mu    sync.Mutex
	found map[string]string // by asset: "ok", or the code of what is wrong
}

// checker is a source that can compare a token with its contract.
type checker interface {
	Check(ctx context.Context, a chain.Asset) error
}

// offered says whether nothing speaks against an asset. A nil value knows of nothing.
func (c *contracts) offered(a chain.Asset) bool {
	if c == nil || a.Contract == "" {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.found[a.ID] == "ok"
}

// offered says whether nothing speaks against an asset. Played tokens have no contract that could be another.
func (a *app) offered(asset chain.Asset) bool {
	n, ok := a.registry.Network(asset.Network)
	return (ok && n.Played) || a.contracts.offered(asset)
}

// lines tells of tokens that do not agree with their contracts, for /readyz.
func (c *contracts) lines() []string {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []string
	for id, code := range c.found {
		if code != "ok" {
			list = append(list, fmt.Sprintf("asset:%s=%s", id, code))
		}
	}
	slices.Sort(list)
	return list
}

// compareContracts asks the nodes about every token until ctx ends.
func (a *app) compareContracts(ctx context.Context) error {
	for {
		wait := compareEvery
		for _, w := range a.watchers {
			node, ok := w.Source.(checker)
			if !ok {
				continue
			}
			for _, asset := range a.registry.Assets() {
				if asset.Network == w.Source.Network().ID && asset.Contract != "" && !a.compare(ctx, node, asset) {
					wait = compareSoon
				}
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// compare asks about one token; false: there was no answer.
func (a *app) compare(ctx context.Context, node checker, asset chain.Asset) bool {
	err := node.Check(ctx, asset)
	state := "ok"
	if err != nil {
		f, is := errors.AsType[*fault.Error](err)
		if !is || f.Code != "asset_mismatch" {
			return false
		}
		state = f.Code
	}
	c := a.contracts
	c.mu.Lock()
	before := c.found[asset.ID]
	c.found[asset.ID] = state
	c.mu.Unlock()
	switch {
	case state != "ok" && before != state:
		a.log.Error("a token is not what its contract says and is not offered", "event", "asset_mismatch", "asset", asset.ID, "network", asset.Network, "err", err)
	case state == "ok" && before != "" && before != state:
		a.log.Info("a token agrees with its contract again", "event", "asset_ok", "asset", asset.ID, "network", asset.Network)
	}
	return true
}
