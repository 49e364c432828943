package brand

import (
	"bytes"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"
)

// drawn is a picture of some size: a coloured bar, or noise.
func drawn(width, height int, noise, clear bool) image.Image {
	p := image.NewNRGBA(image.Rect(0, 0, width, height))
	random := rand.New(rand.NewPCG(1, 2))
	for y := range height {
		for x := range width {
			c := color.NRGBA{R: 0x33, G: 0x46, B: 0xd3, A: 255}
			if noise {
				c = color.NRGBA{R: uint8(random.UintN(256)), G: uint8(random.UintN(256)), B: uint8(random.UintN(256)), A: 255}
			}
			if clear && x < width/2 {
				c.A = 0
			}
			p.SetNRGBA(x, y, c)
		}
	}
	return p
}

func pngOf(t testing.TB, p image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func jpegOf(t testing.TB, p image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, p, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// secret puts a comment into a PNG, as cameras and editors do.
func secret(t testing.TB, file []byte) []byte {
	t.Helper()
	data := "tEXtComment\x00taken at 52.5200 N 13.4050 E"
	chunk := append([]byte{0, 0, 0, byte(len(data) - 4)}, data...)
	sum := crc32.ChecksumIEEE([]byte(data))
	chunk = append(chunk, byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum))
	const header = 33 // signature and IHDR
	return append(append(append([]byte{}, file[:header]...), chunk...), file[header:]...)
}

func TestLogo(t *testing.T) {
	for _, row := range []struct {
		name          string
		file          []byte
		width, height int
		clear         bool
		kind          string
	}{
		{"wide", pngOf(t, drawn(800, 100, false, false)), 160, 20, false, "image/png"},
		{"tall", pngOf(t, drawn(100, 400, false, false)), 12, 48, false, "image/png"},
		{"small stays small", pngOf(t, drawn(40, 20, false, false)), 40, 20, false, "image/png"},
		{"a point", pngOf(t, drawn(1, 1, false, false)), 1, 1, false, "image/png"},
		{"a line", pngOf(t, drawn(4000, 1, false, false)), 160, 1, false, "image/png"},
		{"see-through", pngOf(t, drawn(320, 96, false, true)), 160, 48, true, "image/png"},
		{"JPEG", jpegOf(t, drawn(640, 192, false, false)), 160, 48, false, "image/png"},
		{"a photograph", jpegOf(t, drawn(640, 192, true, false)), 160, 48, false, "image/jpeg"},
		{"with a comment", secret(t, pngOf(t, drawn(320, 96, false, false))), 160, 48, false, "image/png"},
	} {
		p, err := Logo(row.file)
		if err != nil {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		if p.Width != row.width || p.Height != row.height || p.Clear != row.clear || p.Type != row.kind {
			t.Errorf("%s: %d × %d %s, see-through %v", row.name, p.Width, p.Height, p.Type, p.Clear)
		}
		if len(p.Data) > 15<<10 || bytes.Contains(p.Data, []byte("52.5200")) {
			t.Errorf("%s: %d bytes, or what was said in the file", row.name, len(p.Data))
		}
		shown, _, err := image.DecodeConfig(bytes.NewReader(p.Data))
		if err != nil || shown.Width > 320 || shown.Height > 96 || shown.Width < p.Width {
			t.Errorf("%s: %d × %d pixels, %v", row.name, shown.Width, shown.Height, err)
		}
		if again, err := Logo(row.file); err != nil || again.Name != p.Name {
			t.Errorf("%s: another name for the same picture", row.name)
		}
	}
}

func TestLogoRefuses(t *testing.T) {
	var moving bytes.Buffer
	if err := gif.Encode(&moving, drawn(10, 10, false, false), nil); err != nil {
		t.Fatal(err)
	}
	busy := drawn(LogoWidth, LogoHeight, true, false)
	busy.(*image.NRGBA).SetNRGBA(0, 0, color.NRGBA{})
	good := pngOf(t, drawn(320, 96, false, false))
	for name, row := range map[string]struct {
		file []byte
		want error
	}{
		"nothing":               {nil, ErrLogoSize},
		"SVG":                   {[]byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`), ErrLogoKind},
		"SVG with a preamble":   {[]byte(`<?xml version="1.0"?><svg/>`), ErrLogoKind},
		"HTML":                  {[]byte(`<html><script>`), ErrLogoKind},
		"GIF":                   {moving.Bytes(), ErrLogoKind},
		"cut short":             {good[:len(good)-20], ErrLogoKind},
		"a PNG in name alone":   {good[:8], ErrLogoKind},
		"too many bytes":        {append(bytes.Clone(good), make([]byte, MaxLogoFile)...), ErrLogoSize},
		"too many pixels":       {pngOf(t, drawn(4001, 1, false, false)), ErrLogoSize},
		"unfolds into too many": {pngOf(t, image.NewGray(image.Rect(0, 0, 3800, 3800))), ErrLogoSize},
		"too busy":              {pngOf(t, busy), ErrLogoBusy},
	} {
		if _, err := Logo(row.file); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", name, err, row.want)
		}
	}
}

func FuzzLogo(f *testing.F) {
	f.Add(pngOf(f, drawn(20, 10, false, true)))
	f.Add(jpegOf(f, drawn(20, 10, true, false)))
	f.Fuzz(func(t *testing.T, file []byte) {
		p, err := Logo(file)
		if err != nil {
			return
		}
		if len(p.Data) > 15<<10 || p.Width > LogoWidth || p.Height > LogoHeight || !strings.HasPrefix(p.Name, "logo.") {
			t.Errorf("%+v", p)
		}
	})
}
