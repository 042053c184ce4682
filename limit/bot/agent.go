package bot

import "strings"

// agent is what a User-Agent says.
type agent struct {
	kind    kind
	version int // of the browser; 0: not said
}

type kind uint8

const (
	program kind = iota // whatever is no browser
	nobody
	scanner
	crawler
	headless
	strange // a browser that is not known
	chromium
	firefox
	webkit // Safari, and all browsers of iOS
)

// longest word that is looked up.
const longest = 24

// read looks for words that are known. Of several the worst counts, in the order of kinds, and whatever is no browser is a program.
// A User-Agent is bounded by the size of a head; so many words of it are looked at as browsers have.
func read(text string) agent {
	if text == "" {
		return agent{kind: nobody}
	}
	a := agent{kind: program}
	if strings.HasPrefix(text, "Mozilla/") {
		a.kind = strange
	}
	var small [longest]byte
	edition := 0
	for words := 0; text != "" && words < 48; words++ {
		n := 0
		for n < len(text) && letter(text[n]) {
			if n < longest {
				small[n] = text[n] | 0x20
			}
			n++
		}
		word := string(small[:min(n, longest)])
		rest := text[n:]
		if k := meaning(word); k != program {
			a = a.and(k, rest)
		} else if word == "version" {
			edition = major(rest)
		}
		text = skip(rest)
	}
	if a.kind == webkit {
		a.version = edition
	}
	return a
}

// and is what is said with one more word.
func (a agent) and(k kind, rest string) agent {
	switch {
	case k <= headless: // worse than any browser
		if a.kind > headless || k < a.kind || a.kind == program {
			a.kind = k
		}
	case a.kind == strange || a.kind >= chromium && rank(k) > rank(a.kind):
		a.kind, a.version = k, major(rest)
	}
	return a
}

// rank is which of two names of browsers is meant: all say Safari, Chromium says Chrome besides.
func rank(k kind) int {
	if k == webkit {
		return 0
	}
	return 1
}

// meaning of a word, in small letters; program where it has none.
func meaning(word string) kind {
	switch word {
	case "sqlmap", "nikto", "nmap", "nuclei", "masscan", "zgrab", "ffuf", "fuzz", "gobuster", "dirbuster", "feroxbuster", "wfuzz", "wpscan", "wapiti", "acunetix",
		"nessus", "openvas", "arachni", "skipfish", "whatweb", "netsparker", "jaeles", "commix", "dalfox", "xsser":
		return scanner
	case "headlesschrome", "phantomjs", "electron", "puppeteer", "playwright", "selenium", "cypress", "jsdom", "htmlunit", "slimerjs":
		return headless
	case "crawler", "spider", "bot", "slurp", "archiver", "facebookexternalhit", "mediapartners":
		return crawler
	case "chrome", "chromium":
		return chromium
	case "firefox":
		return firefox
	case "safari", "crios", "fxios", "edgios":
		return webkit
	}
	if n := len(word); n > 3 && (word[n-3:] == "bot" && word != "cubot" || word[n-3:] == "ler" && strings.HasSuffix(word, "crawler") || word[n-3:] == "der" && strings.HasSuffix(word, "spider")) {
		return crawler // but CUBOT makes telephones
	}
	return program
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// skip goes to where a word may begin.
func skip(text string) string {
	for i := 0; i < len(text); i++ {
		if letter(text[i]) {
			return text[i:]
		}
	}
	return ""
}

// major is the version behind a name: "/156.0.0.0" is 156.
func major(rest string) (n int) {
	for i := 1; i < len(rest) && i < 5 && rest[0] == '/' && '0' <= rest[i] && rest[i] <= '9'; i++ {
		n = n*10 + int(rest[i]-'0')
	}
	return n
}

// said are marks for what a client says of itself.
func said(a agent) Mark {
	switch a.kind {
	case scanner:
		return Scanner
	case nobody:
		return Nameless
	case program:
		return Program
	case headless:
		return Headless
	case crawler:
		return Crawler
	case strange:
		return Strange
	}
	return 0
}
