package spec

import (
	"fmt"
	"slices"
	"strings"
)

// This file has the names that a release knows to say nothing of who asks, under a word for all of them: known/analytics. Documents
// and the canonical form have the word, the model the names: so another name is added without a copy of the rest, and an entrypoint
// does not carry two hundred names. A name belongs here only if no service could want it: these cookies reach no service when an
// answer is fetched for the cache in mode private, these parameters in no mode.

// A known is a list of names by its word, which has a / since no cookie's name has.
type known struct {
	word  string
	names []string
}

var (
	knownCookies    = []known{{"known/analytics", analyticsCookies}, {"known/consent", consentCookies}}
	knownParameters = []known{{"known/campaigns", campaignParameters}}
)

// withKnown is a set of names, in which words stand for those that are known. pattern is what the schema has for a name.
func withKnown(lists []known, check func(string) (bad, fix string), pattern string, bytesMax int) shape[[]string] {
	words, is := make([]string, len(lists)), map[string]known{}
	for i, k := range lists {
		words[i], is[k.word] = k.word, k
	}
	item := wordsOr(words, check, map[string]any{"pattern": "^(" + pattern + "|" + strings.Join(words, "|") + ")$", "maxLength": bytesMax})
	list, all := bare(listOf(item, patternsMax)), allKnown(lists)
	return leaf[[]string]{
		describe: list.describe,
		read: func(l *log, n *node) ([]string, bool) {
			vs, ok := list.read(l, n)
			out := make([]string, 0, len(vs))
			for _, v := range vs {
				if k, isWord := is[v]; isWord {
					out = append(out, k.names...)
				} else {
					out = append(out, v)
				}
			}
			slices.Sort(out)
			return slices.Compact(out), ok
		},
		write: func(names []string) any {
			if slices.Equal(names, all) { // nearly every cache has them
				return list.write(words)
			}
			return list.write(inWords(lists, names))
		},
	}.shape()
}

// wordsOr is text that is one of some words with a /, or passes a check.
func wordsOr(allowed []string, check func(string) (bad, fix string), extra map[string]any) shape[string] {
	return words(func(s string) (bad, fix string) {
		if slices.Contains(allowed, s) {
			return "", ""
		}
		if strings.HasPrefix(s, "known/") {
			return fmt.Sprintf("%q is no list that is known", clip(s)), "known: " + strings.Join(allowed, ", ")
		}
		return check(s)
	}, extra)
}

// inWords puts words for the known names in a sorted list, where it has all of them.
func inWords(lists []known, names []string) (out []string) {
	inWord := map[string]bool{}
	for _, k := range lists {
		if slices.ContainsFunc(k.names, func(name string) bool { _, has := slices.BinarySearch(names, name); return !has }) {
			continue
		}
		out = append(out, k.word)
		for _, name := range k.names {
			inWord[name] = true
		}
	}
	return append(out, slices.DeleteFunc(slices.Clone(names), func(name string) bool { return inWord[name] })...)
}

// allKnown are the names of all lists, sorted.
func allKnown(lists []known) (all []string) {
	for _, k := range lists {
		all = append(all, k.names...)
	}
	slices.Sort(all)
	return all
}

// campaignParameters are parameters that tell a script in the page, or the maker of an advertisement, where a visitor came from.
// Those of affiliate networks (irclickid, cjevent, awc) are left out: services read them to pay for an order.
var campaignParameters = []string{
	"ScCid",           // Snapchat
	"__hsfp",          // HubSpot, with the next two
	"__hssc",          //
	"__hstc",          //
	"_ga",             // Google Analytics: a visitor who comes from another host
	"_gl",             // Google Analytics: the same
	"_hsenc",          // HubSpot: a letter
	"_hsmi",           // HubSpot: a letter
	"_openstat",       // Yandex
	"dclid",           // Google: a display advertisement
	"epik",            // Pinterest
	"fbclid",          // Facebook
	"gad_campaignid",  // Google Ads
	"gad_source",      // Google Ads
	"gbraid",          // Google Ads: applications
	"gclid",           // Google Ads
	"gclsrc",          // Google Ads
	"hsCtaTracking",   // HubSpot
	"igsh",            // Instagram
	"igshid",          // Instagram
	"li_fat_id",       // LinkedIn
	"matomo_campaign", // Matomo, with those of mtm_ and pk_
	"mc_cid",          // Mailchimp: a letter
	"mc_eid",          // Mailchimp: its reader
	"mkt_tok",         // Marketo
	"msclkid",         // Microsoft Advertising
	"mtm_*",           // Matomo
	"oly_anon_id",     // Omeda
	"oly_enc_id",      // Omeda
	"pk_campaign",     // Matomo, Piwik PRO; pk_* would also be the primary key of a service
	"pk_content",      //
	"pk_keyword",      //
	"pk_kwd",          //
	"pk_medium",       //
	"pk_source",       //
	"rdt_cid",         // Reddit
	"srsltid",         // Google Merchant Center
	"ttclid",          // TikTok
	"twclid",          // X
	"utm_*",           // the campaign, in the words that all the others took over
	"vero_conv",       // Vero
	"vero_id",         // Vero
	"wbraid",          // Google Ads: web and applications
	"yclid",           // Yandex
	"ysclid",          // Yandex
}

