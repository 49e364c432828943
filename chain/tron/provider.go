package tron

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"checkout/chain/rpc"
)

// answerLimit is how many bytes an answer may have: full blocks and what came of their transactions have some megabytes.
const answerLimit = 64 << 20

// verifyEvery is how often a node must name the right first block.
const verifyEvery = time.Minute

// provider is one node of the network.
type provider struct {
	rpc     *rpc.Client
	genesis string

	mu       sync.Mutex
	verified time.Time // when it last named the right first block; zero after any trouble
	slowTill time.Time // until when its calls are spaced
	next     time.Time // when the next of them may be made
}

// Providers count calls, and lock out for a while who makes too many: TronGrid, above 15 in a second, for half a minute, and one
// whose day is used up may make 5 (developers.tron.network, "Rate limits"). So a provider that has refused a call gets no more
// than that for some time. Blocks come every three seconds and take two calls.
const (
	spacing = time.Second / 5
	slowFor = 10 * time.Minute
)

// slow spaces the calls from now on.
func (p *provider) slow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slowTill = time.Now().Add(slowFor)
}

// wait ends when a call may be made.
func (p *provider) wait(ctx context.Context) error {
	p.mu.Lock()
	now := time.Now()
	if now.After(p.slowTill) {
		p.mu.Unlock()
		return nil
	}
	if p.next.Before(now) {
		p.next = now
	}
	at := p.next
	p.next = at.Add(spacing)
	p.mu.Unlock()
	select {
	case <-ctx.Done():
		return rpc.ErrUnreachable.Because(ctx.Err())
	case <-time.After(at.Sub(now)):
		return nil
	}
}

// ask calls the node, once its identity is known, and reads its answer.
func (p *provider) ask(ctx context.Context, into any, path string, body any) error {
	if err := p.identify(ctx); err != nil {
		return err
	}
	return p.call(ctx, into, path, body)
}

// call reads an answer into a value. Nodes tell of their own failures in a member "Error" of an otherwise empty object.
func (p *provider) call(ctx context.Context, into any, path string, body any) error {
	if err := p.wait(ctx); err != nil {
		return err
	}
	var raw json.RawMessage
	if err := p.rpc.Post(ctx, answerLimit, &raw, path, body); err != nil {
		if _, is := errors.AsType[*rpc.Status](err); is {
			p.slow()
		}
		return p.trouble(err)
	}
	var failure struct {
		Error json.RawMessage `json:"Error"`
	}
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		if err := json.Unmarshal(raw, &failure); err != nil {
			return p.garbage(path + ": " + err.Error())
		}
		if len(failure.Error) > 0 && string(failure.Error) != "null" && string(failure.Error) != `""` {
			return p.refused(path, string(failure.Error))
		}
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return p.garbage(path + ": " + err.Error())
	}
	return nil
}

// trouble takes the trust in the node's identity away.
func (p *provider) trouble(err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.verified = time.Time{}
	return err
}

// What TronGrid, and java-tron's own limiter (RateLimiterServlet), say to who asks too much, where the status does not.
const (
	tooOften   = "frequency limit"
	tooHeavily = "lack of computing resources"
)

// refused is the fault of a node that has its own trouble, in its words. They may repeat our key.
func (p *provider) refused(path, words string) error {
	if strings.Contains(words, tooOften) || strings.Contains(words, tooHeavily) {
		p.slow()
	}
	return p.trouble(rpc.ErrRefused.Because(fmt.Errorf("%s: %.200s", path, p.rpc.Hide(words))))
}

func (p *provider) garbage(what string) error {
	return p.trouble(rpc.ErrGarbage.Because(errors.New(what)))
}

func (p *provider) invalid(height int64, err error) error {
	return p.trouble(ErrBlockInvalid.Because(fmt.Errorf("height %d: %w", height, err)))
}

// identify asks for the first block, unless that was known a moment ago.
func (p *provider) identify(ctx context.Context) error {
	p.mu.Lock()
	fresh := time.Since(p.verified) < verifyEvery
	p.mu.Unlock()
	if fresh {
		return nil
	}
	var b rawBlock
	if err := p.call(ctx, &b, "/wallet/getblock", byHeight(0)); err != nil {
		return err
	}
	if b.ID != p.genesis {
		return ErrWrongNetwork.Because(fmt.Errorf("its first block is %.64q", b.ID))
	}
	p.mu.Lock()
	p.verified = time.Now()
	p.mu.Unlock()
	return nil
}
