// Package brand makes the colours of a merchant's pages from one colour, so that everything stays readable.
//
// The colour keeps its hue. Its lightness is moved, in OKLCH (Björn Ottosson, "A perceptual color space for image processing",
// CSS Color 4 section 9), until text in it has the contrast WCAG 2.2 asks for (1.4.3, 4.5:1) on every ground it stands on.
package brand

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"strings"

	"checkout/fault"
)

// ErrColour is the fault of a colour that cannot be read.
var ErrColour = fault.New(fault.Invalid, "brand", "A colour is written #rrggbb.").At("brand")

// Set is the colours of one theme, as #rrggbb.
type Set struct {
	Brand   string // text, links, the button's ground
	OnBrand string // text on it
	Hover   string // the button under the pointer
	Soft    string // ground of what is selected
	Line    string // its edge
}

// Palette is what a merchant's colour becomes.
type Palette struct {
	Given       string
	Light, Dark Set
}

// grounds are where brand-coloured text stands (web/static/files/pay.css).
var (
	lightGrounds = []string{"#ffffff", "#fafbfc", "#f5f6f8", "#f1f3f6"}
	darkGrounds  = []string{"#13161d", "#0f1218", "#0b0d12", "#1a1e27"}
)

// enough is the contrast of text, with a little to spare for rounding.
const enough = 4.52

// New makes a palette; ErrColour.
func New(text string) (Palette, error) {
	given, ok := parse(text)
	if !ok {
		return Palette{}, ErrColour
	}
	l, c, h := given.oklch()
	light := correct(l, c, h, lightGrounds, -0.005)
	dark := correct(math.Max(l, 0.55), math.Min(c, 0.16), h, darkGrounds, 0.005)
	return Palette{
		Given: given.String(),
		Light: set(light, -0.06, 0.965, 0.025, 0.88, 0.055),
		Dark:  set(dark, 0.05, 0.26, 0.055, 0.40, 0.095),
	}, nil
}

// correct moves the lightness step by step until the colour can be read on all grounds; black and white always can.
func correct(l, c, h float64, grounds []string, step float64) colour {
	for ; l >= 0 && l <= 1; l += step {
		got := fromOKLCH(l, c, h)
		readable := true
		for _, g := range grounds {
			ground, _ := parse(g)
			readable = readable && contrast(got, ground) >= enough
		}
		if readable {
			return got
		}
	}
	if step > 0 {
		return colour{255, 255, 255}
	}
	return colour{}
}

func set(brand colour, hover, softL, softC, lineL, lineC float64) Set {
	l, c, h := brand.oklch()
	return Set{
		Brand: brand.String(), OnBrand: on(brand), Hover: fromOKLCH(clamp(l+hover), c, h).String(),
		Soft: fromOKLCH(softL, math.Min(c, softC), h).String(), Line: fromOKLCH(lineL, math.Min(c, lineC), h).String(),
	}
}

func clamp(l float64) float64 { return math.Max(0, math.Min(1, l)) }

// on is the text on a colour: near black or white, whichever can be read better.
func on(c colour) string {
	const black, white = "#0b0d12", "#ffffff"
	b, _ := parse(black)
	w, _ := parse(white)
	if contrast(c, b) > contrast(c, w) {
		return black
	}
	return white
}

// Contrast is the ratio of two colours (WCAG 2.2, "contrast ratio"); 0 if one cannot be read.
func Contrast(a, b string) float64 {
	x, ok := parse(a)
	y, okay := parse(b)
	if !ok || !okay {
		return 0
	}
	return contrast(x, y)
}

// Corrected says whether the light theme's colour is another one than was given.
func (p Palette) Corrected() bool { return p.Light.Brand != p.Given }

// Sheet is the style sheet that lays the palette over the page's own.
func (p Palette) Sheet() string {
	vars := func(s Set) string {
		return fmt.Sprintf("--pay-brand:%s;--pay-on-brand:%s;--pay-brand-hover:%s;--pay-brand-soft:%s;--pay-brand-line:%s", s.Brand, s.OnBrand, s.Hover, s.Soft, s.Line)
	}
	var b strings.Builder
	fmt.Fprintf(&b, ":root{%s}\n", vars(p.Light))
	fmt.Fprintf(&b, "@media (prefers-color-scheme:dark){:root:not([data-theme=\"light\"]){%s}}\n", vars(p.Dark))
	fmt.Fprintf(&b, ":root[data-theme=\"dark\"]{%s}\n", vars(p.Dark))
	return b.String()
}

