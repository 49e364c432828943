package evm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"

	"checkout/chain"
	"checkout/chain/rpc"
)

// How many blocks are asked for at once while there are many to catch up with: a provider gets fewer after it refused, and one
// more each time it did not.
const (
	firstSpan = 16
	mostSpan  = 32
)

// hexOf is a number as the execution API wants it.
func hexOf(n int64) string { return "0x" + strconv.FormatInt(n, 16) }

// Block is the block at a height, with all its transactions, and in them what they say they move: it holds only once it is
// proven (Prove). ErrNoBlock if there is none. What follows the block is fetched with it, if the tip is far.
func (n *Node) Block(ctx context.Context, height int64) (chain.Block, error) {
	if height < 0 || height > math.MaxInt64/2 {
		return chain.Block{}, ErrNoBlock
	}
	if b, ok := n.ahead.Take(height); ok {
		return b, nil
	}
	n.mu.Lock()
	most := max(1, min(n.highest-height+1, mostSpan))
	n.mu.Unlock()
	var blocks []chain.Block
	err := n.pool.First(ctx, func(p *provider) error {
		var err error
		blocks, err = n.fetch(ctx, p, height, most)
		return err
	})
	if err != nil {
		return chain.Block{}, err
	}
	n.ahead.Keep(blocks[1:])
	return blocks[0], nil
}

// headersAtOnce is how many headers are asked for in one exchange.
const headersAtOnce = 20

// Headers lists the headers from one height to another, both included; ErrNoBlock if one of them is not there.
func (n *Node) Headers(ctx context.Context, from, to int64) ([]chain.Header, error) {
	if from < 0 || to > math.MaxInt64/2 {
		return nil, ErrNoBlock
	}
	n.ahead.Drop()
	var list []chain.Header
	err := n.pool.First(ctx, func(p *provider) error {
		list = nil
		for first := from; first <= to; first += headersAtOnce {
			part, err := p.headers(ctx, first, min(first+headersAtOnce-1, to))
			if err != nil {
				return err
			}
			list = append(list, part...)
		}
		return nil
	})
	return list, err
}

func (p *provider) headers(ctx context.Context, from, to int64) ([]chain.Header, error) {
	var questions []rpc.Question
	for height := from; height <= to; height++ {
		questions = append(questions, rpc.Question{Method: "eth_getBlockByNumber", Params: []any{hexOf(height), false}})
	}
	answers, err := p.many(ctx, questions)
	if err != nil {
		return nil, err
	}
	list := make([]chain.Header, len(answers))
	for i, answer := range answers {
		raw, err := p.readBlock(answer, false)
		if err != nil {
			return nil, err
		}
		if list[i], err = raw.header(from + int64(i)); err != nil {
			return nil, p.invalid(from+int64(i), err)
		}
	}
	return list, nil
}

// fetch gets at most so many blocks from a height on, at least one: half as many each time the provider refuses.
func (n *Node) fetch(ctx context.Context, p *provider, height, most int64) ([]chain.Block, error) {
	for {
		count := min(most, p.width())
		if count <= 1 {
			b, err := n.single(ctx, p, height)
			if err == nil {
				p.widen(1)
			}
			return []chain.Block{b}, err
		}
		blocks, err := n.several(ctx, p, height, count)
		switch {
		case err == nil:
			p.widen(count)
			return blocks, nil
		case ctx.Err() != nil || errors.Is(err, ErrWrongNetwork):
			return nil, err
		}
		p.narrow(count)
	}
}

func (p *provider) width() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.span == 0 {
		p.span = firstSpan
	}
	return p.span
}

func (p *provider) widen(worked int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if worked >= p.span {
		p.span = min(worked+1, mostSpan)
	}
}

func (p *provider) narrow(failed int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.span = max(1, failed/2)
}

// several gets blocks that follow one another, and the logs of all, in one exchange.
func (n *Node) several(ctx context.Context, p *provider, height, count int64) ([]chain.Block, error) {
	questions := make([]rpc.Question, 0, count+1)
	for i := range count {
		questions = append(questions, rpc.Question{Method: "eth_getBlockByNumber", Params: []any{hexOf(height + i), true}})
	}
	if len(n.contracts) > 0 {
		questions = append(questions, n.logsOf(height, height+count-1))
	}
	answers, err := p.many(ctx, questions)
	if err != nil {
		return nil, err
	}
	logs := map[string][]rawLog{}
	if len(n.contracts) > 0 {
		if logs, err = p.readLogs(answers[count]); err != nil {
			return nil, err
		}
	}
	blocks := make([]chain.Block, 0, count)
	for i := range count {
		raw, err := p.readBlock(answers[i], true)
		if err != nil {
			return nil, err
		}
		h, err := raw.header(height + i)
		if err != nil {
			return nil, p.invalid(height+i, err)
		}
		if i > 0 && h.Parent != blocks[i-1].Hash {
			return nil, p.invalid(height+i, errors.New("it does not follow the block before it"))
		}
		found := logs[h.Hash]
		delete(logs, h.Hash)
		if len(found) == 0 { // of many at once a provider may leave some out
			if found, err = n.logsIn(ctx, p, raw, h); err != nil {
				return nil, err
			}
		}
		b, err := n.block(raw, h, found)
		if err != nil {
			return nil, p.invalid(h.Height, err)
		}
		blocks = append(blocks, b)
	}
	if len(logs) > 0 {
		return nil, p.garbage("logs of blocks that are not the node's")
	}
	return blocks, nil
}

