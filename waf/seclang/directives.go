package seclang

import "strings"

// directive reads one directive.
func (p *parser) directive(t span) {
	name := t
	if i := strings.IndexAny(t.s, space); i >= 0 {
		name = t.sub(0, i)
	}
	key := strings.ToLower(name.s)
	if key != "secrule" && key != "secaction" {
		p.unfinished()
	}
	args, wrong, at := words(t.from(len(name.s)))
	if wrong != "" {
		p.wrong(at, wrong, "")
		if p.open != nil && !strings.Contains(t.s, "chain") {
			p.open, p.last = nil, nil // it was the chain's end; what follows is not part of it
		}
		return
	}
	if p.aboutRules(key, t, args) {
		return
	}
	p.setting(key, name, args)
}

// aboutRules reads directives that make or change rules.
func (p *parser) aboutRules(key string, t span, args []word) bool {
	switch key {
	case "secrule":
		p.secRule(t, args)
	case "secaction":
		p.secAction(t, args)
	case "secdefaultaction":
		p.secDefaultAction(t, args)
	case "secmarker":
		if p.one(t, "SecMarker", args) {
			p.markers[args[0].s] = len(p.set.Items)
			p.set.Items = append(p.set.Items, Item{Marker: args[0].s})
		}
	case "seccomponentsignature":
		if p.one(t, "SecComponentSignature", args) {
			p.set.Signature = args[0].s
		}
	case "secruleremovebyid":
		p.removeByID(t, args)
	case "secruleremovebytag":
		p.removeBy(EditRemoveByTag, "SecRuleRemoveByTag", t, args)
	case "secruleremovebymsg":
		p.removeBy(EditRemoveByMsg, "SecRuleRemoveByMsg", t, args)
	case "secruleupdatetargetbyid":
		p.updateTargetByID(t, args)
	case "secruleupdatetargetbytag":
		p.updateTargetBy(EditUpdateTargetByTag, "SecRuleUpdateTargetByTag", t, args)
	case "secruleupdatetargetbymsg":
		p.updateTargetBy(EditUpdateTargetByMsg, "SecRuleUpdateTargetByMsg", t, args)
	case "secruleupdateactionbyid":
		p.updateActionByID(t, args)
	case "include", "includeoptional":
		if p.one(t, "Include", args) {
			p.include(args[0].span, key == "includeoptional")
		}
	default:
		return false
	}
	return true
}

// one checks that a directive has one word that is not empty.
func (p *parser) one(t span, name string, args []word) bool {
	if len(args) == 1 && args[0].s != "" {
		return true
	}
	p.wrong(t.pos(), name+" has one word", "put it in quotes if it has spaces")
	return false
}

// rulesNames are the directives of aboutRules, as SecLang spells them.
var rulesNames = []string{
	"Include", "IncludeOptional", "SecAction", "SecComponentSignature", "SecDefaultAction", "SecMarker", "SecRule", "SecRuleRemoveById",
	"SecRuleRemoveByMsg", "SecRuleRemoveByTag", "SecRuleUpdateActionById", "SecRuleUpdateTargetById", "SecRuleUpdateTargetByMsg",
	"SecRuleUpdateTargetByTag",
}

// setting reads a directive about the engine.
func (p *parser) setting(key string, name span, args []word) {
	spelled, known := settings[key]
	why, refused := directivesRefused[key]
	switch {
	case strings.HasPrefix(key, "<"):
		p.wrong(name.pos(), "sections of Apache are not SecLang: "+quote(name.s), "match the host or path in the rule, or use the spec's entrypoints")
	case refused:
		p.wrong(name.pos(), "the directive "+name.s+" is not offered: "+why, "")
		if key == "secdataset" {
			p.lines.block()
		}
	case !known:
		p.wrong(name.pos(), "unknown directive "+quote(name.s), meant(name.s, append(settingNames(), rulesNames...)))
	case len(args) == 0 && key != "secresponsebodymimetypesclear":
		p.wrong(name.pos(), spelled+" has no value", "")
	default:
		s := Setting{Pos: name.pos(), Name: spelled}
		for _, a := range args {
			s.Args = append(s.Args, a.s)
		}
		p.set.Settings = append(p.set.Settings, s)
	}
}

func settingNames() []string {
	var names []string
	for _, k := range keys(settings) {
		names = append(names, settings[k])
	}
	return names
}

// settings are the directives about the engine, by their name in lower case. The spec governs what they are about.
var settings = func() map[string]string {
	m := map[string]string{}
	for _, n := range []string{
		"SecArgumentSeparator", "SecArgumentsLimit", "SecAuditEngine", "SecAuditLog", "SecAuditLog2", "SecAuditLogDirMode",
		"SecAuditLogFileMode", "SecAuditLogFormat", "SecAuditLogParts", "SecAuditLogPrefix", "SecAuditLogRelevantStatus",
		"SecAuditLogStorageDir", "SecAuditLogType", "SecCacheTransformations", "SecChrootDir", "SecCollectionTimeout", "SecConnEngine",
		"SecConnReadStateLimit", "SecConnWriteStateLimit", "SecCookieFormat", "SecDataDir", "SecDebugLog", "SecDebugLogLevel",
		"SecDisableBackendCompression", "SecInterceptOnError", "SecPcreMatchLimit", "SecPcreMatchLimitRecursion", "SecRequestBodyAccess",
		"SecRequestBodyInMemoryLimit", "SecRequestBodyJsonDepthLimit", "SecRequestBodyLimit", "SecRequestBodyLimitAction",
		"SecRequestBodyNoFilesLimit", "SecResponseBodyAccess", "SecResponseBodyJsonDepthLimit", "SecResponseBodyLimit",
		"SecResponseBodyLimitAction", "SecResponseBodyMimeType", "SecResponseBodyMimeTypesClear", "SecRuleEngine", "SecRulePerfTime",
		"SecRxPreFilter", "SecSensorId", "SecServerSignature", "SecStatusEngine", "SecTmpDir", "SecTmpSaveUploadedFiles", "SecUnicodeCodePage",
		"SecUnicodeMapFile", "SecUploadDir", "SecUploadFileLimit", "SecUploadFileMode", "SecUploadKeepFiles", "SecWebAppId",
		"SecXmlExternalEntity",
	} {
		m[strings.ToLower(n)] = n
	}
	return m
}()

// directivesRefused are directives that ModSecurity or Coraza know and Skerry does not offer, with the reason.
var directivesRefused = map[string]string{
	"seccontentinjection":            "the firewall does not write into bodies",
	"secdataset":                     "write the list to a file and use @pmFromFile or @ipMatchFromFile",
	"secgeolookupdb":                 "there is no geography in the firewall",
	"secgsblookupdb":                 waits,
	"secguardianlog":                 "it runs a program",
	"sechashengine":                  "pages are not signed",
	"sechashkey":                     "pages are not signed",
	"sechashmethodpm":                "pages are not signed",
	"sechashmethodrx":                "pages are not signed",
	"sechashparam":                   "pages are not signed",
	"sechttpblkey":                   waits,
	"secignorerulecompilationerrors": "a rule that does not compile is a problem, never left out",
	"secparsexmlintoargs":            "use XML:/* and XML://@*",
	"secremoterules":                 "rules are not fetched from other servers; fetch them when you deploy",
	"secremoterulesfailaction":       "rules are not fetched from other servers; fetch them when you deploy",
	"secruleinheritance":             "there are no nested configurations",
	"secrulescript":                  "it runs a program for each request",
	"secstreaminbodyinspection":      "use REQUEST_BODY",
	"secstreamoutbodyinspection":     "use RESPONSE_BODY",
}
