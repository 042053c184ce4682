package protect

import (
	"strings"
	"testing"
)

// fake makes the rest of a key that belongs to nobody.
func fake(n int) string { return strings.Repeat("aB3xY9kQ", n/8+1)[:n] }

const (
	tokenHead = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"                                      // of RFC 7519's style
	token     = tokenHead + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P" // signed
	sealed    = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..48V1_ALb6US04U3b.5eym8TW_c8SuK0lt.XFBoMYUZodetZdvT"
	keyBody   = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"
)

func TestSecrets(t *testing.T) {
	for _, key := range []string{
		"AKIA" + "IOSFODNN7EXAMPLE", "AKIA" + "IOSFODNNSEXAMPLE", "ASIA" + "IOSFODNN7EXAMPLE", "ghp_" + fake(36), "gho_" + fake(36), "ghu_" + fake(36), "ghs_" + fake(36), "ghr_" + fake(36),
		"github_pat_" + fake(22) + "_" + fake(59), "glpat-" + fake(20), "npm_" + fake(36), "pypi-" + fake(80), "dckr_pat_" + fake(27), "hf_" + fake(34),
		"sk_live_" + fake(24), "rk_live_" + fake(24), "whsec_" + fake(32), "sq0csp-" + fake(43), "sq0atp-" + fake(22),
		"xoxb-" + "123456789012-1234567890123-" + fake(24), "xoxp-" + fake(40), "AIza" + fake(35), "GOCSPX-" + fake(28), "ya29." + fake(100),
		"SG." + fake(22) + "." + fake(43), "shpat_" + fake(32), "sk-ant-" + "api03-" + fake(86), "sk-proj-" + fake(60), "hvs." + fake(90),
		"AGE-SECRET-KEY-1" + strings.ToUpper(fake(58)), "sp_" + fake(12) + "_" + fake(49),
	} {
		masksAll(t, "secret", []sample{
			{key, "********"}, {"key=" + key + "; rest", "key=********; rest"}, {`{"k":"` + key + `"}`, `{"k":"********"}`}, {"a " + key + " b " + key, "a ******** b ********"},
			{text: "x" + key},
		})
	}
}

func TestNotSecrets(t *testing.T) {
	masksAll(t, "secret", []sample{
		{text: "AKIA"}, {text: "AKIAIOSFODNN7EXAMPL"}, {text: "ghp_short"}, {text: "npm_config_registry_and_other_long_settings_of_it"},
		{text: "sp_get_customer_orders_by_region_and_date_range_with_totals_v2_and_more"}, {text: "SG.Company.Product.Module.SubModule.ClassName.Method"},
		{text: "hf_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}, {text: "sk_live_"}, {text: "whsec_"}, {text: "sk_test_" + fake(24)}, {text: "pk_live_" + fake(24)},
		{text: "https://files.example/x?X-Amz-Credential=AKIA" + "IOSFODNN7EXAMPLE%2F20260101%2Feu-central-1&X-Amz-Signature=00"},
		{text: "d41d8cd98f00b204e9800998ecf8427e"}, {text: "4f3c1a2b-1111-4111-8111-111111111111"}, {text: "https://shop.example:8080/@jane"}, {text: "10:30 @ noon"},
	})
}

func TestPrivateKeys(t *testing.T) {
	for _, label := range []string{"PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "PGP PRIVATE KEY BLOCK"} {
		begin, end := "-----BEGIN "+label+"-----", "-----END "+label+"-----"
		masksAll(t, "secret", []sample{
			{"a " + begin + "\n" + keyBody + "\n" + end + " b", "a ******** b"},
			{begin + `\n` + keyBody + `\n` + end, "********"},
			{begin + "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n" + keyBody, "********"},
			{begin + "\n" + keyBody + "\n" + end + "\n" + begin + "\n" + keyBody + "\n" + end, "********\n********"},
			{text: "the file has to begin with " + begin + " and nothing else"},
		})
	}
	masksAll(t, "secret", []sample{
		{text: "-----BEGIN CERTIFICATE-----\n" + keyBody + "\n-----END CERTIFICATE-----"}, {text: "-----BEGIN PUBLIC KEY-----\n" + keyBody + "\n-----END PUBLIC KEY-----"},
		{text: "-----BEGIN "}, {text: strings.Repeat("-----BEGIN ", 20)},
	})
}

func TestPasswordsInURLs(t *testing.T) {
	masksAll(t, "secret", []sample{
		{"postgres://app:s3cret@db.internal:5432/shop", "postgres://app:********@db.internal:5432/shop"}, {"redis://:hunter2@cache", "redis://:********@cache"},
		{"dial amqp://guest:guest@mq failed", "dial amqp://guest:********@mq failed"},
		{text: "postgres://app@db/shop"}, {text: "https://example.com:443/@x"}, {text: "https://example.com/?a=b:c@d"}, {text: "http://[::1]:80/"}, {text: "://://://"},
	})
}

// A token that is handed out stays: sign-in would not work otherwise. In prose, logs and quoted messages it is a leak.
func TestTokens(t *testing.T) {
	masksAll(t, "secret", []sample{
		{"invalid token " + token, "invalid token ********"}, {`{"authorization":"Bearer ` + token + `"}`, `{"authorization":"Bearer ********"}`}, {"jwe " + sealed + ", end", "jwe ********, end"},
		{text: token}, {text: sealed}, {text: "Bearer " + token}, {text: token + "\n"}, {text: "https://files.example/x?token=" + token},
		{text: "a eyJ.eyJ.eyJ b"}, {text: "a " + tokenHead + " b"},
	})
	masksAll(t, "jwt", []sample{
		{token, "********"}, {sealed, "********"}, {"Bearer " + token, "Bearer ********"}, {"https://files.example/x?token=" + token, "https://files.example/x?token=********"},
		{text: tokenHead}, {text: tokenHead + "."}, {text: "eyJ.eyJ.eyJ.eyJ.eyJ.eyJ"}, {text: "everything.everything.everything"},
	})
}
