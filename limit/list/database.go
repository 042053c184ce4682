package list

import (
	"fmt"
	"strconv"

	"github.com/oschwald/maxminddb-golang/v2"
)

// location is what a record of MaxMind's layout says of a network.
type location struct {
	Country struct {
		Code string `maxminddb:"iso_code"`
	} `maxminddb:"country"`
	System uint64 `maxminddb:"autonomous_system_number"`
}

// database adds the networks of the systems and countries that are wanted. The file is read, not mapped: one that is cut short
// under us must not end the process.
func (r *reader) database(file string) {
	fail := func(err error) {
		r.errs = append(r.errs, &Error{File: file, Message: "the database cannot be used: " + err.Error(), Hint: "a file of MaxMind's format: GeoLite2-Country.mmdb, GeoLite2-ASN.mmdb"})
	}
	data, err := read(file, maxDatabase)
	if err != nil {
		fail(err)
		return
	}
	r.hash.Write(data)
	db, err := maxminddb.OpenBytes(data)
	if err != nil {
		fail(err)
		return
	}
	known := map[uintptr][]int32{} // by record: many networks share one
	for network := range db.Networks(maxminddb.SkipEmptyValues()) {
		entries, seen := known[network.Offset()]
		if !seen {
			var at location
			if err := network.Decode(&at); err != nil {
				fail(err)
				return
			}
			entries = r.located(at)
			known[network.Offset()] = entries
		}
		if len(r.places)+len(entries) > maxPlaces {
			fail(fmt.Errorf("the lists cover more than %d networks", maxPlaces))
			return
		}
		for _, e := range entries {
			r.places = append(r.places, place{network.Prefix().Masked(), e})
		}
	}
}

// located are the entries for which a location was wanted.
func (r *reader) located(at location) (entries []int32) {
	if at.Country.Code != "" {
		entries = append(entries, r.wanted["country:"+at.Country.Code]...)
	}
	if at.System != 0 {
		entries = append(entries, r.wanted["AS"+strconv.FormatUint(at.System, 10)]...)
	}
	return entries
}
