package differential

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/testkit"
)

// Each of these reads a request and sends it on to a raw recorder, as it read it. X-Read-Path is the path by which it
// would choose a location or a rule, between brackets, since fields lose the white space at their ends.

func startNginx(t testing.TB) *Upstream {
	return proxied(t, "nginx", installed(t, "nginx"), `
daemon off; master_process off; worker_processes 1; pid DIR/pid; error_log stderr crit;
events { worker_connections 512; }
http {
  access_log off; client_body_temp_path DIR/b; proxy_temp_path DIR/p; fastcgi_temp_path DIR/f; uwsgi_temp_path DIR/u; scgi_temp_path DIR/s;
  keepalive_requests 10000000; keepalive_timeout 600s; client_max_body_size 16m; large_client_header_buffers 8 64k;
  upstream behind { server BEHIND; keepalive 4; keepalive_requests 10000000; }
  server {
    listen FRONT;
    location / {
      proxy_pass http://behind; proxy_http_version 1.1;
      proxy_set_header Connection ""; proxy_set_header Host $http_host; proxy_set_header X-Read-Path "[$uri]";
    }
  }
}
`, "-p", "DIR", "-e", "stderr", "-c", "CONFIG")
}

func startHAProxy(t testing.TB) *Upstream {
	return proxied(t, "haproxy", installed(t, "haproxy"), `
global
  nbthread 1
  tune.bufsize 131072
  tune.http.maxhdr 256
defaults
  mode http
  timeout connect 10s
  timeout client 600s
  timeout server 600s
frontend front
  bind FRONT
  http-request set-header X-Read-Path [%[path,url_dec]]
  default_backend behind
backend behind
  server recorder BEHIND
`, "-db", "-f", "CONFIG")
}

func startApache(t testing.TB) *Upstream {
	return proxied(t, "apache", installed(t, "apache2", "httpd"), `
Listen FRONT
ServerName localhost
PidFile DIR/pid
DefaultRuntimeDir DIR
Mutex pthread
ErrorLog DIR/error.log
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule headers_module /usr/lib/apache2/modules/mod_headers.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
User www-data
Group www-data
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 600
LimitRequestLine 65536
LimitRequestFieldSize 65536
AllowEncodedSlashes NoDecode
ProxyAddHeaders Off
ProxyPreserveHost On
RequestHeader set X-Read-Path "expr=[%{REQUEST_URI}]"
ProxyPass / http://BEHIND/ nocanon
`, "-X", "-f", "CONFIG", "-d", "DIR")
}

func proxied(t testing.TB, name, program, configuration string, args ...string) *Upstream {
	u, front := startRaw(t), testkit.FreeAddress(t)
	behind := strings.TrimPrefix(u.URL, "http://")
	launch(t, program, front, strings.NewReplacer("FRONT", front, "BEHIND", behind).Replace(configuration), args...)
	u.Name, u.URL = name, fmt.Sprintf("http://%s", front)
	return u
}
