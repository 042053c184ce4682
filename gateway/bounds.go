package gateway

import (
	"fmt"
	"slices"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/inspect"
	"github.com/sallyport/sallyport/openapi"
)

// bounds says of an operation that it takes larger bodies than inspection does: such a request is refused, and nobody
// should learn that from a customer. Where the larger limit was asked for, that is a contradiction; elsewhere a note. Where
// more is let pass unread, an attack may hide behind it.
func (b *builder) bounds(op *openapi.Operation, p *plan) {
	extent := inspect.Bounded(b.api.Inspect, op)
	most := int64(extent.MaxBytes)
	if p.limits.Bytes <= most || b.mode(op, "inspect.body") != config.Enforce || op.Ext.Streaming != "" || !takesText(op) {
		return
	}
	found := config.Problem{File: op.At.File, Line: op.At.Line, Column: op.At.Column, Severity: config.Note, Rule: "inspect.max_bytes",
		Message: fmt.Sprintf("%s takes bodies of up to %s; more than %s of text in one is refused, since it is not inspected", op.Key, config.Size(p.limits.Bytes), config.Size(most)),
		Hint:    fmt.Sprintf("inspect: { max_bytes: %s }, or a smaller max_body", config.Size(p.limits.Bytes))}
	if op.Ext.MaxBody != 0 || b.api.MaxBody != 0 {
		found.Severity = config.Warning
	}
	if extent.Beyond == "pass" {
		found.Severity = config.Warning
		found.Message = fmt.Sprintf("%s takes bodies of up to %s; what is beyond the first %s of text is not inspected", op.Key, config.Size(p.limits.Bytes), config.Size(most))
	}
	b.problems = append(b.problems, found)
}

// takesText reports whether the operation's bodies are of a type that the rules read.
func takesText(op *openapi.Operation) bool {
	return op.Body != nil && slices.ContainsFunc(op.Body.Content, func(m openapi.MediaType) bool {
		media, err := content.ParseMedia([]string{m.Range})
		return err == nil && (media.JSON() || media.XML() || media.Form() || media.Multipart() || media.Text())
	})
}
