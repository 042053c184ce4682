package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/internal/testkit"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sallyport": main, "besiege": besiege, "besieged": besieged})
}

// Each file in testdata is a story: real processes of the real binary, told by its commands. $GATE and $ADMIN are free
// addresses, $PORT is that of $GATE. Beside the commands of testscript there are
//
//	upstream DIR               a service that answers METHOD/path from files and does what they say; $UP is its URL
//	http METHOD URL …          one request; begin NAME METHOD URL … and finish NAME are the same in two steps
//	times N METHOD URL …       N requests; {n} in what follows is the number of each
//	raw FILE                   bytes, as they are
//	await URL [NAME:VALUE …] [REGEXP]  wait until URL answers 200, and its body matches
//	unready URL [NAME:VALUE …] wait until URL answers anything else than 200
//	exits CODE COMMAND …       run to an exact exit code
//	signal NAME                to the process in the background: HUP or TERM, where kill knows INT only
//	values FILE                JSON as lines of pointer and value
//	paste FILE CONFIG          put the exclusions that explain proposes, as JSON, into a config
//	key NAME COMMAND …         run what prints an API key or a token as JSON; $NAME is it, $NAME_ID its id
//	keep NAME REGEXP           $NAME is what the group of REGEXP matches in the last output
//	issuer, token              an identity provider and its tokens
//	certificate, trust         certificates for 127.0.0.1 and other hosts, and whom clients believe
//	authority, client, revoke  authorities, certificates of clients, and lists of those that are not good any more
//	show, bind                 what clients of the story show in handshakes, and tokens that are bound to it
//	denied URL                 wait until there is no answer
//	postgres                   a new PostgreSQL database; $POSTGRES is its URL, and the condition [postgres] tells whether there can be one
//	auditor                    build the binary of auditors; $AUDITOR is it
func TestStories(t *testing.T) {
	issuer := newStoryIssuer(t)
	calls, trusted := &calls{}, &storyTrust{t: t}
	databases := sync.OnceValue(func() func() string { return testkit.Postgres(t) })
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			for _, name := range []string{"GATE", "ADMIN"} {
				address, err := testkit.FindAddress()
				if err != nil {
					return err
				}
				env.Setenv(name, address)
			}
			_, port, err := net.SplitHostPort(env.Getenv("GATE"))
			env.Setenv("PORT", port)
			return err
		},
		Condition: func(name string) (bool, error) { return name == "postgres" && testkit.HasPostgres(), nil },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"postgres": func(ts *testscript.TestScript, _ bool, _ []string) { ts.Setenv("POSTGRES", databases()()) },
			"upstream": upstreamCmd, "http": httpCmd, "begin": calls.begin, "finish": calls.finish, "times": timesCmd, "raw": rawCmd, "await": awaitCmd, "unready": unreadyCmd,
			"exits": exitsCmd, "signal": signalCmd, "values": valuesCmd, "paste": pasteCmd, "issuer": issuer.publish, "token": issuer.token, "key": keyCmd, "keep": keepCmd, "certificate": certificateCmd, "trust": trustCmd,
			"authority": trusted.authority, "client": trusted.client, "revoke": trusted.revoke, "show": trusted.show, "bind": trusted.bind(issuer), "denied": deniedCmd, "auditor": auditorCmd},
	})
}

// keepCmd keeps a part of the last output.
func keepCmd(ts *testscript.TestScript, _ bool, args []string) {
	found := regexp.MustCompile("(?m)" + args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(found) != 2 {
		ts.Fatalf("the output has no %s", args[1])
	}
	ts.Setenv(args[0], found[1])
}

// awaitCmd waits until URL answers 200 with a body that matches.
func awaitCmd(ts *testscript.TestScript, _ bool, args []string) {
	want := regexp.MustCompile("")
	if last := len(args) - 1; last > 0 && !field.MatchString(args[last]) {
		want, args = regexp.MustCompile("(?m)"+args[last]), args[:last]
	}
	polled(ts, args, func(status string, body []byte) bool { return status == "200 OK" && want.Match(body) })
}

// unreadyCmd waits until URL answers anything but 200.
func unreadyCmd(ts *testscript.TestScript, _ bool, args []string) {
	polled(ts, args, func(status string, _ []byte) bool { return status != "200 OK" })
}

var field = regexp.MustCompile(`^[A-Za-z-]+:`)

// patiently is how often a story looks, every 25 ms, for what is to come: for more than a minute of a machine that has other work.
const patiently = 3000

func polled(ts *testscript.TestScript, args []string, as func(status string, body []byte) bool) {
	client := client(ts)
	for range patiently {
		if status, _, body, err := exchanged(client, request(ts, append([]string{http.MethodGet}, args...))); err == nil && as(status, body) {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	ts.Fatalf("%s does not answer so", args[0])
}

// exitsCmd runs a command that must end with CODE and must not show its inside.
func exitsCmd(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var failed *exec.ExitError
		if !errors.As(err, &failed) {
			ts.Fatalf("%v", err)
		}
		code = failed.ExitCode()
	}
	if out := ts.ReadFile("stdout") + ts.ReadFile("stderr"); regexp.MustCompile(`goroutine \d|\.go:\d`).MatchString(out) {
		ts.Fatalf("the output shows the program's inside")
	}
	if code != want {
		ts.Fatalf("exit code %d", code)
	}
}

// signalCmd sends a signal to the process in the background.
func signalCmd(ts *testscript.TestScript, _ bool, args []string) {
	signals := map[string]os.Signal{"HUP": syscall.SIGHUP, "TERM": syscall.SIGTERM}
	ts.Check(ts.BackgroundCmds()[0].Process.Signal(signals[args[0]]))
}

// Every reason is documented, and told by a story.
func TestEveryReasonHasAStory(t *testing.T) {
	var stories []byte
	files, _ := filepath.Glob("testdata/*.txtar")
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		stories = append(stories, data...)
	}
	docs, err := os.ReadFile("../../docs/reasons.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range exchange.Catalogue() {
		// Asserted on an answer, not merely mentioned.
		told := regexp.MustCompile(fmt.Sprintf(`(?m)^stdout .*"code":"%s"`, regexp.QuoteMeta(r.Code))).Match(stories)
		// No request of a story takes the rules long enough; TestJudgementInterrupted of inspect ends the time for them. None makes
		// work wait for a processor either; make hostile does.
		if !told && r != exchange.InspectionBusy && r != exchange.Overloaded {
			t.Errorf("%s: no story has an answer with it", r.Code)
		}
		if !bytes.Contains(docs, []byte("`"+r.Code+"`")) {
			t.Errorf("%s is not in docs/reasons.md: make golden", r.Code)
		}
	}
}
