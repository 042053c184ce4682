package lab

var tenants = []string{"harbor-eu", "harbor-us", "harbor-apac"}

// A customer is a row of the customers table. Handlers answer with the row as it is.
type customer struct {
	ID          string `json:"id"`
	Email       string `json:"email"`
	FirstName   string `json:"firstName"`
	LastName    string `json:"lastName"`
	Phone       string `json:"phone,omitempty"`
	Birthday    string `json:"birthday,omitempty"`
	Country     string `json:"country"`
	Locale      string `json:"locale"`
	Status      string `json:"status"`
	Newsletter  bool   `json:"newsletter"`
	Points      int    `json:"points"`
	AvatarURL   string `json:"avatarUrl,omitempty"`
	CreatedAt   string `json:"createdAt"`
	UpdatedAt   string `json:"updatedAt"`
	Tenant      string `json:"tenant"`
	CreditLimit int    `json:"creditLimit"`
	RiskScore   int    `json:"riskScore"`
	// flaw BOPLA-1: columns that nobody outside should see travel with the rest.
	Role         string `json:"role"`
	PasswordHash string `json:"passwordHash"`
	MFASecret    string `json:"mfaSecret"`
	MarginClass  string `json:"marginClass"`

	password  string
	addresses []*address
	avatar    *avatar
	credit    int // from coupons
	redeemed  map[string]bool
	texts     int // SMS sent
	home      string
}

func (c *customer) name() string { return c.FirstName + " " + c.LastName }

// An address belongs to a customer, or is the copy that an order or invoice keeps.
type address struct {
	ID         string `json:"id"`
	Label      string `json:"label,omitempty"`
	Name       string `json:"name"`
	Street     string `json:"street"`
	Extra      string `json:"extra,omitempty"`
	City       string `json:"city"`
	Region     string `json:"region,omitempty"`
	PostalCode string `json:"postalCode"`
	Country    string `json:"country"`
	Default    bool   `json:"default"`
}

// An avatar is an uploaded image.
type avatar struct {
	contentType, caption string
	data                 []byte
}

// A product is a row of the products table.
type product struct {
	ID          string   `json:"id"`
	SKU         string   `json:"sku"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Category    string   `json:"category"`
	Price       int      `json:"price"`
	Currency    string   `json:"currency"`
	Stock       int      `json:"stock"`
	Limited     bool     `json:"limited"`
	Tags        []string `json:"tags"`
	Rating      *float64 `json:"rating"`
	Reviews     int      `json:"reviews"`
	Weight      int      `json:"weight"`
	ImageURL    string   `json:"imageUrl"`
	UpdatedAt   string   `json:"updatedAt"`
	// flaw BOPLA-5: what the product costs the shop is there for everybody.
	CostPrice int    `json:"costPrice"`
	Supplier  string `json:"supplier"`

	draft bool // not published yet
}

// A review of a product.
type review struct {
	ID        string `json:"id"`
	ProductID string `json:"productId"`
	Stars     int    `json:"stars"`
	Title     string `json:"title,omitempty"`
	Text      string `json:"text"`
	Author    author `json:"author"`
	CreatedAt string `json:"createdAt"`
}

// An author is the nested customer of a review.
type author struct {
	DisplayName string `json:"displayName"`
	Verified    bool   `json:"verified"`
	// flaw BOPLA-4: the nested customer brings contact data along.
	CustomerID string `json:"customerId"`
	Email      string `json:"email"`
	Phone      string `json:"phone"`
}

// A line of an order.
type line struct {
	ProductID string `json:"productId"`
	Name      string `json:"name"`
	Quantity  int    `json:"quantity"`
	UnitPrice int    `json:"unitPrice"`
}

// An order is a row of the orders table with its lines.
type order struct {
	ID              string   `json:"id"`
	CustomerID      string   `json:"customerId"`
	Status          string   `json:"status"`
	Items           []line   `json:"items"`
	Subtotal        int      `json:"subtotal"`
	Discount        int      `json:"discount"`
	Shipping        int      `json:"shipping"`
	Total           int      `json:"total"`
	Currency        string   `json:"currency"`
	ShippingAddress *address `json:"shippingAddress,omitempty"`
	Coupons         []string `json:"coupons,omitempty"`
	GiftMessage     string   `json:"giftMessage,omitempty"`
	Note            string   `json:"note,omitempty"`
	Express         bool     `json:"express"`
	Carrier         string   `json:"carrier,omitempty"`
	TrackingNumber  string   `json:"trackingNumber,omitempty"`
	CreatedAt       string   `json:"createdAt"`
	UpdatedAt       string   `json:"updatedAt"`
	// flaw BOPLA-7: what the order earns the shop, and what fraud screening thinks of the customer.
	Margin       int    `json:"margin"`
	FraudVerdict string `json:"fraudVerdict"`

	tenant string
}

// A payment of an order.
type payment struct {
	ID         string `json:"id"`
	OrderID    string `json:"orderId"`
	CustomerID string `json:"customerId"`
	Method     method `json:"method"`
	Amount     int    `json:"amount"`
	Refunded   int    `json:"refunded"`
	Currency   string `json:"currency"`
	Status     string `json:"status"`
	CreatedAt  string `json:"createdAt"`
}

// A method of payment. The number should be its last four digits only.
type method struct {
	Type   string `json:"type"`
	Brand  string `json:"brand,omitempty"`
	Number string `json:"number,omitempty"`
	Expiry string `json:"expiry,omitempty"`
	IBAN   string `json:"iban,omitempty"`
	Holder string `json:"holder,omitempty"`
}

// A refund of a payment.
type refund struct {
	ID         string `json:"id"`
	OrderID    string `json:"orderId"`
	PaymentID  string `json:"paymentId"`
	CustomerID string `json:"customerId"`
	Amount     int    `json:"amount"`
	Currency   string `json:"currency"`
	Reason     string `json:"reason"`
	Comment    string `json:"comment,omitempty"`
	Status     string `json:"status"`
	CreatedAt  string `json:"createdAt"`
}

// An invoice of an order.
type invoice struct {
	ID         string  `json:"id"`
	OrderID    string  `json:"orderId"`
	CustomerID string  `json:"customerId"`
	Tenant     string  `json:"tenant"`
	BillTo     address `json:"billTo"`
	DebitFrom  string  `json:"debitFrom,omitempty"`
	Total      int     `json:"total"`
	Tax        int     `json:"tax"`
	Currency   string  `json:"currency"`
	IssuedAt   string  `json:"issuedAt"`
}

// A webhook of a customer.
type webhook struct {
	ID          string   `json:"id"`
	CustomerID  string   `json:"customerId"`
	URL         string   `json:"url"`
	Events      []string `json:"events"`
	Description string   `json:"description,omitempty"`
	CreatedAt   string   `json:"createdAt"`
	Secret      string   `json:"secret,omitempty"`
}

// A coupon that can be redeemed.
type coupon struct {
	Code        string `json:"code"`
	Value       int    `json:"value"`
	Currency    string `json:"currency"`
	Description string `json:"description,omitempty"`
	Uses        int    `json:"uses"`
	ExpiresAt   string `json:"expiresAt,omitempty"`
}

// A referral of a friend.
type referral struct {
	ID        string `json:"id"`
	Email     string `json:"email"`
	Bonus     int    `json:"bonus"`
	CreatedAt string `json:"createdAt"`

	by string
}

// A mail that the shop has sent.
type mail struct{ To, Subject, Text string }
