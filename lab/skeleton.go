package lab

import "net/http"

var tenants = []string{"harbor-eu", "harbor-us", "harbor-apac"}

type account struct{ Tenant, Role string }
type store struct{ customers map[string]*account }

func seed() *store { return &store{customers: map[string]*account{}} }

type internet struct{}

func startInternet() (*internet, error) { return &internet{}, nil }
func (*internet) close() error          { return nil }

func (l *Lab) routes() *http.ServeMux                       { return http.NewServeMux() }
func (l *Lab) serve(w http.ResponseWriter, r *http.Request) { l.mux.ServeHTTP(w, r) }
