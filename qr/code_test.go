package qr

import (
	"bytes"
	"encoding/xml"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	btcURI  = "bitcoin:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4?amount=0.00044007"
	tapURI  = "bitcoin:bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0?amount=0.00044007"
	evmAddr = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"
)

// The reference values of payment-uris.md, section 11, at level M.
func TestModules(t *testing.T) {
	for _, v := range []struct {
		name, text string
		want       int
	}{
		{"EVM address", evmAddr, 29},
		{"Tron address", "TMVQGm1qAQYVdetCeGRRkTWYYrLXuHK2HC", 29},
		{"BTC URI", btcURI, 37},
		{"BTC URI, upper-case address", "bitcoin:" + Upper(p2wpkh) + "?amount=0.00044007", 33},
		{"BTC taproot URI", tapURI, 41},
		{"ETH URI", "ethereum:" + evmAddr + "@1?value=12345678900000000", 37},
		{"ERC-20 URI", "ethereum:0xdAC17F958D2ee523a2206206994597C13D831ec7@1/transfer?address=" + evmAddr + "&uint256=25500000", 49},
		{
			"Trust link",
			"https://link.trustwallet.com/send?asset=c195_tTR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t&address=TMVQGm1qAQYVdetCeGRRkTWYYrLXuHK2HC&amount=25.5", 49,
		},
	} {
		if got, err := Modules(v.text); err != nil || got != v.want {
			t.Errorf("%s (%d characters): %d modules, %v; want %d", v.name, len(v.text), got, err, v.want)
		}
	}
}

// svg is the form the picture must have.
type svg struct {
	XMLName   xml.Name `xml:"svg"`
	ViewBox   string   `xml:"viewBox,attr"`
	Rendering string   `xml:"shape-rendering,attr"`
	Role      string   `xml:"role,attr"`
	Label     string   `xml:"aria-label,attr"`
	Rect      []struct {
		Width  string `xml:"width,attr"`
		Height string `xml:"height,attr"`
		Fill   string `xml:"fill,attr"`
	} `xml:"rect"`
	Stop []struct {
		Colour string `xml:"stop-color,attr"`
	} `xml:"linearGradient>stop"`
	Path []struct {
		Fill string `xml:"fill,attr"`
		D    string `xml:"d,attr"`
	} `xml:"path"`
}

func TestSVG(t *testing.T) {
	text, err := SVG(btcURI)
	if err != nil {
		t.Fatal(err)
	}
	var s svg
	if err := xml.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	if s.ViewBox != "0 0 45 45" || s.Rendering != "crispEdges" || s.Role != "img" || s.Label == "" {
		t.Errorf("not the form: %+v", s)
	}
	if len(s.Rect) != 1 || s.Rect[0].Width != "45" || s.Rect[0].Height != "45" || s.Rect[0].Fill != "#fff" {
		t.Errorf("not the white rectangle: %+v", s.Rect)
	}
	if len(s.Path) != 1 || s.Path[0].Fill != "url(#ink) #000" || len(s.Stop) != 1 || s.Stop[0].Colour != "#000" {
		t.Fatalf("not one black path: %+v", s.Path)
	}
	for _, never := range []string{"currentColor", "style", "script", "href", btcURI} {
		if strings.Contains(text, never) {
			t.Errorf("the picture has %q", never)
		}
	}
	// The finder pattern at the top left: a row of seven inside the quiet zone, one module high.
	if !strings.HasPrefix(s.Path[0].D, "M4 4h7v1h-7z") {
		t.Errorf("the path begins with %.20s", s.Path[0].D)
	}
	t.Logf("%d bytes", len(text))
}

// The picture files show exactly the modules, with an empty border.
func TestPNG(t *testing.T) {
	raw, err := PNG(btcURI)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	code, err := Encode(btcURI)
	if err != nil {
		t.Fatal(err)
	}
	side := picture.Bounds().Dx()
	if side != 45*8 || picture.Bounds().Dy() != side {
		t.Fatalf("the picture is %v", picture.Bounds())
	}
	for y := range side {
		for x := range side {
			mx, my := x/8-4, y/8-4
			inside := mx >= 0 && my >= 0 && mx < 37 && my < 37
			want := uint32(0xffff)
			if inside && code.modules[my][mx] {
				want = 0
			}
			if got, _, _, _ := picture.At(x, y).RGBA(); got != want {
				t.Fatalf("pixel %d, %d is %x, want %x", x, y, got, want)
			}
		}
	}
	t.Logf("%d bytes", len(raw))
}

// Another program reads what we draw.
func TestReadable(t *testing.T) {
	reader, err := exec.LookPath("zbarimg")
	if err != nil {
		if strings.Contains(os.Getenv("CHECKOUT_REQUIRE"), "browser") {
			t.Fatal("zbarimg is missing: apt-get install zbar-tools")
		}
		t.Skip("zbarimg is missing: apt-get install zbar-tools")
	}
	for _, text := range []string{btcURI, tapURI, p2sh, "bitcoin:" + Upper(p2wpkh) + "?amount=1", evmAddr} {
		raw, err := PNG(text)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "code.png")
		if err := os.WriteFile(file, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := exec.Command(reader, "-q", "--raw", file).Output()
		if err != nil || strings.TrimSpace(string(got)) != text {
			t.Errorf("%q reads as %q, %v", text, got, err)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	for _, text := range []string{"", strings.Repeat("x", 3000)} {
		if _, err := SVG(text); err == nil {
			t.Errorf("a picture of %d bytes", len(text))
		}
		if _, err := PNG(text); err == nil {
			t.Errorf("a file of %d bytes", len(text))
		}
		if n, err := Modules(text); err == nil || n != 0 {
			t.Errorf("%d modules for %d bytes", n, len(text))
		}
	}
}

func BenchmarkSVG(b *testing.B) {
	for b.Loop() {
		if _, err := SVG(btcURI); err != nil {
			b.Fatal(err)
		}
	}
}
