package audit

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"
)

func key(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

func TestLinkCoversEverything(t *testing.T) {
	c := NewChain(key(1))
	base := func() string { return c.Link("log a", 2, "prev", "open", "awaiting") }
	if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(base()) {
		t.Errorf("a link is %q", base())
	}
	if first, again := base(), base(); first != again {
		t.Error("the same row has two links")
	}
	for name, other := range map[string]string{
		"stream": c.Link("log b", 2, "prev", "open", "awaiting"), "place": c.Link("log a", 3, "prev", "open", "awaiting"),
		"row before": c.Link("log a", 2, "other", "open", "awaiting"), "column": c.Link("log a", 2, "prev", "open", "settled"),
		"missing column": c.Link("log a", 2, "prev", "open"), "added column": c.Link("log a", 2, "prev", "open", "awaiting", ""),
		"moved border": c.Link("log a", 2, "prev", "opena", "waiting"), "swapped": c.Link("log a", 2, "prev", "awaiting", "open"),
		"border to the row before": c.Link("log a", 2, "prevopen", "", "awaiting"), "key": NewChain(key(2)).Link("log a", 2, "prev", "open", "awaiting"),
	} {
		if other == base() {
			t.Errorf("another %s has the same link", name)
		}
	}
}

// A chain keeps its own copy of the key.
func TestKeyIsCopied(t *testing.T) {
	k := key(1)
	c := NewChain(k)
	before := c.Link("s", 1, "")
	k[0] = 9
	if c.Link("s", 1, "") != before {
		t.Error("the caller's slice is the key")
	}
}

// rows are two interleaved streams of three rows, soundly linked.
func rows(c *Chain) []Row {
	var list []Row
	prev := map[string]string{}
	for seq := range int64(3) {
		for _, stream := range []string{"a", "b"} {
			cols := []string{stream, strings.Repeat("x", int(seq))}
			r := Row{Name: "row of " + stream, Stream: stream, Seq: seq + 1, Prev: prev[stream], Cols: cols}
			r.Hash = c.Link(stream, r.Seq, r.Prev, cols...)
			prev[stream] = r.Hash
			list = append(list, r)
		}
	}
	return list
}

func verify(c *Chain, list []Row, ends map[string]Row) error {
	v := c.NewVerifier()
	for _, r := range list {
		if err := v.Next(r); err != nil {
			return err
		}
	}
	for stream, r := range ends {
		if err := v.End(stream, r.Seq, r.Hash); err != nil {
			return err
		}
	}
	return nil
}

func TestVerifier(t *testing.T) {
	c := NewChain(key(1))
	ends := map[string]Row{"a": rows(c)[4], "b": rows(c)[5]}
	if err := verify(c, rows(c), ends); err != nil {
		t.Fatalf("a sound chain: %v", err)
	}
	v := c.NewVerifier()
	for _, r := range rows(c)[:5] {
		if err := v.Next(r); err != nil {
			t.Fatal(err)
		}
	}
	if got := v.Streams(); got["a"] != 3 || got["b"] != 2 || len(got) != 2 {
		t.Errorf("streams: %v", got)
	}
	for name, spoil := range map[string]func(list []Row) []Row{
		"changed column":     func(l []Row) []Row { l[2].Cols = []string{"a", "y"}; return l },
		"changed link":       func(l []Row) []Row { l[2].Hash = strings.Repeat("0", 64); return l },
		"removed in between": func(l []Row) []Row { return append(l[:2], l[3:]...) },
		"removed first":      func(l []Row) []Row { return l[1:] },
		"removed last":       func(l []Row) []Row { return l[:5] },
		"removed stream":     func(l []Row) []Row { return []Row{l[0], l[2], l[4]} },
		"doubled":            func(l []Row) []Row { return append(l[:1], l...) },
		"swapped":            func(l []Row) []Row { l[0], l[2] = l[2], l[0]; return l },
		"other stream":       func(l []Row) []Row { l[5].Stream = "a"; return l },
		"linked with another key": func(l []Row) []Row {
			l[5].Hash = NewChain(key(2)).Link("b", 3, l[5].Prev, l[5].Cols...)
			return l
		},
		"linked to nothing": func(l []Row) []Row {
			l[5].Prev = ""
			l[5].Hash = c.Link("b", 3, "", l[5].Cols...)
			return l
		},
	} {
		if err := verify(c, spoil(rows(c)), ends); !errors.Is(err, ErrBroken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
