package bitcoin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"checkout/chain"
	"checkout/chain/rpc"
)

const (
	// batchSize is how many transactions are asked for in one exchange.
	batchSize = 100
	// looks is how often a look is taken anew because a block came in between.
	looks = 3
)

// Mempool looks at the node's unconfirmed transactions: the ids of all, and the content of those that known does not
// know. The tip is the same before and after the look, so that nothing was missed that a block took away in between; if
// blocks come too fast for three tries, it is ErrUnsteady. When each came to the node Arrivals says.
func (n *Node) Mempool(ctx context.Context, known func(txid string) bool) (chain.Mempool, error) {
	if err := n.identify(ctx); err != nil {
		return chain.Mempool{}, err
	}
	read := map[string]chain.Tx{} // what earlier tries have read
	for range looks {
		pool, err := n.look(ctx, known, read)
		if err != nil {
			return chain.Mempool{}, err
		}
		tip, err := n.tip(ctx)
		if err != nil {
			return chain.Mempool{}, err
		}
		if tip == pool.Tip {
			return pool, nil
		}
	}
	return chain.Mempool{}, ErrUnsteady
}

func (n *Node) look(ctx context.Context, known func(string) bool, read map[string]chain.Tx) (chain.Mempool, error) {
	tip, err := n.tip(ctx)
	if err != nil {
		return chain.Mempool{}, err
	}
	var ids []string
	if err := n.ask(ctx, rpc.AnswerLimit, &ids, "getrawmempool"); err != nil {
		return chain.Mempool{}, err
	}
	pool := chain.Mempool{Tip: tip, IDs: make(map[string]struct{}, len(ids))}
	var wanted, missing []string
	for _, id := range ids {
		if !isHash(id) {
			return chain.Mempool{}, n.garbage("getrawmempool gives something else than ids")
		}
		pool.IDs[id] = struct{}{}
		if known(id) {
			continue
		}
		wanted = append(wanted, id)
		if _, ok := read[id]; !ok {
			missing = append(missing, id)
		}
	}
	if err := n.fetch(ctx, missing, read); err != nil {
		return chain.Mempool{}, err
	}
	for _, id := range wanted {
		if tx, ok := read[id]; ok {
			pool.Txs = append(pool.Txs, tx)
		} else {
			delete(pool.IDs, id) // it left the mempool since its id was given
		}
	}
	return pool, nil
}

// fetch reads transactions of the mempool.
func (n *Node) fetch(ctx context.Context, ids []string, into map[string]chain.Tx) error {
	for start := 0; start < len(ids); start += batchSize {
		part := ids[start:min(start+batchSize, len(ids))]
		raws := make([]string, len(part))
		if err := n.many(ctx, "getrawtransaction", part, func(i int) any { return &raws[i] }); err != nil {
			return err
		}
		for i, raw := range raws {
			if raw == "" {
				continue
			}
			tx, err := n.decodeTx(raw, part[i])
			if err != nil {
				return n.garbage(err.Error())
			}
			into[part[i]] = tx
		}
	}
	return nil
}

// many asks the same of many transactions and reads each answer into what into gives for its place. What the node does not
// have is left as it is. An answer that would be too large is asked for in halves.
func (n *Node) many(ctx context.Context, method string, ids []string, into func(i int) any) error {
	if len(ids) == 1 {
		return n.singles(ctx, method, ids, into)
	}
	questions := make([]rpc.Question, len(ids))
	for i, id := range ids {
		questions[i] = rpc.Question{Method: method, Params: []any{id}}
	}
	replies, err := n.rpc.Batch(ctx, rpc.AnswerLimit, questions)
	switch {
	case errors.Is(err, rpc.ErrTooLarge):
		half := len(ids) / 2
		if err := n.many(ctx, method, ids[:half], into); err != nil {
			return err
		}
		return n.many(ctx, method, ids[half:], func(i int) any { return into(half + i) })
	case isNoBatch(err):
		return n.singles(ctx, method, ids, into)
	case err != nil:
		n.verified.Store(false)
		return err
	}
	for i, reply := range replies {
		err := rpc.Read(method, reply, into(i))
		if refusal, ok := errors.AsType[*rpc.Error](err); ok {
			if refusal.Code != codeNotFound {
				return rpc.ErrRefused.Because(err)
			}
			continue
		}
		if err != nil {
			n.verified.Store(false)
			return err
		}
	}
	return nil
}

// isNoBatch knows a server that takes no batches: it answers with one object, an error, instead of a list.
func isNoBatch(err error) bool {
	wrong, ok := errors.AsType[*json.UnmarshalTypeError](err)
	return ok && wrong.Value == "object" && wrong.Field == ""
}

func (n *Node) singles(ctx context.Context, method string, ids []string, into func(i int) any) error {
	for i, id := range ids {
		err := n.ask(ctx, rpc.AnswerLimit, into(i), method, id)
		if refusal, ok := errors.AsType[*rpc.Error](err); ok && refusal.Code == codeNotFound {
			continue
		}
		if err != nil {
			return fmt.Errorf("transaction %s: %w", id, err)
		}
	}
	return nil
}
