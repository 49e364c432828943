package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"checkout/api"
)

// nested is so many arrays inside each other.
func nested(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }

// keyed is an object of so many keys.
func keyed(keys int) string {
	var b strings.Builder
	for i := range keys {
		fmt.Fprintf(&b, `,"k%d":%d`, i, i)
	}
	return "{" + strings.TrimPrefix(b.String(), ",") + "}"
}

var accepted = map[string]string{
	"null":                  `null`,
	"booleans":              `[true,false]`,
	"empty":                 `{"a":{},"b":[],"c":""}`,
	"white space":           " \t\r\n{ \"a\" : [ 1 , 2 ] } \n",
	"numbers":               `[0,-0,10,0.5,-1.25,1e2,1E+2,1.5e-10,123456789012345678901234567890]`,
	"escapes":               `"\"\\\/\b\f\n\r\t\u0000\u00e9\u20AC"`,
	"surrogate pair":        `"\ud83d\ude00"`,
	"raw characters":        `{"título":"Zoë ☕ 😀"}`,
	"delete":                "\"\x7f\"",
	"line separators":       "\"\u2028\u2029\"",
	"noncharacter":          `"\uffff"`,
	"replacement character": `"\ufffd"`,
	"U+017F is no s":        `{"ſtatus":1,"status":2}`,
	"case is kept":          `{"a":1,"A":2}`,
	"64 levels":             nested(64),
	"64 levels, full":       strings.Repeat(`[`, 64) + `1` + strings.Repeat(`]`, 64),
	"64 levels of objects":  strings.Repeat(`{"a":`, 64) + `1` + strings.Repeat(`}`, 64),
	"256 keys":              keyed(256),
	"256 keys twice":        `[` + keyed(256) + `,` + keyed(256) + `]`,
}

var refused = map[string]string{
	"nothing":                     ``,
	"only white space":            " \n",
	"text":                        `hello`,
	"half an object":              `{x`,
	"key without value":           `{"a"}`,
	"no colon":                    `{"a" 1}`,
	"key without quotes":          `{a:1}`,
	"key that is a number":        `{1:1}`,
	"unclosed object":             `{"a":1`,
	"unclosed array":              `[1`,
	"unclosed string":             `"abc`,
	"backslash at the end":        `"abc\`,
	"comma at the end of object":  `{"a":1,}`,
	"comma at the end of array":   `[1,]`,
	"only a comma":                `[,]`,
	"two values":                  `1 2`,
	"two objects":                 `{}{}`,
	"bracket after the value":     `{}]`,
	"NUL after the value":         "{}\x00",
	"duplicate key":               `{"amount":"1","amount":"1000"}`,
	"duplicate key, spelt apart":  `{"amount":1,"\u0061mount":2}`,
	"duplicate key, deeper":       `[{"a":{"b":1,"b":1}}]`,
	"NaN":                         `NaN`,
	"Infinity":                    `Infinity`,
	"minus Infinity":              `-Infinity`,
	"hexadecimal":                 `0x1`,
	"leading zero":                `01`,
	"minus and leading zero":      `-01`,
	"plus":                        `+1`,
	"only a minus":                `-`,
	"point without digits":        `1.`,
	"point without whole":         `.5`,
	"exponent without digits":     `1e`,
	"signed exponent only":        `1e+`,
	"digits of another script":    `١`,
	"comment to the end":          "{} // done",
	"comment in between":          `{/* */"a":1}`,
	"single quotes":               `{'a':1}`,
	"capitals":                    `True`,
	"word runs on":                `nullx`,
	"half a word":                 `tru`,
	"control character":           "\"a\nb\"",
	"control character, escaped":  "\"\\\x01\"",
	"control after an escape":     "\"\\n\x1f\"",
	"unknown escape":              `"\x41"`,
	"capital escape":              `"\N"`,
	"three hex digits":            `"\u12"`,
	"signed hex":                  `"\u+123"`,
	"hex with a wide character":   `"\u12é"`,
	"lone high surrogate":         `"\ud83d"`,
	"lone low surrogate":          `"\ude00"`,
	"high surrogate, then text":   `"\ud83dab"`,
	"high surrogate, then escape": `"\ud83d\n"`,
	"two high surrogates":         `"\ud83d\ud83d"`,
	"surrogates in key":           `{"\ud800":1}`,
	"surrogate as raw bytes":      "\"\xed\xa0\x80\"",
	"overlong slash":              "\"\xc0\xaf\"",
	"byte alone":                  "\"\xff\"",
	"invalid UTF-8 after it":      "{}\xff",
	"BOM":                         "\ufeff{}",
	"no-break space":              "\u00a0{}",
	"form feed":                   "\f{}",
	"65 levels":                   nested(65),
	"65 levels of objects":        strings.Repeat(`{"a":`, 65) + `1` + strings.Repeat(`}`, 65),
	"10,000 arrays":               strings.Repeat(`[`, 10_000),
	"10,000 objects":              strings.Repeat(`{"a":`, 10_000),
	"257 keys":                    keyed(257),
}

func TestParseJSON(t *testing.T) {
	for name, text := range accepted {
		t.Run(name, func(t *testing.T) {
			v, err := api.ParseJSON([]byte(text))
			if err != nil {
				t.Fatalf("%.60s: %v", text, err)
			}
			if got, want := plain(v), mustDecode(t, text); !reflect.DeepEqual(got, want) {
				t.Errorf("%.60s\ngot  %#v\nwant %#v", text, got, want)
			}
		})
	}
	for name, text := range refused {
		t.Run(name, func(t *testing.T) {
			if v, err := api.ParseJSON([]byte(text)); !errors.Is(err, api.ErrJSON) || !reflect.ValueOf(v).IsZero() {
				t.Errorf("%.60s is %v, %v", text, v, err)
			}
		})
	}
}

// TestNumbersKeepTheirText shows what a float would lose.
func TestNumbersKeepTheirText(t *testing.T) {
	for _, text := range []string{"9007199254740993", "0.30000000000000004", "1e999999999", "-0", "106.75000000", "1E-7"} {
		if v, err := api.ParseJSON([]byte(text)); err != nil || v.Kind != api.Number || v.Text != text {
			t.Errorf("%s is %v %q: %v", text, v.Kind, v.Text, err)
		}
	}
}

// FuzzParseJSON wants no panic, and of everything accepted the same that encoding/json makes of it.
func FuzzParseJSON(f *testing.F) {
	for _, text := range accepted {
		f.Add([]byte(text))
	}
	for _, text := range refused {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		v, err := api.ParseJSON(raw)
		if err != nil {
			return
		}
		if got, want := plain(v), mustDecode(t, string(raw)); !reflect.DeepEqual(got, want) {
			t.Errorf("%q\ngot  %#v\nwant %#v", raw, got, want)
		}
	})
}

// plain is a value as encoding/json would give it.
func plain(v api.Value) any {
	switch v.Kind {
	case api.Bool:
		return v.Bool
	case api.Number:
		return json.Number(v.Text)
	case api.String:
		return v.Text
	case api.Array:
		list := []any{}
		for _, item := range v.List {
			list = append(list, plain(item))
		}
		return list
	case api.Object:
		named := map[string]any{}
		for name, member := range v.Named {
			named[name] = plain(member)
		}
		return named
	}
	return nil
}

func mustDecode(t *testing.T, text string) any {
	t.Helper()
	var v any
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("encoding/json refuses %q: %v", text, err)
	}
	if !json.Valid([]byte(text)) {
		t.Fatalf("encoding/json calls %q invalid", text)
	}
	return v
}
