package front

import (
	"hash/maphash"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"checkout/fault"
)

// ErrTooMany is the fault of who asks too often.
var ErrTooMany = fault.New(fault.TooMany, "too_many_requests", "Too many requests. Please wait a moment.")

// Limiter lets each key take a burst, and then so many a second. It keeps one instant for each key (the generic cell
// rate algorithm, a token bucket turned around), and never more than a fixed number of keys: when a shard is full it
// forgets those that have recovered, and if all are busy, some of them. To forget is to allow, so a flood of keys
// cannot lock anybody out.
type Limiter[K comparable] struct {
	seed   maphash.Seed
	every  time.Duration // between two requests at the steady rate
	burst  time.Duration // how far ahead of the steady rate a key may be
	each   int           // keys in a shard
	shards [16]shard[K]
}

type shard[K comparable] struct {
	mu   sync.Mutex
	free map[K]time.Time // when the key will have its whole burst again
}

// NewLimiter allows perSecond requests of each key in the long run and burst at once, and remembers at most about
// size keys.
func NewLimiter[K comparable](perSecond float64, burst, size int) *Limiter[K] {
	every := time.Duration(float64(time.Second) / perSecond)
	l := &Limiter[K]{seed: maphash.MakeSeed(), every: every, burst: every * time.Duration(burst), each: max(1, size/16)}
	for i := range l.shards {
		l.shards[i].free = map[K]time.Time{}
	}
	return l
}

// Allow takes one request of a key, or says how long to wait.
func (l *Limiter[K]) Allow(key K, now time.Time) (ok bool, wait time.Duration) {
	s := &l.shards[maphash.Comparable(l.seed, key)%uint64(len(l.shards))]
	s.mu.Lock()
	defer s.mu.Unlock()
	free, known := s.free[key]
	if free.Before(now) {
		free = now
	}
	next := free.Add(l.every)
	if ahead := next.Sub(now); ahead > l.burst {
		return false, ahead - l.burst
	}
	if !known && len(s.free) >= l.each {
		s.forget(now)
	}
	s.free[key] = next
	return true, 0
}

// forget makes room: all keys that are at rest, and at least one in eight.
func (s *shard[K]) forget(now time.Time) {
	spare := len(s.free)/8 + 1
	for key, free := range s.free {
		if spare > 0 || !free.After(now) {
			delete(s.free, key)
			spare--
		}
	}
}

// Len is the number of keys remembered.
func (l *Limiter[K]) Len() int {
	n := 0
	for i := range l.shards {
		l.shards[i].mu.Lock()
		n += len(l.shards[i].free)
		l.shards[i].mu.Unlock()
	}
	return n
}

// Limit refuses clients above the limit, counted by Source, with ErrTooMany and the time to wait.
func Limit(l *Limiter[netip.Addr], now func() time.Time, fail Fail) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if ok, wait := l.Allow(Source(Client(r.Context())), now()); !ok {
				fail(w, r, ErrTooMany.In(wait))
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}