// single gets one block and its logs.
func (n *Node) single(ctx context.Context, p *provider, height int64) (chain.Block, error) {
	raw, err := p.block(ctx, hexOf(height), true)
	if err != nil {
		return chain.Block{}, err
	}
	h, err := raw.header(height)
	if err != nil {
		return chain.Block{}, p.invalid(height, err)
	}
	logs, err := n.logsIn(ctx, p, raw, h)
	if err != nil {
		return chain.Block{}, err
	}
	b, err := n.block(raw, h, logs)
	if err != nil {
		return chain.Block{}, p.invalid(height, err)
	}
	return b, nil
}

// logsIn gets the logs of one block by its hash, so that a node which has not got it says so; a node that cannot is asked by
// height, in one breath with the block's header, for the same reason. The block's filter tells when there are none.
func (n *Node) logsIn(ctx context.Context, p *provider, raw rawBlock, h chain.Header) ([]rawLog, error) {
	if len(n.contracts) == 0 || !mayHold(raw.Bloom, n.filters) {
		return nil, nil
	}
	p.mu.Lock()
	byRange := p.byRange
	p.mu.Unlock()
	if !byRange {
		answer, err := p.ask(ctx, "eth_getLogs", map[string]any{"blockHash": h.Hash, "address": n.contracts, "topics": []string{transferTopic}})
		if err == nil {
			return p.logsFor(answer, h)
		}
		refusal, refused := errors.AsType[*rpc.Error](err)
		if !refused || !cannot(refusal) {
			return nil, err
		}
		p.mu.Lock()
		p.byRange = true
		p.mu.Unlock()
	}
	answers, err := p.many(ctx, []rpc.Question{
		{Method: "eth_getBlockByNumber", Params: []any{hexOf(h.Height), false}}, n.logsOf(h.Height, h.Height),
	})
	if err != nil {
		return nil, err
	}
	bare, err := p.readBlock(answers[0], false)
	if err != nil {
		return nil, err
	}
	if bare.Hash != h.Hash {
		return nil, p.invalid(h.Height, errors.New("it changed meanwhile"))
	}
	return p.logsFor(answers[1], h)
}

// cannot says whether a refusal is of the question's form: invalid parameters or an unknown method (JSON-RPC 2.0, 5.1).
func cannot(e *rpc.Error) bool { return e.Code == -32602 || e.Code == -32601 }

// logsOf asks for the transfers of our tokens in a range of heights, both ends included.
func (n *Node) logsOf(from, to int64) rpc.Question {
	return rpc.Question{Method: "eth_getLogs", Params: []any{map[string]any{
		"fromBlock": hexOf(from), "toBlock": hexOf(to), "address": n.contracts, "topics": []string{transferTopic},
	}}}
}

// logsFor reads logs that must all be of one block.
func (p *provider) logsFor(answer json.RawMessage, h chain.Header) ([]rawLog, error) {
	logs, err := p.readLogs(answer)
	if err != nil {
		return nil, err
	}
	found := logs[h.Hash]
	if len(logs) > 1 || (len(logs) == 1 && found == nil) {
		return nil, p.garbage("logs of another block")
	}
	return found, nil
}

// readLogs sorts logs by their block. Within a block they must be in the order of their index.
func (p *provider) readLogs(answer json.RawMessage) (map[string][]rawLog, error) {
	var list []rawLog
	if len(answer) == 0 {
		return nil, p.garbage("eth_getLogs: nothing")
	}
	if err := json.Unmarshal(answer, &list); err != nil {
		return nil, p.trouble(rpc.ErrGarbage.Because(err))
	}
	logs := map[string][]rawLog{}
	last := map[string]int64{}
	for _, log := range list {
		index, err := number(log.Index)
		if err != nil {
			return nil, p.garbage("eth_getLogs: index: " + err.Error())
		}
		if before, ok := last[log.Block]; ok && index <= before {
			return nil, p.garbage(fmt.Sprintf("eth_getLogs: index %d after %d", index, before))
		}
		last[log.Block] = index
		logs[log.Block] = append(logs[log.Block], log)
	}
	return logs, nil
}
