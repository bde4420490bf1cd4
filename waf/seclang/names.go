package seclang

// Variable is a variable or collection of SecLang.
type Variable uint8

// The variables. Those with a key are collections.
const (
	VarNone Variable = iota
	VarArgs
	VarArgsCombinedSize
	VarArgsGet
	VarArgsGetNames
	VarArgsNames
	VarArgsPost
	VarArgsPostNames
	VarAuthType
	VarDuration
	VarEnv
	VarFiles
	VarFilesCombinedSize
	VarFilesNames
	VarFilesSizes
	VarFullRequest
	VarFullRequestLength
	VarHighestSeverity
	VarMatchedVar
	VarMatchedVarName
	VarMatchedVars
	VarMatchedVarsNames
	VarMultipartBoundaryQuoted
	VarMultipartFilename
	VarMultipartName
	VarMultipartPartHeaders
	VarMultipartStrictError
	VarMultipartUnmatchedBoundary
	VarQueryString
	VarRemoteAddr
	VarRemoteHost
	VarRemotePort
	VarReqbodyError
	VarReqbodyErrorMsg
	VarReqbodyProcessor
	VarReqbodyProcessorError
	VarReqbodyProcessorErrorMsg
	VarRequestBasename
	VarRequestBody
	VarRequestBodyLength
	VarRequestCookies
	VarRequestCookiesNames
	VarRequestFilename
	VarRequestHeaders
	VarRequestHeadersNames
	VarRequestLine
	VarRequestMethod
	VarRequestProtocol
	VarRequestURI
	VarRequestURIRaw
	VarResponseArgs
	VarResponseBody
	VarResponseContentLength
	VarResponseContentType
	VarResponseHeaders
	VarResponseHeadersNames
	VarResponseProtocol
	VarResponseStatus
	VarRule
	VarServerAddr
	VarServerName
	VarServerPort
	VarSessionID
	VarStatusLine
	VarTime
	VarTimeDay
	VarTimeEpoch
	VarTimeHour
	VarTimeMin
	VarTimeMon
	VarTimeSec
	VarTimeWday
	VarTimeYear
	VarTX
	VarUniqueID
	VarUserID
	VarXML
	VarCount // how many there are
)

// Op is an operator of SecLang.
type Op uint8

// The operators.
const (
	OpNone Op = iota
	OpBeginsWith
	OpContains
	OpContainsWord
	OpDetectSQLi
	OpDetectXSS
	OpEndsWith
	OpEq
	OpGe
	OpGt
	OpIPMatch
	OpIPMatchFromFile
	OpLe
	OpLt
	OpNoMatch
	OpPm
	OpPmFromFile
	OpRx
	OpStrEq
	OpStrMatch
	OpUnconditionalMatch
	OpValidateByteRange
	OpValidateURLEncoding
	OpValidateUTF8Encoding
	OpWithin
	opCount
)
