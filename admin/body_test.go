package admin

import (
	"encoding/json"
	"testing"
)

// FuzzObject: what is taken is JSON, and says the same to encoding/json.
func FuzzObject(f *testing.F) {
	for _, s := range []string{`{"kind":"url","soft":true}`, `{"kind":"a","kind":"b"}`, `{"x":{"y":[1,2]},"kind":""}`, `{"kind":"\ud800"}`, `{"soft":false}`, `{}`, `[`, `{"kind":1e9}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var got, want struct {
			Kind string
			Soft bool
		}
		if parseObject(body, []member{{"kind", &got.Kind}, {"soft", &got.Soft}}) != nil {
			return
		}
		if err := json.Unmarshal(body, &want); err != nil || got != want {
			t.Errorf("%q: %+v, encoding/json says %+v (%v)", body, got, want, err)
		}
	})
}
