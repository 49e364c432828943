package main

import (
	"bytes"
	"image"
	"image/png"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLook: a merchant's list of who may embed is in the policy of its pages at once, and of nobody else's.
func TestLook(t *testing.T) {
	in := open(t, "", "")
	in.serve()
	in.ready("LTCT")
	var other struct {
		ID string `json:"merchant_id"`
	}
	in.cli(&other, "merchant", "create", "--name", "Bolt Bikes")
	page := func(merchant string) (*http.Response, string) {
		t.Helper()
		var inv invoiceView
		in.cli(&inv, "invoice", "create", "--merchant", merchant, "--test", "--amount", "25.50", "--title", "By hand")
		res, err := http.Get(in.base + "/i/" + string(inv.ID))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res, string(body)
	}
	var look lookAnswer
	in.cli(&look, "merchant", "look", "--merchant", string(in.m.ID), "--origin", "https://shop.example", "--origin", "http://localhost:3000", "--theme", "dark", "--language", "en")
	if len(look.Origins) != 2 || look.Theme != "dark" || look.Language != "en" || !strings.HasSuffix(look.Script, "/embed/v1.js") || !strings.HasPrefix(look.Integrity, "sha384-") {
		t.Errorf("%+v", look)
	}
	res, body := page(string(in.m.ID))
	if csp := res.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors https://shop.example http://localhost:3000;") || res.Header.Get("X-Frame-Options") != "" {
		t.Errorf("%s, X-Frame-Options %q", csp, res.Header.Get("X-Frame-Options"))
	}
	if !strings.Contains(body, `<html lang="en" dir="ltr" data-theme="dark"`) {
		t.Errorf("%.200s", body)
	}
	if res, _ := page(other.ID); !strings.Contains(res.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
		t.Errorf("another merchant's page: %s", res.Header.Get("Content-Security-Policy"))
	}
	for flags, want := range map[string]string{
		"--origin https://*.shop.example": "--wildcards", "--origin https://shop.example/": "scheme, host and port", "--origin *": "--wildcards", "--theme pink": "light, dark",
		"--language xx": "do not speak", "--code nothing=uri": "no coin nothing", "--code btc=picture": "uri or address", "--code usdt-bsc=uri": "--token-codes",
		"--upper-codes yes": "on or off",
	} {
		args := append([]string{"merchant", "look", "--merchant", string(in.m.ID)}, strings.Fields(flags)...)
		if out, err := in.command(args...).CombinedOutput(); err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v %s", flags, err, out)
		}
	}
	in.cli(&look, "merchant", "look", "--merchant", string(in.m.ID), "--code", "btc=address", "--code", "usdt-bsc=uri", "--token-codes", "--upper-codes", "on")
	if len(look.Codes) != 2 || look.Codes["btc"] != "address" || look.Codes["usdt-bsc"] != "uri" || !look.UpperCodes {
		t.Errorf("%+v", look)
	}
	look = lookAnswer{} // or the old codes would stay in its map
	in.cli(&look, "merchant", "look", "--merchant", string(in.m.ID), "--code", "usdt-bsc=auto", "--upper-codes", "off")
	if len(look.Codes) != 1 || look.UpperCodes {
		t.Errorf("%+v", look)
	}
	in.logo(t, page)
	in.cli(&look, "merchant", "look", "--merchant", string(in.m.ID), "--no-origins", "--theme", "auto")
	if len(look.Origins) != 0 || look.Theme != "auto" {
		t.Errorf("%+v", look)
	}
	res, err := http.Get(in.base + "/embed/v1.js")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK || res.Header.Get("Cross-Origin-Resource-Policy") != "cross-origin" {
		t.Errorf("the loader: %d %v", res.StatusCode, res.Header)
	}
}

// logo gives the merchant a picture and a text, and takes them back.
func (in *installation) logo(t *testing.T, page func(merchant string) (*http.Response, string)) {
	t.Helper()
	var raw bytes.Buffer
	if err := png.Encode(&raw, image.NewGray(image.Rect(0, 0, 640, 160))); err != nil {
		t.Fatal(err)
	}
	file, drawing := filepath.Join(t.TempDir(), "logo.png"), filepath.Join(t.TempDir(), "logo.svg")
	for path, content := range map[string][]byte{file: raw.Bytes(), drawing: []byte("<svg/>")} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, said := in.fails("merchant", "look", "--merchant", string(in.m.ID), "--logo", drawing); !strings.Contains(said, "SVG files can carry programs") {
		t.Error(said)
	}
	var look lookAnswer
	in.cli(&look, "merchant", "look", "--merchant", string(in.m.ID), "--logo", file, "--text", "pay=Take your time", "--header", "on")
	_, body := page(string(in.m.ID))
	src := "/m/" + string(in.m.ID) + "/" + look.Logo
	if look.Logo == "" || !strings.Contains(body, `src="`+src+`" width="160" height="40"`) || look.Texts["en"]["pay"] != "Take your time" {
		t.Errorf("%+v", look)
	}
	if got := in.get(src); !strings.HasPrefix(got, "\x89PNG") {
		t.Errorf("the picture is %.20q", got)
	}
	look = lookAnswer{}
	in.cli(&look, "merchant", "look", "--merchant", string(in.m.ID), "--logo", "auto", "--text", "pay=", "--header", "off")
	if look.Logo != "" || len(look.Texts) != 0 || look.Header {
		t.Errorf("taken back: %+v", look)
	}
	if res, err := http.Get(in.base + src); err != nil || res.StatusCode != http.StatusNotFound {
		t.Errorf("a picture nobody shows: %v %v", res, err)
	}
}
