package config

import (
	"fmt"
	"os"
	"strings"
)

// Secret resolves a reference: file:PATH is what the file has, without the space around it; anything else is the secret itself.
func Secret(ref string) (string, error) {
	path, ok := strings.CutPrefix(ref, "file:")
	if !ok {
		return ref, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("couldn't read a secret: %w", err)
	}
	return strings.TrimSpace(string(data)), nil
}
