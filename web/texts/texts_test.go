package texts

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/feature/plural"
)

var placeMark = regexp.MustCompile(`\{[a-z]+\}`)

func places(text string) []string {
	list := placeMark.FindAllString(text, -1)
	slices.Sort(list)
	return list
}

// Every catalogue has every sentence, with the same places, the same marks, every plural form of its language and no
// other, and nothing the pages never ask for.
func TestItem83Catalogues(t *testing.T) {
	en := English()
	for _, l := range All() {
		for _, key := range l.Keys() {
			if _, ok := en.sentences[key]; !ok {
				t.Errorf("%s: %s is in no page", l.Tag, key)
			}
		}
		for key, model := range en.sentences {
			s, ok := l.sentences[key]
			if !ok {
				t.Errorf("%s: %s is missing", l.Tag, key)
				continue
			}
			if (s.forms == nil) != (model.forms == nil) {
				t.Errorf("%s: %s is counted in one language and not in the other", l.Tag, key)
				continue
			}
			if s.forms == nil {
				same(t, l.Tag+": "+key, model.text, s.text)
				continue
			}
			for form, text := range s.forms {
				// "one" may say the number in words
				if form == "other" || strings.Contains(text, "{n}") {
					same(t, l.Tag+": "+key+" "+form, model.forms["other"], text)
				} else {
					same(t, l.Tag+": "+key+" "+form, strings.ReplaceAll(model.forms["other"], "{n}", ""), text)
				}
			}
			for _, form := range forms(l) {
				if _, ok := s.forms[form]; !ok {
					t.Errorf("%s: %s has no form %q", l.Tag, key, form)
				}
			}
		}
	}
}

// forms are the plural forms a language has for whole numbers of at least one.
func forms(l *Lang) []string {
	var list []string
	for n := 1; n < 200; n++ {
		if f := formNames[plural.Cardinal.MatchPlural(l.plural, n, 0, 0, 0, 0)]; !slices.Contains(list, f) {
			list = append(list, f)
		}
	}
	return list
}

func same(t *testing.T, what, model, text string) {
	t.Helper()
	if strings.TrimSpace(text) == "" || text != strings.TrimSpace(text) {
		t.Errorf("%s: %q", what, text)
	}
	if got, want := places(text), places(model); !slices.Equal(got, want) {
		t.Errorf("%s has the places %v, want %v", what, got, want)
	}
	if got, want := strings.Count(text, "*"), strings.Count(model, "*"); got != want {
		t.Errorf("%s has %d marks, want %d", what, got, want)
	}
	for _, r := range text {
		if r < ' ' || (r >= 0x202a && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069) || r == '<' || r == '>' {
			t.Errorf("%s holds %U", what, r)
		}
	}
}

var (
	asked    = regexp.MustCompile(`(?:say\(ctx, |Say\(|Count\(|Parts\(|rich\(|fact\(|receivedOf\([^"]*)"([a-z0-9.]+)"`)
	composed = []string{"heading", "sentence"} // asked for by the name of a view
)

// What the pages ask for is in the catalogue, and what is in the catalogue is asked for.
func TestKeysAreUsed(t *testing.T) {
	used := map[string]bool{}
	for _, folder := range []string{"../templates", "../checkout", ".."} {
		files, err := filepath.Glob(filepath.Join(folder, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if !strings.HasSuffix(file, ".templ") && (!strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_templ.go") || strings.HasSuffix(file, "_test.go")) {
				continue
			}
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range asked.FindAllStringSubmatch(string(raw), -1) {
				used[m[1]] = true
			}
		}
	}
	en := English()
	for key := range used {
		if _, ok := en.sentences[key]; !ok && !strings.HasSuffix(key, ".") {
			t.Errorf("%s is asked for, and there is no such sentence", key)
		}
	}
	for _, key := range en.Keys() {
		family, last := key[:strings.LastIndex(key, ".")], key[strings.LastIndex(key, ".")+1:]
		if !used[key] && !slices.Contains(composed, last) && family != "error" && family != "error.text" {
			t.Errorf("nothing asks for %s", key)
		}
	}
}

// No catalogue names a key twice: JSON would take the last one without a word.
func TestNoKeyTwice(t *testing.T) {
	files, err := filepath.Glob("catalog/*.json")
	if err != nil || len(files) != len(All()) {
		t.Fatalf("%d catalogues, %d languages: %v", len(files), len(All()), err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d := json.NewDecoder(strings.NewReader(string(raw)))
		seen, depth := map[string]bool{}, 0
		for wantKey := false; ; {
			token, err := d.Token()
			if err != nil {
				break
			}
			switch token {
			case json.Delim('{'):
				depth++
				wantKey = true
				continue
			case json.Delim('}'):
				depth--
				wantKey = true
				continue
			}
			if depth == 1 && wantKey {
				if seen[fmt.Sprint(token)] {
					t.Errorf("%s: %v stands twice", file, token)
				}
				seen[fmt.Sprint(token)] = true
			}
			wantKey = depth == 1 && !wantKey
		}
	}
}

func TestMatch(t *testing.T) {
	for accept, want := range map[string]string{"": "", "*": "", "en-US,en;q=0.9": "en", "xx": "", "garbage;;q=": "", strings.Repeat("de,", 200): ""} {
		got := ""
		if l := Match(accept); l != nil {
			got = l.Tag
		}
		if got != want {
			t.Errorf("%q: %q, want %q", accept, got, want)
		}
	}
	for _, l := range All() {
		if got := Match(l.Tag + ";q=0.9, xx"); got != l {
			t.Errorf("%s is not matched", l.Tag)
		}
	}
}

func TestSentences(t *testing.T) {
	l := &Lang{Tag: "xx", Dir: "rtl", decimal: ",", group: ".", plural: English().plural, sentences: map[string]sentence{
		"plain": {text: "Send *{coin}* to {who}."}, "count": {forms: map[string]string{"one": "{n} day of {who}", "other": "{n} days of {who}"}},
	}}
	if got := l.Say("plain", "coin", "*B*", "who", "{coin}"); got != "Send *B* to {coin}." {
		t.Error(got)
	}
	if got := l.Count("count", 1, "who", "a") + ", " + l.Count("count", 5, "who", "b"); got != "1 day of a, 5 days of b" {
		t.Error(got)
	}
	got := fmt.Sprintf("%+v", l.Parts("plain", "coin", "x*y"))
	if got != "[{Text:Send  Bold:false Place:} {Text:x*y Bold:true Place:} {Text: to  Bold:false Place:} {Text: Bold:false Place:who} {Text:. Bold:false Place:}]" {
		t.Error(got)
	}
	if l.Isolated("0.5 BTC") != "\u20660.5 BTC\u2069" || English().Isolated("0.5 BTC") != "0.5 BTC" || l.Isolated("") != "" {
		t.Error("isolates")
	}
	for in, want := range map[string]string{"0": "0", "999": "999", "1000": "1.000", "25.50": "25,50", "1234567.891": "1.234.567,891", "-1234.5": "-1.234,5", "-123": "-123"} {
		if got := l.Figure(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