// analyticsCookies are cookies of analytics and advertising that scripts in the page set for their own maker. They may tell
// one browser from another, but no service knows a person by them. Left out on purpose: what holds the name or number of a user once
// somebody has logged in (ajs_user_id, ai_authUser, AMP_…, mp_…); what decides which variant of a page a service makes (mbox,
// optimizelyEndUserId, _gaexp, _vwo_…); what keeps a client on a server (AWSALB); and names so short that a service may have them for
// itself (RT, sid, uid).
var analyticsCookies = []string{
	"_ga", "_ga_*", "_gid", "_gat", "_gat_*", "_dc_gtm_*", "_gac_*", "_gcl_*", // Google Analytics and Ads
	"__utma", "__utmb", "__utmc", "__utmt", "__utmt_*", "__utmv", "__utmz", // Google Analytics until 2012
	"__gads", "__gpi", "__eoi", // Google AdSense and Ad Manager
	"_fbp", "_fbc", // Meta
	"_uetsid", "_uetvid", "_uetmsclkid", "_clck", "_clsk", "ai_user", "ai_session", // Microsoft: Advertising, Clarity, Application Insights
	"_pk_id*", "_pk_ses*", "_pk_ref*", "_pk_cvar*", "_pk_hsr*", "_pk_testcookie*", // Matomo, Piwik PRO
	"_hj*",                                      // Hotjar, which has more than twenty
	"__hstc", "__hssc", "__hssrc", "hubspotutk", // HubSpot
	"li_fat_id", "li_giant", "ln_or", // LinkedIn
	"_twclid", "_twpid", // X
	"_ttp", "_tt_enable_cookie", "ttcsid", "ttcsid_*", "ttclid", // TikTok
	"_pin_unauth", "_derived_epik", "_epik", "_pinterest_ct_ua", // Pinterest
	"_scid", "_scid_r", "_sctr", // Snapchat
	"_rdt_uuid", "_rdt_cid", // Reddit
	"_ym_*",                                              // Yandex Metrica
	"AMCV_*", "AMCVS_*", "s_cc", "s_fid", "s_sq", "s_vi", // Adobe Analytics
	"ajs_anonymous_id",                          // Segment, before anybody logs in
	"_cb", "_cb_ls", "_cb_svref", "_chartbeat*", // Chartbeat
	"_parsely_visitor", "_parsely_session", // Parse.ly
	"_pcid", "_pctx", "_pprv", // Piano Analytics
	"_sp_id*", "_sp_ses*", // Snowplow
	"wt3_eid", "wt3_sid", // Mapp Intelligence
	"emos_jcvid", "emos_jcsid", // Econda
	"_et_coid", "ioam2018", // etracker, INFOnline
	"__qca", "_scor_uid", // Quantcast, Comscore
	"cto_bundle",                                           // Criteo
	"_dd_s", "dtLatC", "dtPC", "dtSa", "rxVisitor", "rxvt", // how fast pages are: Datadog, Dynatrace
	"__cf_bm", "_cfuvid", // Cloudflare in front of the edge: whether a client is a program
}

// consentCookies say what a browser's owner has agreed to.
var consentCookies = []string{
	"OptanonConsent", "OptanonAlertBoxClosed", "OTAdditionalConsentString", "eupubconsent-v2", // OneTrust
	"CookieConsent", "CookieConsentBulkTicket", // Cookiebot
	"euconsent-v2", "addtl_consent", "usprivacy", // IAB: any of its platforms
	"didomi_token",                                                                                                      // Didomi
	"notice_behavior", "notice_gdpr_prefs", "notice_preferences", "cmapi_cookie_privacy", "cmapi_gtm_bl", "TAconsentID", // TrustArc
	"FCCDCF", "FCNEC", // Google Funding Choices
	"__cmpconsent*", "__cmpcc*", "__cmpcpc*", "__cmpcvc*", // consentmanager
	"_sp_su", "_sp_v1_*", "consentDate", "consentUUID", // Sourcepoint
	"cookieyes-consent", "cookielawinfo-checkbox-*", "CookieLawInfoConsent", "viewed_cookie_policy", // CookieYes
	"cmplz_*",                                                  // Complianz
	"borlabs-cookie",                                           // Borlabs
	"real_cookie_banner*",                                      // Real Cookie Banner
	"cookieconsent_status",                                     // Osano and what was made of its script
	"osano_consentmanager",                                     // Osano
	"osano_consentmanager_uuid",                                //
	"_iub_cs*",                                                 // iubenda
	"klaro",                                                    // Klaro
	"tarteaucitron",                                            // tarteaucitron.js
	"axeptio_*",                                                // Axeptio
	"cc_cookie",                                                // the CookieConsent of Orest Bida
	"CookieControl",                                            // Civic
	"cookiefirst-consent",                                      // CookieFirst
	"cookie-agreed*",                                           // Drupal
	"mtm_consent", "mtm_consent_removed", "mtm_cookie_consent", // Matomo
	"matomo_ignore", "piwik_ignore", // that somebody does not want to be counted
	"pa_privacy", // Piano Analytics
}
