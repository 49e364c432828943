package watch

import (
	"context"
	"sync"
	"time"
)

// Health says whether a network is followed closely enough to be offered for new invoices. It reads the cursor, so that
// nodes which do not follow the network themselves know it too, at most once a second.
type Health struct {
	Book      Book
	Now       func() time.Time
	HideAfter time.Duration // evidence older than this hides the coin

	mu    sync.Mutex
	cache map[string]look
}

type look struct {
	at      time.Time
	cursor  Cursor
	started bool
	held    int
}

// Usable says whether the network's evidence is fresh.
func (h *Health) Usable(network string) bool {
	l := h.look(network)
	return l.started && !l.cursor.Through.IsZero() && h.Now().Sub(l.cursor.Through) < h.HideAfter
}

// Behind is how long ago all of the network had been seen; what nobody has looked at yet is not behind, it is not usable.
func (h *Health) Behind(network string) time.Duration {
	l := h.look(network)
	if !l.started || l.cursor.Through.IsZero() {
		return 0
	}
	return max(0, h.Now().Sub(l.cursor.Through))
}

// Status is the network's status for operators; "starting" before the first complete look.
func (h *Health) Status(network string) (string, int64) {
	l := h.look(network)
	switch {
	case l.cursor.Status != "" && l.cursor.Status != StatusOK:
		return l.cursor.Status, l.cursor.Tip.Height
	case !l.started || l.cursor.Through.IsZero():
		return StatusStarting, l.cursor.Tip.Height
	case h.Now().Sub(l.cursor.Through) >= h.HideAfter:
		return "stale", l.cursor.Tip.Height
	}
	return StatusOK, l.cursor.Tip.Height
}

// Held is how many things on a network owners could not take in.
func (h *Health) Held(network string) int { return h.look(network).held }

func (h *Health) look(network string) look {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.Now()
	if l, ok := h.cache[network]; ok && now.Sub(l.at) < time.Second && now.Sub(l.at) >= 0 {
		return l
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	cursor, started, err := h.Book.Cursor(ctx, network)
	if err != nil {
		return h.cache[network] // the store's own trouble is not the chain's
	}
	held, err := h.Book.Held(ctx, network)
	if err != nil {
		return h.cache[network]
	}
	l := look{at: now, cursor: cursor, started: started, held: len(held)}
	if h.cache == nil {
		h.cache = map[string]look{}
	}
	h.cache[network] = l
	return l
}
