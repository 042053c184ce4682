package inspect

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
)

// leaks are what services say when they should not, by detector.
var leakTexts = map[string][]string{
	"leak.java": {
		"java.lang.NullPointerException: Cannot invoke \"String.length()\"\n\tat com.shop.order.OrderService.find(OrderService.java:42)\n\tat com.shop.web.OrderController.get(OrderController.java:17)\n",
		"\tat org.apache.catalina.core.StandardWrapperValve.invoke(StandardWrapperValve.java:199)\n\tat java.base/java.lang.Thread.run(Thread.java:833)",
		"at java.base/jdk.internal.reflect.NativeMethodAccessorImpl.invoke0(Native Method)\nat java.base/java.lang.reflect.Method.invoke(Method.java:566)",
		"kotlin.UninitializedPropertyAccessException: lateinit\n at com.shop.App.main(App.kt:3)",
	},
	"leak.python": {
		"Traceback (most recent call last):\n  File \"/srv/app/views.py\", line 12, in get\n    return 1/0\nZeroDivisionError: division by zero",
		"File \"/srv/a.py\", line 1, in <module>\nFile \"/srv/b.py\", line 2, in run",
	},
	"leak.go":     {"panic: runtime error: index out of range [5]\n\ngoroutine 1 [running]:\nmain.main()\n\t/srv/main.go:9 +0x1d\n"},
	"leak.dotnet": {"System.NullReferenceException: Object reference not set\r\n   at Shop.Api.OrderController.Get(Int32 id) in C:\\src\\Shop\\OrderController.cs:line 31\r\n", "Microsoft.Data.X.SomethingException: no\n   at Shop.Data.Repo.Find(String key)\n", "--- End of inner exception stack trace ---"},
	"leak.php":    {"<b>Warning</b>: mysqli_connect(): Access denied in <b>/var/www/html/db.php</b> on line <b>7</b>", "PHP Fatal error:  Uncaught Error: Call to undefined function x() in /var/www/a.php:3", "#0 /var/www/a.php(12): x()\n#1 /var/www/index.php(3): y()"},
	"leak.node":   {"TypeError: Cannot read properties of undefined (reading 'id')\n    at getOrder (/srv/app/orders.js:10:15)\n    at Layer.handle [as handle_request] (/srv/app/node_modules/express/lib/router/layer.js:95:5)"},
	"leak.ruby":   {"/srv/app/models/order.rb:12:in `find'\n/srv/app/controllers/orders_controller.rb:8:in `show'"},
	"leak.sql": {
		"You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version", "ORA-00933: SQL command not properly ended", "PG::UndefinedTable: ERROR:  relation \"x\" does not exist",
		"pq: syntax error at or near \"'\"", "SQLSTATE[42S02]: Base table or view not found", "Unclosed quotation mark after the character string 'x'.", "near \"FROM\": syntax error", "SQLITE_ERROR: no such table: users",
		"org.postgresql.util.PSQLException: ERROR", "[Microsoft][ODBC SQL Server Driver]Invalid", "ERROR:  column \"pass\" does not exist",
	},
	"leak.listing":     {"<html><head><title>Index of /backup</title></head>", "<title>Directory listing for /</title>"},
	"leak.private_key": {"-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA0Z3VS5JJcds3xfn/ygWyF8PbnGy0AHB7MhgHcTz6sE2I2yPB\n", "-----BEGIN OPENSSH PRIVATE KEY-----\\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\\n"},
	"leak.source":      {"<?php echo $x; ?>", "#!/bin/bash\nset -e", "<%@ page language=\"java\" %>"},
}

// harmless is prose, data and code that speak of errors without being one.
var harmless = []string{
	"The order service throws java.lang.NullPointerException when the id is missing.", "See OrderService.java:42 for details.", "at 10:15 we met (at the office)", "Traceback is a word that Python prints.",
	"Traceback (most recent call last) is the first line of a Python error.", "goroutine leaks are hard to find", "The file main.go:12 was changed, and util.go:3 too.", "SQL syntax is explained in chapter 3.", "You have an error in your SQL syntax",
	"Use ERROR: to log errors", "a near \"miss\"", "Index of refraction", "How to generate a PRIVATE KEY with openssl", "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA\n-----END PUBLIC KEY-----", "-----BEGIN PRIVATE KEY-----",
	"Warning: do not leave the file in /var/www/a.php", "index.js:1:1 is where it starts", "Notice: prices change on line 3", "System.out.println", "System.Exception is the base class.", "no such thing", "ORA-1", "order.rb:12 and item.rb:13", "SQLSTATE codes have five characters", "<title>Index</title>", "Microsoft.Extensions.Logging 8.0", "the pq: a queue",
}

func TestDetectors(t *testing.T) {
	for id, texts := range leakTexts {
		for _, text := range texts {
			// As a text, and hidden deep in JSON behind other strings.
			quoted, err := json.Marshal(map[string]any{"data": []any{"ok", map[string]string{"detail": text}}})
			if err != nil {
				t.Fatal(err)
			}
			for typ, body := range map[string]string{"text/plain": text, "application/json": string(quoted)} {
				e := answerOf(t, 500, typ, body)
				v, err := testJudge(t, config.Inspect{}).answer(context.Background(), e)
				if err != nil {
					t.Fatal(err)
				}
				want := " response,"
				if typ == "application/json" {
					want = " response.data[1].detail,"
				}
				if v.Passed() || v.Reason.Code != "inspect.leak" || !strings.Contains(fields(e)+",", id+want) {
					t.Errorf("%s %q: %v %s", typ, text, v.Passed(), fields(e))
				}
			}
		}
	}
	for _, text := range harmless {
		if found := detect(text); len(found) > 0 {
			t.Errorf("%q: %s", text, found[0].ID)
		}
	}
	if found := detect(strings.Join(harmless, "\n")); len(found) > 0 {
		t.Errorf("together: %s", found[0].ID)
	}
}

// A stack trace as a list of lines is one, too.
func TestDetectorsAcrossElements(t *testing.T) {
	e := answerOf(t, 500, "application/json", `{"trace":["at com.shop.A.b(A.java:1)","at com.shop.C.d(C.java:2)"]}`)
	if v, err := testJudge(t, config.Inspect{}).answer(context.Background(), e); err != nil || v.Passed() {
		t.Errorf("%+v, %v", v, err)
	}
}

func FuzzDetect(f *testing.F) {
	for _, texts := range leakTexts {
		for _, s := range texts {
			f.Add(s)
		}
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, x := range detect(s) {
			if x.start < 0 || x.end <= x.start || x.end > len(s) {
				t.Fatalf("%s at %d to %d of %d", x.ID, x.start, x.end, len(s))
			}
		}
	})
}
