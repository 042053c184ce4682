package content

// Media is a parsed Content-Type.
type Media struct {
	Type     string // lower case, without parameters; "" when the message declares none
	Boundary string // of a multipart type
	Charset  string // lower case
}

// ParseMedia reads the values of Content-Type.
func ParseMedia(values []string) (Media, error) { return Media{}, nil }

// JSON reports whether the type is JSON.
func (m Media) JSON() bool { return false }

// XML reports whether the type is XML.
func (m Media) XML() bool { return false }

// Form reports whether the type is application/x-www-form-urlencoded.
func (m Media) Form() bool { return false }

// Multipart reports whether the type is multipart/form-data.
func (m Media) Multipart() bool { return false }

// Text reports whether the type is text.
func (m Media) Text() bool { return false }
