package lab

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
)

var avatarRoutes = []route{
	{"GET /v1/customers/{customerId}/avatar", signedIn, getAvatar},
	{"PUT /v1/customers/{customerId}/avatar", signedIn, uploadAvatar},
	{"POST /v1/customers/{customerId}/avatar/import", signedIn, importAvatar},
}

func getAvatar(c *call) {
	who := c.customer()
	if who == nil {
		return
	}
	if who.avatar == nil {
		c.missing("avatar")
		return
	}
	tag := tagOf(who.avatar.data)
	c.w.Header().Set("ETag", tag)
	c.w.Header().Set("Cache-Control", "private, max-age=3600")
	if c.fresh(tag) {
		return
	}
	c.w.Header().Set("Content-Type", who.avatar.contentType)
	c.w.Write(who.avatar.data) //nolint:errcheck // the client has gone
}

// uploadAvatar stores the image of a multipart form.
func uploadAvatar(c *call) {
	who := c.customer()
	if who == nil {
		return
	}
	_, params, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil {
		c.problem(http.StatusUnsupportedMediaType, "Send the image as multipart/form-data")
		return
	}
	form := multipart.NewReader(bytes.NewReader(c.body), params["boundary"])
	a := &avatar{}
	for {
		part, err := form.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			c.problem(http.StatusBadRequest, "The form is not complete")
			return
		}
		data, err := io.ReadAll(part)
		if err != nil {
			c.problem(http.StatusBadRequest, "The form is not complete")
			return
		}
		switch part.FormName() {
		case "file":
			a.data = data
		case "caption":
			a.caption = string(data)
		}
	}
	if !a.recognise() {
		c.problem(http.StatusUnsupportedMediaType, "This is neither a PNG nor a JPEG image")
		return
	}
	c.keep(who, a)
}

// importAvatar fetches an image.
// flaw SSRF-2: from wherever the client says, and what is no image is quoted in the error.
func importAvatar(c *call) {
	var in struct{ URL string }
	who := c.customer()
	if who == nil || !c.read(&in) {
		return
	}
	var got fetched
	var err error
	c.outside(func() { got, err = c.l.net.fetch(c.r.Context(), http.MethodGet, in.URL, nil) })
	if err != nil {
		c.problem(http.StatusUnprocessableEntity, "The image could not be fetched: "+err.Error())
		return
	}
	a := &avatar{data: got.body}
	if !a.recognise() {
		c.problem(http.StatusUnprocessableEntity, "Not an image: "+got.excerpt(500))
		return
	}
	c.keep(who, a)
}

// recognise finds out from its first bytes what the image is.
func (a *avatar) recognise() bool {
	switch a.contentType = http.DetectContentType(a.data); a.contentType {
	case "image/png", "image/jpeg":
		return true
	}
	return false
}

func (c *call) keep(who *customer, a *avatar) {
	who.avatar, who.AvatarURL = a, "/v1/customers/"+who.ID+"/avatar"
	answer := map[string]any{"url": who.AvatarURL, "contentType": a.contentType, "bytes": len(a.data)}
	if a.caption != "" {
		answer["caption"] = a.caption
	}
	c.json(http.StatusOK, answer)
}
