package bitcoin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"checkout/chain"
)

const (
	// batchSize is how many transactions are asked for in one exchange.
	batchSize = 100
	// timesUpTo is the largest mempool whose arrival times are asked for. The answer has about a kilobyte for each
	// transaction, so of a full mempool it would be larger than the transactions themselves.
	timesUpTo = 2000
	// looks is how often a look is taken anew because a block came in between.
	looks = 3
)

// Mempool looks at the node's unconfirmed transactions: the ids of all, and the content of those that known does not
// know. The tip is the same before and after the look, so that nothing was missed that a block took away in between; if
// blocks come too fast for three tries, it is ErrUnsteady. SeenAt is set while the mempool is small, up to 2,000
// transactions; a busy node's is read in small steps anyway, so that first sight by us is close to first sight by it.
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
	if err := n.ask(ctx, answerLimit, &ids, "getrawmempool"); err != nil {
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
	if err := n.fetch(ctx, missing, len(ids), read); err != nil {
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

// fetch reads transactions of a mempool that holds so many of them.
func (n *Node) fetch(ctx context.Context, ids []string, held int, into map[string]chain.Tx) error {
	if len(ids) == 0 {
		return nil
	}
	seen := map[string]time.Time{}
	if held <= timesUpTo {
		var err error
		if seen, err = n.arrivals(ctx); err != nil {
			return err
		}
	}
	for start := 0; start < len(ids); start += batchSize {
		part := ids[start:min(start+batchSize, len(ids))]
		raws, err := n.raws(ctx, part)
		if err != nil {
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
			tx.SeenAt = seen[part[i]]
			into[part[i]] = tx
		}
	}
	return nil
}

// arrivals is when each transaction of the mempool came to the node. Times that cannot be are left out.
func (n *Node) arrivals(ctx context.Context) (map[string]time.Time, error) {
	var entries map[string]struct {
		Time int64 `json:"time"` // Unix seconds
	}
	if err := n.ask(ctx, answerLimit, &entries, "getrawmempool", true); err != nil {
		return nil, err
	}
	seen := make(map[string]time.Time, len(entries))
	latest := n.now().Add(time.Minute)
	for id, entry := range entries {
		if at := time.Unix(entry.Time, 0).UTC(); entry.Time > 0 && at.Before(latest) {
			seen[id] = at
		}
	}
	return seen, nil
}

// raws asks for transactions in their raw form, as hex. What the node no longer has is empty. An answer that would be
// too large is asked for in halves.
func (n *Node) raws(ctx context.Context, ids []string) ([]string, error) {
	if len(ids) == 1 {
		return n.singles(ctx, ids)
	}
	replies, err := n.rpc.batch(ctx, "getrawtransaction", ids)
	switch {
	case errors.Is(err, errTooLarge):
		return n.halves(ctx, ids)
	case isNoBatch(err):
		return n.singles(ctx, ids)
	case err != nil:
		n.verified.Store(false)
		return nil, err
	}
	out := make([]string, len(ids))
	for i, reply := range replies {
		err := read("getrawtransaction", reply, &out[i])
		if refusal, ok := errors.AsType[*RPCError](err); ok {
			if refusal.Code != codeNotFound {
				return nil, ErrRefused.Because(err)
			}
			continue
		}
		if err != nil {
			n.verified.Store(false)
			return nil, err
		}
	}
	return out, nil
}

// isNoBatch knows a server that takes no batches: it answers with one object, an error, instead of a list.
func isNoBatch(err error) bool {
	wrong, ok := errors.AsType[*json.UnmarshalTypeError](err)
	return ok && wrong.Value == "object" && wrong.Field == ""
}

func (n *Node) halves(ctx context.Context, ids []string) ([]string, error) {
	half := len(ids) / 2
	first, err := n.raws(ctx, ids[:half])
	if err != nil {
		return nil, err
	}
	second, err := n.raws(ctx, ids[half:])
	if err != nil {
		return nil, err
	}
	return append(first, second...), nil
}

func (n *Node) singles(ctx context.Context, ids []string) ([]string, error) {
	out := make([]string, len(ids))
	for i, id := range ids {
		err := n.ask(ctx, answerLimit, &out[i], "getrawtransaction", id)
		if refusal, ok := errors.AsType[*RPCError](err); ok && refusal.Code == codeNotFound {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("transaction %s: %w", id, err)
		}
	}
	return out, nil
}
