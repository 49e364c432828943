package watch

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Clock notices when the clock that deadlines go by jumps against the machine's monotonic one: a wrong hand on it, a
// broken time server, a machine that was asleep. Evidence is dated by the same clock, so it alone would not notice
// (engine.md section 16).
type Clock struct {
	Wall   func(ctx context.Context) (time.Time, error) // the transactions' clock
	Uptime func() time.Duration                         // the monotonic clock
	Log    *slog.Logger

	mu    sync.Mutex
	read  bool
	wall  time.Time
	up    time.Duration
	until time.Duration // uptime before which nothing may expire
	held  bool
}

// skew is how far the clocks may drift apart between two looks, settle how long they must agree again after a jump, and
// slow how long a reading may take to say anything.
const (
	skew   = 5 * time.Second
	settle = 60 * time.Second
	slow   = time.Second
)

// Steady takes a look at both clocks and says whether deadlines may pass by them. Only one goroutine calls it. The lock is
// not held while the database is asked: transactions ask Skewed, and would wait for an answer that waits for one of them.
func (c *Clock) Steady(ctx context.Context) bool {
	before := c.Uptime()
	wall, err := c.Wall(ctx)
	up := c.Uptime()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil && up-before < slow {
		if jump := wall.Sub(c.wall) - (up - c.up); c.read && jump.Abs() > skew {
			c.until, c.held = up+settle, true
			c.Log.Error("the clock jumped; nothing expires until it has been steady", "event", "clock_jump", "by", jump.String(), "for", settle.String())
		}
		c.read, c.wall, c.up = true, wall, up
	}
	if up < c.until {
		return false
	}
	if c.held {
		c.held = false
		c.Log.Info("the clock is steady again", "event", "clock_steady")
	}
	return true
}

// Skewed says whether the last look found the clocks apart, or they have not agreed for long enough since.
func (c *Clock) Skewed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.held
}

// SinceStart reads the monotonic clock of this process.
func SinceStart() func() time.Duration {
	start := time.Now()
	return func() time.Duration { return time.Since(start) }
}
