package lab

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
)

// PNG and JPEG are two small real images, for uploads.
var (
	PNG  = drawn(func(b *bytes.Buffer, m image.Image) error { return png.Encode(b, m) })
	JPEG = drawn(func(b *bytes.Buffer, m image.Image) error { return jpeg.Encode(b, m, &jpeg.Options{Quality: 60}) })
)

// drawn encodes a lighthouse of 16 by 16 pixels.
func drawn(encode func(*bytes.Buffer, image.Image) error) []byte {
	m := image.NewRGBA(image.Rect(0, 0, 16, 16))
	for y := range 16 {
		for x := range 16 {
			c := color.RGBA{120, 180, 220, 255}
			if x > 5 && x < 10 && y > 3 {
				c = color.RGBA{220, uint8(40 + 180*(y/3%2)), 60, 255}
			}
			m.Set(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := encode(&b, m); err != nil {
		panic(err) // encoding into memory cannot fail
	}
	return b.Bytes()
}
