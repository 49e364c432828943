package brand

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"image"
	"image/jpeg"
	"image/png"
	"net/http"

	"golang.org/x/image/draw"

	"checkout/fault"
)

// The limits of a logo (checkout-page.md section 15): of what is taken, in bytes and in pixels a side, and of what is
// served, in CSS pixels and bytes.
const (
	MaxLogoFile  = 1 << 20
	maxLogoSide  = 4000 // pixels
	maxLogoArea  = 12_000_000
	LogoWidth    = 160
	LogoHeight   = 48
	maxLogoBytes = 15 << 10
)

// The faults of a logo.
var (
	ErrLogoKind = fault.New(fault.Invalid, "logo_kind", "A logo is a PNG or JPEG picture. SVG files can carry programs and are refused.").At("logo")
	ErrLogoSize = fault.New(fault.Invalid, "logo_size", "A logo has at most 1 MiB, and 1 to 4000 pixels a side, 12 million in all.").At("logo")
	ErrLogoBusy = fault.New(fault.Invalid, "logo_busy", "This picture is too busy for a logo: it is still over 15 KB at 160 × 48 pixels.").At("logo")
)

// Picture is a logo as it is served.
type Picture struct {
	Name          string // names its content: "logo.3f0c9a1e5b7d2468.png"
	Type          string // of the content: "image/png"
	Data          []byte
	Width, Height int  // in CSS pixels, at most 160 × 48
	Clear         bool // parts of it are see-through
}

// Logo makes a picture from a file somebody uploaded: decoded and drawn anew, so that nothing of the file but its colours is
// left, and no larger than it is shown on a dense screen.
func Logo(file []byte) (Picture, error) {
	if len(file) == 0 || len(file) > MaxLogoFile {
		return Picture{}, ErrLogoSize
	}
	decode, config := png.Decode, png.DecodeConfig
	switch http.DetectContentType(file) {
	case "image/png":
	case "image/jpeg":
		decode, config = jpeg.Decode, jpeg.DecodeConfig
	default:
		return Picture{}, ErrLogoKind
	}
	// The size is read first: a small file may unfold into more than there is memory for.
	size, err := config(bytes.NewReader(file))
	if err != nil {
		return Picture{}, ErrLogoKind.Because(err)
	}
	if size.Width < 1 || size.Height < 1 || size.Width > maxLogoSide || size.Height > maxLogoSide || size.Width*size.Height > maxLogoArea {
		return Picture{}, ErrLogoSize
	}
	from, err := decode(bytes.NewReader(file))
	if err != nil {
		return Picture{}, ErrLogoKind.Because(err)
	}
	return fit(from)
}

// fit draws a picture for dense screens, or for plain ones if that takes too much.
func fit(from image.Image) (Picture, error) {
	width, height := within(from.Bounds().Dx(), from.Bounds().Dy())
	most := float64(from.Bounds().Dx()) / float64(width)
	for _, density := range []float64{2, 1.5, 1} {
		density = min(density, most)
		to := image.NewNRGBA(image.Rect(0, 0, scaled(width, density), scaled(height, density)))
		draw.CatmullRom.Scale(to, to.Bounds(), from, from.Bounds(), draw.Src, nil)
		data, kind, err := encode(to)
		if err != nil {
			return Picture{}, err
		}
		if len(data) > maxLogoBytes {
			continue
		}
		sum := sha256.Sum256(data)
		return Picture{
			Name: "logo." + hex.EncodeToString(sum[:8]) + "." + kind, Type: map[string]string{"png": "image/png", "jpg": "image/jpeg"}[kind],
			Data: data, Width: width, Height: height, Clear: !to.Opaque(),
		}, nil
	}
	return Picture{}, ErrLogoBusy
}

// within is the size of a picture inside the place there is. It is never made larger.
func within(width, height int) (int, int) {
	scale := min(1, float64(LogoWidth)/float64(width), float64(LogoHeight)/float64(height))
	return scaled(width, scale), scaled(height, scale)
}

func scaled(n int, by float64) int { return max(1, int(float64(n)*by+0.5)) }

// encode writes a PNG, or a JPEG where that is smaller and nothing is see-through.
func encode(picture *image.NRGBA) (data []byte, kind string, err error) {
	var asPNG, asJPEG bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&asPNG, picture); err != nil {
		return nil, "", err
	}
	if asPNG.Len() <= maxLogoBytes || !picture.Opaque() {
		return asPNG.Bytes(), "png", nil
	}
	if err := jpeg.Encode(&asJPEG, picture, &jpeg.Options{Quality: 88}); err != nil {
		return nil, "", err
	}
	return asJPEG.Bytes(), "jpg", nil
}
