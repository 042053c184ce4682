package gateway

import (
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/openapi"
)

// Posture is what protects one operation.
type Posture struct {
	API       string                 `json:"api"`
	Operation string                 `json:"operation"`
	Anonymous bool                   `json:"anonymous"`
	Guards    map[string]config.Mode `json:"guards"` // those that are asked; all others are off
}

// Posture lists every operation of the current snapshot with its guards.
func (g *Gateway) Posture() []Posture {
	s := g.current.Load()
	if s == nil {
		return nil
	}
	return s.Posture()
}

// Posture lists every operation with its guards, in the order of config and spec.
func (s *Snapshot) Posture() []Posture {
	var list []Posture
	for _, a := range s.apis {
		for _, p := range a.plans {
			list = append(list, a.posture(p))
		}
		if a.settings.Unknown == "inspect" {
			list = append(list, a.posture(a.door))
		}
	}
	return list
}

func (a *api) posture(p *plan) Posture {
	guards := map[string]config.Mode{}
	for _, steps := range p.phases {
		for _, s := range steps {
			guards[s.guard.Name] = s.mode
		}
	}
	return Posture{API: a.name, Operation: p.op.Key, Anonymous: anonymous(p.op), Guards: guards}
}

func anonymous(op *openapi.Operation) bool {
	if op.Ext.Anonymous != nil {
		return *op.Ext.Anonymous
	}
	for _, alternative := range op.Security {
		if len(alternative.Schemes) == 0 {
			return true
		}
	}
	return len(op.Security) == 0
}

// Documents are the specs of the current snapshot, by API; one of an API without a spec is nil.
func (g *Gateway) Documents() map[string]*openapi.Document {
	if s := g.current.Load(); s != nil {
		return s.Documents()
	}
	return nil
}

// Documents are the specs of the snapshot, by API.
func (s *Snapshot) Documents() map[string]*openapi.Document {
	docs := make(map[string]*openapi.Document, len(s.apis))
	for _, a := range s.apis {
		docs[a.name] = a.doc
	}
	return docs
}
