// Package texts holds what pages say, in every language: catalogues of sentences by key, compiled in, and the rules of
// plurals (CLDR) that go with them.
//
// A sentence may hold places, "{amount}", that are filled in, and stretches between asterisks, "*Tron*", that are set in
// bold. Addresses, hashes and figures are never part of a catalogue.
package texts

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// Lang is one language with its sentences.
type Lang struct {
	Tag  string // BCP 47: "en", "zh-Hans"
	Name string // in the language itself: "Deutsch"
	Dir  string // "ltr" or "rtl"

	decimal, group string // signs of figures people read
	plural         language.Tag
	sentences      map[string]sentence
}

// sentence is a text, or one for each plural form of a count.
type sentence struct {
	text  string
	forms map[string]string
}

// UnmarshalJSON reads a text, or an object of texts by plural form.
func (s *sentence) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '{' {
		return json.Unmarshal(raw, &s.forms)
	}
	return json.Unmarshal(raw, &s.text)
}

// languages are what there is, in the order they are offered. The signs of figures are CLDR's.
var languages = []Lang{
	{Tag: "en", Name: "English", decimal: ".", group: ","},
	{Tag: "de", Name: "Deutsch", decimal: ",", group: "."},
	{Tag: "fr", Name: "Français", decimal: ",", group: "\u202f"},
	{Tag: "es", Name: "Español", decimal: ",", group: "."},
	{Tag: "pt", Name: "Português", decimal: ",", group: "."},
	{Tag: "it", Name: "Italiano", decimal: ",", group: "."},
	{Tag: "nl", Name: "Nederlands", decimal: ",", group: "."},
	{Tag: "pl", Name: "Polski", decimal: ",", group: "\u00a0"},
	{Tag: "uk", Name: "Українська", decimal: ",", group: "\u00a0"},
	{Tag: "ru", Name: "Русский", decimal: ",", group: "\u00a0"},
	{Tag: "tr", Name: "Türkçe", decimal: ",", group: "."},
	{Tag: "ar", Name: "العربية", Dir: "rtl", decimal: ".", group: ","},
	{Tag: "fa", Name: "فارسی", Dir: "rtl", decimal: ".", group: ","},
	{Tag: "he", Name: "עברית", Dir: "rtl", decimal: ".", group: ","},
	{Tag: "hi", Name: "हिन्दी", decimal: ".", group: ","},
	{Tag: "id", Name: "Bahasa Indonesia", decimal: ",", group: "."},
	{Tag: "vi", Name: "Tiếng Việt", decimal: ",", group: "."},
	{Tag: "zh-Hans", Name: "简体中文", decimal: ".", group: ","},
	{Tag: "ja", Name: "日本語", decimal: ".", group: ","},
	{Tag: "ko", Name: "한국어", decimal: ".", group: ","},
}

//go:embed catalog/*.json
var catalogs embed.FS

// byTag is every language whose catalogue is there; matcher picks among them in the order of tags.
var (
	byTag, tags = load()
	matcher     = language.NewMatcher(parsed(tags))
)

// load reads the catalogues. One that does not read is a mistake of ours, which the first start of any test finds.
func load() (map[string]*Lang, []string) {
	found := map[string]*Lang{}
	var order []string
	for _, l := range languages {
		raw, err := catalogs.ReadFile(path.Join("catalog", l.Tag+".json"))
		if err != nil {
			continue
		}
		if l.Dir == "" {
			l.Dir = "ltr"
		}
		l.plural = language.MustParse(l.Tag)
		if err := json.Unmarshal(raw, &l.sentences); err != nil {
			panic(fmt.Sprintf("texts: %s: %v", l.Tag, err))
		}
		found[l.Tag] = &l
		order = append(order, l.Tag)
	}
	return found, order
}

func parsed(tags []string) []language.Tag {
	list := make([]language.Tag, 0, len(tags))
	for _, t := range tags {
		list = append(list, language.MustParse(t))
	}
	return list
}

// All are the languages in the order they are offered.
func All() []*Lang {
	list := make([]*Lang, 0, len(tags))
	for _, t := range tags {
		list = append(list, byTag[t])
	}
	return list
}

// English is the language of last resort.
func English() *Lang { return byTag["en"] }

// Find is a language by its exact tag.
func Find(tag string) (*Lang, bool) {
	l, ok := byTag[tag]
	return l, ok
}

// maxAccept bounds what is read of a header.
const maxAccept = 256

