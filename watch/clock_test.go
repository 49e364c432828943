package watch_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"checkout/watch"
)

// Who holds a transaction may ask while the database is still being read: it may be what that waits for.
func TestClockAskedMeanwhile(t *testing.T) {
	var c *watch.Clock
	c = &watch.Clock{
		Wall:   func(context.Context) (time.Time, error) { c.Skewed(); return time.Now(), nil },
		Uptime: watch.SinceStart(), Log: slog.New(slog.DiscardHandler),
	}
	done := make(chan bool, 1)
	go func() { done <- c.Steady(context.Background()) }()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Fatal("the two wait for each other")
	}
}

// After a jump, either way, nothing expires until both clocks have agreed for a minute.
func TestClock(t *testing.T) {
	for _, jump := range []time.Duration{6 * time.Second, -6 * time.Second, 24 * time.Hour, -24 * time.Hour} {
		var log bytes.Buffer
		wall, up := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), time.Hour
		var broken error
		var took time.Duration
		c := &watch.Clock{
			Wall:   func(context.Context) (time.Time, error) { up += took; return wall, broken },
			Uptime: func() time.Duration { return up },
			Log:    slog.New(slog.NewTextHandler(&log, nil)),
		}
		pass := func(d time.Duration) bool {
			wall, up = wall.Add(d), up+d
			return c.Steady(t.Context())
		}
		for range 5 {
			if !pass(time.Second) {
				t.Fatal("a steady clock is taken for a jumping one")
			}
		}
		wall = wall.Add(4 * time.Second) // a small correction
		if !pass(time.Second) {
			t.Error("a correction of four seconds holds everything up")
		}
		wall = wall.Add(jump)
		if pass(time.Second) || !c.Skewed() {
			t.Errorf("a jump by %s is not noticed", jump)
		}
		if pass(58 * time.Second) {
			t.Error("it trusts the clock again too early")
		}
		broken = errors.New("database away")
		if pass(time.Second) {
			t.Error("it trusts a clock it cannot read")
		}
		if broken = nil; !pass(2*time.Second) || c.Skewed() {
			t.Error("a steady minute later it still holds everything up")
		}
		took = 2 * time.Second // an answer so slow that it says nothing
		wall = wall.Add(jump)
		if !c.Steady(t.Context()) {
			t.Error("a slow reading is taken for a jump")
		}
		for event, want := range map[string]int{"clock_jump": 1, "clock_steady": 1} {
			if got := strings.Count(log.String(), "event="+event); got != want {
				t.Errorf("%s was logged %d times", event, got)
			}
		}
	}
}
