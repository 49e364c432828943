package evm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"checkout/chain/rpc"
)

// provider is one node of the network.
type provider struct {
	rpc     *rpc.Client
	chainID int64

	mu       sync.Mutex
	verified time.Time // when it last named the right chain id; zero after any trouble
	single   time.Time // until then it is asked one question at a time
	byRange  bool      // it does not give logs by block hash
	span     int64     // how many blocks it gives at once, as far as is known
}

// singleFor is how long a provider that makes nothing of a batch is asked one question at a time.
const singleFor = 10 * time.Minute

// verifyEvery is how often a node must name its chain id: providers have been seen to change it under their clients.
const verifyEvery = time.Minute

// ask calls the node and turns the errors of the call into faults. A result of null is given as nil.
func (p *provider) ask(ctx context.Context, method string, params ...any) (json.RawMessage, error) {
	if err := p.identify(ctx); err != nil {
		return nil, err
	}
	return p.call(ctx, method, params...)
}

func (p *provider) call(ctx context.Context, method string, params ...any) (json.RawMessage, error) {
	var raw json.RawMessage
	err := p.rpc.CallUpTo(ctx, answerLimit, &raw, method, params...)
	return p.take(method, err, raw)
}

// take is the result of a call, nil if it is null.
func (p *provider) take(method string, err error, raw json.RawMessage) (json.RawMessage, error) {
	if err != nil {
		return nil, p.trouble(err)
	}
	if len(raw) == 0 {
		return nil, p.garbage(method + ": neither a result nor an error")
	}
	if string(raw) == "null" {
		return nil, nil
	}
	return raw, nil
}

// many asks several questions, in one exchange if the node takes that: its answers are then of one moment, and of one of the
// machines that may stand behind one address. A result of null is given as nil.
func (p *provider) many(ctx context.Context, questions []rpc.Question) ([]json.RawMessage, error) {
	if err := p.identify(ctx); err != nil {
		return nil, err
	}
	p.mu.Lock()
	single := time.Now().Before(p.single) || len(questions) == 1
	p.mu.Unlock()
	answers := make([]json.RawMessage, len(questions))
	if single {
		for i, q := range questions {
			var err error
			if answers[i], err = p.call(ctx, q.Method, q.Params...); err != nil {
				return nil, err
			}
		}
		return answers, nil
	}
	replies, err := p.rpc.Batch(ctx, answerLimit, questions)
	if err != nil {
		if errors.Is(err, rpc.ErrGarbage) && !errors.Is(err, rpc.ErrTooLarge) {
			p.mu.Lock()
			p.single = time.Now().Add(singleFor)
			p.mu.Unlock()
		}
		return nil, p.trouble(err)
	}
	for i, reply := range replies {
		if answers[i], err = p.take(questions[i].Method, rpc.Read(questions[i].Method, reply, &answers[i]), answers[i]); err != nil {
			return nil, err
		}
	}
	return answers, nil
}

// trouble takes the trust in the node's identity away.
func (p *provider) trouble(err error) error {
	p.mu.Lock()
	p.verified = time.Time{}
	p.mu.Unlock()
	if _, refused := errors.AsType[*rpc.Error](err); refused {
		return rpc.ErrRefused.Because(err)
	}
	return err
}

func (p *provider) garbage(what string) error {
	return p.trouble(rpc.ErrGarbage.Because(errors.New(what)))
}

func (p *provider) invalid(height int64, err error) error {
	return p.trouble(ErrBlockInvalid.Because(fmt.Errorf("height %d: %w", height, err)))
}

// identify asks for the chain id (EIP-155), unless that was known a moment ago.
func (p *provider) identify(ctx context.Context) error {
	p.mu.Lock()
	fresh := time.Since(p.verified) < verifyEvery
	p.mu.Unlock()
	if fresh {
		return nil
	}
	raw, err := p.call(ctx, "eth_chainId")
	if err != nil {
		return err
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return p.garbage("eth_chainId: no text")
	}
	id, err := number(text)
	if err != nil {
		return p.garbage("eth_chainId: " + err.Error())
	}
	if id != p.chainID {
		return ErrWrongNetwork.Because(fmt.Errorf("its chain id is %d, not %d", id, p.chainID))
	}
	p.mu.Lock()
	p.verified = time.Now()
	p.mu.Unlock()
	return nil
}

// block asks for a block by height or tag, with its transactions or without; ErrNoBlock.
func (p *provider) block(ctx context.Context, at string, full bool) (rawBlock, error) {
	raw, err := p.ask(ctx, "eth_getBlockByNumber", at, full)
	if err != nil {
		return rawBlock{}, err
	}
	return p.readBlock(raw, full)
}

func (p *provider) readBlock(raw json.RawMessage, full bool) (rawBlock, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return rawBlock{}, ErrNoBlock
	}
	var b rawBlock
	if full {
		if err := json.Unmarshal(raw, &b); err != nil {
			return rawBlock{}, p.trouble(rpc.ErrGarbage.Because(err))
		}
		if b.Txs == nil {
			return rawBlock{}, p.garbage("a block without its transactions")
		}
		return b, nil
	}
	var bare struct {
		rawBlock
		Txs json.RawMessage `json:"transactions"`
	}
	if err := json.Unmarshal(raw, &bare); err != nil {
		return rawBlock{}, p.trouble(rpc.ErrGarbage.Because(err))
	}
	return bare.rawBlock, nil
}
