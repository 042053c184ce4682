package lab

import (
	"fmt"
	"strings"
)

// scenes are what ordinary clients do, in order. Whatever is in here, a gateway has to let through.
var scenes = []func(*tape){
	visitors, searchers, readers, accounts, profiles, addressBooks, avatars, buyers, payers, returners, bookkeepers, trackers,
	bargainHunters, integrators, supporters, admins, stockists, leavers,
}

func accounts(p *tape) {
	for _, n := range []int{3, 9, 15, 42, 88, 130, 166, 199} {
		id := fmt.Sprintf("cus_%04d", n)
		c := p.customer(id)
		status := 200
		if c.Status == "blocked" {
			status = 403
		}
		p.play("sign in as "+id, "", "POST /v1/auth/login", status, js(m{"email": c.Email, "password": Password(id)}))
	}
	c := p.customer("cus_0021")
	p.play("mistype the password", "", "POST /v1/auth/login", 401, js(m{"email": c.Email, "password": "Quayside-CUS0021-lantren"}))
	p.play("mistype it again, with caps lock", "", "POST /v1/auth/login", 401, js(m{"email": c.Email, "password": "qUAYSIDE-cus0021-LANTERN"}))
	p.play("get it right", "", "POST /v1/auth/login", 200, js(m{"email": c.Email, "password": Password("cus_0021")}))
	p.play("sign in with capitals in the address", "", "POST /v1/auth/login", 200, js(m{"email": strings.ToUpper(c.Email[:1]) + c.Email[1:], "password": Password("cus_0021")}))
	p.play("sign in to an account that does not exist", "", "POST /v1/auth/login", 401, js(m{"email": "nobody.here@mail.example", "password": "p@ss'w\"ord; -- <b>"}))
	p.play("staff signs in", "", "POST /v1/auth/login", 200, js(m{"email": p.customer(Support).Email, "password": Password(Support)}))

	for _, n := range []int{22, 57, 141} {
		c := p.customer(fmt.Sprintf("cus_%04d", n))
		p.play("forget the password of "+c.ID, "", "POST /v1/auth/password-reset", 202, js(m{"email": c.Email}))
		var code string
		p.state(func(s *store) { code = s.codes[c.Email] })
		p.play("mistype the code of "+c.ID, "", "POST /v1/auth/password-reset/confirm", 400, js(m{"email": c.Email, "code": "123456", "newPassword": "N3w; pass 'word' for " + c.ID}))
		p.play("set a new password for "+c.ID, "", "POST /v1/auth/password-reset/confirm", 204, js(m{"email": c.Email, "code": code, "newPassword": "N3w; pass 'word' for " + c.ID}))
		p.play("sign in with the new password of "+c.ID, "", "POST /v1/auth/login", 200, js(m{"email": c.Email, "password": "N3w; pass 'word' for " + c.ID}))
	}
	p.play("forget a password nobody has", "", "POST /v1/auth/password-reset", 202, js(m{"email": "not.a.customer@post.example"}))
	for _, id := range []string{"cus_0022", "cus_0141", "cus_0022"} {
		p.play(fmt.Sprintf("have an SMS sent to %s, %d", id, len(p.kept)), id, "POST /v1/auth/phone-verification", 202, "")
	}
}

