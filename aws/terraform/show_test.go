package terraform_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/model"
)

// show writes a tree, a line for each leaf.
func show(b *strings.Builder, tree any, path string) {
	switch t := tree.(type) {
	case map[string]any:
		if len(t) == 0 {
			fmt.Fprintf(b, "%s {}\n", path)
		}
		for _, name := range slices.Sorted(maps.Keys(t)) {
			show(b, t[name], path+"."+name)
		}
	case []any:
		if len(t) == 0 {
			fmt.Fprintf(b, "%s []\n", path)
		}
		for i, v := range t {
			show(b, v, fmt.Sprintf("%s.%d", path, i))
		}
	case model.Ref:
		fmt.Fprintf(b, "%s Ref %s.%s\n", path, t.Resource.ID, t.Attr)
	case model.Join:
		for i, v := range t {
			show(b, v, fmt.Sprintf("%s[%d]", path, i))
		}
	default:
		fmt.Fprintf(b, "%s %T %q\n", path, t, fmt.Sprint(t))
	}
}
