package lab

// Where the seeded customers live and what they are called. Telephone numbers are from ranges that are reserved for
// fiction where a country has one.
type place struct {
	country, locale, currency string
	phone                     string // each # is a digit
	first, last               []string
	streets                   []string
	cities                    [][3]string // city, region, postal code
}

// places by tenant.
var places = map[string][]place{
	"harbor-eu": {
		{"GB", "en-GB", "GBP", "+44 7700 900###",
			[]string{"Olivia", "Harry", "Siobhan", "Callum", "Imogen", "Rhys"},
			[]string{"Whitfield", "O'Brien", "MacLeod", "Ashworth", "Pemberton", "Davies"},
			[]string{"Cannery Row", "King's Road", "St Mary's Lane", "Harbour View"},
			[][3]string{{"Bristol", "Avon", "BS1 4DJ"}, {"Leeds", "West Yorkshire", "LS1 3AD"}, {"Edinburgh", "", "EH1 1YZ"}}},
		{"DE", "de-DE", "EUR", "+49 30 23125 ###",
			[]string{"Jürgen", "Annegret", "Lukas", "Käthe", "Björn", "Sophie"},
			[]string{"Müller", "Schäfer", "von der Heide", "Groß", "Weiß", "Brückner"},
			[]string{"Hafenstraße", "An der Mühle", "Königsallee", "Goethestraße"},
			[][3]string{{"Hamburg", "", "20359"}, {"München", "Bayern", "80331"}, {"Köln", "NRW", "50667"}}},
		{"FR", "fr-FR", "EUR", "+33 1 99 00 ## ##",
			[]string{"Amélie", "Théo", "Chloé", "Jean-Baptiste", "Zoé", "Noël"},
			[]string{"Lefèvre", "D'Alembert", "Beaulieu", "Garçon", "Dupré", "L'Hôpital"},
			[]string{"rue de l'Église", "quai des Célestins", "avenue Foch", "place d'Armes"},
			[][3]string{{"Nantes", "Loire-Atlantique", "44000"}, {"Paris", "Île-de-France", "75004"}, {"L'Haÿ-les-Roses", "", "94240"}}},
		{"SE", "sv-SE", "EUR", "+46 8 465 004 ##",
			[]string{"Åsa", "Göran", "Linnéa", "Sören"}, []string{"Sjöberg", "Ångström", "Nyström", "Öhman"},
			[]string{"Skeppsbron", "Östra Hamngatan", "Söder Mälarstrand"},
			[][3]string{{"Göteborg", "", "411 14"}, {"Malmö", "Skåne", "211 20"}}},
		{"PL", "pl-PL", "EUR", "+48 22 555 1# ##",
			[]string{"Łukasz", "Małgorzata", "Wojciech", "Agnieszka"}, []string{"Wójcik", "Kowalczyk", "Żak", "Dąbrowska"},
			[]string{"ul. Długa", "al. Jana Pawła II", "ul. Święty Marcin"},
			[][3]string{{"Gdańsk", "pomorskie", "80-831"}, {"Łódź", "", "90-001"}}},
	},
	"harbor-us": {
		{"US", "en-US", "USD", "+1 202-555-01##",
			[]string{"Emily", "Marcus", "Latoya", "Dwayne", "Grace", "Tyler", "Rosa"},
			[]string{"Sullivan", "Washington", "Nguyen", "O'Connor", "Johnson-Reyes", "Kowalski", "Goldberg"},
			[]string{"Pier Ave", "N 4th St #12", "E Martin Luther King Jr Blvd", "Old Mill Rd"},
			[][3]string{{"Portland", "OR", "97205"}, {"St. Paul", "MN", "55101"}, {"Savannah", "GA", "31401"}, {"New York", "NY", "10013"}}},
		{"CA", "fr-CA", "USD", "+1 613-555-01##",
			[]string{"Élodie", "Benoît", "Hannah", "Connor"}, []string{"Tremblay", "Gagné", "MacDonald", "Bélanger"},
			[]string{"rue Sainte-Catherine O", "Barrington St", "Granville St"},
			[][3]string{{"Montréal", "QC", "H3B 1A7"}, {"Halifax", "NS", "B3J 1Z1"}}},
		{"MX", "es-MX", "USD", "+52 55 5555 01##",
			[]string{"María José", "Íñigo", "Ximena", "Andrés"}, []string{"Hernández", "Peña Nieto", "Muñoz", "García Márquez"},
			[]string{"Av. Insurgentes Sur", "Calle 5 de Mayo", "Paseo de la Reforma"},
			[][3]string{{"Ciudad de México", "CDMX", "06000"}, {"Mérida", "Yucatán", "97000"}}},
	},
	"harbor-apac": {
		{"AU", "en-AU", "AUD", "+61 491 570 ###",
			[]string{"Matilda", "Jack", "Kirra", "Lachlan"}, []string{"O'Shea", "Campbell", "Nguyễn", "Fitzgerald"},
			[]string{"Circular Quay", "Unit 3/17 Beach Rd", "Queen's Parade"},
			[][3]string{{"Sydney", "NSW", "2000"}, {"Fremantle", "WA", "6160"}}},
		{"JP", "ja-JP", "USD", "+81 3 5550 01##",
			[]string{"さくら", "健太", "Yūko", "Haruto"}, []string{"佐藤", "山田", "Itō", "Ōno"},
			[]string{"港区芝公園4-2-8", "1-1 Minatomirai", "道頓堀1丁目"},
			[][3]string{{"東京", "東京都", "105-0011"}, {"Yokohama", "Kanagawa", "220-0012"}}},
		{"IN", "en-IN", "USD", "+91 22 5550 01##",
			[]string{"Aarav", "Priya", "Rohan", "Ananya"}, []string{"D'Souza", "Krishnamurthy", "Patel", "Sharma"},
			[]string{"Marine Drive", "14/2, M.G. Road", "Sector 21-C"},
			[][3]string{{"Mumbai", "MH", "400020"}, {"Bengaluru", "KA", "560001"}}},
		{"SG", "en-SG", "USD", "+65 6555 01##",
			[]string{"Wei Ling", "Jun Jie", "Siti"}, []string{"Tan", "Lim", "binte Rahman"},
			[]string{"Keppel Bay View", "Blk 12 Telok Blangah Cres", "Orchard Rd"},
			[][3]string{{"Singapore", "", "098109"}}},
	},
}
