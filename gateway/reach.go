package gateway

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/config"
)

// reach.go says under which hosts and paths APIs are found, and which of them get into each other's way.

// bases are the paths under which the API is found, as segments.
func (b *builder) bases() [][]string {
	paths := b.doc.BasePaths
	if b.api.BasePath != nil {
		paths = []string{*b.api.BasePath}
	}
	var list [][]string
	for _, p := range paths {
		if p = strings.Trim(p, "/"); p == "" {
			list = append(list, nil)
		} else {
			list = append(list, strings.Split(p, "/"))
		}
	}
	slices.SortFunc(list, func(a, b []string) int { return len(b) - len(a) })
	return list
}

func (b *builder) hosts() []string {
	var list []string
	for _, h := range b.api.Hosts {
		list = append(list, strings.ToLower(h))
	}
	return list
}

// overlaps reports APIs that claim the same host and path: which one would judge a request must not be a matter of order.
func overlaps(apis []*api, src *config.Source) config.Problems {
	var problems config.Problems
	seen := map[string]string{}
	for i, a := range apis {
		hosts := a.hosts
		if len(hosts) == 0 {
			hosts = []string{"*"}
		}
		for _, h := range hosts {
			for _, base := range a.bases {
				place := h + "/" + strings.Join(base, "/")
				if other, taken := seen[place]; taken && other != a.name {
					problems = append(problems, src.Problem(fmt.Sprintf("apis[%d]", i), "config.overlap", fmt.Sprintf("%s and %s are both served at %s", other, a.name, place), "give them different hosts or base_path"))
				}
				seen[place] = a.name
			}
		}
	}
	return problems
}

// contradictions reports APIs that share a name and ask different things of its clients: a handshake knows no paths.
func contradictions(apis []*api, src *config.Source) config.Problems {
	var problems config.Problems
	first := map[string]*api{}
	for i, a := range apis {
		for _, h := range a.hosts {
			if other := first[h]; other != nil && !reflect.DeepEqual(other.settings.Clients, a.settings.Clients) {
				problems = append(problems, src.Problem(fmt.Sprintf("apis[%d].clients", i), "config.clients", fmt.Sprintf("%s and %s are both served at %s and ask clients for different certificates", other.name, a.name, h), "give them different hosts, or the same clients"))
			}
			first[h] = a
		}
	}
	return problems
}