// Match picks by what a browser accepts (RFC 9110, Accept-Language): nil if it names nothing we have.
func Match(accept string) *Lang {
	if accept == "" || len(accept) > maxAccept {
		return nil
	}
	wanted, _, err := language.ParseAcceptLanguage(accept)
	if err != nil { // one language nobody knows must not hide the others
		var known []string
		for entry := range strings.SplitSeq(accept, ",") {
			if _, _, err := language.ParseAcceptLanguage(entry); err == nil {
				known = append(known, entry)
			}
		}
		wanted, _, err = language.ParseAcceptLanguage(strings.Join(known, ","))
	}
	if err != nil || len(wanted) == 0 {
		return nil
	}
	_, index, confidence := matcher.Match(wanted...)
	if confidence < language.High {
		return nil
	}
	return byTag[tags[index]]
}

type key struct{}

// With puts a page's language into the context its templates are drawn with.
func With(ctx context.Context, l *Lang) context.Context { return context.WithValue(ctx, key{}, l) }

// From is the language of a page.
func From(ctx context.Context) *Lang {
	if l, ok := ctx.Value(key{}).(*Lang); ok {
		return l
	}
	return English()
}

// Say is a sentence with its places filled: names and values in turns.
func (l *Lang) Say(key string, fill ...string) string {
	return replace(unmarked(l.find(key, "")), fill)
}

// Count is a sentence about a number of things, which stands in the place "{n}".
func (l *Lang) Count(key string, n int, fill ...string) string {
	return replace(unmarked(l.find(key, l.form(n))), append(fill, "n", strconv.Itoa(n)))
}

// Part is a stretch of a sentence: a text, or a place that something else than text goes to.
type Part struct {
	Text  string
	Bold  bool
	Place string // the name of the place, if it was not filled
}

// Parts is a sentence in its parts. Places that are not filled come as parts of their own.
func (l *Lang) Parts(key string, fill ...string) []Part {
	var list []Part
	for i, stretch := range strings.Split(l.find(key, ""), "*") {
		for stretch != "" {
			before, rest, found := strings.Cut(stretch, "{")
			if before != "" {
				list = append(list, Part{Text: before, Bold: i%2 == 1})
			}
			if !found {
				break
			}
			name, after, _ := strings.Cut(rest, "}")
			if value, ok := lookup(fill, name); ok {
				list = append(list, Part{Text: value, Bold: i%2 == 1})
			} else {
				list = append(list, Part{Place: name, Bold: i%2 == 1})
			}
			stretch = after
		}
	}
	return list
}

func lookup(fill []string, name string) (string, bool) {
	for i := 0; i+1 < len(fill); i += 2 {
		if fill[i] == name {
			return fill[i+1], true
		}
	}
	return "", false
}

// find is a sentence's text in a plural form. A key nobody has written is told by its name: tests hold the catalogues
// against what the pages ask for, so no reader ever meets it.
func (l *Lang) find(key, form string) string {
	s, ok := l.sentences[key]
	if !ok {
		if s, ok = English().sentences[key]; !ok {
			return "[" + key + "]"
		}
	}
	if s.forms == nil {
		return s.text
	}
	if text, ok := s.forms[form]; ok {
		return text
	}
	return s.forms["other"]
}

var formNames = map[plural.Form]string{
	plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many", plural.Other: "other",
}

func (l *Lang) form(n int) string {
	return formNames[plural.Cardinal.MatchPlural(l.plural, n, 0, 0, 0, 0)]
}

// unmarked is a text without its marks; those of values stay what they are.
func unmarked(text string) string { return strings.ReplaceAll(text, "*", "") }

func replace(text string, fill []string) string {
	if len(fill) < 2 {
		return text
	}
	pairs := make([]string, 0, len(fill))
	for i := 0; i+1 < len(fill); i += 2 {
		pairs = append(pairs, "{"+fill[i]+"}", fill[i+1])
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// Figure writes a plain decimal, "1234.50", as people of the language read it. It is for prices only: amounts of coins keep
// the point, so that what is read is what is copied.
func (l *Lang) Figure(plain string) string {
	whole, fraction, broken := strings.Cut(plain, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	var b strings.Builder
	b.WriteString(sign)
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteString(l.group)
		}
		b.WriteRune(digit)
	}
	if broken {
		b.WriteString(l.decimal + fraction)
	}
	return b.String()
}

// Keys lists a language's keys.
func (l *Lang) Keys() []string { return slices.Sorted(maps.Keys(l.sentences)) }

// Isolated keeps a figure, an address or a name of a coin in its own order inside a text that runs from right to left
// (Unicode bidirectional isolates).
func (l *Lang) Isolated(text string) string {
	if l.Dir != "rtl" || text == "" {
		return text
	}
	return "\u2066" + text + "\u2069"
}
