// Package deploy holds what the product is shipped in: packages for Linux, an image, a chart, a Compose file. It has tests
// only: they build each of these, look into it, and run what is in it as far as the machine allows.
package deploy