func profiles(p *tape) {
	for _, id := range []string{"cus_0003", "cus_0042", "cus_0125", "cus_0170", "cus_0188"} {
		p.again("own profile of "+id, id, "/v1/me")
	}
	for _, id := range []string{"cus_0003", "cus_0107", "cus_0150"} {
		p.again("own profile by id, "+id, id, "/v1/customers/"+id)
	}
	newcomers := []m{
		{"email": "aoife.nichathain@mail.example", "password": "tide & time: 4ever", "firstName": "Aoife", "lastName": "Ní Chatháin", "country": "IE", "locale": "en-IE", "newsletter": true},
		{"email": "bob.tables@post.example", "password": "k#7;Qv'z--9\"Lm", "firstName": "Robert", "lastName": "Tables", "country": "US", "phone": "+1 (202) 555-0175"},
		{"email": "zoe+shop@inbox.example", "password": "correct horse battery", "firstName": "Zoë", "lastName": "van 't Hof", "country": "NL", "birthday": "1990-02-28"},
		{"email": "null@mail.example", "password": "nullnullnull", "firstName": "Jennifer", "lastName": "Null", "country": "US", "newsletter": false},
		{"email": "tanaka.hanako@post.example", "password": "さくら咲く2026春です", "firstName": "花子", "lastName": "田中", "country": "JP", "locale": "ja-JP"},
		{"email": "script.kiddo@mail.example", "password": "select-a-union-job", "firstName": "Oscar", "lastName": "Script", "country": "GB"},
	}
	for i, in := range newcomers {
		p.play(fmt.Sprintf("register %s %s", in["firstName"], in["lastName"]), "", "POST /v1/customers", 201, js(in))
		id := fmt.Sprintf("cus_%04d", customerCount+1+i)
		p.play("first look at the new profile "+id, id, "GET /v1/me", 200, "")
	}
	p.play("register with an address that is taken", "", "POST /v1/customers", 409, js(m{"email": "null@mail.example", "password": "again-and-again", "firstName": "Jen", "lastName": "Null", "country": "US"}))

	tag := p.play("look before a change", "cus_0034", "GET /v1/customers/cus_0034", 200, "").header.Get("ETag")
	p.play("change name and telephone", "cus_0034", "PATCH /v1/customers/cus_0034", 200, `{"lastName":"O'Brien-Müller","phone":"+353 1 555 0134"}`, "If-Match", tag)
	p.play("change again with the old version", "cus_0034", "PATCH /v1/customers/cus_0034", 412, `{"newsletter":true}`, "If-Match", tag)
	p.play("subscribe to the newsletter", "cus_0034", "PATCH /v1/customers/cus_0034", 200, `{"newsletter":true}`, "Content-Type", "application/merge-patch+json")
	p.play("move to another country", "cus_0171", "PATCH /v1/customers/cus_0171", 200, `{"country":"NZ","locale":"en-NZ","birthday":"1979-12-31"}`)
	p.play("take an e-mail address that is taken", "cus_0171", "PATCH /v1/customers/cus_0171", 409, js(m{"email": p.customer("cus_0003").Email}))
	p.play("take a new e-mail address", "cus_0171", "PATCH /v1/customers/cus_0171", 200, `{"email":"d'angelo.o-neill@mail.example"}`, "Content-Type", "application/json; charset=utf-8")
	p.play("a profile with odd spacing in the JSON", "cus_0035", "PATCH /v1/customers/cus_0035", 200, "{\r\n\t\"firstName\" : \"Ren\\u00e9\" ,\n \"newsletter\":  false\n}\n")
}

