package qr

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strconv"
	"strings"

	"github.com/skip2/go-qrcode"
)

// quiet is the width of the empty border, in modules, that readers need around a code (ISO/IEC 18004).
const quiet = 4

// pngScale is the side of a module in a PNG picture, in pixels.
const pngScale = 8

// Code is a QR code, on screens of error correction level M. Higher levels gain nothing for short text and make long text finer,
// and so harder to read.
type Code struct {
	modules [][]bool // dark ones, by row and column, without the border
}

// Robust makes the code of a text with error correction level Q: for print, which gets wet and torn. It fails as Encode does.
func Robust(text string) (Code, error) { return encode(text, qrcode.High) }

// Encode makes the code of a text. It fails if the text is empty or too long for a code, more than about 2,300 bytes.
// It takes most of a millisecond: keep what it gives.
func Encode(text string) (Code, error) { return encode(text, qrcode.Medium) }

func encode(text string, level qrcode.RecoveryLevel) (Code, error) {
	if text == "" {
		return Code{}, fmt.Errorf("QR code of nothing")
	}
	code, err := qrcode.New(text, level)
	if err != nil {
		return Code{}, fmt.Errorf("QR code of %d bytes: %w", len(text), err)
	}
	code.DisableBorder = true // we draw our own
	return Code{modules: code.Bitmap()}, nil
}

// SVG is the picture of a text's code as an SVG element, see Code.SVG.
func SVG(text string) (string, error) {
	code, err := Encode(text)
	if err != nil {
		return "", err
	}
	return code.SVG(), nil
}

// PNG is the picture of a text's code as a PNG file, see Code.PNG.
func PNG(text string) ([]byte, error) {
	code, err := Encode(text)
	if err != nil {
		return nil, err
	}
	return code.PNG()
}

// Modules is the number of modules along a side of a text's code, without the border: 21, 25, … 177.
func Modules(text string) (int, error) {
	code, err := Encode(text)
	return code.Modules(), err
}

// Modules is the number of modules along a side, without the border.
func (c Code) Modules() int { return len(c.modules) }

// Size is the number of modules along a side, with the border of four on either end: the side of the view box that
// Path is drawn in.
func (c Code) Size() int { return len(c.modules) + 2*quiet }

// Path is the drawing of all dark modules as SVG path data, each run of them in a row as one rectangle.
func (c Code) Path() string {
	var b strings.Builder
	for y, row := range c.modules {
		for x := 0; x < len(row); x++ {
			start := x
			for x < len(row) && row[x] {
				x++
			}
			if x > start {
				run := strconv.Itoa(x - start)
				b.WriteString("M" + strconv.Itoa(start+quiet) + " " + strconv.Itoa(y+quiet) + "h" + run + "v1h-" + run + "z")
			}
		}
	}
	return b.String()
}

// label is the accessible name of the picture. The text is on the page as well, so nobody needs to read it out.
const label = "QR code with the payment address. The same address is written as text."

// SVG is the code as one SVG element. The colours are literal black and white, and the border is part of the white
// rectangle, so that neither themes nor the page behind it can make the code unreadable. The black is a gradient of one
// stop: a browser that darkens pages by itself turns a plain black fill white, and leaves gradients alone.
func (c Code) SVG() string {
	side := strconv.Itoa(c.Size())
	return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ` + side + ` ` + side +
		`" shape-rendering="crispEdges" role="img" aria-label="` + label + `">` +
		`<linearGradient id="ink"><stop stop-color="#000"/></linearGradient>` +
		`<rect width="` + side + `" height="` + side + `" fill="#fff"/><path fill="url(#ink) #000" d="` + c.Path() + `"/></svg>`
}

// PNG is the code as a black and white picture, eight pixels to a module, border included.
func (c Code) PNG() ([]byte, error) {
	side := c.Size() * pngScale
	picture := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for y, row := range c.modules {
		for x, dark := range row {
			if dark {
				fill(picture, (x+quiet)*pngScale, (y+quiet)*pngScale)
			}
		}
	}
	var b bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&b, picture); err != nil {
		return nil, fmt.Errorf("PNG of a QR code: %w", err)
	}
	return b.Bytes(), nil
}

// fill paints the module whose corner is at x, y.
func fill(picture *image.Paletted, x, y int) {
	for dy := range pngScale {
		for dx := range pngScale {
			picture.SetColorIndex(x+dx, y+dy, 1)
		}
	}
}
