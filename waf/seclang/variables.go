package seclang

import "strings"

// variables are the names of SecLang, by number, and whether they hold values under keys.
var variables = [VarCount]struct {
	name string
	keys bool
}{
	VarArgs:                       {"ARGS", true},
	VarArgsCombinedSize:           {"ARGS_COMBINED_SIZE", false},
	VarArgsGet:                    {"ARGS_GET", true},
	VarArgsGetNames:               {"ARGS_GET_NAMES", true},
	VarArgsNames:                  {"ARGS_NAMES", true},
	VarArgsPost:                   {"ARGS_POST", true},
	VarArgsPostNames:              {"ARGS_POST_NAMES", true},
	VarAuthType:                   {"AUTH_TYPE", false},
	VarDuration:                   {"DURATION", false},
	VarEnv:                        {"ENV", true},
	VarFiles:                      {"FILES", true},
	VarFilesCombinedSize:          {"FILES_COMBINED_SIZE", false},
	VarFilesNames:                 {"FILES_NAMES", true},
	VarFilesSizes:                 {"FILES_SIZES", true},
	VarFullRequest:                {"FULL_REQUEST", false},
	VarFullRequestLength:          {"FULL_REQUEST_LENGTH", false},
	VarHighestSeverity:            {"HIGHEST_SEVERITY", false},
	VarMatchedVar:                 {"MATCHED_VAR", false},
	VarMatchedVarName:             {"MATCHED_VAR_NAME", false},
	VarMatchedVars:                {"MATCHED_VARS", true},
	VarMatchedVarsNames:           {"MATCHED_VARS_NAMES", true},
	VarMultipartBoundaryQuoted:    {"MULTIPART_BOUNDARY_QUOTED", false},
	VarMultipartFilename:          {"MULTIPART_FILENAME", true},
	VarMultipartName:              {"MULTIPART_NAME", true},
	VarMultipartPartHeaders:       {"MULTIPART_PART_HEADERS", true},
	VarMultipartStrictError:       {"MULTIPART_STRICT_ERROR", false},
	VarMultipartUnmatchedBoundary: {"MULTIPART_UNMATCHED_BOUNDARY", false},
	VarQueryString:                {"QUERY_STRING", false},
	VarRemoteAddr:                 {"REMOTE_ADDR", false},
	VarRemoteHost:                 {"REMOTE_HOST", false},
	VarRemotePort:                 {"REMOTE_PORT", false},
	VarReqbodyError:               {"REQBODY_ERROR", false},
	VarReqbodyErrorMsg:            {"REQBODY_ERROR_MSG", false},
	VarReqbodyProcessor:           {"REQBODY_PROCESSOR", false},
	VarReqbodyProcessorError:      {"REQBODY_PROCESSOR_ERROR", false},
	VarReqbodyProcessorErrorMsg:   {"REQBODY_PROCESSOR_ERROR_MSG", false},
	VarRequestBasename:            {"REQUEST_BASENAME", false},
	VarRequestBody:                {"REQUEST_BODY", false},
	VarRequestBodyLength:          {"REQUEST_BODY_LENGTH", false},
	VarRequestCookies:             {"REQUEST_COOKIES", true},
	VarRequestCookiesNames:        {"REQUEST_COOKIES_NAMES", true},
	VarRequestFilename:            {"REQUEST_FILENAME", false},
	VarRequestHeaders:             {"REQUEST_HEADERS", true},
	VarRequestHeadersNames:        {"REQUEST_HEADERS_NAMES", true},
	VarRequestLine:                {"REQUEST_LINE", false},
	VarRequestMethod:              {"REQUEST_METHOD", false},
	VarRequestProtocol:            {"REQUEST_PROTOCOL", false},
	VarRequestURI:                 {"REQUEST_URI", false},
	VarRequestURIRaw:              {"REQUEST_URI_RAW", false},
	VarResponseArgs:               {"RESPONSE_ARGS", true},
	VarResponseBody:               {"RESPONSE_BODY", false},
	VarResponseContentLength:      {"RESPONSE_CONTENT_LENGTH", false},
	VarResponseContentType:        {"RESPONSE_CONTENT_TYPE", false},
	VarResponseHeaders:            {"RESPONSE_HEADERS", true},
	VarResponseHeadersNames:       {"RESPONSE_HEADERS_NAMES", true},
	VarResponseProtocol:           {"RESPONSE_PROTOCOL", false},
	VarResponseStatus:             {"RESPONSE_STATUS", false},
	VarRule:                       {"RULE", true},
	VarServerAddr:                 {"SERVER_ADDR", false},
	VarServerName:                 {"SERVER_NAME", false},
	VarServerPort:                 {"SERVER_PORT", false},
	VarSessionID:                  {"SESSIONID", false},
	VarStatusLine:                 {"STATUS_LINE", false},
	VarTime:                       {"TIME", false},
	VarTimeDay:                    {"TIME_DAY", false},
	VarTimeEpoch:                  {"TIME_EPOCH", false},
	VarTimeHour:                   {"TIME_HOUR", false},
	VarTimeMin:                    {"TIME_MIN", false},
	VarTimeMon:                    {"TIME_MON", false},
	VarTimeSec:                    {"TIME_SEC", false},
	VarTimeWday:                   {"TIME_WDAY", false},
	VarTimeYear:                   {"TIME_YEAR", false},
	VarTX:                         {"TX", true},
	VarUniqueID:                   {"UNIQUE_ID", false},
	VarUserID:                     {"USERID", false},
	VarXML:                        {"XML", true},
}