func addressBooks(p *tape) {
	for _, id := range []string{"cus_0003", "cus_0107", "cus_0126", "cus_0168", "cus_0190"} {
		p.play("address book of "+id, id, "GET /v1/customers/"+id+"/addresses", 200, "")
	}
	worldwide := []m{
		{"label": "Home", "name": "Seán Ó Súilleabháin", "street": "Cé na Mara 7", "city": "Gaillimh", "region": "Co. na Gaillimhe", "postalCode": "H91 E2X9", "country": "IE"},
		{"label": "Büro", "name": "Groß & Söhne GmbH, z. Hd. Fr. Weiß", "street": "Straße des 17. Juni 135, Aufgang B/2. OG", "city": "Berlin", "postalCode": "10623", "country": "DE", "default": true},
		{"name": "María de los Ángeles Núñez", "street": "C/ Mayor, 12, 3º izq.", "extra": "(timbre: «Núñez»)", "city": "A Coruña", "postalCode": "15001", "country": "ES"},
		{"name": "山田 太郎", "street": "港区芝公園4丁目2-8", "city": "東京", "region": "東京都", "postalCode": "105-0011", "country": "JP"},
		{"name": "李小龍", "street": "九龍尖沙咀彌敦道 12 號 3/F", "city": "香港", "postalCode": "999077", "country": "HK"},
		{"name": "Иван Петров", "street": "ул. Ленина, д. 5, кв. 12", "city": "Бишкек", "postalCode": "720000", "country": "KG"},
		{"name": "محمد الأحمد", "street": "شارع الملك فهد ١٢", "city": "الرياض", "postalCode": "11564", "country": "SA"},
		{"name": "J. R. \"Bob\" D'Souza, Jr.", "street": "#14-02, Blk 12/B; Keppel Bay", "city": "Singapore", "postalCode": "098109", "country": "SG"},
		{"name": "c/o Union Bar & Grill", "street": "1 Upper Table Mountain Rd, opp. The Select", "city": "Cape Town", "postalCode": "8001", "country": "ZA"},
	}
	for i, in := range worldwide {
		id := []string{"cus_0036", "cus_0037", "cus_0172"}[i%3]
		p.play(fmt.Sprintf("add an address in %s", in["city"]), id, "POST /v1/customers/"+id+"/addresses", 201, js(in))
	}
	mine := p.customer("cus_0036").addresses
	last := mine[len(mine)-1].ID
	path := "/v1/customers/cus_0036/addresses/"
	p.play("correct an address", "cus_0036", "PUT "+path+last, 200, js(m{"label": "Ferien", "name": "Familie Groß", "street": "Strandweg 1a", "city": "Sankt Peter-Ording", "postalCode": "25826", "country": "DE"}))
	p.play("correct an address that is gone", "cus_0036", "PUT "+path+"adr_00000000", 404, js(worldwide[0]))
	p.play("remove an address", "cus_0036", "DELETE "+path+last, 204, "")
	p.play("remove it again", "cus_0036", "DELETE "+path+last, 404, "")
	p.play("remove the default address", "cus_0036", "DELETE "+path+p.customer("cus_0036").addresses[0].ID, 409, "")
}

func avatars(p *tape) {
	upload := func(name, who, filename, contentType string, image []byte, caption string) {
		p.Helper()
		body, header := multipartOf(filename, contentType, image, caption)
		p.record(Request{Name: name, Who: who, Binary: body, Status: 200}, "PUT /v1/customers/"+who+"/avatar", []string{"Content-Type", header})
	}
	p.play("no avatar yet", "cus_0004", "GET /v1/customers/cus_0004/avatar", 404, "")
	upload("upload a PNG", "cus_0004", "me.png", "image/png", PNG, "")
	upload("upload a JPEG with a caption", "cus_0005", "Foto vom Segeln (2).jpg", "image/jpeg", JPEG, "Me & my boat — O'Neill's cup <3")
	upload("upload over the first one", "cus_0004", "IMG_0042.JPG", "image/jpeg", JPEG, "")
	p.again("look at the avatar", "cus_0004", "/v1/customers/cus_0004/avatar")
	for i, url := range []string{
		"https://avatars.mail.example/u/4711.png?s=128&d=identicon", "http://pictures.example.com/~rosa/holidays/me%20and%20dog.jpg",
		"https://cdn.images.example.org:8443/a/b/c.png#face",
	} {
		p.play("take an avatar from "+url, "cus_0006", "POST /v1/customers/cus_0006/avatar/import", 200, js(m{"url": url}))
		if i == 0 {
			p.again("look at the imported avatar", "cus_0006", "/v1/customers/cus_0006/avatar")
		}
	}
	p.play("take an avatar that is no image", "cus_0006", "POST /v1/customers/cus_0006/avatar/import", 422, js(m{"url": "https://www.example.com/about.html"}))
}

// leavers close the scene: what they do cannot be undone.
func leavers(p *tape) {
	p.play("close an account", "admin", "DELETE /v1/customers/cus_0199", 204, "")
	p.play("close it again", "admin", "DELETE /v1/customers/cus_0199", 404, "")
	p.play("the shop is still open", "", "GET /v1/status", 200, "")
}
