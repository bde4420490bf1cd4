package compile

import (
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
)

// tagRules are those of tags.
var tagRules = struct{ changed, many finding.Rule }{
	changed: finding.Rule{
		ID: "tag-text", Severity: finding.Note, Source: "https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html",
		Meaning: "A tag may have letters, digits, spaces and + - = . _ : / @ only, 128 characters in its key and 256 in its value, and no key that begins with aws:; other labels are changed or left out.",
		Remedy:  "give the label a text that AWS takes", Witness: "labels: {team: a,b}",
	},
	many: finding.Rule{
		ID: "tag-count", Severity: finding.Warning, Source: "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html",
		Meaning: "A distribution has a bounded number of tags, so some labels become none.",
		Remedy:  "have fewer labels", Witness: "an entrypoint with 60 labels",
	},
}

// tags are the owner and the labels that all sites have in common, by key.
func (b *builder) tags(sites ...*site) []*model.Tag {
	common := labelsOf(sites[0])
	for _, s := range sites[1:] {
		other := labelsOf(s)
		maps.DeleteFunc(common, func(k, v string) bool { return other[k] != v })
	}
	made := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(common)) {
		k, v := tagText(key, tagKeyMax), tagText(common[key], tagValueMax)
		if strings.HasPrefix(strings.ToLower(k), "aws:") {
			k = tagText("label:"+k, tagKeyMax)
		}
		if k != key || v != common[key] {
			b.find(&tagRules.changed, sites[0], sites[0].entry.At, "metadata.labels."+key, "the label %s: %s becomes the tag %s: %s", key, common[key], k, v)
		}
		if k != "" {
			made[k] = v
		}
	}
	var out []*model.Tag
	for _, k := range slices.Sorted(maps.Keys(made)) {
		if len(out) == tagsMax {
			b.find(&tagRules.many, sites[0], sites[0].entry.At, "metadata.labels", "%d labels and owner, and a distribution has %d tags", len(made), tagsMax)
			break
		}
		out = append(out, &model.Tag{Key: model.Text(k), Value: model.Text(made[k])})
	}
	return out
}

func labelsOf(s *site) map[string]string {
	out := maps.Clone(s.entry.Meta.Labels)
	if out == nil {
		out = map[string]string{}
	}
	if s.entry.Meta.Owner != "" {
		out["owner"] = s.entry.Meta.Owner
	}
	return out
}

// tagText is text with what a tag cannot have replaced by _, and cut.
func tagText(text string, most int) string {
	var out strings.Builder
	n := 0
	for _, c := range text {
		if n++; n > most {
			break
		}
		if !unicode.IsLetter(c) && !unicode.IsDigit(c) && !strings.ContainsRune(" +-=._:/@", c) || c == utf8.RuneError {
			c = '_'
		}
		out.WriteRune(c)
	}
	return out.String()
}
