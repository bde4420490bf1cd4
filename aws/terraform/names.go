package terraform

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"skerry.dev/skerry/aws/model"
)

// words are one word in Terraform's names, whatever their letters.
var words = strings.NewReplacer("CloudWatch", "Cloudwatch", "CloudFront", "Cloudfront", "DDoS", "Ddos")

// snake is a name of CloudFormation as Terraform writes most of them: HTTPSPort is https_port.
func snake(name string) string {
	name = words.Replace(name)
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		if upper(c) && i > 0 && (!upper(name[i-1]) || i+1 < len(name) && lower(name[i+1])) {
			b.WriteByte('_')
		}
		b.WriteByte(c)
	}
	return strings.ToLower(b.String())
}

func upper(c byte) bool { return c >= 'A' && c <= 'Z' }

func lower(c byte) bool { return c >= 'a' && c <= 'z' }

// address is where a resource stands: aws_cloudfront_cache_policy.default.
type address struct{ kind, name string }

func (a address) String() string { return a.kind + "." + a.name }

// names gives every resource an address of its own.
type names struct {
	of    map[*model.Resource]address
	taken map[address]bool
}

// add takes the logical id in snake case; where that is taken, since case is lost, with a digest of the id.
func (n *names) add(r *model.Resource, kind string) address {
	a := address{kind, snake(r.ID)}
	if len(a.name) > nameMax || n.taken[a] {
		a.name = a.name[:min(len(a.name), nameMax)] + "_" + digest(r.ID)
	}
	n.taken[a] = true
	n.of[r] = a
	return a
}

// digest is eight letters that tell texts apart.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:4])
}
