package content

// A Body is what one message carries.
type Body struct{}

// Tree returns the parsed body.
func (b *Body) Tree() (*Node, error) { panic("not built yet") }
