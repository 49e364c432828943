package bitcoin

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"checkout/chain"
	"checkout/chain/rpc"
)

// Offer gives the node a transaction it does not have, for its mempool and its peers. nil: it has it, or a block does.
// chain.ErrTxRefused: what it spends is spent or unknown. chain.ErrTxUnwanted: the node's own rules are against it now.
func (n *Node) Offer(ctx context.Context, raw []byte) error {
	if err := n.identify(ctx); err != nil {
		return err
	}
	err := n.ask(ctx, rpc.AnswerLimit, nil, "sendrawtransaction", hex.EncodeToString(raw))
	refusal, ok := errors.AsType[*rpc.Error](err)
	if !ok {
		return err
	}
	switch {
	case refusal.Code == codeTxInChain, strings.Contains(refusal.Message, "already have transaction"):
		return nil
	case (refusal.Code == codeTxError || refusal.Code == codeTxRejected) && saysSpent(refusal.Message):
		return chain.ErrTxRefused.Because(err)
	}
	return chain.ErrTxUnwanted.Because(err)
}

// saysSpent knows the words for coins that are spent or missing. The codes do not tell: Core has the same for a fee above
// its limit as for a missing input, and for a full mempool as for a conflict.
func saysSpent(message string) bool {
	message = strings.ToLower(message)
	for _, words := range []string{
		"missing",              // Core: "bad-txns-inputs-missingorspent", "Missing inputs"
		"txn-mempool-conflict", // Core: another transaction of the mempool spends the same
		"replacement",          // Core, btcd: the same, and that one pays more
		"conflicting",          // Core: "bad-txns-spends-conflicting-tx"
		"orphan transaction",   // btcd: "… references outputs of unknown or fully-spent transaction"
		"already spent",        // btcd: "output already spent in mempool"
	} {
		if strings.Contains(message, words) {
			return true
		}
	}
	return false
}

// timesUpTo is the largest mempool whose arrival times are asked for all at once, of a node that does not say those of
// single transactions. The answer has about a kilobyte for each.
const timesUpTo = 2000

// Arrivals is when transactions came to the node's mempool, to the second; those it does not have are left out, as are
// times that cannot be.
func (n *Node) Arrivals(ctx context.Context, ids []string) (map[string]time.Time, error) {
	if err := n.identify(ctx); err != nil {
		return nil, err
	}
	entries := map[string]entry{}
	for start := 0; start < len(ids) && !n.noEntries.Load(); start += batchSize {
		part := ids[start:min(start+batchSize, len(ids))]
		answers := make([]entry, len(part))
		err := n.many(ctx, "getmempoolentry", part, func(i int) any { return &answers[i] })
		if refusal, ok := errors.AsType[*rpc.Error](err); ok && (refusal.Code == codeNoMethod || refusal.Code == codeMisc) {
			// btcd says so of calls it does not have; Core gives this code to any failure, which is over the next time.
			if refusal.Code == codeNoMethod || strings.Contains(strings.ToLower(refusal.Message), "unimplemented") {
				n.noEntries.Store(true)
			}
			break
		}
		if err != nil {
			return nil, err
		}
		for i, id := range part {
			entries[id] = answers[i]
		}
	}
	if n.noEntries.Load() {
		var err error
		if entries, err = n.allEntries(ctx); err != nil {
			return nil, err
		}
	}
	seen := map[string]time.Time{}
	latest := n.now().Add(time.Minute)
	for _, id := range ids {
		if at := time.Unix(entries[id].Time, 0).UTC(); entries[id].Time > 0 && at.Before(latest) {
			seen[id] = at
		}
	}
	return seen, nil
}

// entry is the part of a mempool entry that matters.
type entry struct {
	Time int64 `json:"time"` // Unix seconds
}

// allEntries are the entries of a mempool, none of a large one.
func (n *Node) allEntries(ctx context.Context) (map[string]entry, error) {
	var info struct {
		Size int64 `json:"size"`
	}
	if err := n.ask(ctx, rpc.AnswerLimit, &info, "getmempoolinfo"); err != nil || info.Size > timesUpTo {
		return nil, err
	}
	var entries map[string]entry
	return entries, n.ask(ctx, rpc.AnswerLimit, &entries, "getrawmempool", true)
}
