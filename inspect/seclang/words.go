package seclang

import (
	"strings"

	"github.com/sallyport/sallyport/config"
)

// words maps the lower-case spelling of a word to the manual's.
type words map[string]string

func wordsOf(list string) words {
	w := words{}
	for name := range strings.FieldsSeq(list) {
		w[strings.ToLower(name)] = name
	}
	return w
}

// nearest is a hint with the word that was probably meant.
func (w words) nearest(name string) string {
	const far = 3
	if name == "" || len(name) > 64 {
		return ""
	}
	best, least := "", far
	for lower, word := range w {
		if d := config.Distance(strings.ToLower(name), lower); d < least || d == least && d < far && word < best {
			best, least = word, d
		}
	}
	if best == "" {
		return ""
	}
	return "did you mean " + best + "?"
}

// The words of the language.
var (
	variables = wordsOf(`ARGS ARGS_COMBINED_SIZE ARGS_GET ARGS_GET_NAMES ARGS_NAMES ARGS_PATH ARGS_POST ARGS_POST_NAMES
		ARGUMENTS_LIMIT_REACHED AUTH_TYPE DURATION ENV FILES FILES_COMBINED_SIZE FILES_NAMES FILES_SIZES FILES_TMPNAMES FILES_TMP_CONTENT
		FULL_REQUEST FULL_REQUEST_LENGTH GEO GLOBAL HIGHEST_SEVERITY INBOUND_DATA_ERROR IP JSON MATCHED_VAR MATCHED_VARS
		MATCHED_VARS_NAMES MATCHED_VAR_NAME MULTIPART_BOUNDARY_QUOTED MULTIPART_BOUNDARY_WHITESPACE MULTIPART_CRLF_LF_LINES
		MULTIPART_DATA_AFTER MULTIPART_DATA_BEFORE MULTIPART_DUPLICATE_PART_HEADER MULTIPART_FILENAME MULTIPART_FILENAME_CHARSET
		MULTIPART_FILENAME_LANGUAGE MULTIPART_FILE_LIMIT_EXCEEDED MULTIPART_HEADER_FOLDING MULTIPART_INVALID_HEADER_FOLDING
		MULTIPART_INVALID_PART MULTIPART_INVALID_QUOTING MULTIPART_LF_LINE MULTIPART_MISSING_SEMICOLON MULTIPART_NAME
		MULTIPART_PART_HEADERS MULTIPART_STRICT_ERROR MULTIPART_UNMATCHED_BOUNDARY OUTBOUND_DATA_ERROR PATH_INFO QUERY_STRING
		REMOTE_ADDR REMOTE_HOST REMOTE_PORT REMOTE_USER REQBODY_ERROR REQBODY_ERROR_MSG REQBODY_PROCESSOR REQBODY_PROCESSOR_ERROR
		REQBODY_PROCESSOR_ERROR_MSG REQUEST_BASENAME REQUEST_BODY REQUEST_BODY_LENGTH REQUEST_COOKIES REQUEST_COOKIES_NAMES
		REQUEST_FILENAME REQUEST_HEADERS REQUEST_HEADERS_NAMES REQUEST_LINE REQUEST_METHOD REQUEST_PROTOCOL REQUEST_URI
		REQUEST_URI_RAW REQUEST_XML RESOURCE RESPONSE_ARGS RESPONSE_BODY RESPONSE_CONTENT_LENGTH RESPONSE_CONTENT_TYPE RESPONSE_HEADERS
		RESPONSE_HEADERS_NAMES RESPONSE_PROTOCOL RESPONSE_STATUS RESPONSE_XML RES_BODY_ERROR RES_BODY_ERROR_MSG RES_BODY_PROCESSOR
		RES_BODY_PROCESSOR_ERROR RES_BODY_PROCESSOR_ERROR_MSG RULE SERVER_ADDR SERVER_NAME SERVER_PORT SESSION SESSIONID STATUS_LINE
		TIME TIME_DAY TIME_EPOCH TIME_HOUR TIME_MIN TIME_MON TIME_SEC TIME_WDAY TIME_YEAR TX UNIQUE_ID URI_PARSE_ERROR
		URLENCODED_ERROR USER USERID XML`)

	operators = wordsOf(`beginsWith contains containsWord detectSQLi detectXSS endsWith eq fuzzyHash ge geoLookup gsbLookup gt
		inspectFile ipMatch ipMatchF ipMatchFromDataset ipMatchFromFile le lt noMatch pm pmf pmFromDataset pmFromFile rbl restpath rsub rx
		streq strmatch unconditionalMatch validateByteRange validateDTD validateHash validateNid validateSchema validateUrlEncoding
		validateUtf8Encoding verifyCC verifyCPF verifySSN within`)

	actions = wordsOf(`accuracy allow append auditlog block capture chain ctl deny deprecatevar drop exec expirevar id initcol log
		logdata maturity msg multiMatch noauditlog nolog pass pause phase prepend proxy redirect rev sanitiseArg sanitiseMatched
		sanitiseMatchedBytes sanitiseRequestHeader sanitiseResponseHeader setenv setrsc setsid setuid setvar severity skip
		skipAfter status t tag ver xmlns`)

	transformations = wordsOf(`base64Decode base64DecodeExt base64Encode cmdLine compressWhitespace cssDecode escapeSeqDecode
		hexDecode hexEncode htmlEntityDecode jsDecode length lowercase md5 none normalisePath normalisePathWin normalizePath
		normalizePathWin parityEven7bit parityOdd7bit parityZero7bit removeComments removeCommentsChar removeNulls
		removeWhitespace replaceComments replaceNulls sha1 sqlHexDecode trim trimLeft trimRight uppercase urlDecode urlDecodeUni
		urlEncode utf8toUnicode`)

	controls = wordsOf(`auditEngine auditLogParts debugLogLevel forceRequestBodyVariable forceResponseBodyVariable hashEnforcement
		hashEngine requestBodyAccess requestBodyLimit requestBodyProcessor responseBodyAccess responseBodyLimit
		responseBodyProcessor ruleEngine ruleRemoveById ruleRemoveByMsg ruleRemoveByTag ruleRemoveTargetById
		ruleRemoveTargetByMsg ruleRemoveTargetByTag`)

	settings = wordsOf(`SecArgumentSeparator SecArgumentsLimit SecAuditEngine SecAuditLog SecAuditLogDirMode SecAuditLogFileMode
		SecAuditLogFormat SecAuditLogParts SecAuditLogRelevantStatus SecAuditLogStorageDir SecAuditLogType SecCollectionTimeout
		SecComponentSignature SecCookieFormat SecDataDir SecDebugLog SecDebugLogLevel SecGeoLookupDb SecPcreMatchLimit
		SecPcreMatchLimitRecursion SecRequestBodyAccess SecRequestBodyInMemoryLimit SecRequestBodyJsonDepthLimit
		SecRequestBodyLimit SecRequestBodyLimitAction SecRequestBodyNoFilesLimit SecResponseBodyAccess SecResponseBodyLimit
		SecResponseBodyLimitAction SecResponseBodyMimeType SecResponseBodyMimeTypesClear SecRuleEngine SecRulePerfTime
		SecRxPreFilter SecSensorId SecServerSignature SecStatusEngine SecTmpDir SecUnicodeMap SecUnicodeMapFile SecUploadDir
		SecUploadFileLimit SecUploadFileMode SecUploadKeepFiles SecWebAppId`)
)
