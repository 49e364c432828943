// Package checkout_test holds the test of the house's floors.
package checkout_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// values may be imported by everybody.
var values = []string{"money", "fault", "ident"}

// rooms says for every package which packages of ours it may import, besides nothing at all. Tests may import what
// testMay adds. It is docs/decisions/0002 as a table: a package not named here fails the test, and so does a line
// without a package.
var rooms = map[string][]string{
	"money": {}, "fault": {}, "ident": {},
	"event":  {"ident", "money"},
	"audit":  {"fault"},
	"seal":   {"fault"},
	"chain":  with("money", "fault", "ident"),
	"ledger": with(),
	"rate":   with(),

	"merchant":              with("chain"),
	"wallet":                with("chain", "merchant"),
	"qr":                    {"chain", "money", "fault"},
	"watch":                 with("chain"),
	"webhook":               {"event", "fault", "ident"},
	"invoice":               with("rate", "chain", "ledger", "event", "merchant"),
	"deposit":               with("chain", "ledger", "event", "merchant"),
	"payterm":               with("chain", "merchant", "rate", "invoice", "deposit"),
	"chain/rpc":             {"fault"},
	"chain/bitcoin":         {"chain", "chain/rpc", "money", "fault"},
	"chain/bitcoin/regtest": {"chain/rpc", "chain", "money", "fault"},
	"chain/evm":             {"chain", "chain/rpc", "money", "fault"},
	"chain/evm/devnet":      {"chain/rpc"},
	"chain/tron":            {"chain", "chain/rpc", "money", "fault"},
	"chain/tron/devnet":     {"chain", "chain/evm/devnet"},
	"chain/xrp":             {"chain", "chain/rpc", "money", "fault"},
	"chain/xrp/devnet":      {"chain"},
	"chain/rehearsal":       {"chain", "money", "fault"},
	"chain/chaintest":       {"chain", "chain/rpc", "chain/bitcoin", "chain/bitcoin/regtest", "chain/evm/devnet", "chain/tron/devnet", "money", "fault"},
	"rate/feed":             {"rate", "money", "fault"},
	"store":                 with("event", "audit", "seal", "chain", "chain/rehearsal", "ledger", "rate", "merchant", "wallet", "watch", "webhook", "invoice", "deposit", "payterm"),
	"store/pgtest":          {},
	"front":                 {"fault", "ident"},
	"web/texts":             {},
	"web/templates":         {"web/texts"},
	"web/static":            {},
	"web":                   {"front", "web/templates", "web/texts", "web/static", "fault"},
	"web/demo":              {},
	"web/embed":             {"web/static"},
	"web/brand":             {"fault"},
	"web/browsertest":       {},
	"web/checkout":          with("front", "web", "web/templates", "web/texts", "web/brand", "merchant", "invoice", "deposit", "payterm", "qr", "chain"),
	"api":                   {"front", "merchant", "fault", "ident"},
	"api/coinspaid":         with("api", "merchant", "invoice", "deposit", "rate", "event", "chain", "webhook"),
	"cmd/checkout":          {"*"},
	"store/storetest":       {"*"},
}

func with(more ...string) []string { return append(slices.Clone(values), more...) }

// testMay is what tests may import beyond the package's own list: real stores, chains and helpers.
var testMay = []string{"*"}

