package brand

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// Published values: CSS Color 4's sample colours in OKLCH, and WCAG's contrast of grey.
func TestVectors(t *testing.T) {
	for text, want := range map[string][3]float64{
		"#ff0000": {0.62796, 0.25768, 29.234}, "#00ff00": {0.86644, 0.29483, 142.495}, "#0000ff": {0.45201, 0.31321, 264.052}, "#ffffff": {1, 0, 0},
	} {
		c, _ := parse(text)
		l, chroma, hue := c.oklch()
		degrees := math.Mod(hue*180/math.Pi+360, 360)
		if math.Abs(l-want[0]) > 0.0006 || math.Abs(chroma-want[1]) > 0.0006 || (want[1] > 0 && math.Abs(degrees-want[2]) > 0.3) {
			t.Errorf("%s: %.5f %.5f %.3f, want %v", text, l, chroma, degrees, want)
		}
		if back := fromOKLCH(l, chroma, hue); back != c {
			t.Errorf("%s comes back as %s", text, back)
		}
	}
	if got := Contrast("#767676", "#ffffff"); math.Abs(got-4.54) > 0.01 {
		t.Errorf("contrast %.3f", got)
	}
	if Contrast("red", "#ffffff") != 0 {
		t.Error("a name has a contrast")
	}
}

// Whatever colour a merchant likes, text in it and on it can be read in both themes.
func TestItem81Readable(t *testing.T) {
	list := []string{"#000000", "#ffffff", "#f7931a", "#ffff00", "#00ffff", "#ff00ff", "#0b5fff", "#808080", "#3346d3"}
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same colours every time
	for range 500 {
		list = append(list, fmt.Sprintf("#%06x", random.IntN(1<<24)))
	}
	for _, text := range list {
		p, err := New(text)
		if err != nil {
			t.Fatal(err)
		}
		for theme, s := range map[string]struct {
			Set
			grounds []string
		}{"light": {p.Light, lightGrounds}, "dark": {p.Dark, darkGrounds}} {
			for _, ground := range s.grounds {
				if got := Contrast(s.Brand, ground); got < 4.5 {
					t.Errorf("%s, %s: %s on %s has %.2f", text, theme, s.Brand, ground, got)
				}
			}
			if got := Contrast(s.Brand, s.OnBrand); got < 4.5 {
				t.Errorf("%s, %s: %s on the button %s has %.2f", text, theme, s.OnBrand, s.Brand, got)
			}
			if got := Contrast(s.Hover, s.OnBrand); got < 4.5 {
				t.Errorf("%s, %s: %s on the button under the pointer %s has %.2f", text, theme, s.OnBrand, s.Hover, got)
			}
			if got := Contrast(s.Brand, s.Soft); got < 3 {
				t.Errorf("%s, %s: %s on what is selected, %s, has %.2f", text, theme, s.Brand, s.Soft, got)
			}
		}
	}
}

func TestNew(t *testing.T) {
	p, err := New("#F7931A")
	if err != nil || p.Given != "#f7931a" || !p.Corrected() {
		t.Fatalf("%+v %v", p, err)
	}
	if p, _ := New("#3346d3"); p.Corrected() || p.Light.Brand != "#3346d3" || p.Light.OnBrand != "#ffffff" {
		t.Errorf("a colour that can be read was changed: %+v", p)
	}
	for _, bad := range []string{"", "#fff", "f7931a", "#f7931", "#f7931ag", "red", "#f7931a;}", "rgb(1,2,3)"} {
		if _, err := New(bad); !errors.Is(err, ErrColour) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	sheet := p.Sheet()
	if strings.Count(sheet, "--pay-brand:") != 3 || strings.ContainsAny(sheet, "<>") || len(Hash(sheet)) != 10 {
		t.Error(sheet)
	}
}
