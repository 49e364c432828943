package checkout_test

import (
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Every item docs/acceptance.md names has a test whose name carries its number, so the table cannot rot.
func TestAcceptanceItemsHaveTests(t *testing.T) {
	named := map[int]bool{}
	name := regexp.MustCompile(`func Test[A-Za-z]*Item(\d+)[A-Z]|"item (\d+): `)
	err := fs.WalkDir(os.DirFS("."), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range name.FindAllStringSubmatch(string(source), -1) {
			n, _ := strconv.Atoi(m[1] + m[2]) // digits
			named[n] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range acceptanceItems(t) {
		if !named[item] {
			t.Errorf("item %d is in no test's name", item)
		}
	}
}

// acceptanceItems are the numbers in the first column of the table: "14–19, 22".
func acceptanceItems(t *testing.T) []int {
	t.Helper()
	page, err := os.ReadFile("docs/acceptance.md")
	if err != nil {
		t.Fatal(err)
	}
	var items []int
	row, span := regexp.MustCompile(`(?m)^\| ([0-9][0-9–, ]*) \|`), regexp.MustCompile(`(\d+)(?:–(\d+))?`)
	for _, m := range row.FindAllStringSubmatch(string(page), -1) {
		for _, s := range span.FindAllStringSubmatch(m[1], -1) {
			from, _ := strconv.Atoi(s[1]) // digits
			to := from
			if s[2] != "" {
				to, _ = strconv.Atoi(s[2])
			}
			for ; from <= to; from++ {
				items = append(items, from)
			}
		}
	}
	if len(items) < 90 {
		t.Fatalf("only %d items in the table", len(items))
	}
	return items
}
