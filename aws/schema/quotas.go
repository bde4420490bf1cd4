package schema

import (
	_ "embed"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"
)

//go:embed quotas.yaml
var quotasYAML []byte

// Quota is how many of something AWS allows.
type Quota struct {
	Name   string // lowerCamel, as an AWS document names it
	Limit  int    // AWS's own value; an account may have been granted more
	Of     string // what is counted, in the plural
	Per    string // in what: account, distribution, cache policy, …
	Type   string // of the resources that are counted in an account, or of the one that what is counted shares; empty: something else is counted
	Raised bool   // AWS raises it on request
	Date   string // when the page was read, YYYY-MM-DD
	Source string // the page; empty: the figure is not AWS's
	Note   string // what else there is to know; may be empty
}

// ID is that of findings about the quota: "quota-cache-policies".
func (q Quota) ID() string {
	var out strings.Builder
	out.WriteString("quota-")
	for _, c := range []byte(q.Name) {
		if c >= 'A' && c <= 'Z' {
			out.WriteByte('-')
			c += 'a' - 'A'
		}
		out.WriteByte(c)
	}
	return out.String()
}

// Quotas are all that are known, by name. The list is the caller's own.
func Quotas() []Quota { return slices.Clone(readQuotas()) }

// QuotaNamed finds a quota; false: there is none with this name.
func QuotaNamed(name string) (Quota, bool) {
	list := readQuotas()
	i, ok := slices.BinarySearchFunc(list, name, func(q Quota, name string) int { return strings.Compare(q.Name, name) })
	if !ok {
		return Quota{}, false
	}
	return list[i], true
}

// quotaFile is the form of quotas.yaml.
type quotaFile struct {
	Date    string            `json:"date"`
	Sources map[string]string `json:"sources"`
	Quotas  map[string]struct {
		Limit  int    `json:"limit"`
		Of     string `json:"of"`
		Per    string `json:"per"`
		Type   string `json:"type"`
		Raised *bool  `json:"raised"`
		Date   string `json:"date"`
		Source string `json:"source"`
		Note   string `json:"note"`
	} `json:"quotas"`
}

var readQuotas = sync.OnceValue(func() []Quota {
	list, err := parseQuotas(quotasYAML)
	if err != nil {
		panic("BUG: quotas.yaml: " + err.Error())
	}
	return list
})

// parseQuotas reads quotas.yaml; every line must be whole.
func parseQuotas(text []byte) ([]Quota, error) {
	var file quotaFile
	if err := readYAML(text, &file); err != nil {
		return nil, err
	}
	var list []Quota
	for name, q := range file.Quotas {
		source, known := file.Sources[q.Source]
		if !known || q.Limit <= 0 || q.Of == "" || q.Per == "" {
			return nil, fmt.Errorf("%s: limit, of, per and a known source are needed", name)
		}
		made := Quota{Name: name, Limit: q.Limit, Of: q.Of, Per: q.Per, Type: q.Type, Raised: q.Raised == nil || *q.Raised, Date: q.Date, Source: source, Note: q.Note}
		if made.Date == "" {
			made.Date = file.Date
		}
		list = append(list, made)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Name < list[j].Name })
	return list, nil
}

// AccountQuota is the name of the quota on resources of a type in an account; empty: none is known.
func AccountQuota(resourceType string) string { return quotasByType().account[resourceType] }

// UsersQuota is the name of the quota on what shares a resource of a type; empty: none is known.
func UsersQuota(resourceType string) string { return quotasByType().users[resourceType] }

type byType struct{ account, users map[string]string }

var quotasByType = sync.OnceValue(func() byType {
	out := byType{map[string]string{}, map[string]string{}}
	for _, q := range readQuotas() {
		switch {
		case q.Type == "":
		case q.Per == "account":
			out.account[q.Type] = q.Name
		default:
			out.users[q.Type] = q.Name
		}
	}
	return out
})
