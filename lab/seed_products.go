package lab

// What the shop sells. SKU, name, description, price in cents, weight in grams and tags; the category follows from the
// SKU's letters.
type article struct {
	sku, name, text string
	price, weight   int
	tags            []string
}

var categories = map[string]string{
	"APP": "apparel", "FTW": "footwear", "KIT": "kitchen", "OUT": "outdoor", "BKS": "books", "ELE": "electronics",
	"HOM": "home", "TOY": "toys",
}

var articles = []article{
	{"HG-APP-0001", "Fisherman's Sweater", "Heavy wool, knitted in one piece. 100% pure new wool & no itch.", 8900, 900, []string{"wool", "winter"}},
	{"HG-APP-0002", "O'Brien Rain Jacket", "Waterproof to 20,000 mm, taped seams, hood with <3 adjustments.", 14900, 650, []string{"rain", "bestseller"}},
	{"HG-APP-0003", "Breton Shirt", "Striped cotton, the classic since 1858.", 4500, 250, []string{"cotton"}},
	{"HG-APP-0004", "Merino Base Layer", "For cold mornings on deck; 180 g/m².", 6900, 200, []string{"wool", "sport"}},
	{"HG-APP-0005", "Linen Trousers", "Washed linen, wide leg.", 7900, 400, []string{"linen", "summer"}},
	{"HG-APP-0006", "Watch Cap", "Rib knit, one size.", 2400, 90, []string{"wool", "winter"}},
	{"HG-APP-0007", "Oilskin Coat", "Waxed cotton with corduroy collar.", 24900, 1600, []string{"rain"}},
	{"HG-APP-0008", "Sailing Gloves", "Synthetic palm, short fingers.", 2900, 120, []string{"sport"}},
	{"HG-FTW-0001", "Men's Deck Shoes", "Leather, non-marking sole.", 9900, 800, []string{"leather", "bestseller"}},
	{"HG-FTW-0002", "Women's Deck Shoes", "Leather, non-marking sole.", 9900, 700, []string{"leather"}},
	{"HG-FTW-0003", "Rubber Boots", "Natural rubber, felt lining.", 7900, 1900, []string{"rain"}},
	{"HG-FTW-0004", "Espadrilles", "Jute sole, cotton upper.", 3900, 400, []string{"summer", "cotton"}},
	{"HG-FTW-0005", "Hiking Boots", "Full-grain leather, resoleable.", 18900, 1500, []string{"leather", "outdoor"}},
	{"HG-FTW-0006", "Felt Slippers", "Grey wool felt.", 4900, 300, []string{"wool"}},
	{"HG-FTW-0007", "Kids' Sneakers", "Velcro, sizes 24 to 35.", 4400, 350, []string{"kids"}},
	{"HG-KIT-0001", "Enamel Mug", "0.4 l, blue rim.", 1200, 180, []string{"enamel", "bestseller"}},
	{"HG-KIT-0002", "Cast Iron Skillet", "Ø 26 cm, pre-seasoned.", 5900, 2700, []string{"iron"}},
	{"HG-KIT-0003", "Oyster Knife", "Ash handle, short blade.", 2600, 110, []string{"steel"}},
	{"HG-KIT-0004", "Salt Cellar", "Olive wood.", 2200, 240, []string{"wood"}},
	{"HG-KIT-0005", "Tea Towel Set", "Three of linen; \"drop table\" pattern by a programmer.", 1900, 150, []string{"linen"}},
	{"HG-KIT-0006", "Café Press", "1 l, borosilicate glass.", 3900, 700, []string{"glass"}},
	{"HG-KIT-0007", "Kettle", "Whistles at 100 °C.", 6400, 1300, []string{"steel"}},
	{"HG-KIT-0008", "Fish Scaler", "Stainless steel.", 1400, 90, []string{"steel"}},
	{"HG-OUT-0001", "Dry Bag 20 l", "Roll closure, floats.", 3400, 420, []string{"sport", "rain"}},
	{"HG-OUT-0002", "Head Torch", "300 lm, red light.", 4200, 95, []string{"light"}},
	{"HG-OUT-0003", "Storm Lantern", "Paraffin, burns 20 h.", 4900, 900, []string{"light"}},
	{"HG-OUT-0004", "Two-Person Tent", "3.1 kg, double wall.", 29900, 3100, []string{"camping"}},
	{"HG-OUT-0005", "Sleeping Mat", "R-value 4.2.", 8900, 480, []string{"camping"}},
	{"HG-OUT-0006", "Folding Kayak", "Origami hull, 12 kg.", 129900, 12000, []string{"sport"}},
	{"HG-OUT-0007", "Signal Whistle", "Works when wet.", 900, 20, []string{"safety"}},
	{"HG-OUT-0008", "Life Vest", "150 N, automatic.", 15900, 1100, []string{"safety", "sport"}},
	{"HG-BKS-0001", "The Harbourmaster's Almanac", "Tides, stars, recipes.", 2900, 600, []string{"bestseller"}},
	{"HG-BKS-0002", "Knots & Splices", "With 120 drawings.", 1900, 350, []string{"howto"}},
	{"HG-BKS-0003", "Select * from Sea Stories", "Tales for people who also write queries.", 1600, 300, []string{"humour"}},
	{"HG-BKS-0004", "Moby-Dick; or, The Whale", "Unabridged.", 1400, 700, []string{"classic"}},
	{"HG-BKS-0005", "Les Travailleurs de la mer", "Édition de poche.", 1100, 400, []string{"classic"}},
	{"HG-BKS-0006", "Knitting Patterns from the Fjords", "Forty sweaters.", 2400, 550, []string{"howto", "wool"}},
	{"HG-ELE-0001", "Marine Radio", "VHF, 5 W, waterproof.", 13900, 310, []string{"safety"}},
	{"HG-ELE-0002", "Weather Station", "With barometer and app.", 8900, 500, []string{"home"}},
	{"HG-ELE-0003", "Solar Charger", "21 W, folds to A5.", 6900, 480, []string{"camping"}},
	{"HG-ELE-0004", "Power Bank 20 Ah", "USB-C, 65 W.", 5900, 430, []string{"travel"}},
	{"HG-ELE-0005", "Bluetooth Speaker", "IP67, floats.", 7900, 540, []string{"music"}},
	{"HG-ELE-0006", "Depth Sounder", "To 80 m.", 19900, 700, []string{"sport"}},
	{"HG-HOM-0001", "Ship's Bell", "Brass, Ø 15 cm.", 8400, 1800, []string{"brass"}},
	{"HG-HOM-0002", "Wool Blanket", "130 × 200 cm, herringbone.", 11900, 1400, []string{"wool", "winter"}},
	{"HG-HOM-0003", "Driftwood Frame", "21 × 30 cm.", 3200, 600, []string{"wood"}},
	{"HG-HOM-0004", "Sea Salt Candle", "40 h.", 2600, 450, []string{"light"}},
	{"HG-HOM-0005", "Barometer", "Aneroid, made in Glashütte.", 16900, 900, []string{"brass"}},
	{"HG-HOM-0006", "Door Mat", "Old rope, woven.", 4900, 2000, []string{"rope"}},
	{"HG-HOM-0007", "Linen Bedding", "Set for two.", 18900, 2100, []string{"linen"}},
	{"HG-TOY-0001", "Wooden Tugboat", "Beech, from 2 years.", 2400, 300, []string{"wood", "kids"}},
	{"HG-TOY-0002", "Plush Octopus", "Eight arms, washable.", 1900, 250, []string{"kids", "bestseller"}},
	{"HG-TOY-0003", "Lighthouse Puzzle", "1,000 pieces.", 2100, 800, []string{"kids"}},
	{"HG-TOY-0004", "Bath Fleet", "Five boats.", 1500, 200, []string{"kids"}},
	{"HG-TOY-0005", "Kite", "Ripstop, 1.2 m.", 2800, 220, []string{"kids", "outdoor"}},
	{"HG-TOY-0006", "Ship in a Bottle Kit", "With tweezers & patience.", 3600, 400, []string{"howto"}},
	{"HG-ELE-0007", "Anniversary Chronometer", "Numbered edition of 40.", 39900, 120, []string{"limited"}},
	{"HG-HOM-0008", "Founder's Print", "Signed, edition of 60.", 12900, 300, []string{"limited"}},
	{"HG-ELE-0008", "Project Kraken Smartwatch", "Unreleased. Embargo until the spring fair; do not publish.", 34900, 60, []string{"draft"}},
	{"HG-APP-0009", "Project Selkie Wetsuit", "Unreleased. Price not approved yet.", 27900, 2300, []string{"draft"}},
}

var suppliers = []string{"Fjordtex AS", "Kutter & Söhne GmbH", "Penrose Mills Ltd", "Compagnie des Indes SARL", "Tidewater Supply LLC"}

// Opinions that customers have, with the stars that go with them.
var opinions = []struct {
	stars int
	title string
	text  string
}{
	{5, "Love it", "Exactly as described. Would buy again!"},
	{4, "Good, but", "Runs a bit small; order one size up."},
	{5, "", "Bought it for my father's 70th. He won't take it off 😀"},
	{2, "Meh", "The seam came loose after 3 weeks, and the answer from support was: \"that's normal\"."},
	{5, "Sehr schön", "Größe passt, Farbe wie auf dem Foto. Gerne wieder."},
	{3, "Correct", "Livraison lente mais l'article est conforme à l'annonce."},
	{1, "Broken", "Arrived broken -- and the box said FRAGILE! Refund took 10 days."},
	{4, "For developers", "if (raining) { wear(jacket); } else { carry(it); } // works either way"},
	{5, "最高", "とても気に入りました。"},
	{4, "Solid", "Weight < 1 kg & warm > expected. 8/10."},
}
