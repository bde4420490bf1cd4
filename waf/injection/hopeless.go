package injection

import "bytes"

// hopeless reports whether the tokens so far decide that the value has no fingerprint, so that the rest need not be read.
//
// A token is fixed if it can never change again, nor leave its place. The first is, if it is calm: no rule that begins with
// it changes or removes it. A later one is, if all before it are fixed, it is calm, no rule for three tokens begins with the
// one before it and itself, and the rule for these two has just passed: whatever is looked at again later, the tokens up to
// it pass again, and rules that begin behind them do not touch them. The rules for five tokens change the second one only
// behind a first and second that begin a rule for three, or where the second is a right parenthesis, which is not calm.
//
// So if no fingerprint begins with the fixed tokens, only an evil token can still make one; it takes bytes that are looked for.
func (f *folder) hopeless() bool {
	if f.fixed == 0 && f.left == 0 {
		f.settle(&f.vec[0])
	}
	if f.fixed == f.left+1 && !f.vec[f.left+1].kind.in(triples[f.vec[f.left].kind]) {
		f.settle(&f.vec[f.left+1])
	}
	return f.node == 0 && f.harmless()
}

// calm are the categories that no rule changes, if the token has none of the traits.
const calm categories = 1<<keyword | 1<<union | 1<<group | 1<<expression | 1<<tsql | 1<<function | 1<<bareword | 1<<number |
	1<<variable | 1<<quoted | 1<<operator | 1<<logic | 1<<leftParen | 1<<dot | 1<<colon | 1<<semicolon | 1<<unknown

const restless = first | wordIn | wordLike | wordUser | callable

// settle counts the token as fixed if it is calm. The one read ahead behind the last that counts is no part of a fingerprint.
func (f *folder) settle(t *token) {
	if f.fixed < tokensMax && t.kind.in(calm) && t.traits&restless == 0 && t.len > 0 {
		f.fixed++
		if f.node != 0 {
			f.node = step(f.node, t.kind)
		}
	}
}

// harmless reports whether no token of the value can be evil: it takes a comment in a comment, /*! or {“.
func (f *folder) harmless() bool {
	if !f.known {
		f.known, f.safe = true, !canBeEvil(f.in)
	}
	return f.safe
}

func canBeEvil(in []byte) bool {
	if bytes.IndexByte(in, '{') >= 0 && bytes.IndexByte(in, '`') >= 0 {
		return true
	}
	i := bytes.IndexByte(in, '*')
	if i < 0 {
		return false
	}
	i = bytes.Index(in, []byte("/*"))
	return i >= 0 && (bytes.HasPrefix(in[i+2:], []byte("!")) || bytes.Contains(in[i+1:], []byte("/*")))
}
