package content

// fail makes an Error at an offset of the decoded bytes.
func fail(code Code, at int, detail string) *Error {
	return &Error{Code: code, Offset: int64(at), Detail: detail}
}

// nowhere makes an Error that has no place in the bytes.
func nowhere(code Code, detail string, cause error) *Error {
	return &Error{Code: code, Offset: -1, Detail: detail, Err: cause}
}
