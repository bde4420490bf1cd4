package cli

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"skerry.dev/skerry/waf"
	"skerry.dev/skerry/waf/crs"
	"skerry.dev/skerry/waf/seclang"
)

func newWAF() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "waf",
		Short: "Look into the firewall: its rules, its verdicts, its false positives",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(newWAFRules(), newWAFExplain(), newWAFTune())
	return cmd
}

// loadRules makes a release of the Core Rule Set ready: the one in a directory, or the embedded one.
func loadRules(dir string) (*waf.Rules, error) {
	if dir == "" {
		return waf.Embedded()
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("--crs: %w", err)
	}
	defer root.Close() // read only
	r, err := waf.LoadDir(root.FS(), nil)
	if err != nil {
		return nil, fmt.Errorf("--crs %s: %w", dir, err)
	}
	return r, nil
}

// ruleFacts is what people ask about a rule.
type ruleFacts struct {
	ID       int      `json:"id"`
	Phase    int      `json:"phase"`
	Paranoia int      `json:"paranoia,omitempty"` // 0: of no level
	Family   string   `json:"family"`
	Severity string   `json:"severity,omitempty"`
	Message  string   `json:"message,omitempty"`
	Targets  []string `json:"targets"`         // of all links of a chain
	Chain    int      `json:"chain,omitempty"` // links behind the first
	File     string   `json:"file"`
	Line     int      `json:"line"`
	points   int      // that a match adds to the anomaly score, by the Core Rule Set's own scale
}

// severities are the names of SecLang's severities, and what CRS counts a match of them.
var severities = [...]struct {
	name   string
	points int
}{{"emergency", 0}, {"alert", 0}, {"critical", 5}, {"error", 4}, {"warning", 3}, {"notice", 2}, {"info", 0}, {"debug", 0}}

func factsOf(r *seclang.Rule) ruleFacts {
	f := ruleFacts{
		ID: r.ID, Phase: r.Phase, Paranoia: paranoiaOf(r.Tags), Family: crs.Family(r.ID), Message: r.Msg.String(), Targets: []string{},
		File: r.Pos.File, Line: r.Pos.Line,
	}
	if 0 <= r.Severity && r.Severity < len(severities) {
		f.Severity = severities[r.Severity].name
	}
	for link := r; link != nil; link = link.Chain {
		for _, t := range link.Targets {
			f.Targets = append(f.Targets, t.String())
		}
		for _, a := range link.Actions {
			if scores(a) && r.Severity >= 0 {
				f.points = severities[r.Severity].points
			}
		}
		if link != r {
			f.Chain++
		}
	}
	return f
}

// scores reports whether an action adds to the anomaly score of requests.
func scores(a seclang.Action) bool {
	if a.Set == nil || a.Set.Op != seclang.SetAdd {
		return false
	}
	name, fixed := a.Set.Name.Fixed()
	return fixed && strings.HasPrefix(strings.ToLower(name), "inbound_anomaly_score_pl")
}

// paranoiaOf is the level that a rule's tags say; 0 if they say none.
func paranoiaOf(tags []string) int {
	for _, tag := range tags {
		if level, ok := strings.CutPrefix(tag, "paranoia-level/"); ok {
			n, _ := strconv.Atoi(level) // a tag of another form is none
			return n
		}
	}
	return 0
}

// factsOfAll are those of all rules of a release, in the order of their ids.
func factsOfAll(r *waf.Rules) []ruleFacts {
	var all []ruleFacts
	for _, item := range r.Set().Items {
		if item.Rule != nil {
			all = append(all, factsOf(item.Rule))
		}
	}
	slices.SortFunc(all, func(a, b ruleFacts) int { return a.ID - b.ID })
	return all
}
