package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"skerry.dev/skerry/waf/crs"
	"skerry.dev/skerry/waf/seclang"
)

// ruleChoice is which rules are listed.
type ruleChoice struct {
	paranoia int
	family   string
	ids      string
	output   string
	dir      string
}

func newWAFRules() *cobra.Command {
	var c ruleChoice
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "List the rules of the OWASP Core Rule Set",
		Long: "List the rules of the release in this binary, or of the one in --crs: id, phase, paranoia level, family, severity,\n" +
			"message and targets. Rules of no level (-) arrange variables or count scores, and run at every level.",
		Example: "  skerry waf rules --paranoia 1 --family sqli\n  skerry waf rules --id 942100-942199 --output json",
		Args:    cobra.NoArgs,
	}
	f := cmd.Flags()
	f.IntVar(&c.paranoia, "paranoia", 0, "only rules that run at this paranoia level, 1 to 4")
	f.StringVar(&c.family, "family", "", "only rules of this family: sqli, xss, rce …")
	f.StringVar(&c.ids, "id", "", "only the rule of this id, or those of a range: 942100-942199")
	f.StringVar(&c.output, "output", "text", "text or json")
	f.StringVar(&c.dir, "crs", "", "directory with a release of the OWASP Core Rule Set 4, in the place of the embedded one")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ids, err := c.check()
		if err != nil {
			return err
		}
		return work(func(cmd *cobra.Command, _ []string) error { return listRules(cmd, &c, ids) })(cmd, nil)
	}
	return cmd
}

// check refuses flags that make no sense.
func (c *ruleChoice) check() (ids seclang.Range, err error) {
	if c.paranoia < 0 || c.paranoia > 4 {
		return ids, fmt.Errorf("--paranoia %d is none of 1 to 4", c.paranoia)
	}
	if c.family != "" && !slices.Contains(crs.Families(), c.family) {
		return ids, fmt.Errorf("--family %q is none of %s", c.family, strings.Join(crs.Families(), ", "))
	}
	if c.output != "text" && c.output != "json" {
		return ids, fmt.Errorf("--output %q is neither text nor json", c.output)
	}
	if c.ids == "" {
		return seclang.Range{Last: 1 << 31}, nil
	}
	from, to, isRange := strings.Cut(c.ids, "-")
	if !isRange {
		to = from
	}
	var err1, err2 error
	ids.First, err1 = strconv.Atoi(from)
	ids.Last, err2 = strconv.Atoi(to)
	if errors.Join(err1, err2) != nil || ids.Last < ids.First {
		return ids, fmt.Errorf("--id %q is neither an id (942100) nor a range of ids (942100-942199)", c.ids)
	}
	return ids, nil
}

func (c *ruleChoice) takes(f ruleFacts, ids seclang.Range) bool {
	return (c.paranoia == 0 || f.Paranoia <= c.paranoia) && (c.family == "" || f.Family == c.family) && ids.First <= f.ID && f.ID <= ids.Last
}

func listRules(cmd *cobra.Command, c *ruleChoice, ids seclang.Range) error {
	rules, err := loadRules(c.dir)
	if err != nil {
		return err
	}
	all := factsOfAll(rules)
	chosen := slices.DeleteFunc(slices.Clone(all), func(f ruleFacts) bool { return !c.takes(f, ids) })
	w := cmd.OutOrStdout()
	if c.output == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(struct {
			Release string      `json:"release"`
			Total   int         `json:"total"`
			Rules   []ruleFacts `json:"rules"`
		}{rules.Version(), len(all), chosen})
	}
	rows := [][]string{{"ID", "PHASE", "PARANOIA", "FAMILY", "SEVERITY", "MESSAGE", "TARGETS"}}
	for _, f := range chosen {
		level := "-"
		if f.Paranoia > 0 {
			level = strconv.Itoa(f.Paranoia)
		}
		rows = append(rows, []string{
			strconv.Itoa(f.ID), strconv.Itoa(f.Phase), level, f.Family, orDash(f.Severity), orDash(f.Message), orDash(targetsShown(f.Targets)),
		})
	}
	if len(chosen) > 0 {
		table(w, rows)
	}
	_, err = fmt.Fprintf(w, "%d of %s of CRS %s\n", len(chosen), count(len(all), "rule"), rules.Version())
	return err
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// targetsShown names the first of a rule's targets.
func targetsShown(targets []string) string {
	if len(targets) <= targetsInRow {
		return strings.Join(targets, "|")
	}
	return fmt.Sprintf("%s|… %d more", strings.Join(targets[:targetsInRow], "|"), len(targets)-targetsInRow)
}
