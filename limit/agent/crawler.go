package agent

import (
	"strings"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
)

// A crawler is somebody whose addresses have names in its own domains.
type crawler struct {
	agent   *exchange.Agent
	says    string   // in User-Agent
	domains []string // ".googlebot.com"
}

func (a *Agents) addCrawlers(c config.Agents) {
	var domains []string
	for _, r := range c.Crawlers {
		known := crawler{agent: &exchange.Agent{Name: r.Name, How: "dns"}, says: r.Agent}
		if known.says == "" {
			known.says = r.Name
		}
		for _, d := range r.Domains {
			known.domains = append(known.domains, "."+strings.ToLower(strings.Trim(d, ".")))
		}
		domains = append(domains, known.domains...)
		a.crawlers = append(a.crawlers, known)
	}
	a.names = a.memory.namesOf(domains, c.Resolver)
}

// namesOf are the names that run for these settings, or new ones that do not run yet.
func (m *Memory) namesOf(domains []string, resolver string) *names {
	settings := digest(domains, resolver)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.names != nil && m.names.settings == settings {
		return m.names
	}
	return newNames(settings, domains, resolver, m.now)
}

// crawling is the crawler that the client says it is, where the name of its address says so too.
func (a *Agents) crawling(e *exchange.Exchange) *exchange.Agent {
	says := e.Request.Header["User-Agent"]
	if len(says) != 1 {
		return nil
	}
	for i := range a.crawlers {
		c := &a.crawlers[i]
		if strings.Contains(says[0], c.says) && c.owns(a.names.of(e.Client.Addr)) {
			return c.agent
		}
	}
	return nil
}

// owns reports whether a host is in one of the crawler's domains, on the boundary of a label.
func (c *crawler) owns(host string) bool { return host != "" && within(host, c.domains) }

func within(host string, domains []string) bool {
	for _, d := range domains {
		if host == d[1:] || strings.HasSuffix(host, d) {
			return true
		}
	}
	return false
}
