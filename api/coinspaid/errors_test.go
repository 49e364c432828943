package coinspaid_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"checkout/api/coinspaid"
	"checkout/fault"
)

var tooMany = fault.New(fault.TooMany, "quota", "Too many open invoices.")

// kinds are the names faults are declared with.
var kinds = map[string]fault.Kind{
	"Internal": fault.Internal, "Invalid": fault.Invalid, "Unauthorized": fault.Unauthorized, "Forbidden": fault.Forbidden, "NotFound": fault.NotFound,
	"Conflict": fault.Conflict, "Gone": fault.Gone, "TooMany": fault.TooMany, "Unavailable": fault.Unavailable,
}

// TestEveryFault finds every fault that is declared anywhere in the house and has this dialect answer it: in one of its two
// shapes, 403 for nothing but authentication, never 422, and of what is internal not a word.
func TestEveryFault(t *testing.T) {
	h := openHouse(t)
	twoShapes := regexp.MustCompile(`^(\{"error":"[^"]+","code":"[a-z0-9_]+"\}|\{"errors":\{"[a-z_]+":"[^"]+"\}\})$`)
	found := declared(t, filepath.Join("..", ".."))
	if len(found) < 40 {
		t.Fatalf("only %d faults found", len(found))
	}
	for where, f := range found {
		deps := h.deps()
		deps.Invoices = broken{f.Because(fs.ErrInvalid)}
		h.face = coinspaid.New(deps)
		a := h.call(h.live, "invoices/create", order(nil))
		if !twoShapes.MatchString(a.body) || a.status < 400 || a.status == http.StatusUnprocessableEntity || strings.Contains(a.body, fs.ErrInvalid.Error()) {
			t.Errorf("%s %s: %d %s", where, f.Code, a.status, a.body)
		}
		switch {
		case a.status == http.StatusForbidden && !strings.HasPrefix(where, "api/coinspaid/auth.go"):
			t.Errorf("%s %s answers 403", where, f.Code)
		case f.Kind == fault.Internal && (a.status != http.StatusInternalServerError || a.body != internal):
			t.Errorf("%s %s: %d %s", where, f.Code, a.status, a.body)
		case f.Kind == fault.Unavailable && a.status != http.StatusServiceUnavailable, f.Kind == fault.TooMany && a.status != http.StatusTooManyRequests:
			t.Errorf("%s %s: %d", where, f.Code, a.status)
		}
	}
}

// declared reads fault.New(fault.Kind, "code", "text") out of the source, by file and line.
func declared(t *testing.T, root string) map[string]*fault.Error {
	t.Helper()
	found := map[string]*fault.Error{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (d.Name() == "bin" || strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if f, ok := declaration(n); ok {
				rel, _ := filepath.Rel(root, path)
				found[filepath.ToSlash(rel)+":"+strconv.Itoa(set.Position(n.Pos()).Line)] = f
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func declaration(n ast.Node) (*fault.Error, bool) {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) != 3 {
		return nil, false
	}
	name, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || name.Sel.Name != "New" {
		return nil, false
	}
	kind, ok := call.Args[0].(*ast.SelectorExpr)
	if !ok {
		return nil, false
	}
	k, ok := kinds[kind.Sel.Name]
	code, err1 := literal(call.Args[1])
	text, err2 := literal(call.Args[2])
	return fault.New(k, code, text), ok && err1 == nil && err2 == nil
}

func literal(x ast.Expr) (string, error) {
	if lit, ok := x.(*ast.BasicLit); ok {
		return strconv.Unquote(lit.Value)
	}
	return "", strconv.ErrSyntax
}
