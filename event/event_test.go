package event

import "testing"

func TestSubject(t *testing.T) {
	e := Event{Object: "4F7Q2M9XK3TDW8HZ6B5NCRVJ1E", Seq: 12, Stream: "other", StreamSeq: 40}
	if got, want := e.Subject(), "4F7Q2M9XK3TDW8HZ6B5NCRVJ1E/12"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
