package content
func parseMultipart(data []byte, m Media, lim Limits) (*Node, error) { return nil, fail(Malformed, 0, "multipart cannot be read yet") }
func parseXML(data []byte, lim Limits) (*Node, error) { return nil, fail(Malformed, 0, "XML cannot be read yet") }
