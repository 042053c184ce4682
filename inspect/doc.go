// Package inspect asks of every message: does it attack?
package inspect
