//go:build !unix

package listen

import (
	"errors"
	"net"
	"os"
)

func handle(*net.TCPListener) (*os.File, error) { return nil, errors.ErrUnsupported }
