package api

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"checkout/fault"
)

// ErrJSON is the fault of a body that is not JSON as it is read here.
var ErrJSON = fault.New(fault.Invalid, "bad_json", "Bad content format")

// Limits of a document: objects and arrays inside each other, and keys in one object. What has more is refused.
const (
	maxDepth = 64
	maxKeys  = 256
)

// Kind is the kind of a JSON value.
type Kind uint8

// The kinds.
const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	Object
)

// Value is a JSON value as it was written. A number keeps its literal text: it is never made a float.
type Value struct {
	Kind  Kind
	Bool  bool
	Text  string // of a string, unescaped; of a number, literal
	List  []Value
	Named map[string]Value
}

// ParseJSON reads a document strictly (RFC 8259, I-JSON): valid UTF-8, no duplicate keys, nothing after the value, no
// lone surrogates, keys as they are written. encoding/json would fold the case of keys, take the last of two equal ones
// and pass what follows the value.
func ParseJSON(raw []byte) (Value, error) {
	if !utf8.Valid(raw) {
		return Value{}, ErrJSON
	}
	p := &parser{text: string(raw)}
	v, ok := p.value(0)
	p.blank()
	if !ok || p.at != len(p.text) {
		return Value{}, ErrJSON
	}
	return v, nil
}

type parser struct {
	text string
	at   int
}

func (p *parser) blank() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

func (p *parser) take(token string) bool {
	if !strings.HasPrefix(p.text[p.at:], token) {
		return false
	}
	p.at += len(token)
	return true
}

func (p *parser) value(depth int) (Value, bool) {
	p.blank()
	if p.at >= len(p.text) {
		return Value{}, false
	}
	switch c := p.text[p.at]; {
	case (c == '{' || c == '[') && depth >= maxDepth:
		return Value{}, false
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		s, ok := p.str()
		return Value{Kind: String, Text: s}, ok
	case p.take("true"):
		return Value{Kind: Bool, Bool: true}, true
	case p.take("false"):
		return Value{Kind: Bool}, true
	case p.take("null"):
		return Value{Kind: Null}, true
	default:
		return p.number()
	}
}

func (p *parser) object(depth int) (Value, bool) {
	v := Value{Kind: Object, Named: map[string]Value{}}
	p.at++
	if p.blank(); p.take("}") {
		return v, true
	}
	for {
		p.blank()
		if p.at >= len(p.text) || p.text[p.at] != '"' {
			return v, false
		}
		key, ok := p.str()
		if !ok {
			return v, false
		}
		if p.blank(); !p.take(":") {
			return v, false
		}
		member, ok := p.value(depth + 1)
		if _, twice := v.Named[key]; !ok || twice || len(v.Named) >= maxKeys {
			return v, false
		}
		v.Named[key] = member
		if p.blank(); p.take("}") {
			return v, true
		}
		if !p.take(",") {
			return v, false
		}
	}
}

func (p *parser) array(depth int) (Value, bool) {
	v := Value{Kind: Array}
	p.at++
	if p.blank(); p.take("]") {
		return v, true
	}
	for {
		item, ok := p.value(depth + 1)
		if !ok {
			return v, false
		}
		v.List = append(v.List, item)
		if p.blank(); p.take("]") {
			return v, true
		}
		if !p.take(",") {
			return v, false
		}
	}
}

// number reads the grammar of RFC 8259 section 6 and keeps its text.
func (p *parser) number() (Value, bool) {
	start := p.at
	p.take("-")
	if !p.take("0") && p.digits() == 0 {
		return Value{}, false
	}
	if p.take(".") && p.digits() == 0 {
		return Value{}, false
	}
	if p.take("e") || p.take("E") {
		if !p.take("+") {
			p.take("-")
		}
		if p.digits() == 0 {
			return Value{}, false
		}
	}
	return Value{Kind: Number, Text: p.text[start:p.at]}, true
}

func (p *parser) digits() int {
	start := p.at
	for p.at < len(p.text) && p.text[p.at] >= '0' && p.text[p.at] <= '9' {
		p.at++
	}
	return p.at - start
}

func (p *parser) str() (string, bool) {
	p.at++ // the quote
	end := strings.IndexAny(p.text[p.at:], "\"\\")
	if end >= 0 && p.text[p.at+end] == '"' && !hasControl(p.text[p.at:p.at+end]) { // the usual string has no escape
		s := p.text[p.at : p.at+end]
		p.at += end + 1
		return s, true
	}
	var b strings.Builder
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			return b.String(), true
		case c < ' ':
			return "", false
		case c == '\\':
			r, ok := p.escape()
			if !ok {
				return "", false
			}
			b.WriteRune(r)
		default:
			b.WriteByte(c)
			p.at++
		}
	}
	return "", false
}

func hasControl(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' {
			return true
		}
	}
	return false
}

const plainEscapes = `"\/bfnrt`

var escaped = [...]rune{'"', '\\', '/', '\b', '\f', '\n', '\r', '\t'}

func (p *parser) escape() (rune, bool) {
	p.at++ // the backslash
	if p.at >= len(p.text) {
		return 0, false
	}
	c := p.text[p.at]
	p.at++
	if i := strings.IndexByte(plainEscapes, c); i >= 0 {
		return escaped[i], true
	}
	if c != 'u' {
		return 0, false
	}
	r, ok := p.hex4()
	if !ok || !utf16.IsSurrogate(r) {
		return r, ok
	}
	if !p.take(`\u`) {
		return 0, false
	}
	low, ok := p.hex4()
	pair := utf16.DecodeRune(r, low)
	return pair, ok && pair != utf8.RuneError
}

func (p *parser) hex4() (rune, bool) {
	if p.at+4 > len(p.text) {
		return 0, false
	}
	for _, c := range p.text[p.at : p.at+4] { // ParseUint would take a sign or an underscore in other bases
		if !strings.ContainsRune("0123456789abcdefABCDEF", c) {
			return 0, false
		}
	}
	n, err := strconv.ParseUint(p.text[p.at:p.at+4], 16, 32)
	p.at += 4
	return rune(n), err == nil
}