// variableNumbers finds a variable by its name.
var variableNumbers = func() map[string]Variable {
	m := make(map[string]Variable, VarCount)
	for v := VarNone + 1; v < VarCount; v++ {
		m[variables[v].name] = v
	}
	return m
}()

// variablesRefused are names that ModSecurity or Coraza know and Skerry does not offer, with the reason.
var variablesRefused = map[string]string{
	"FILES_TMP_CONTENT":     "uploads are not written to files; use FILES, FILES_NAMES and FILES_SIZES",
	"FILES_TMPNAMES":        "uploads are not written to files; use FILES, FILES_NAMES and FILES_SIZES",
	"GEO":                   "there is no geography in the firewall",
	"GLOBAL":                outlives,
	"INBOUND_DATA_ERROR":    "a body beyond its limit is refused with 413 before the rules run",
	"IP":                    outlives,
	"JSON":                  "the members of a JSON body are in ARGS",
	"OUTBOUND_DATA_ERROR":   "response bodies beyond their limit are the spec's",
	"PATH_INFO":             "use REQUEST_FILENAME",
	"REMOTE_USER":           "the firewall runs apart from who the client is; use REQUEST_HEADERS:Authorization",
	"RESOURCE":              outlives,
	"SCRIPT_FILENAME":       "the edge knows no scripts",
	"SESSION":               outlives,
	"STREAM_INPUT_BODY":     "use REQUEST_BODY",
	"STREAM_OUTPUT_BODY":    "use RESPONSE_BODY",
	"URLENCODED_ERROR":      "use REQBODY_ERROR, or @validateUrlEncoding",
	"USER":                  outlives,
	"WEBSERVER_ERROR_LOG":   "the firewall does not read logs",
	"WEBAPPID":              "use a tag",
	"PERF_ALL":              "durations are metrics",
	"PERF_COMBINED":         "durations are metrics",
	"MULTIPART_LF_LINE":     multipartFlag,
	"MULTIPART_DATA_AFTER":  multipartFlag,
	"MULTIPART_DATA_BEFORE": multipartFlag,

	"MULTIPART_BOUNDARY_WHITESPACE":    multipartFlag,
	"MULTIPART_CRLF_LF_LINES":          multipartFlag,
	"MULTIPART_FILE_LIMIT_EXCEEDED":    multipartFlag,
	"MULTIPART_HEADER_FOLDING":         multipartFlag,
	"MULTIPART_INVALID_HEADER_FOLDING": multipartFlag,
	"MULTIPART_INVALID_PART":           multipartFlag,
	"MULTIPART_INVALID_QUOTING":        multipartFlag,
	"MULTIPART_MISSING_SEMICOLON":      multipartFlag,
}

const (
	outlives      = "collections that outlive a request are not offered; counting clients is what limits are for"
	multipartFlag = "use MULTIPART_STRICT_ERROR, which is set for each of them"
)

// LookupVariable is the variable of that name, in any case.
func LookupVariable(name string) (Variable, bool) {
	v, ok := variableNumbers[strings.ToUpper(name)]
	return v, ok
}

// String is the name as SecLang spells it, "REQUEST_HEADERS"; of VarNone it is empty.
func (v Variable) String() string {
	if v >= VarCount {
		return ""
	}
	return variables[v].name
}

// Collection reports whether the variable holds values under keys.
func (v Variable) Collection() bool { return v < VarCount && variables[v].keys }

// variable looks a name up; why is the problem if it is none, and fix what to do about it.
func variable(name string) (v Variable, why, fix string) {
	if v, ok := LookupVariable(name); ok {
		return v, "", ""
	}
	if reason, ok := variablesRefused[strings.ToUpper(name)]; ok {
		return VarNone, "the variable " + strings.ToUpper(name) + " is not offered: " + reason, ""
	}
	return VarNone, "unknown variable " + quote(name), meant(name, keys(variableNumbers))
}
