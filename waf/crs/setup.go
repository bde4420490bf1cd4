package crs

import (
	"maps"
	"strconv"
	"strings"
)

// setupVersion is what crs-setup.conf of the embedded release says it is for; without any, rule 901001 refuses every request.
const setupVersion = "4250"

// Setup is a policy for the Core Rule Set: what crs-setup.conf would set. The zero value of a field leaves it to the
// rules themselves (their file 901); a list that is empty but not nil is set, to nothing.
type Setup struct {
	Paranoia          int // 1 to 4: rules up to this level count
	DetectionParanoia int // up to this level they run; 0: Paranoia
	Threshold         int // score of a request from which it is refused; the rules' own is 5
	OutThreshold      int // score of a response from which it is; the rules' own is 4
	ReportingLevel    int // 1 to 5: what rule 980170 logs at the end; the rules' own is 4

	Methods      []string // that are allowed, "GET"
	ContentTypes []string // of requests that are allowed, "application/json"
	Charsets     []string // of requests that are allowed, "utf-8"
	Versions     []string // of HTTP that are allowed, "HTTP/1.1"
	Headers      []string // of requests that are refused, "content-range"
	HeadersMore  []string // those that are refused from paranoia 2
	Extensions   []string // of paths that are refused, ".bak"

	EarlyBlocking       bool // the score is looked at after phases 1 and 3 too
	EnableUTF8          bool // text must be UTF-8
	EnforceURLEncoded   bool // a body without a known type is read as a form
	AllowMethodOverride bool // the argument _method may be there
	SkipResponse        bool // responses are not looked at

	ArgsMax       int // arguments
	ArgNameMax    int // bytes of the name of an argument
	ArgMax        int // bytes of the value of one
	ArgsBytesMax  int // bytes of all values
	FileBytesMax  int // bytes of a file
	FilesBytesMax int // bytes of all files

	More map[string]string // other TX variables, by their name in lower case; they win
}

// Set are the TX variables of the policy by their name in lower case, with crs_setup_version.
func (s Setup) Set() map[string]string {
	m := map[string]string{"crs_setup_version": setupVersion}
	for name, n := range map[string]int{
		"blocking_paranoia_level":          s.Paranoia,
		"detection_paranoia_level":         s.DetectionParanoia,
		"inbound_anomaly_score_threshold":  s.Threshold,
		"outbound_anomaly_score_threshold": s.OutThreshold,
		"reporting_level":                  s.ReportingLevel,
		"max_num_args":                     s.ArgsMax,
		"arg_name_length":                  s.ArgNameMax,
		"arg_length":                       s.ArgMax,
		"total_arg_length":                 s.ArgsBytesMax,
		"max_file_size":                    s.FileBytesMax,
		"combined_file_sizes":              s.FilesBytesMax,
	} {
		if n != 0 {
			m[name] = strconv.Itoa(n)
		}
	}
	for name, on := range map[string]bool{
		"early_blocking":                  s.EarlyBlocking,
		"crs_validate_utf8_encoding":      s.EnableUTF8,
		"enforce_bodyproc_urlencoded":     s.EnforceURLEncoded,
		"allow_method_override_parameter": s.AllowMethodOverride,
		"crs_skip_response_analysis":      s.SkipResponse,
	} {
		if on {
			m[name] = "1"
		}
	}
	s.lists(m)
	maps.Copy(m, s.More)
	return m
}

// lists sets the lists, whose members stand between the marks that the rules look for around them.
func (s Setup) lists(m map[string]string) {
	for _, l := range []struct {
		name        string
		open, close string
		values      []string
		small       bool // the rules compare in lower case
	}{
		{"allowed_methods", "", "", s.Methods, false},
		{"allowed_request_content_type", "|", "|", s.ContentTypes, true},
		{"allowed_request_content_type_charset", "|", "|", s.Charsets, true},
		{"allowed_http_versions", "", "", s.Versions, false},
		{"restricted_headers_basic", "/", "/", s.Headers, true},
		{"restricted_headers_extended", "/", "/", s.HeadersMore, true},
		{"restricted_extensions", "", "/", s.Extensions, true},
	} {
		if l.values == nil {
			continue
		}
		parts := make([]string, len(l.values))
		for i, v := range l.values {
			if l.small {
				v = strings.ToLower(v)
			}
			parts[i] = l.open + v + l.close
		}
		m[l.name] = strings.Join(parts, " ")
	}
}
