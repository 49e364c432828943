package wallet

import (
	"strconv"
	"strings"
)

// The two paths below an account key, as they are written in a descriptor.
const (
	tailReceiving = "/0/*" // the receiving chain of an account (BIP44)
	tailChildren  = "/*"   // the key is itself that of a chain
)

// descriptorForm is a descriptor around one key expression (BIP381, 382, 386).
type descriptorForm struct {
	script      ScriptType
	open, close string
}

var descriptorForms = [...]descriptorForm{
	{PKH, "pkh(", ")"},
	{WPKH, "wpkh(", ")"},
	{SHWPKH, "sh(wpkh(", "))"},
	{TR, "tr(", ")"},
}

// schemeSuffixes choose the script type of a bare key, see DefaultFor.
var schemeSuffixes = [...]struct {
	suffix string
	script ScriptType
}{
	{"-[legacy]", PKH},
	{"-[p2sh]", SHWPKH},
	{"-[taproot]", TR},
}

// expression is a key with what was written around it.
type expression struct {
	script ScriptType // as said by the descriptor or the suffix; empty if neither is there
	origin string     // normalized, without brackets
	key    string
	tail   string // tailReceiving, tailChildren, or empty if no path was given
}

// parseExpression takes a descriptor, or a bare key with an optional suffix, apart.
func parseExpression(text string) (expression, error) {
	if strings.ContainsAny(text, "()#") {
		return parseDescriptor(text)
	}
	for _, s := range schemeSuffixes {
		if key, ok := strings.CutSuffix(text, s.suffix); ok {
			e, err := parseKeyExpression(key)
			e.script = s.script
			return e, err
		}
	}
	return parseKeyExpression(text)
}

func parseDescriptor(text string) (expression, error) {
	body, given, hasSum := strings.Cut(text, "#")
	sum, ok := descriptorChecksum(body)
	if !ok || hasSum && sum != given {
		return expression{}, ErrKey.Saying("This descriptor has a typing error: its checksum does not match.")
	}
	for _, form := range descriptorForms {
		inner, ok := strings.CutPrefix(body, form.open)
		if !ok {
			continue
		}
		if inner, ok = strings.CutSuffix(inner, form.close); !ok {
			break
		}
		e, err := parseKeyExpression(inner)
		e.script = form.script
		return e, err
	}
	return expression{}, ErrKey.Saying("Only descriptors of one key are supported: pkh(…), wpkh(…), sh(wpkh(…)) and tr(…).")
}

// parseKeyExpression takes "[origin]key/path" apart (BIP380, "Key Expressions").
func parseKeyExpression(text string) (expression, error) {
	var e expression
	if rest, ok := strings.CutPrefix(text, "["); ok {
		origin, key, ok := strings.Cut(rest, "]")
		if !ok {
			return e, errOrigin()
		}
		var err error
		if e.origin, err = parseOrigin(origin); err != nil {
			return e, err
		}
		text = key
	}
	key, path, hasPath := strings.Cut(text, "/")
	e.key = key
	switch {
	case !hasPath:
	case path == "0/*", path == "<0;1>/*", path == "**":
		e.tail = tailReceiving
	case path == "*":
		e.tail = tailChildren
	case hasHardenedStep(path):
		return e, ErrKey.Saying("The path behind the key has a hardened step, which cannot be derived from a public key.")
	default:
		return e, ErrKey.Saying("The path behind the key is not supported; use /0/*, /<0;1>/*, /* or none.")
	}
	return e, nil
}

func hasHardenedStep(path string) bool {
	for step := range strings.SplitSeq(path, "/") {
		if number := strings.TrimRight(step, "hH'"); number != step && (number == "*" || digitsOnly(number)) {
			return true
		}
	}
	return false
}

func errOrigin() error {
	return ErrKey.Saying("The origin in front of the key is malformed; it looks like [d34db33f/84h/0h/0h].")
}

// parseOrigin checks a key origin and gives it back in lower case with "h" for hardened steps.
func parseOrigin(text string) (string, error) {
	fingerprint, path, hasPath := strings.Cut(text, "/")
	fingerprint = strings.ToLower(fingerprint)
	if len(fingerprint) != 8 || !isHex(fingerprint) {
		return "", errOrigin()
	}
	if !hasPath {
		return fingerprint, nil
	}
	out := fingerprint
	for step := range strings.SplitSeq(path, "/") {
		number, mark := step, ""
		if n := len(step); n > 0 && (step[n-1] == 'h' || step[n-1] == '\'') {
			number, mark = step[:n-1], "h"
		}
		value, err := strconv.ParseUint(number, 10, 31)
		if err != nil {
			return "", errOrigin()
		}
		out += "/" + strconv.FormatUint(value, 10) + mark
	}
	return out, nil
}

// scriptFor decides which script type is meant. What was said beside the key wins over the origin's purpose and that
// over the coin's usual one; a key whose version names another type than is said beside it is refused, as one of the two must
// be a mistake.
func (e expression) scriptFor(v version, usual ScriptType) (ScriptType, error) {
	said := e.script
	if said == "" && v.script == "" {
		said = e.purpose()
	}
	switch {
	case said == "" && v.script == "":
		return usual, nil
	case said == "":
		return v.script, nil
	case v.script != "" && v.script != said:
		return "", ErrKey.Saying("The prefix of the key names another kind of address than the text around it.")
	default:
		return said, nil
	}
}

// purpose is the script type that the first step of the origin stands for (BIP43), or empty.
func (e expression) purpose() ScriptType {
	_, path, _ := strings.Cut(e.origin, "/")
	first, _, _ := strings.Cut(path, "/")
	switch first {
	case "44h":
		return PKH
	case "49h":
		return SHWPKH
	case "84h":
		return WPKH
	case "86h":
		return TR
	}
	return ""
}

// The alphabets of the descriptor checksum (BIP380). The input set is three groups of 32, in this order.
const (
	sumInput  = "0123456789()[],'/*abcdefgh@:$%{}IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~ijklmnopqrstuvwxyzABCDEFGH`#\"\\ "
	sumOutput = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
)

// descriptorChecksum computes the eight characters behind "#" (BIP380, descsum_create). ok is false if the text has a
// character that descriptors cannot have.
func descriptorChecksum(body string) (sum string, ok bool) {
	state := uint64(1)
	group, grouped := 0, 0
	for i := range len(body) {
		place := strings.IndexByte(sumInput, body[i])
		if place < 0 {
			return "", false
		}
		state = sumStep(state, place&31)
		group = group*3 + place>>5
		if grouped++; grouped == 3 {
			state = sumStep(state, group)
			group, grouped = 0, 0
		}
	}
	if grouped > 0 {
		state = sumStep(state, group)
	}
	for range 8 {
		state = sumStep(state, 0)
	}
	state ^= 1
	var out [8]byte
	for i := range out {
		out[i] = sumOutput[state>>(5*(7-i))&31]
	}
	return string(out[:]), true
}

// sumStep feeds one symbol into the checksum (BIP380, descsum_polymod).
func sumStep(state uint64, symbol int) uint64 {
	top := state >> 35
	state = (state&0x7ffffffff)<<5 ^ uint64(symbol)
	for i, generator := range [...]uint64{0xf5dee51989, 0xa9fdca3312, 0x1bab10e32d, 0x3706b1677a, 0x644d626ffd} {
		if top>>i&1 == 1 {
			state ^= generator
		}
	}
	return state
}
