package inspect

// setup is our crs-setup.conf. Engine mode: detection only, because the verdict is made by us, from the matches that
// remain after the exclusions. No body access, since bodies are fed as values; no audit log, no temporary files.
const setup = `
SecRuleEngine DetectionOnly
SecRequestBodyAccess Off
SecResponseBodyAccess Off
SecAuditEngine Off
SecArgumentsLimit 1000000
SecDefaultAction "phase:1,log,noauditlog,pass"
SecDefaultAction "phase:2,log,noauditlog,pass"
SecDefaultAction "phase:3,log,noauditlog,pass"
SecDefaultAction "phase:4,log,noauditlog,pass"
SecAction "id:999990,phase:1,pass,t:none,nolog,setvar:tx.crs_setup_version=4250"
SecAction "id:999991,phase:1,pass,t:none,nolog,setvar:'tx.allowed_methods=` + usualMethods + `'"
`

// level comes behind the set-up of the operator: the paranoia level is that of the config.
const level = `
SecAction "id:999992,phase:1,pass,t:none,nolog,setvar:tx.blocking_paranoia_level=%d,setvar:tx.detection_paranoia_level=%d"
`

// setupFile names the set-up in messages.
const setupFile = "sallyport.conf"

// usualMethods pass the rule on methods everywhere; an operation that declares another one is spared the rule.
const usualMethods = "GET HEAD POST OPTIONS PUT PATCH DELETE QUERY"

// requestFiles are loaded in this order. Left out: 905, which switches all rules off for requests that claim to come
// from the server itself (SECURITY-LESSONS 13), and 949, which adds up the score, as we do.
var requestFiles = []string{
	"REQUEST-901-INITIALIZATION", "REQUEST-911-METHOD-ENFORCEMENT", "REQUEST-913-SCANNER-DETECTION",
	"REQUEST-920-PROTOCOL-ENFORCEMENT", "REQUEST-921-PROTOCOL-ATTACK", "REQUEST-922-MULTIPART-ATTACK",
	"REQUEST-930-APPLICATION-ATTACK-LFI", "REQUEST-931-APPLICATION-ATTACK-RFI", "REQUEST-932-APPLICATION-ATTACK-RCE",
	"REQUEST-933-APPLICATION-ATTACK-PHP", "REQUEST-934-APPLICATION-ATTACK-GENERIC", "REQUEST-941-APPLICATION-ATTACK-XSS",
	"REQUEST-942-APPLICATION-ATTACK-SQLI", "REQUEST-943-APPLICATION-ATTACK-SESSION-FIXATION",
	"REQUEST-944-APPLICATION-ATTACK-JAVA", "REQUEST-999-COMMON-EXCEPTIONS-AFTER",
}

var answerFiles = []string{
	"REQUEST-901-INITIALIZATION",
	"RESPONSE-950-DATA-LEAKAGES", "RESPONSE-951-DATA-LEAKAGES-SQL", "RESPONSE-952-DATA-LEAKAGES-JAVA",
	"RESPONSE-953-DATA-LEAKAGES-PHP", "RESPONSE-954-DATA-LEAKAGES-IIS", "RESPONSE-955-WEB-SHELLS",
	"RESPONSE-956-DATA-LEAKAGES-RUBY",
}

// goals are markers to which rules skip and which stand in files that are not loaded.
const goals = `SecMarker "END-RESPONSE-959-BLOCKING-EVALUATION"`
