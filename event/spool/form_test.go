package spool

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/event/encode"
	"github.com/sallyport/sallyport/exchange"
)

// fillAll gives every field, however deep, a value of its own.
func fillAll(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprint("value ", *n))
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(1-2*(*n%2)) * int64(*n) << 20)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillAll(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fillAll(v.Index(i), n)
		}
	case reflect.Uint8:
		v.SetUint(uint64(*n % 256))
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"a": fmt.Sprint(*n), "b": ""}))
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(1_800_000_000, int64(*n)).UTC()))
			return
		}
		for i := range v.NumField() {
			fillAll(v.Field(i), n)
		}
	default:
		panic(v.Kind())
	}
}

// Nothing of a record or an event is forgotten on disk, and nothing is mixed up. A field that was added to one of them, or to what is
// in them, and has no number in fields.go is found here.
func TestFormsHoldEverything(t *testing.T) {
	n := 0
	full, e := &exchange.Record{}, &exchange.Event{}
	fillAll(reflect.ValueOf(full).Elem(), &n)
	fillAll(reflect.ValueOf(e).Elem(), &n)
	e.By = nil // it is how the actor lies on disk
	for _, i := range []encode.Item{{Record: full}, {Event: e}, {Record: &exchange.Record{Steps: []exchange.RecordStep{}}}, {Event: &exchange.Event{}}} {
		f, err := sealItem(i, &xor{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := f.item(&xor{})
		if err != nil || !reflect.DeepEqual(got, i) {
			t.Errorf("%+v %+v\nbecame %+v %+v %v", i.Record, i.Event, got.Record, got.Event, err)
		}
	}
}

// Fields that are not known are passed over; what is cut off is no form.
func TestFormsOfOthers(t *testing.T) {
	var f form
	text(&f, 1, new("one"))
	number(&f, 2, new(2))
	text(&f, 3, new("three"))
	number(&f, 9, new(-9))
	var one string
	var nine int
	if err := read(f.b, func(f *form) { text(f, 1, &one); number(f, 9, &nine) }); err != nil || one != "one" || nine != -9 {
		t.Error(one, nine, err)
	}
	if err := read(f.b[:len(f.b)-1], func(f *form) { number(f, 9, &nine) }); err == nil {
		t.Error("a form that is cut off was read")
	}
}

// Whatever the bytes are, they are read or refused; what was read reads the same once it is written again.
func FuzzForm(f *testing.F) {
	_, public, personal, err := part(encode.Item{Record: record(10)}, event.Nobody{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(public)
	f.Add(personal)
	f.Fuzz(func(t *testing.T, b []byte) {
		var once, twice exchange.Record
		if read(b, func(f *form) { recordForm(f, &once) }) != nil {
			return
		}
		var again, third form
		recordForm(&again, &once)
		err := read(again.b, func(f *form) { recordForm(f, &twice) })
		if recordForm(&third, &twice); err != nil || !bytes.Equal(again.b, third.b) { // an empty list is written as none
			t.Errorf("%+v became %+v: %v", once, twice, err)
		}
	})
}
