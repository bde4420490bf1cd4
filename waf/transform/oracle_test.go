package transform_test

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"strings"
	"sync"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/corazawaf/coraza/v3"

	"skerry.dev/skerry/waf/transform"
)

// oracle is Coraza as a black box: a rule that always matches for each chain of transformations, whose matched value is the
// result.
type oracle struct {
	waf    coraza.WAF
	chains []string
}

func newOracle(t testing.TB, chains []string) *oracle {
	t.Helper()
	var b strings.Builder
	b.WriteString("SecRuleEngine On\n")
	for i, c := range chains {
		fmt.Fprintf(&b, "SecRule ARGS_GET:a \"@unconditionalMatch\" \"id:%d,phase:1,pass,nolog,t:none,%s\"\n", i+1, c)
	}
	waf, err := coraza.NewWAF(coraza.NewWAFConfig().WithDirectives(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return &oracle{waf: waf, chains: chains}
}

// run gives the result of each chain.
func (o *oracle) run(t testing.TB, in []byte) [][]byte {
	t.Helper()
	tx := o.waf.NewTransaction()
	defer tx.Close()
	tx.AddGetRequestArgument("a", string(in))
	tx.ProcessRequestHeaders()
	out := make([][]byte, len(o.chains))
	for _, mr := range tx.MatchedRules() {
		out[mr.Rule().ID()-1] = []byte(mr.MatchedDatas()[0].Value())
	}
	for i, v := range out {
		if v == nil {
			t.Fatalf("the oracle's rule %d (%s) did not match", i+1, o.chains[i])
		}
	}
	return out
}

// all are the transformations that Coraza has, and single is an oracle that runs each of them.
var (
	all = func() (ids []transform.ID) {
		for id := range transform.Count {
			if id != transform.SQLHexDecode {
				ids = append(ids, id)
			}
		}
		return ids
	}()
	single = sync.OnceValue(func() *oracle {
		var chains []string
		for _, id := range all {
			chains = append(chains, "t:"+id.String())
		}
		return newOracle(&testing.B{}, chains)
	})
)

// differs says what a transformation gives where doc.go promises something else than Coraza gives.
func differs(id transform.ID, in []byte) (want []byte, differ bool) {
	switch id {
	case transform.Lowercase, transform.Uppercase, transform.RemoveWhitespace, transform.UTF8ToUnicode:
		if utf8.Valid(in) {
			return nil, false
		}
		return pieces(id, in), true
	case transform.NormalizePath, transform.NormalizePathWin:
		p := string(in)
		if id == transform.NormalizePathWin {
			p = strings.ReplaceAll(p, `\`, "/")
		}
		return []byte("/"), strings.HasSuffix(p, "/") && path.Clean(p) == "/"
	case transform.SQLHexDecode:
		return sqlHexPairs.ReplaceAllFunc(in, func(m []byte) []byte {
			out := make([]byte, len(m)/2-1)
			fmt.Sscanf(string(m[2:]), "%x", &out)
			return out
		}), true
	}
	return nil, false
}

var sqlHexPairs = regexp.MustCompile(`0[xX](?:[0-9a-fA-F]{2})+`)

// pieces does by character what id does, and keeps bytes that are none.
func pieces(id transform.ID, in []byte) (out []byte) {
	for len(in) > 0 {
		r, size := utf8.DecodeRune(in)
		broken := r == utf8.RuneError && size == 1
		switch {
		case id == transform.UTF8ToUnicode && broken:
			if n := overlongLen(in); n > 0 {
				r = 0
				for _, c := range in[1:n] {
					r = r<<6 | rune(c&0x3f)
				}
				r |= rune(in[0]&(0x7f>>n)) << (6 * (n - 1))
				if r < 0xD800 || r > 0xDFFF {
					out = fmt.Appendf(out, "%%u%04x", r)
					in = in[n:]
					continue
				}
			}
			out = append(out, in[0])
		case id == transform.UTF8ToUnicode && r >= 0x80:
			out = fmt.Appendf(out, "%%u%04x", r)
		case id == transform.RemoveWhitespace && (unicode.IsSpace(r) || broken && in[0] == 0xA0):
		case broken:
			out = append(out, in[0])
		case id == transform.Lowercase:
			out = append(out, strings.ToLower(string(r))...)
		case id == transform.Uppercase:
			out = append(out, strings.ToUpper(string(r))...)
		default:
			out = append(out, in[:size]...)
		}
		in = in[size:]
	}
	return out
}

func overlongLen(in []byte) int {
	n := 0
	switch {
	case in[0] == 0xC0 || in[0] == 0xC1:
		n = 2
	case in[0] == 0xE0:
		n = 3
	case in[0] == 0xF0:
		n = 4
	}
	if n == 0 || len(in) < n {
		return 0
	}
	for _, c := range in[1:n] {
		if c < 0x80 || c > 0xBF {
			return 0
		}
	}
	return n
}

// checkOracle holds each transformation of in against Coraza, or against what doc.go promises.
func checkOracle(t testing.TB, in []byte) {
	t.Helper()
	results := single().run(t, in)
	for i, id := range all {
		want := results[i]
		if other, differ := differs(id, in); differ {
			want = other
		}
		if got := id.Append(nil, in); !bytes.Equal(got, want) {
			t.Errorf("%v of %q: %q, want %q", id, in, got, want)
		}
	}
	if want, _ := differs(transform.SQLHexDecode, in); !bytes.Equal(transform.SQLHexDecode.Append(nil, in), want) {
		t.Errorf("sqlHexDecode of %q: %q, want %q", in, transform.SQLHexDecode.Append(nil, in), want)
	}
}

// crsChains are the chains that CRS 4.25.0 uses, beside single transformations.
var crsChains = strings.Fields(`
utf8toUnicode,urlDecodeUni,htmlEntityDecode,jsDecode,cssDecode,removeNulls
urlDecodeUni,replaceComments
utf8toUnicode,urlDecodeUni,normalizePathWin
cmdLine,normalizePath
lowercase,urlDecodeUni
htmlEntityDecode,lowercase
lowercase,removeWhitespace
urlDecodeUni,jsDecode,htmlEntityDecode
sha1,hexEncode
urlDecodeUni,lowercase
utf8toUnicode,urlDecodeUni,removeNulls,cmdLine
normalizePath,urlDecodeUni
urlDecodeUni,replaceComments,removeWhitespace
utf8toUnicode,urlDecodeUni,htmlEntityDecode,jsDecode,cssDecode,lowercase,removeNulls
urlDecodeUni,compressWhitespace
htmlEntityDecode,compressWhitespace
utf8toUnicode,urlDecodeUni,removeNulls
lowercase,length
escapeSeqDecode,compressWhitespace
normalizePath,cmdLine
urlDecodeUni,jsDecode,removeWhitespace,base64Decode,urlDecodeUni,jsDecode,removeWhitespace
urlDecodeUni,jsDecode
urlDecodeUni,jsDecode,base64Decode,urlDecodeUni,jsDecode,replaceComments
urlDecodeUni,jsDecode,base64Decode,urlDecodeUni,jsDecode
utf8toUnicode,urlDecodeUni,htmlEntityDecode,jsDecode,cssDecode,removeNulls,removeWhitespace
lowercase,urlDecodeUni,htmlEntityDecode,jsDecode
urlDecodeUni,htmlEntityDecode,jsDecode
htmlEntityDecode,jsDecode
jsDecode,lowercase
urlDecodeUni,removeCommentsChar
urlDecodeUni,removeWhitespace
utf8toUnicode,urlDecodeUni
removeWhitespace,lowercase`)

var chained = sync.OnceValue(func() *oracle {
	var chains []string
	for _, c := range crsChains {
		chains = append(chains, "t:"+strings.ReplaceAll(c, ",", ",t:"))
	}
	return newOracle(&testing.B{}, chains)
})

// checkChains holds the chains of CRS against Coraza, but those in which a step differs as doc.go says. It returns how many
// were compared.
func checkChains(t testing.TB, in []byte) (compared int) {
	t.Helper()
	results := chained().run(t, in)
	for i, chain := range crsChains {
		value, differ := in, false
		for name := range strings.SplitSeq(chain, ",") {
			id, _ := transform.Lookup(name)
			_, d := differs(id, value)
			differ = differ || d
			value = id.Append(nil, value)
		}
		if differ {
			continue
		}
		compared++
		if !bytes.Equal(value, results[i]) {
			t.Errorf("%s of %q: %q, want %q", chain, in, value, results[i])
		}
	}
	return compared
}