func TestImportsPointDown(t *testing.T) {
	imports, err := scan(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range check(imports, rooms) {
		t.Error(problem)
	}
}

// TestGuardFails plants what the guard is there for, in a folder of its own, and wants it found.
func TestGuardFails(t *testing.T) {
	root := plant(t, map[string]string{
		"money/a.go":      "package money\n\nimport _ \"checkout/store\"\n",
		"store/a.go":      "package store\n\nimport _ \"checkout/money\"\n",
		"unknown/a.go":    "package unknown\n",
		"skipped/go.mod":  "module other\n",
		"skipped/a.go":    "package skipped\n\nimport _ \"checkout/store\"\n",
		"money/a_test.go": "package money_test\n\nimport _ \"checkout/store\"\n",
	})
	imports, err := scan(root)
	if err != nil {
		t.Fatal(err)
	}
	got := check(imports, map[string][]string{"money": {}, "store": {"money"}, "gone": {}})
	want := []string{
		"gone: is in the table, but there is no such package",
		"money imports store (money/a.go): not in its list",
		"money, store: a circle",
		"unknown: is no room of the house; give it a line in arch_test.go",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// exact are the folders money goes through, with all below them: there binary fractions are forbidden (house, section 5).
var exact = []string{"money", "chain", "ledger", "rate", "invoice", "deposit", "payterm", "wallet", "store", "api"}

// inexact are the names binary fractions come by.
var inexact = []string{"float32", "float64", "Float", "Float32", "Float64", "SetFloat64", "ParseFloat", "FormatFloat"}

func TestMoneyIsExact(t *testing.T) {
	problems, err := floats(".", exact)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Error(problem)
	}
}

// TestExactGuardFails plants every form of a binary fraction and wants it found.
func TestExactGuardFails(t *testing.T) {
	root := plant(t, map[string]string{
		"money/a.go":          "package money\n\nvar a float64\n\ntype b = float32\n",
		"money/feed/b.go":     "package feed\n\nimport \"math/big\"\n\nvar c big.Float\n\nfunc d(r *big.Rat) { _, _ = r.Float64() }\n",
		"money/literal.go":    "package money\n\nvar e = 0.1\n",
		"money/fine.go":       "package money\n\n// float64 is only spoken of.\nconst f = \"float64\"\n\nvar g, floats = 1, 2\n",
		"money/a_test.go":     "package money\n\nvar h float64\n",
		"elsewhere/a.go":      "package elsewhere\n\nvar i float64\n",
		"money/other/go.mod":  "module other\n",
		"money/other/a.go":    "package other\n\nvar j float64\n",
		"money/testdata/a.go": "package testdata\n\nvar k float64\n",
	})
	got, err := floats(root, []string{"money"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"money/a.go:3: float64 in a money package", "money/a.go:5: float32 in a money package", "money/feed/b.go:5: Float in a money package",
		"money/feed/b.go:7: Float64 in a money package", "money/literal.go:3: 0.1 in a money package",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if _, err := floats(root, []string{"gone"}); err == nil {
		t.Error("a folder that is not there is exact")
	}
}

// floats names what makes binary fractions in folders and below, tests apart: those may read JSON as they like.
func floats(root string, folders []string) ([]string, error) {
	var problems []string
	for _, folder := range folders {
		err := walk(filepath.Join(root, folder), func(path string) error {
			if strings.HasSuffix(path, "_test.go") {
				return nil
			}
			files := token.NewFileSet()
			f, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(f, func(n ast.Node) bool {
				name := ""
				switch n := n.(type) {
				case *ast.Ident:
					name = n.Name
				case *ast.BasicLit:
					if n.Kind == token.FLOAT || n.Kind == token.IMAG {
						name = n.Value
					}
				}
				if _, isName := n.(*ast.Ident); name != "" && (!isName || slices.Contains(inexact, name)) {
					at := files.Position(n.Pos())
					problems = append(problems, below(root, at.Filename)+":"+strconv.Itoa(at.Line)+": "+name+" in a money package")
				}
				return true
			})
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return problems, nil
}

// plant writes files below a folder of their own.
func plant(t *testing.T, files map[string]string) (root string) {
	t.Helper()
	root = t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// walk visits the Go files below root. Folders with a go.mod of their own are other modules.
func walk(root string, visit func(path string) error) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			_, err := os.Stat(filepath.Join(path, "go.mod"))
			if path != root && (err == nil || strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "bin") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		return visit(path)
	})
}

// below is a path as root sees it.
func below(root, path string) string {
	return filepath.ToSlash(strings.TrimPrefix(strings.TrimPrefix(path, root), string(filepath.Separator)))
}

// use is one import with the file it stands in.
type use struct {
	file, path string
	test       bool
}

// scan parses every Go file below root itself: what a child process would read is no part of the test's cache key, and a
// broken tree could pass.
func scan(root string) (map[string][]use, error) {
	found := map[string][]use{}
	err := walk(root, func(path string) error {
		rel := below(root, path)
		folder := filepath.ToSlash(filepath.Dir(rel))
		if folder == "." {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		found[folder] = append(found[folder], use{file: rel, test: strings.HasSuffix(rel, "_test.go")})
		for _, spec := range f.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if ours, ok := strings.CutPrefix(name, "checkout/"); ok {
				found[folder] = append(found[folder], use{file: rel, path: ours, test: strings.HasSuffix(rel, "_test.go")})
			}
		}
		return nil
	})
	return found, err
}

func check(imports map[string][]use, rooms map[string][]string) []string {
	problems := map[string]bool{}
	for folder, uses := range imports {
		allowed, known := rooms[folder]
		if !known {
			problems[folder+": is no room of the house; give it a line in arch_test.go"] = true
			continue
		}
		for _, u := range uses {
			list := allowed
			if u.test {
				list = testMay
			}
			if u.path != "" && u.path != folder && !slices.Contains(list, u.path) && !slices.Contains(list, "*") {
				problems[folder+" imports "+u.path+" ("+u.file+"): not in its list"] = true
			}
		}
	}
	for folder := range rooms {
		if _, there := imports[folder]; !there {
			problems[folder+": is in the table, but there is no such package"] = true
		}
	}
	for _, circle := range circles(imports) {
		problems[circle] = true
	}
	return slices.Sorted(maps.Keys(problems))
}

// circles names packages that import each other, directly or through others.
func circles(imports map[string][]use) []string {
	reach := func(from string) map[string]bool {
		seen, todo := map[string]bool{}, []string{from}
		for len(todo) > 0 {
			at := todo[0]
			todo = todo[1:]
			for _, u := range imports[at] {
				if u.path != "" && !u.test && u.path != at && !seen[u.path] {
					seen[u.path] = true
					todo = append(todo, u.path)
				}
			}
		}
		return seen
	}
	var found []string
	for _, a := range slices.Sorted(maps.Keys(imports)) {
		from := reach(a)
		for _, b := range slices.Sorted(maps.Keys(from)) {
			if a < b && reach(b)[a] {
				found = append(found, a+", "+b+": a circle")
			}
		}
	}
	return found
}
