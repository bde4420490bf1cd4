package compile

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

// region is where everything stands that CloudFront uses.
const region = "us-east-1"

// sharedStack is the stack of what several distributions use.
const sharedStack = "skerry-shared"

// logicalID is the logical id of something that belongs to a named document: a word for what it is, the name in a form that has only
// letters and digits, and a digest, since two names may have the same form.
func logicalID(what, name string) string {
	var out strings.Builder
	out.WriteString(what)
	up := true
	for _, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z' && up:
			out.WriteByte(c - 'a' + 'A')
			up = false
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9':
			out.WriteByte(c)
			up = false
		default:
			up = true
		}
	}
	id := out.String()
	if len(id) > logicalIDMax-digestLetters {
		id = id[:logicalIDMax-digestLetters]
	}
	return id + digest(what + "\x00" + name)[:digestLetters]
}

// logicalIDMax is the longest logical id that is made, in bytes; CloudFormation allows 255.
const logicalIDMax = 80

// digestLetters is how much of a digest makes names unique.
const digestLetters = 8

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// own makes a resource of a document: its id depends on the document's name alone.
func own(what, name string, at spec.Pos, props model.Properties) *model.Resource {
	return &model.Resource{ID: logicalID(what, name), Props: props, Owner: name, At: at}
}

// share returns the one resource with such content: entrypoints that say the same get the same policy, function or set, since an account
// has few of them. named puts the name, which must be unique in the account and changes with the content, into the properties. at and marks
// say where it comes from, of the first one that asks for it.
func (b *builder) share(what string, at spec.Pos, props model.Properties, named func(name string), marks ...place) *model.Resource {
	sum := digest(what + "\x00" + model.Digest(props))
	r := b.pooled(sum, func() *model.Resource {
		named("skerry-" + strings.ToLower(what) + "-" + strings.ToLower(sum[:digestLetters]))
		return &model.Resource{ID: what + sum[:digestLetters], Props: props}
	})
	b.use(step{key: sum, resource: r, at: at, marks: marks})
	return r
}
