package inspect

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"
	"github.com/corazawaf/coraza/v3"
	corazahttp "github.com/corazawaf/coraza/v3/http"
	"github.com/corazawaf/coraza/v3/types"
)

// wholeSetup is what the suite asks of a server, from the rule set's tests/regression/README.md, behind Coraza's own
// recommended settings.
const wholeSetup = `
Include @coraza.conf-recommended
SecResponseBodyMimeType text/plain text/html
SecDefaultAction "phase:3,log,auditlog,pass"
SecDefaultAction "phase:4,log,auditlog,pass"
SecDefaultAction "phase:5,log,auditlog,pass"
Include @crs-setup.conf.example
SecAction "id:900005,phase:1,nolog,pass,ctl:ruleEngine=DetectionOnly,ctl:ruleRemoveById=910000,setvar:tx.blocking_paranoia_level=4,setvar:tx.crs_validate_utf8_encoding=1,setvar:tx.arg_name_length=100,setvar:tx.arg_length=400,setvar:tx.total_arg_length=64000,setvar:tx.max_num_args=255,setvar:tx.max_file_size=64100,setvar:tx.combined_file_sizes=65535"
Include @owasp_crs/*.conf
`

// entered is the header by which answers of the handler are told from those of net/http.
const entered = "X-Entered"

// A corazaServer is Coraza as its users run it: its handler in front of an application, its own parsers, the whole set.
type corazaServer struct {
	*httptest.Server
	mu   sync.Mutex
	ids  map[string]bool // of the request under way
	done chan bool
}

func newCorazaServer(t *testing.T) *corazaServer {
	s := &corazaServer{done: make(chan bool, 1)}
	waf, err := coraza.NewWAF(coraza.NewWAFConfig().WithRootFS(ruleFiles{coreruleset.FS}).WithDirectives(wholeSetup).
		WithErrorCallback(func(r types.MatchedRule) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.ids[strconv.Itoa(r.Rule().ID())] = true
		}))
	if err != nil {
		t.Fatal(err)
	}
	guarded := corazahttp.WrapHandler(waf, http.HandlerFunc(mirror))
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(entered, "yes")
		guarded.ServeHTTP(w, r)
		select {
		case s.done <- true:
		default: // one connection has brought a second request
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// mirror answers as the suite's test server does.
func mirror(w http.ResponseWriter, r *http.Request) {
	var spec struct {
		Status      int               `json:"status"`
		Headers     map[string]string `json:"headers"`
		Body        string            `json:"body"`
		EncodedBody string            `json:"encodedBody"`
	}
	w.Header().Set("Content-Type", "text/html")
	if r.URL.Path != "/reflect" || json.NewDecoder(r.Body).Decode(&spec) != nil {
		return
	}
	for name, v := range spec.Headers {
		w.Header().Set(name, v)
	}
	if spec.Status > 0 {
		w.WriteHeader(spec.Status)
	}
	body := []byte(spec.Body)
	if spec.EncodedBody != "" {
		body, _ = base64.StdEncoding.DecodeString(spec.EncodedBody)
	}
	_, _ = w.Write(body)
}

// judge sends a request and returns the ids that matched; what the server refuses before Coraza sees it is errFront.
func (s *corazaServer) judge(raw []byte) (map[string]bool, error) {
	select {
	case <-s.done: // of such a one
	default:
	}
	s.mu.Lock()
	s.ids = map[string]bool{}
	s.mu.Unlock()
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		return nil, err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Minute))
	if _, err := c.Write(raw); err != nil {
		return nil, err
	}
	_ = c.(*net.TCPConn).CloseWrite() // who announced more than is there has no more
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errFront, err)
	}
	res.Body.Close()
	if res.Header.Get(entered) == "" { // net/http has refused it
		return nil, fmt.Errorf("%w: %s", errFront, res.Status)
	}
	<-s.done
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ids, nil
}

// TestCoreRuleSetWithCoraza counts how many of the rule set's tests pass with Coraza, and where we differ.
func TestCoreRuleSetWithCoraza(t *testing.T) {
	if os.Getenv("SALLYPORT_ALL") == "" {
		t.Skip("runs with SALLYPORT_ALL=1")
	}
	tests := loadFTW(t)
	engine, err := new(Pool).engine(settings{paranoia: 4})
	if err != nil {
		t.Fatal(err)
	}
	s := newCorazaServer(t)
	table, differs := map[string]map[string]int{}, readDiffers(t)
	for i := range tests {
		f := &tests[i]
		theirs := runOne(f, s.judge)
		ours := runOne(f, func(raw []byte) (map[string]bool, error) { return judgeRaw(raw, engine) })
		if table[f.family] == nil {
			table[f.family] = map[string]int{}
		}
		table[f.family][theirs.outcome]++
		if theirs.outcome == ours.outcome {
			continue
		}
		kind := "attack"
		if f.harmless() {
			kind = "harmless"
		}
		key := fmt.Sprintf("Coraza %s, ours %s (%s)", theirs.outcome, ours.outcome, kind)
		t.Logf("%s: %s: %s | %s | %s", f.name, key, theirs.why, ours.why, differs[f.name])
	}
	t.Log("\n" + crsTable(table))
}

// harmless reports whether nothing is expected to match.
func (f *ftwTest) harmless() bool {
	return !slices.ContainsFunc(f.Stages, func(s ftwStage) bool { return len(s.Output.Log.Expect) > 0 || s.Output.Error || s.Output.Status >= 400 })
}
