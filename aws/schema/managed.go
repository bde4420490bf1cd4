package schema

import (
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

//go:embed managed.yaml
var managedYAML []byte

// Managed is what is known of the rule groups that AWS manages, and of what the Core Rule Set has that they stand for. It is never
// changed.
type Managed struct {
	Date       string          // when the pages were read, YYYY-MM-DD
	Groups     []*ManagedGroup // in the order of the file, which is the order in which a web ACL asks them
	Extensions []string        // of paths, that the Core Rule Set refuses (920440): ".bak"
	Headers    []string        // names of fields that it refuses (920450), lower case
	tags       map[string][]RuleIDs
}

// ManagedGroup is a rule group of AWS.
type ManagedGroup struct {
	Name      string // the vendor is AWS
	Capacity  int    // in WCU
	Namespace string // of its labels: "awswaf:managed:aws:core-rule-set"
	Page      string // where AWS says so
	About     string // what it finds, a few words
	Note      string // why it is no part of the firewall, or what else there is to know; may be empty
	Firewall  bool   // it is part of what a firewall becomes
	Rules     []ManagedRule
}

// ManagedRule is a rule of such a group.
type ManagedRule struct {
	Name       string
	Label      string    // whole: "awswaf:managed:aws:core-rule-set:BadBots_Header"; empty: not known
	Counts     string    // why it never refuses; empty: it does what AWS has it do
	CRS        []RuleIDs // the rules of the Core Rule Set that it stands for
	Confidence string    // high, medium or low; empty where CRS is
}

// RuleIDs is a range of ids of the Core Rule Set, both included.
type RuleIDs struct{ First, Last int }

// Overlaps reports whether both have an id.
func (r RuleIDs) Overlaps(o RuleIDs) bool { return r.First <= o.Last && o.First <= r.Last }

// Looks is the part of a request that the rule looks at, as its name has it: BODY, COOKIE, HEADER, QUERYARGUMENTS, QUERYSTRING, URIPATH
// or METHOD; empty: none, or several.
func (r ManagedRule) Looks() string {
	switch part := r.Name[strings.LastIndexByte(r.Name, '_')+1:]; part {
	case "BODY", "COOKIE", "HEADER", "QUERYARGUMENTS", "QUERYSTRING", "URIPATH", "METHOD":
		return part
	}
	return ""
}

// Group finds a group by its name; nil: it is not known.
func (m *Managed) Group(name string) *ManagedGroup {
	for _, g := range m.Groups {
		if g.Name == name {
			return g
		}
	}
	return nil
}

// Tagged returns the rules of the Core Rule Set that have a tag; none: the tag is not known, or rules about requests have it not.
func (m *Managed) Tagged(tag string) []RuleIDs { return m.tags[tag] }

// Rule finds a rule by its name; nil: the group has none, as far as is known.
func (g *ManagedGroup) Rule(name string) *ManagedRule {
	for i := range g.Rules {
		if g.Rules[i].Name == name {
			return &g.Rules[i]
		}
	}
	return nil
}

// ManagedRules returns what is known.
func ManagedRules() *Managed { return readManaged() }

var readManaged = sync.OnceValue(func() *Managed {
	m, err := parseManaged(managedYAML)
	if err != nil {
		panic("BUG: managed.yaml: " + err.Error())
	}
	return m
})

// managedFile is the form of managed.yaml.
type managedFile struct {
	Date       string         `json:"date"`
	Pages      string         `json:"pages"`
	Groups     []managedGroup `json:"groups"`
	Restricted struct {
		Extensions []string `json:"extensions"`
		Headers    []string `json:"headers"`
	} `json:"restricted"`
	Tags map[string]string `json:"tags"`
}

type managedGroup struct {
	Name      string `json:"name"`
	Capacity  int    `json:"capacity"`
	Namespace string `json:"namespace"`
	Page      string `json:"page"`
	About     string `json:"about"`
	Note      string `json:"note"`
	Firewall  bool   `json:"firewall"`
	Rules     []struct {
		Name       string `json:"name"`
		Label      string `json:"label"`
		Counts     string `json:"counts"`
		CRS        string `json:"crs"`
		Confidence string `json:"confidence"`
	} `json:"rules"`
}

func parseManaged(text []byte) (*Managed, error) {
	var file managedFile
	if err := readYAML(text, &file); err != nil {
		return nil, err
	}
	m := &Managed{Date: file.Date, Extensions: file.Restricted.Extensions, Headers: file.Restricted.Headers, tags: map[string][]RuleIDs{}}
	for tag, ids := range file.Tags {
		read, err := parseRuleIDs(ids)
		if err != nil {
			return nil, fmt.Errorf("tag %s: %w", tag, err)
		}
		m.tags[tag] = read
	}
	for _, read := range file.Groups {
		g, err := parseGroup(read, file.Pages)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", read.Name, err)
		}
		m.Groups = append(m.Groups, g)
	}
	return m, nil
}

func parseGroup(read managedGroup, pages string) (*ManagedGroup, error) {
	if read.Name == "" || read.Capacity <= 0 || read.Namespace == "" || read.Page == "" {
		return nil, errors.New("name, capacity, namespace and page are needed")
	}
	g := &ManagedGroup{
		Name: read.Name, Capacity: read.Capacity, Namespace: read.Namespace, Page: pages + read.Page + ".html", About: read.About,
		Note: read.Note, Firewall: read.Firewall,
	}
	for _, r := range read.Rules {
		made := ManagedRule{Name: r.Name, Counts: r.Counts, Confidence: r.Confidence}
		if r.Label != "" {
			made.Label = read.Namespace + ":" + r.Label
		}
		var err error
		if made.CRS, err = parseRuleIDs(r.CRS); err != nil {
			return nil, fmt.Errorf("%s: %w", r.Name, err)
		}
		g.Rules = append(g.Rules, made)
	}
	return g, nil
}

// parseRuleIDs reads ids and ranges with spaces between them: "942100-942101 942500".
func parseRuleIDs(s string) ([]RuleIDs, error) {
	var out []RuleIDs
	for _, part := range strings.Fields(s) {
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		first, err := strconv.Atoi(from)
		if err != nil {
			return nil, err
		}
		last, err := strconv.Atoi(to)
		if err != nil {
			return nil, err
		}
		if last < first {
			return nil, fmt.Errorf("the range %s ends before it begins", part)
		}
		out = append(out, RuleIDs{first, last})
	}
	return out, nil
}
