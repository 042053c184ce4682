package openapi

import (
	"strings"
	"testing"
)

func TestAlike(t *testing.T) {
	var ops []*Operation
	for _, path := range []string{"/", "/Orders/{id}", "/users/", "/admin/report", "/files/{name}.JSON"} {
		ops = append(ops, &Operation{Key: "GET " + path, Method: "GET", Path: path})
	}
	a, err := NewAlike(ops)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		"/": true, "/orders/7": true, "/ORDERS/7": true, "/orders/7/": true, "/Orders/7. ": true, "/users": true, "/USERS/": true,
		"/admin/REPORT": true, "/admin/report.": true, "/admin /report": true, "/files/a.json": true, "/FILES/A.Json/": true,
		"/orders": false, "/orders/7/lines": false, "/v0/orders/7": false, "/admin": false, "/admin/reports": false, "/files/a.xml": false,
	} {
		segments := strings.Split(path[1:], "/")
		if path == "/" {
			segments = nil
		}
		if got := a.Match(segments); got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	if _, err := NewAlike([]*Operation{{Key: "GET x", Method: "GET", Path: "x"}}); err == nil {
		t.Error("a path that is none was read")
	}
}
