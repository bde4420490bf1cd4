package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strconv"

	"skerry.dev/skerry/load/rival"
)

// firewallRows are whole edges: a request that every firewall lets pass goes to an origin and its answer of 1 KB comes
// back. Firewalls run at paranoia level 1 and block; peers without one show what the rest of an edge costs. atMost is in
// relation to nginx with ModSecurity.
var firewallRows = []row{
	{key: "wafbrowser", title: "firewall: a browser's GET, 21 header fields, 5 cookies, 4 arguments", fixture: "get_browser", workers: 1, atMost: 1.0 / 50, aim: 1.0 / 80},
	{key: "wafsmall", title: "firewall: a small GET, 2 arguments", fixture: "get_small", workers: 1},
	{key: "wafform", title: "firewall: a form of 20 fields", fixture: "form_20", workers: 1},
	{key: "wafjson", title: "firewall: 2 KB of JSON", fixture: "json_2k", workers: 1, seconds: 6},
}

const modSecurityModule = "ngx_http_modsecurity_module"

// startModSecurity starts nginx with the rules v.Rules, and with a log that names those that match.
func startModSecurity(o rival.Options, v values) (*rival.Proc, error) {
	o.Modules = []string{modSecurityModule}
	o.LogLevel = "info"
	o.Conf = rival.Fill(nginxConf, v)
	return rival.Nginx(o)
}

// libModSecurity is the version of nginx with that of the library, which is in the name of its file.
func libModSecurity() string {
	name := "libmodsecurity"
	files, err := filepath.Glob("/usr/lib/*/libmodsecurity.so.*.*.*")
	if err == nil && len(files) > 0 {
		name = filepath.Base(files[0])
	}
	return rival.Version("nginx", "-v") + " with " + name
}

// moduleVersion is the version of a module in this program.
func moduleVersion(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown version"
	}
	for _, m := range info.Deps {
		if m.Path == path {
			return m.Version
		}
	}
	return "unknown version"
}

// scriptOf is the file with wrk's script of a row.
func (b *bench) scriptOf(r row) string { return filepath.Join(b.dir, r.fixture+".lua") }

var (
	modSecurityID    = regexp.MustCompile(`\[id "(\d+)"\]`)
	modSecurityRules = regexp.MustCompile(`rules loaded inline/local/remote: 0/(\d+)/0`)
)

// modSecurityPhases is how often libmodsecurity counts a marker: it keeps one for each of its phases.
const modSecurityPhases = 7

// modSecurityLog is the error log of nginx with ModSecurity.
type modSecurityLog struct {
	path string
	read int // bytes that were looked at already
}

// next is what was logged since the last call.
func (l *modSecurityLog) next() (string, error) {
	text, err := os.ReadFile(l.path)
	if err != nil {
		return "", err
	}
	added := string(text[l.read:])
	l.read = len(text)
	return added, nil
}

// rulesDiffer says if not all rules were loaded.
func (l *modSecurityLog) rulesDiffer(files ruleFiles) string {
	text, err := l.next()
	if err != nil {
		return err.Error()
	}
	if n := int(number(modSecurityRules, text)) - files.setup - modSecurityPhases*files.markers; n != files.rules {
		return fmt.Sprintf("ModSecurity loaded %d rules of %d", n, files.rules)
	}
	return ""
}

// ids is the ids of the rules that were logged since the last call.
func (l *modSecurityLog) ids() ([]int, error) {
	text, err := l.next()
	if err != nil {
		return nil, err
	}
	var log idLog
	for _, m := range modSecurityID.FindAllStringSubmatch(text, -1) {
		id, err := strconv.Atoi(m[1])
		if err != nil {
			return nil, err
		}
		log.add(id)
	}
	return log.take(), nil
}
