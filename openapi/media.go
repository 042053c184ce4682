package openapi

// Response returns the declared response for a status: the exact one, else its class (2XX), else default, else nil.
func (o *Operation) Response(status int) *Response { return nil }

// FindMedia returns the entry of c that fits mediaType (lower case, without parameters) most closely: the exact one,
// then type/*, then */*; nil when none does.
func FindMedia(c []MediaType, mediaType string) *MediaType { return nil }
