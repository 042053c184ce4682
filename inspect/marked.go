package inspect

import (
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
	"github.com/sallyport/sallyport/openapi/schema"
)

// unmarked are the bodies whose schema calls nothing a URL or a secret, whatever the message: they are not judged by it
// for these guards. Where validation or a rule has them judged all the same, that is done once for all.
type unmarked map[*openapi.MediaType]bool

// unmarkedOf looks into the schemas of an operation's bodies.
func unmarkedOf(op *openapi.Operation) unmarked {
	if op.Body == nil {
		return nil
	}
	u := unmarked{}
	for i := range op.Body.Content {
		m := &op.Body.Content[i]
		u[m] = m.Schema != nil && !m.Schema.MayMark(func(a *schema.Annotations) bool { return a.URL() || a.Secret() })
	}
	return u
}

// marks are what the schema of a request's body says of the values in it. Those of a media type that was not looked into
// are asked for.
func (u unmarked) marks(e *exchange.Exchange) []schema.Mark {
	if u[e.BodySpec] {
		return nil
	}
	return marks(e.JudgeBody())
}

func marks(r *schema.Result) []schema.Mark {
	if r == nil {
		return nil
	}
	return r.Marked
}
