package schema

import "github.com/sallyport/sallyport/content"

type nodeT = content.Node

const (
	kindFile   = content.File
	kindNumber = content.Number
)
