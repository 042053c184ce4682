package content

func parseXML(data []byte, lim Limits) (*Node, error) { return nil, fail(Malformed, 0, "XML cannot be read yet") }
