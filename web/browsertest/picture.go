package browsertest

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// Picture is what a page, or a part of it, looks like in device pixels.
type Picture struct {
	image.Image
	Path string // of the PNG file
}

// Shoot takes a picture of the whole page and gives the name of its PNG file.
func (b *Browser) Shoot(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	data, err := chromedp.Run(ctx, chromedp.FullScreenshot(100)) // 100 is PNG, less is JPEG
	if err != nil {
		t.Fatal(err)
	}
	return keep(t, data)
}

// Picture takes a picture of an element with so many CSS pixels around it.
func (b *Browser) Picture(t *testing.T, selector string, around float64) Picture {
	t.Helper()
	box := JS[page.Viewport](t, b, `(() => { const r = document.querySelector(`+"`"+selector+"`"+`).getBoundingClientRect()
		return { x: r.x + scrollX, y: r.y + scrollY, width: r.width, height: r.height, scale: 1 } })()`)
	box.X, box.Y, box.Width, box.Height = box.X-around, box.Y-around, box.Width+2*around, box.Height+2*around
	return b.Clip(t, box)
}

// Window takes a picture of what the window shows.
func (b *Browser) Window(t *testing.T) Picture {
	t.Helper()
	return b.Clip(t, JS[page.Viewport](t, b, `({ x: scrollX, y: scrollY, width: innerWidth, height: innerHeight, scale: 1 })`))
}

// Clip takes a picture of a part of the page.
func (b *Browser) Clip(t *testing.T, box page.Viewport) Picture {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	yes := true
	shot, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{Clip: &box, CaptureBeyondViewport: &yes})
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(shot.Data))
	if err != nil {
		t.Fatal(err)
	}
	return Picture{Image: img, Path: keep(t, shot.Data)}
}

func keep(t *testing.T, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page.png")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Pixels counts the colours of a picture.
func (p Picture) Pixels() map[color.RGBA]int {
	found := map[color.RGBA]int{}
	for y := p.Bounds().Min.Y; y < p.Bounds().Max.Y; y++ {
		for x := p.Bounds().Min.X; x < p.Bounds().Max.X; x++ {
			found[p.rgba(x, y)]++
		}
	}
	return found
}

// Differs counts the pixels that are not the same in another picture of the same size.
func (p Picture) Differs(other Picture) int {
	if p.Bounds() != other.Bounds() {
		return p.Bounds().Dx() * p.Bounds().Dy()
	}
	n := 0
	for y := p.Bounds().Min.Y; y < p.Bounds().Max.Y; y++ {
		for x := p.Bounds().Min.X; x < p.Bounds().Max.X; x++ {
			if p.rgba(x, y) != other.rgba(x, y) {
				n++
			}
		}
	}
	return n
}

func (p Picture) rgba(x, y int) color.RGBA { return color.RGBAModel.Convert(p.At(x, y)).(color.RGBA) }

// Quiet is how many pixels around the black modules of a code are pure white on every side.
func (p Picture) Quiet() int {
	white := color.RGBA{255, 255, 255, 255}
	dark := image.Rectangle{}
	for y := p.Bounds().Min.Y; y < p.Bounds().Max.Y; y++ {
		for x := p.Bounds().Min.X; x < p.Bounds().Max.X; x++ {
			if p.rgba(x, y) == (color.RGBA{0, 0, 0, 255}) {
				dark = dark.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	for n := 1; ; n++ {
		frame := dark.Inset(-n)
		if !frame.In(p.Bounds()) {
			return n - 1
		}
		for x := frame.Min.X; x < frame.Max.X; x++ {
			if p.rgba(x, frame.Min.Y) != white || p.rgba(x, frame.Max.Y-1) != white {
				return n - 1
			}
		}
		for y := frame.Min.Y; y < frame.Max.Y; y++ {
			if p.rgba(frame.Min.X, y) != white || p.rgba(frame.Max.X-1, y) != white {
				return n - 1
			}
		}
	}
}

// ReadCode reads the QR code in a picture, with an independent reader (zbarimg).
func ReadCode(t *testing.T, png string) string {
	t.Helper()
	code, err := TryCode(png)
	if err != nil {
		t.Fatalf("zbarimg reads no code: %v", err)
	}
	return code
}

// TryCode reads the QR code in a picture if there is one. It does not try the picture inverted: not every wallet does.
func TryCode(png string) (string, error) {
	out, err := exec.Command("zbarimg", "-q", "--raw", "-Stest-inverted=0", png).Output()
	return strings.TrimSpace(string(out)), err
}
