package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

type versionCmd struct {
	Output string `short:"o" enum:"table,json" default:"table" help:"table or json."`
}

// built is what -o json prints.
type built struct {
	Version string `json:"version"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

// Run prints the version of the module and of Go.
func (c versionCmd) Run(s *streams) error {
	b := built{version(), runtime.Version(), runtime.GOOS, runtime.GOARCH}
	return print(s.out, c.Output, b, func(w io.Writer) { fmt.Fprintf(w, "sallyport %s %s %s/%s\n", b.Version, b.Go, b.OS, b.Arch) })
}

// version is the module's, or the commit's where the binary was built from a checkout.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value[:12]
		}
	}
	return "devel"
}
