package protect

import (
	"context"
	"fmt"
	"net/http"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

// Guards returns the guards of one operation: protect.errors, protect.headers, protect.cors on the response head,
// protect.filter on its body, protect.mask on both. own are the fields that the gateway adds to answers. It fails where a
// kind to detect is unknown.
func Guards(op *openapi.Operation, c config.Protect, own []string) ([]exchange.Guard, error) {
	detectors, err := newDetectors(c.Detect)
	if err != nil {
		return nil, err
	}
	cors := c.CORS
	if op.Ext.CORS != nil {
		cors = op.Ext.CORS
	}
	list := []exchange.Guard{
		{Name: "protect.headers", Phase: exchange.OnResponseHead, Check: newHeaders(op, c.Headers).check},
		{Name: "protect.cors", Phase: exchange.OnResponseHead, Check: NewCORS(cors, op, own).check},
		{Name: "protect.filter", Phase: exchange.OnResponseBody, Check: newFilter(op).check},
		{Name: "protect.mask", Phase: exchange.OnResponseHead, Check: (&masker{detectors: detectors}).head},
		{Name: "protect.mask", Phase: exchange.OnResponseBody, Check: (&masker{detectors: detectors}).check},
	}
	if c.Errors != "pass" {
		list = append([]exchange.Guard{{Name: "protect.errors", Phase: exchange.OnResponseHead, Check: replaceErrors}}, list...)
	}
	return list, nil
}

// replaceErrors turns every 5xx of the upstream into a problem with the same status: whatever such a body says was
// written for developers.
func replaceErrors(_ context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
	if e.Response.Status < http.StatusInternalServerError {
		return exchange.Pass, nil
	}
	v := exchange.Refuse(exchange.UpstreamError, fmt.Sprintf("the upstream answered %d", e.Response.Status)).
		WithStatus(e.Response.Status).WithSetting("protect.errors: pass")
	if after := e.Response.Header.Get("Retry-After"); after != "" {
		v = v.WithHeader("Retry-After", after)
	}
	return v, nil
}