// Hash names a sheet by its content.
func Hash(sheet string) string {
	sum := sha256.Sum256([]byte(sheet))
	return hex.EncodeToString(sum[:5])
}

// colour is sRGB, 8 bits a channel.
type colour struct{ r, g, b uint8 }

func (c colour) String() string { return fmt.Sprintf("#%02x%02x%02x", c.r, c.g, c.b) }

func parse(text string) (colour, bool) {
	digits, ok := strings.CutPrefix(text, "#")
	raw, err := hex.DecodeString(digits)
	if !ok || err != nil || len(raw) != 3 {
		return colour{}, false
	}
	return colour{raw[0], raw[1], raw[2]}, true
}

// linear undoes the transfer function of sRGB (IEC 61966-2-1).
func linear(v uint8) float64 {
	x := float64(v) / 255
	if x <= 0.04045 {
		return x / 12.92
	}
	return math.Pow((x+0.055)/1.055, 2.4)
}

// companded is linear's inverse, in range or not.
func companded(x float64) float64 {
	if x <= 0.0031308 {
		return 12.92 * x
	}
	return 1.055*math.Pow(x, 1/2.4) - 0.055
}

// luminance is relative luminance (WCAG 2.2).
func (c colour) luminance() float64 {
	return 0.2126*linear(c.r) + 0.7152*linear(c.g) + 0.0722*linear(c.b)
}

func contrast(a, b colour) float64 {
	x, y := a.luminance(), b.luminance()
	if x < y {
		x, y = y, x
	}
	return (x + 0.05) / (y + 0.05)
}

func (c colour) oklch() (l, chroma, hue float64) {
	r, g, b := linear(c.r), linear(c.g), linear(c.b)
	lms := [3]float64{
		math.Cbrt(0.4122214708*r + 0.5363325363*g + 0.0514459929*b),
		math.Cbrt(0.2119034982*r + 0.6806995451*g + 0.1073969566*b),
		math.Cbrt(0.0883024619*r + 0.2817188376*g + 0.6299787005*b),
	}
	l = 0.2104542553*lms[0] + 0.7936177850*lms[1] - 0.0040720468*lms[2]
	x := 1.9779984951*lms[0] - 2.4285922050*lms[1] + 0.4505937099*lms[2]
	y := 0.0259040371*lms[0] + 0.7827717662*lms[1] - 0.8086757660*lms[2]
	return l, math.Hypot(x, y), math.Atan2(y, x)
}

// fromOKLCH gives the sRGB colour of that lightness and hue with the most chroma sRGB has, up to the one asked for.
func fromOKLCH(l, chroma, hue float64) colour {
	for ; chroma > 0; chroma -= 0.002 {
		if rgb, inside := gamut(l, chroma, hue); inside {
			return rgb
		}
	}
	rgb, _ := gamut(l, 0, hue)
	return rgb
}

func gamut(l, chroma, hue float64) (colour, bool) {
	x, y := chroma*math.Cos(hue), chroma*math.Sin(hue)
	cube := func(v float64) float64 { return v * v * v }
	a := cube(l + 0.3963377774*x + 0.2158037573*y)
	b := cube(l - 0.1055613458*x - 0.0638541728*y)
	c := cube(l - 0.0894841775*x - 1.2914855480*y)
	channels := [3]float64{
		4.0767416621*a - 3.3077115913*b + 0.2309699292*c,
		-1.2684380046*a + 2.6097574011*b - 0.3413193965*c,
		-0.0041960863*a - 0.7034186147*b + 1.7076147010*c,
	}
	var out [3]uint8
	inside := true
	for i, v := range channels {
		v = companded(v)
		inside = inside && v > -0.0005 && v < 1.0005
		out[i] = uint8(math.Round(255 * clamp(v)))
	}
	return colour{out[0], out[1], out[2]}, inside
}
