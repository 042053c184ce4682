package content_test

import (
	"os"
	"path/filepath"
	"testing"
)

// shared returns a path in the shared data, which SALLYPORT_SHARED names, or skips the test where it is absent.
func shared(t testing.TB, path string) string {
	root := os.Getenv("SALLYPORT_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "shared")
	}
	path = filepath.Join(root, path)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("shared data is absent: %v", err)
	}
	return path
}
