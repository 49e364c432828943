package ident

import (
	"bytes"
	"crypto/rand"
	"regexp"
	"strings"
	"testing"
)

// bits reads as the given bytes for ever.
type bits byte

func (b bits) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(b)
	}
	return len(p), nil
}

func TestNew(t *testing.T) {
	for random, want := range map[bits]string{0x00: strings.Repeat("0", 26), 0xff: strings.Repeat("Z", 26)} {
		if got := New(random); string(got) != want {
			t.Errorf("of %#x bytes: %s", byte(random), got)
		}
	}
	seen := map[ID]bool{}
	for range 1000 {
		id := New(rand.Reader)
		if !Valid(string(id)) || seen[id] {
			t.Fatalf("%s, drawn before: %v", id, seen[id])
		}
		seen[id] = true
	}
}

// An id has 130 bits: each of the first 130 changes it, the six left over do not.
func TestEveryBitCounts(t *testing.T) {
	seen := map[ID]int{New(bytes.NewReader(make([]byte, 17))): -1}
	for bit := range 17 * 8 {
		raw := make([]byte, 17)
		raw[bit/8] = 0x80 >> (bit % 8)
		id := New(bytes.NewReader(raw))
		if was, known := seen[id]; known != (bit >= 130) {
			t.Errorf("bit %d gives %s, as bit %d does", bit, id, was)
		}
		seen[id] = bit
	}
}

func TestNoRandomness(t *testing.T) {
	for name, draw := range map[string]func(){"New": func() { New(bytes.NewReader([]byte("few"))) }, "UUID": func() { UUID(bytes.NewReader(nil)) }} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s goes on without randomness", name)
				}
			}()
			draw()
		}()
	}
}

func TestValid(t *testing.T) {
	good := "4F7Q2M9XK3TDW8HZ6B5NCRVJ1E"
	if !Valid(good) {
		t.Errorf("%s is refused", good)
	}
	for _, text := range []string{
		"", good[:25], good + "0", strings.ToLower(good), good[:25] + "I", good[:25] + "L", good[:25] + "O", good[:25] + "U", good[:25] + "-",
		good[:24] + "é", strings.Repeat(" ", 26),
	} {
		if Valid(text) {
			t.Errorf("%q is accepted", text)
		}
	}
}

func TestShort(t *testing.T) {
	for id, want := range map[ID]string{"4F7Q2M9XK3TDW8HZ6B5NCRVJ1E": "4F7Q-2M9X", "4F7Q2M9": "4F7Q2M9", "": ""} {
		if got := id.Short(); got != want {
			t.Errorf("%q in short is %q", id, got)
		}
	}
}

func TestUUID(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	a, b := UUID(rand.Reader), UUID(rand.Reader)
	if !form.MatchString(a) || a == b {
		t.Errorf("%s, then %s", a, b)
	}
	if got := UUID(bits(0xff)); got != "ffffffff-ffff-4fff-bfff-ffffffffffff" {
		t.Errorf("of all ones: %s", got)
	}
}

func TestEnvironment(t *testing.T) {
	for env, want := range map[Environment]bool{Live: true, Test: true, "": false, "LIVE": false, "sandbox": false} {
		if env.Valid() != want {
			t.Errorf("%q: %v", env, env.Valid())
		}
	}
	if !(Once{}).IsZero() || (Once{Scope: "a"}).IsZero() || (Once{Key: "b"}).IsZero() {
		t.Error("IsZero")
	}
}
