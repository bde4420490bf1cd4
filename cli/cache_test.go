package cli_test

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skerry.dev/skerry/admin"
	"skerry.dev/skerry/cache"
	"skerry.dev/skerry/client"
	"skerry.dev/skerry/edge"
)

// members are the JSON members of a type with the kinds of their values, in depth.
func members(t reflect.Type, at string, into map[string]string) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		members(t.Elem(), at, into)
		return
	case reflect.Struct:
	default:
		into[at] = t.Kind().String()
		return
	}
	if t.String() == "time.Time" {
		into[at] = "time"
		return
	}
	for f := range t.Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
			members(f.Type, at+"."+name, into)
		}
	}
}

// TestClientKnowsWhatTheEdgeSays: the types of the client have all that those of the cache have, and nothing else.
func TestClientKnowsWhatTheEdgeSays(t *testing.T) {
	f := func(says, knows any) {
		t.Helper()
		edge, client := map[string]string{}, map[string]string{}
		members(reflect.TypeOf(says), "", edge)
		members(reflect.TypeOf(knows), "", client)
		if d := cmp.Diff(edge, client); d != "" || len(slices.Collect(maps.Keys(edge))) == 0 {
			t.Errorf("%T and %T (-edge +client):\n%s", says, knows, d)
		}
	}
	f(cache.Stats{}, client.CacheStats{})
	f(cache.Why{}, client.CacheWhy{})
	f(cache.Miss{}, client.CacheMiss{})
	f(cache.Purge{}, client.CachePurged{})
	f(cache.Progress{}, client.CacheProgress{})
	f(cache.Leak{}, client.CacheLeak{})
}

// What the admin API reads is what the edge is told.
var _ = edge.CachePurge(admin.CachePurge{})
