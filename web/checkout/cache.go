package checkout

import (
	"context"
	"errors"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"checkout/ident"
	"checkout/invoice"
)

// status is an invoice's status as it is answered. Once in the cache it is never changed, only replaced.
type status struct {
	version int64
	etag    string
	head    []byte    // the body up to the clock
	tail    []byte    // and after it
	until   time.Time // when time alone makes it old; zero: only a change does
	final   bool
	missing bool   // there is no such invoice
	network string // whose node the view depends on; empty: on none
	up      bool   // how that was
	used    atomic.Int64
}

func (s *status) usable(now time.Time) bool {
	return (s.head != nil || s.missing) && (s.until.IsZero() || now.Before(s.until))
}

// How long the cache remembers.
const (
	idleFor    = 10 * time.Minute // an invoice nobody asks about
	closedFor  = 3 * time.Minute  // one that is over
	missingFor = 10 * time.Second // that there is none
	sweepEvery = time.Minute
	shardCount = 64
)

// statuses keeps the status of every invoice somebody is watching, so that an unchanged poll costs no query. The store
// says after each commit what changed (Changed), so what is kept is never older than the last commit this process made; who
// asked before that commit may still get the state before it. With other processes on the same store, maxAge bounds how
// old it may be.
type statuses struct {
	seed   maphash.Seed
	shards [shardCount]statusShard
	loads  singleflight.Group
	maxAge time.Duration // 0: only this process writes
	limit  int           // entries in a shard
	now    func() time.Time
	up     func(network string) bool
}

type statusShard struct {
	mu      sync.RWMutex
	entries map[ident.ID]*status
	swept   time.Time
}

func newStatuses(size int, maxAge time.Duration, now func() time.Time, up func(network string) bool) *statuses {
	c := &statuses{seed: maphash.MakeSeed(), maxAge: maxAge, limit: max(1, size/shardCount), now: now, up: up}
	for i := range c.shards {
		c.shards[i].entries = map[ident.ID]*status{}
	}
	return c
}

func (c *statuses) shard(id ident.ID) *statusShard {
	return &c.shards[maphash.Comparable(c.seed, id)%shardCount]
}

// get finds a status that may be answered as it is.
func (c *statuses) get(id ident.ID, now time.Time) (*status, bool) {
	shard := c.shard(id)
	shard.mu.RLock()
	s := shard.entries[id]
	shard.mu.RUnlock()
	if s == nil || !s.usable(now) || (s.network != "" && c.up(s.network) != s.up) {
		return nil, false
	}
	s.used.Store(now.UnixNano())
	return s, true
}

// load reads a status from the store, once for all who ask at the same time, and keeps it unless it is older than a
// change that was told of meanwhile.
func (c *statuses) load(ctx context.Context, id ident.ID, read func(context.Context) (*status, error)) (*status, error) {
	got, err, _ := c.loads.Do(string(id), func() (any, error) {
		if s, ok := c.get(id, c.now()); ok {
			return s, nil
		}
		// An empty entry takes note of changes while the store is being read.
		c.reserve(id)
		// Whoever asked first may go away; the others still want the answer.
		s, err := read(context.WithoutCancel(ctx))
		switch {
		case errors.Is(err, invoice.ErrNotFound):
			s = &status{missing: true, until: c.now().Add(missingFor)}
		case err != nil:
			c.release(id)
			return nil, err
		case c.maxAge > 0 && (s.until.IsZero() || s.until.After(c.now().Add(c.maxAge))):
			s.until = c.now().Add(c.maxAge)
		}
		c.put(id, s)
		return s, nil
	})
	if err != nil {
		return nil, err
	}
	return got.(*status), nil
}

func (c *statuses) reserve(id ident.ID) {
	shard := c.shard(id)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if _, ok := shard.entries[id]; ok {
		return
	}
	shard.room(c.now(), c.limit)
	s := &status{}
	s.used.Store(c.now().UnixNano())
	shard.entries[id] = s
}

func (c *statuses) release(id ident.ID) {
	shard := c.shard(id)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if s := shard.entries[id]; s != nil && s.version == 0 {
		delete(shard.entries, id)
	}
}

func (c *statuses) put(id ident.ID, s *status) {
	shard := c.shard(id)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if known := shard.entries[id]; known != nil && known.version > s.version {
		return
	}
	s.used.Store(c.now().UnixNano())
	shard.entries[id] = s
}

// changed takes note that an invoice has a new version. Its status is read again when somebody asks.
func (c *statuses) changed(id ident.ID, version int64) {
	shard := c.shard(id)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	known := shard.entries[id]
	if known == nil || known.version >= version {
		return
	}
	s := &status{version: version}
	s.used.Store(known.used.Load())
	shard.entries[id] = s
}

// room forgets what nobody asks for, now and then, and something in any case when the shard is full.
func (s *statusShard) room(now time.Time, limit int) {
	full := len(s.entries) >= limit
	if !full && now.Sub(s.swept) < sweepEvery {
		return
	}
	s.swept = now
	for id, entry := range s.entries {
		idle := now.Sub(time.Unix(0, entry.used.Load()))
		if idle > idleFor || (entry.final && idle > closedFor) || (entry.missing && !entry.usable(now)) {
			delete(s.entries, id)
		}
	}
	for id := range s.entries {
		if len(s.entries) < limit {
			return
		}
		delete(s.entries, id)
	}
}

// len is the number of entries.
func (c *statuses) len() int {
	n := 0
	for i := range c.shards {
		c.shards[i].mu.RLock()
		n += len(c.shards[i].entries)
		c.shards[i].mu.RUnlock()
	}
	return n
}
