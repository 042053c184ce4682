package dashboard

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/admin/change"
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/exchange"
)

// post sends a form.
func post(o Options, role Role, target string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", target, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r = r.WithContext(WithViewer(r.Context(), Viewer{"ann", role, "csrf-token"}))
	w := httptest.NewRecorder()
	New(o).ServeHTTP(w, r)
	return w
}

func TestChecksOfTheConfigAreAskedForByPagesOfTheSession(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sallyport.yaml")
	if err := os.WriteFile(file, []byte("version: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	asked := 0
	o := options(keep(t))
	o.Config = change.New(change.Options{Path: file, Check: func([]byte) config.Problems { asked++; return nil }})
	now, err := o.Config.Current()
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"text": {"version: 1\r\n# <b>more</b>\r\n"}, "etag": {now.ETag}, "csrf": {"csrf-token"}}
	w := post(o, RoleOperator, "/config/check", form)
	if body := w.Body.String(); w.Code != http.StatusOK || asked != 1 || !strings.Contains(body, `<span class="add">&#43;# &lt;b&gt;more&lt;/b&gt;</span>`) || !strings.Contains(body, `action="/api/v1/config"`) {
		t.Errorf("%d, asked %d times: %s", w.Code, asked, body)
	}
	for name, bad := range map[string]struct {
		role  Role
		field string
		value string
		code  int
	}{"another session's token": {RoleOperator, "csrf", "other", http.StatusForbidden}, "no token": {RoleOperator, "csrf", "", http.StatusForbidden}, "an analyst": {RoleAnalyst, "csrf", "csrf-token", http.StatusForbidden},
		"an old ETag": {RoleOperator, "etag", `"old"`, http.StatusConflict}} {
		again := url.Values{"text": form["text"], "etag": form["etag"], "csrf": form["csrf"]}
		again.Set(bad.field, bad.value)
		if w := post(o, bad.role, "/config/check", again); w.Code != bad.code {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}

// broken is an archive whose disk fails after the first page.
type broken struct{ Archive }

func (b broken) Select(ctx context.Context, f event.Filter) ([]*exchange.Record, error) {
	if f.Before != "" {
		return nil, errors.New("the disk is gone")
	}
	return b.Archive.Select(ctx, f)
}

func TestExportsThatBreakOffAreNotTakenForWhole(t *testing.T) {
	defer func() {
		if p := recover(); p != http.ErrAbortHandler {
			t.Errorf("the connection is not cut: %v", p)
		}
	}()
	ask(options(broken{keep(t, traffic(1500)...)}), RoleAnalyst, "/exchanges?range=7d&format=csv")
}
