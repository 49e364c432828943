package coinspaid

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"checkout/api"
	"checkout/merchant"
	"checkout/money"
)

// fields reads the members of a request and collects what is wrong with them, one sentence a field.
type fields struct {
	from   map[string]api.Value
	prefix string // of the names in errors, for members of a nested object: "sender_data."
	bad    fieldErrors
}

func noFields() *fields { return &fields{bad: fieldErrors{}} }

// parse reads a body. null, {} and [] all mean "no parameters".
func parse(body []byte) (*fields, error) {
	v, err := api.ParseJSON(body)
	if err != nil {
		return nil, errFormat
	}
	switch {
	case v.Kind == api.Null, v.Kind == api.Array && len(v.List) == 0:
		return noFields(), nil
	case v.Kind != api.Object:
		return nil, errFormat
	}
	return &fields{from: v.Named, bad: fieldErrors{}}, nil
}

func (f *fields) err() error {
	if len(f.bad) == 0 {
		return nil
	}
	return f.bad
}

// inside reads the members of an object; what is wrong with them is noted in f under dotted names.
func (f *fields) inside(name string, v api.Value) *fields {
	return &fields{from: v.Named, prefix: f.prefix + name + ".", bad: f.bad}
}

// fault notes the first thing wrong with a field.
func (f *fields) fault(name, sentence string) {
	if _, noted := f.bad[f.prefix+name]; !noted {
		f.bad[f.prefix+name] = sentence
	}
}

// said is the attribute's name in a sentence.
func (f *fields) said(name string) string { return strings.ReplaceAll(f.prefix+name, "_", " ") }

func (f *fields) required(name string) { f.fault(name, "The "+f.said(name)+" field is required.") }
func (f *fields) format(name string)   { f.fault(name, "The "+f.said(name)+" format is invalid.") }
func (f *fields) selected(name string) { f.fault(name, "The selected "+f.said(name)+" is invalid.") }

// get finds a member; null, "" and white space mean that it is absent.
func (f *fields) get(name string) (api.Value, bool) {
	v, ok := f.from[name]
	if !ok || v.Kind == api.Null || (v.Kind == api.String && strings.TrimSpace(v.Text) == "") {
		return api.Value{}, false
	}
	return v, true
}

// text reads a string of at most limit characters without control characters; multiline allows line breaks.
func (f *fields) text(name string, limit int, must, multiline bool) string {
	v, ok := f.get(name)
	if !ok {
		if must {
			f.required(name)
		}
		return ""
	}
	if v.Kind != api.String || !printable(v.Text, multiline) {
		f.format(name)
		return ""
	}
	if utf8.RuneCountInString(v.Text) > limit {
		f.tooLong(name, limit)
		return ""
	}
	return v.Text
}

func (f *fields) tooLong(name string, limit int) {
	f.fault(name, "The "+f.said(name)+" may not be greater than "+strconv.Itoa(limit)+" characters.")
}

func printable(text string, multiline bool) bool {
	if multiline {
		text = strings.NewReplacer("\r\n", " ", "\n", " ").Replace(text)
	}
	return merchant.Clean(text)
}

// id reads an identifier of the merchant's: a string, or an integer whose digits are kept as they stand.
func (f *fields) id(name string, limit int, must bool) string {
	v, ok := f.get(name)
	if !ok || v.Kind != api.Number {
		return f.text(name, limit, must, false)
	}
	switch {
	case strings.ContainsAny(v.Text, ".eE-"):
		f.format(name)
	case len(v.Text) > limit:
		f.tooLong(name, limit)
	default:
		return v.Text
	}
	return ""
}

// flag reads a boolean as PHP clients send it.
func (f *fields) flag(name string, must, otherwise bool) bool {
	v, ok := f.get(name)
	if !ok {
		if must {
			f.required(name)
		}
		return otherwise
	}
	switch {
	case v.Kind == api.Bool:
		return v.Bool
	case v.Kind == api.Number || v.Kind == api.String:
		switch v.Text {
		case "1", "true":
			return true
		case "0", "false":
			return false
		}
	}
	f.fault(name, "The "+f.said(name)+" field must be true or false.")
	return otherwise
}

// plain brings the literal text of an amount to a plain decimal (section 3.2). Only a JSON number may have an exponent,
// and only a small one, as PHP, Python and JavaScript print small floats; it is shifted as text.
func plain(v api.Value) (string, bool) {
	switch v.Kind {
	case api.String:
		return v.Text, money.CheckGrammar(v.Text)
	case api.Number:
		text, ok := unshift(v.Text)
		return text, ok && money.CheckGrammar(text)
	}
	return "", false
}

// maxExponent bounds the exponent of a number in either direction.
const maxExponent = 18

func unshift(text string) (string, bool) {
	mantissa, exponent, has := strings.Cut(strings.ToLower(text), "e")
	if !has {
		return text, true
	}
	n, err := strconv.Atoi(exponent)
	if err != nil || n > maxExponent || n < -maxExponent || strings.HasPrefix(mantissa, "-") || len(mantissa) > 40 {
		return "", false
	}
	whole, frac, _ := strings.Cut(mantissa, ".")
	if n >= 0 {
		frac += strings.Repeat("0", max(0, n-len(frac)))
		whole, frac = whole+frac[:n], frac[n:]
	} else {
		whole = strings.Repeat("0", max(0, -n-len(whole)+1)) + whole
		cut := len(whole) + n
		whole, frac = whole[:cut], whole[cut:]+frac
	}
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	if frac = strings.TrimRight(frac, "0"); frac == "" {
		return whole, true
	}
	return whole + "." + frac, true
}

// decimal reads the text of a number.
func (f *fields) decimal(name string) (string, bool) {
	v, ok := f.get(name)
	if !ok {
		f.required(name)
		return "", false
	}
	text, ok := plain(v)
	if !ok {
		f.format(name)
	}
	return text, ok
}

// amount reads a positive sum of a currency: no more significant decimals than it has; zeros beyond them are fine.
// smallest is what the sentence for zero names.
func (f *fields) amount(name string, cur money.Currency, smallest string) (money.Amount, bool) {
	text, ok := f.decimal(name)
	if !ok {
		return money.Amount{}, false
	}
	a, err := money.Parse(cur, money.TrimZeros(text))
	if err != nil {
		f.format(name)
		return money.Amount{}, false
	}
	if a.IsZero() {
		f.fault(name, "The "+f.said(name)+" must be at least "+smallest+".")
		return money.Amount{}, false
	}
	return a, true
}

// link reads an absolute http or https URL with a host, of at most 2048 bytes, without user info.
func (f *fields) link(name string) string {
	v, ok := f.get(name)
	if !ok {
		f.required(name)
		return ""
	}
	if v.Kind != api.String || !merchant.SafeLink(v.Text) {
		f.format(name)
		return ""
	}
	return v.Text
}

// email reads an address such as mail programs write it: one @, a host with a point, no blanks.
func (f *fields) email(name string) string {
	v, ok := f.get(name)
	if !ok {
		f.required(name)
		return ""
	}
	if v.Kind != api.String || !merchant.Email(v.Text) {
		f.fault(name, "The "+f.said(name)+" must be a valid email address.")
		return ""
	}
	return v.Text
}
