package lab

import (
	"net/http"
	"path"
)

// files is the file system of the lab's server; downloads are below /srv/shop/public.
var files = map[string]string{
	"/srv/shop/public/guides/size-guide-footwear.txt": "Size guide: footwear\n\nEU 36 37 38 39 40 41 42 43 44 45\nUK 3.5 4 5 6 6.5 7 8 9 9.5 10.5\nUS 5 6 7 8 9 9.5 10.5 11.5 12 13\n",
	"/srv/shop/public/guides/size-guide-apparel.txt":  "Size guide: apparel\n\nS chest 88-94 cm, M 95-102 cm, L 103-110 cm, XL 111-118 cm\n",
	"/srv/shop/public/manuals/head-torch.txt":         "Head Torch\n\n1. Press once: 300 lm.  2. Press twice: red light.  3. Hold for 3 s: off.\n",
	"/srv/shop/public/manuals/two-person-tent.txt":    "Two-Person Tent\n\nPitch the inner tent first; peg out the corners; then the fly.\n",
	"/srv/shop/public/forms/return-form.txt":          "RETURN FORM\n\nOrder: ____________  Reason: [ ] damaged [ ] late [ ] wrong item [ ] other\n",
	"/srv/shop/public/forms/terms.txt":                "Terms & conditions, version of 2026-01-01\n\n§ 1 Scope. These terms apply to all orders.\n",
	"/etc/hostname":                                   "shop-api-7f9c5d-x2x4l\n",
	"/etc/passwd":                                     "root:x:0:0:root:/root:/bin/bash\nshop:x:1000:1000::/srv/shop:/usr/sbin/nologin\n",
	"/srv/shop/config/production.env":                 "DATABASE_URL=postgres://shop:Tr4wl3r-n1ght@db.internal:5432/shop\nPSP_SECRET=" + pspSecret + "\n",
}

// pspSecret is what must never leave the server.
const pspSecret = "psp_live_x8Gk2LqWv5Nt0RzYb3Hc"

// download answers with a document.
// flaw CONF-7: the name is joined to the folder, and dots lead out of it.
func download(c *call) {
	text, ok := files[path.Join("/srv/shop/public", c.r.URL.Query().Get("file"))]
	if !ok {
		c.missing("document")
		return
	}
	c.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	c.w.Header().Set("Cache-Control", "public, max-age=3600")
	c.w.WriteHeader(http.StatusOK)
	c.w.Write([]byte(text)) //nolint:errcheck // the client has gone
}
